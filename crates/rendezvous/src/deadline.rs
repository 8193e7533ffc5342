//! Instants in the future that can't overflow.

use std::time::{Duration, Instant};

/// What "never" comes down to where a duration is too long for the clock.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// `now + wait`.
#[must_use]
pub fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}
