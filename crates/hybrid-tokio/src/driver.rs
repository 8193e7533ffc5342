//! What the drivers of both roles have in common: waiting for things that may not be there.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use towline_hybrid::tunnel::ConnectFailure;
use towline_radio::BoxFuture;

use crate::{Connected, DataChannel, Incoming, TransportError};

/// How long a channel may take to close in good order.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time, by tokio's clock, so that tests may stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// The connection to the tunnel service.
#[derive(Default)]
pub(crate) enum Link {
    #[default]
    Down,
    Opening(BoxFuture<'static, Result<Connected, ConnectFailure>>),
    Up(Box<dyn DataChannel>),
}

/// What happened on a [`Link`].
pub(crate) enum LinkEvent {
    Opened(Result<Connected, ConnectFailure>),
    Incoming(Incoming),
}

impl Link {
    /// Cancel-safe: a channel that opened, or a message, is returned or stays.
    pub(crate) async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Down => pending().await,
            Self::Opening(opening) => {
                let opened = opening.await;
                // The future is used up; whoever takes the event puts the channel in.
                *self = Self::Down;
                LinkEvent::Opened(opened)
            }
            Self::Up(channel) => LinkEvent::Incoming(channel.next().await),
        }
    }

    pub(crate) fn send(&mut self, frame: Vec<u8>) {
        if let Self::Up(channel) = self {
            channel.send(frame);
        }
    }

    /// Gives up opening, or closes in the background.
    pub(crate) fn close(&mut self, closing: &mut JoinSet<()>) {
        if let Self::Up(channel) = std::mem::take(self) {
            closing.spawn(async move {
                let _late = tokio::time::timeout(CLOSE_TIMEOUT, channel.close()).await;
            });
        }
    }
}

/// Ends a session's task, and with it the radio and the sockets, when the session is dropped.
pub(crate) struct AbortOnDrop(pub(crate) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a session came to; nothing yet while it runs.
pub(crate) type Outcome<T> = Option<Result<T, TransportError>>;

/// Waits for the end of a session.
pub(crate) async fn outcome<T: Clone>(
    mut done: watch::Receiver<Outcome<T>>,
) -> Result<T, TransportError> {
    match done.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or(Err(TransportError::Over)),
        Err(_) => Err(TransportError::Over),
    }
}

/// Why a session that does not answer any more does not.
pub(crate) fn why_over<T>(done: &watch::Receiver<Outcome<T>>) -> TransportError {
    match &*done.borrow() {
        Some(Err(error)) => error.clone(),
        _ => TransportError::Over,
    }
}
