//! Not faster than who reads: a node keeps 64 reports for each program that has it open, and drops
//! what comes after them, while the longest message is 129 reports.

use std::time::{Duration, Instant};

/// How many reports may go at once: half of what is kept.
const BURST: u32 = 32;

/// After that, one each so long, which is what a key on a full-speed wire can do.
const INTERVAL: Duration = Duration::from_millis(1);

/// When the next report may go.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When all that was sent would have gone at one report each interval.
    gone: Option<Instant>,
}

impl Pace {
    /// When the next report may go; none if that is now.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        let free = self.gone?.checked_sub(INTERVAL.saturating_mul(BURST.saturating_sub(1)))?;
        (free > now).then_some(free)
    }

    /// A report goes.
    pub(crate) fn sent(&mut self, now: Instant) {
        let from = self.gone.map_or(now, |gone| gone.max(now));
        self.gone = from.checked_add(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_in_turn() {
        let start = Instant::now();
        let (mut pace, mut now) = (Pace::default(), start);
        let mut at = Vec::new();
        for _ in 0..129 {
            now = pace.until(now).unwrap_or(now);
            pace.sent(now);
            at.push(now - start);
        }
        assert_eq!(at.iter().filter(|at| at.is_zero()).count(), 32);
        assert_eq!(at[32], INTERVAL);
        assert_eq!(at[128], INTERVAL * 97);

        let later = now + INTERVAL * 200;
        let mut free = 0;
        while pace.until(later).is_none() {
            pace.sent(later);
            free += 1;
        }
        assert_eq!(free, 32, "a pause brings the burst back, and no more");
    }
}
