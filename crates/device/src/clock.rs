//! The time of day, and the time by tokio's clock, so that tests may stop it and move it by hand.

use std::time::{SystemTime, UNIX_EPOCH};

use towline_authenticator::UnixTime;

#[cfg(feature = "runtime")]
pub(crate) use of_tokio::{at, now};

/// The time of day by the system's clock, for [`Authenticator::handle_unix_time`]. One that stands
/// before 1970 is not set, and counts as the beginning of that year.
///
/// [`Authenticator::handle_unix_time`]: towline_authenticator::Authenticator::handle_unix_time
#[must_use]
pub fn unix_time() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(feature = "runtime")]
mod of_tokio {
    use std::{future::pending, time::Instant};

    use tokio::time::sleep_until;

    pub(crate) fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// Waits for the instant; for ever, without one.
    pub(crate) async fn at(instant: Option<Instant>) {
        match instant {
            // Timers are rounded up to a millisecond, which is much longer than a ceremony.
            Some(instant) if instant <= now() => {}
            Some(instant) => sleep_until(instant.into()).await,
            None => pending().await,
        }
    }
}
