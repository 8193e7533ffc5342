//! What time it is.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time, by tokio's clock, so that tests may stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock, in seconds of Unix time. One before 1970 is wrong anyhow: what it is used for,
/// the age of a code, is a hint to the person and nothing more.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
