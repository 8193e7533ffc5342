//! The time, by tokio's clock, so that tests may stop it and move it by hand.

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
