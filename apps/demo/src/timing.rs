//! How long the machines take, and how long people do.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;

/// What a ceremony took, step by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timed {
    /// `create` or `get`.
    pub ceremony: &'static str,
    /// The way that was taken: `code`, `link`, `laptop` or `key`.
    pub way: &'static str,
    /// The steps, one after the other.
    pub steps: Vec<TimedStep>,
    /// The sum of what machines took, in microseconds.
    pub machine_us: u64,
    /// The sum of what people took, in microseconds.
    pub person_us: u64,
}

/// A part of a ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimedStep {
    /// What had happened in the end: `code`, `scanned`, `asked`, `answered`, `advert`, `near`,
    /// `tunnel`, `handshake`, `request`, `response`, `page` or `site`.
    pub step: &'static str,
    /// How long it took, in microseconds.
    pub us: u64,
    /// Whether it was a person who took so long.
    pub person: bool,
}

impl Timed {
    pub(crate) const fn new(ceremony: &'static str) -> Self {
        Self { ceremony, way: "", steps: Vec::new(), machine_us: 0, person_us: 0 }
    }
}

/// A line for whoever reads along: what machines took, step by step.
impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| Duration::from_micros(us).as_secs_f64() * 1000.0;
        let Self { ceremony, way, steps, machine_us, person_us } = self;
        write!(f, "{ceremony} by {way}: the machines took {:.0} ms", ms(*machine_us))?;
        write!(f, " and people {:.1} s (", ms(*person_us) / 1000.0)?;
        let mut machine = steps.iter().filter(|step| !step.person);
        if let Some(first) = machine.next() {
            write!(f, "{} {:.1}", first.step, ms(first.us))?;
        }
        for step in machine {
            write!(f, ", {} {:.1}", step.step, ms(step.us))?;
        }
        f.write_str(")")
    }
}

/// Measures a ceremony.
pub(crate) struct Stopwatch {
    last: Instant,
    timed: Timed,
}

impl Stopwatch {
    pub(crate) fn start(ceremony: &'static str) -> Self {
        Self { last: Instant::now(), timed: Timed::new(ceremony) }
    }

    pub(crate) const fn takes(&mut self, way: &'static str) {
        self.timed.way = way;
    }

    /// Something has happened, for which a person was waited, or machines worked.
    pub(crate) fn mark(&mut self, step: &'static str, person: bool) {
        let now = Instant::now();
        let us = u64::try_from(now.duration_since(self.last).as_micros()).unwrap_or(u64::MAX);
        self.last = now;
        let sum = if person { &mut self.timed.person_us } else { &mut self.timed.machine_us };
        *sum = sum.saturating_add(us);
        self.timed.steps.push(TimedStep { step, us, person });
    }

    pub(crate) const fn timed(&self) -> &Timed {
        &self.timed
    }
}
