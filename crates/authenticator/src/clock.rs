//! The time of the input at hand, and what is measured by it.

use std::time::{Duration, Instant};

/// The time of the input at hand; there is none before the first input.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock(Option<Instant>);

impl Clock {
    /// The time of this input.
    pub(crate) const fn at(now: Instant) -> Self {
        Self(Some(now))
    }

    /// The instant `delay` from now; `None` is never.
    pub(crate) fn after(self, delay: Duration) -> Option<Instant> {
        self.0.and_then(|now| now.checked_add(delay))
    }

    /// Whether that instant has come.
    pub(crate) fn reached(self, instant: Option<Instant>) -> bool {
        matches!((self.0, instant), (Some(now), Some(instant)) if now >= instant)
    }

    /// How long it is until that instant; `None` if that is never.
    pub(crate) fn until(self, instant: Option<Instant>) -> Option<Duration> {
        instant.zip(self.0).map(|(instant, now)| instant.saturating_duration_since(now))
    }
}
