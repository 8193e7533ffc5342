//! Connections as they come, and what is said when none can.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long to wait after the operating system could not accept a connection, for lack of
/// descriptors for instance.
const PAUSE: Duration = Duration::from_millis(50);

/// A state is over when it has not been met for so long. Until then nothing more is said about it.
const OVER: Duration = Duration::from_secs(10);

/// Accepts connections of one kind, so many at once.
pub(crate) struct Accepting {
    /// Whose they are, for the log.
    who: &'static str,
    places: Arc<Semaphore>,
    full: Trouble,
    failing: Trouble,
}

impl Accepting {
    pub(crate) fn new(who: &'static str, most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            who,
            places: Arc::new(Semaphore::new(most)),
            full: Trouble::default(),
            failing: Trouble::default(),
        }
    }

    /// The next connection, once there is a place for it.
    pub(crate) async fn next(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                if self.full.begins(Instant::now()) {
                    tracing::warn!(
                        of = self.who,
                        "as many connections as there may be; others wait"
                    );
                }
                self.places.clone().acquire_owned().await.ok()?
            }
        };
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let now = Instant::now();
                    if self.failing.is_over(now) | self.full.is_over(now) {
                        tracing::info!(of = self.who, "connections are accepted again");
                    }
                    return Some((stream, peer, place));
                }
                Err(error) => self.failed(&error).await,
            }
        }
    }

    async fn failed(&self, error: &io::Error) {
        if self.failing.begins(Instant::now()) {
            tracing::warn!(of = self.who, %error, "cannot accept connections; they wait");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A state that is told when it begins and when it is over, and not each time that it is met.
#[derive(Default)]
struct Trouble(Mutex<Option<Instant>>);

impl Trouble {
    /// It is met; whether that is new.
    fn begins(&self, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        last.is_none_or(|last| now.saturating_duration_since(last) > OVER)
    }

    /// It is not met; whether that is new.
    fn is_over(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = last.is_some_and(|last| now.saturating_duration_since(last) > OVER);
        if over {
            *last = None;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_state_is_told_once_and_not_each_time_that_it_is_met() {
        let trouble = Trouble::default();
        assert!(!trouble.is_over(Instant::now()));
        let mut told = 0;
        for _ in 0..1000 {
            told += u32::from(trouble.begins(Instant::now()));
            // One connection comes through now and then.
            assert!(!trouble.is_over(Instant::now()));
            tokio::time::advance(PAUSE).await;
        }
        assert_eq!(told, 1);
        tokio::time::advance(OVER).await;
        assert!(trouble.is_over(Instant::now()) && !trouble.is_over(Instant::now()));
        assert!(trouble.begins(Instant::now()));
    }
}
