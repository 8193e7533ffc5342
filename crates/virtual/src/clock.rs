//! Time that passes when a test says so.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use towline_authenticator::UnixTime;

/// The time of day at which every virtual clock starts: 2026-01-01, 00:00 UTC.
const START: i64 = 1_767_225_600;

/// A clock that nobody waits for. It stands still until it is moved: by hand
/// ([`advance`](Self::advance)), or by a call that has nothing else to do than to wait, such as
/// [`VirtualAuthenticator::create`](crate::VirtualAuthenticator::create) while the person ignores a
/// question. A clone is the same clock.
///
/// ```
/// use std::time::Duration;
/// use towline_virtual::Clock;
///
/// let clock = Clock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(30));
/// assert_eq!(clock.now() - before, Duration::from_secs(30));
/// assert_eq!(clock.unix_time().0, 1_767_225_630); // it started with the year 2026
/// ```
#[derive(Clone)]
pub struct Clock(Arc<State>);

struct State {
    /// What counts is the distance from it alone.
    origin: Instant,
    /// How far the clock has been moved, in nanoseconds: room for 584 years.
    elapsed: AtomicU64,
}

impl Clock {
    /// A clock at the beginning of 2026.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(State { origin: Instant::now(), elapsed: AtomicU64::new(0) }))
    }

    /// The time by this clock, for machines that take an [`Instant`].
    #[must_use]
    pub fn now(&self) -> Instant {
        let elapsed = self.elapsed();
        self.0.origin.checked_add(elapsed).unwrap_or(self.0.origin)
    }

    /// How far the clock has been moved since it was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.elapsed.load(Ordering::SeqCst))
    }

    /// The time of day.
    #[must_use]
    pub fn unix_time(&self) -> UnixTime {
        let seconds = i64::try_from(self.elapsed().as_secs()).unwrap_or(i64::MAX);
        UnixTime(START.saturating_add(seconds))
    }

    /// Lets so much time pass.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let _always_some = self.0.elapsed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(now.saturating_add(nanos))
        });
    }

    /// Lets the time pass until then; a clock that is further already stays where it is.
    pub fn advance_to(&self, instant: Instant) {
        let elapsed = instant.saturating_duration_since(self.0.origin);
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.0.elapsed.fetch_max(nanos, Ordering::SeqCst);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.elapsed())
    }
}
