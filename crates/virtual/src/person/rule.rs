//! One rule of a script.

use std::{
    collections::VecDeque,
    fmt,
    ops::{Bound, RangeBounds},
    sync::Arc,
    time::Duration,
};

use super::{Asked, Reply, When};

/// When what is asked fits, the person does this.
pub(super) struct Rule {
    /// By which the script knows it.
    pub(super) number: usize,
    pub(super) name: Option<String>,
    pub(super) when: When,
    pub(super) does: Does,
    /// How long the person takes.
    pub(super) after: Duration,
    /// How often it is good for.
    pub(super) most: Option<usize>,
    pub(super) used: usize,
    pub(super) expected: Option<Times>,
}

#[derive(Clone)]
pub(super) enum Does {
    Always(Reply),
    /// One after the other; then it is used up.
    InTurn(VecDeque<Reply>),
    By(Arc<dyn Fn(&Asked) -> Reply + Send + Sync>),
}

impl Rule {
    pub(super) const fn new(when: When, does: Does) -> Self {
        let (name, most, expected) = (None, None, None);
        Self { number: 0, name, when, does, after: Duration::ZERO, most, used: 0, expected }
    }

    pub(super) fn is_used_up(&self) -> bool {
        let empty = matches!(&self.does, Does::InTurn(left) if left.is_empty());
        empty || self.most.is_some_and(|most| self.used >= most)
    }

    /// What the person does this time.
    pub(super) fn reply(&mut self, asked: &Asked) -> Reply {
        self.used = self.used.saturating_add(1);
        match &mut self.does {
            Does::Always(reply) => reply.clone(),
            Does::InTurn(left) => left.pop_front().unwrap_or(Reply::Refuse),
            Does::By(choose) => choose(asked),
        }
    }

    /// What is wrong, when nothing more will be asked.
    pub(super) fn unmet(&self) -> Option<String> {
        let expected = self.expected.as_ref().filter(|times| !times.has(self.used))?;
        Some(format!("{self} was expected {expected}, and came {}", Count(self.used)))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name:?} (when {}: ", self.when)?,
            None => write!(f, "(when {}: ", self.when)?,
        }
        match &self.does {
            Does::Always(reply) => write!(f, "{reply})"),
            Does::InTurn(left) => {
                let left: Vec<String> = left.iter().map(Reply::to_string).collect();
                write!(f, "in turn, with {:?} left)", left.join(", "))
            }
            Does::By(_) => f.write_str("as a function says)"),
        }
    }
}

/// How often something is expected: `2`, `1..`, `0..=3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    least: usize,
    /// The first number that is too many.
    end: Option<usize>,
}

impl Times {
    const fn has(self, count: usize) -> bool {
        let enough = match self.end {
            Some(end) => count < end,
            None => true,
        };
        self.least <= count && enough
    }

    fn of(range: &impl RangeBounds<usize>) -> Self {
        let least = match range.start_bound() {
            Bound::Included(least) => *least,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => Some(last.saturating_add(1)),
            Bound::Excluded(end) => Some(*end),
            Bound::Unbounded => None,
        };
        Self { least, end }
    }
}

impl From<usize> for Times {
    fn from(times: usize) -> Self {
        Self::of(&(times..=times))
    }
}

macro_rules! from_ranges {
    ($($range:ty),+) => {
        $(impl From<$range> for Times {
            fn from(range: $range) -> Self {
                Self::of(&range)
            }
        })+
    };
}
from_ranges!(
    std::ops::Range<usize>,
    std::ops::RangeFrom<usize>,
    std::ops::RangeInclusive<usize>,
    std::ops::RangeTo<usize>,
    std::ops::RangeToInclusive<usize>
);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.end.map(|end| end.saturating_sub(1))) {
            (least, Some(most)) if least == most => write!(f, "{}", Count(least)),
            (least, Some(most)) => write!(f, "{least} to {most} times"),
            (least, None) => write!(f, "at least {}", Count(least)),
        }
    }
}

/// A number of times.
pub(super) struct Count(pub(super) usize);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("never"),
            1 => f.write_str("once"),
            count => write!(f, "{count} times"),
        }
    }
}
