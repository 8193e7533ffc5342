//! The events of a transaction, in their order.

use tokio::sync::mpsc;

/// The events of one session.
pub struct Events<E>(mpsc::UnboundedReceiver<E>);

impl<E> Events<E> {
    pub(crate) fn queue() -> (mpsc::UnboundedSender<E>, Self) {
        let (events, events_out) = mpsc::unbounded_channel();
        (events, Self(events_out))
    }

    /// The next event; `None` after the last. Cancel-safe. Events that nobody reads are kept; there
    /// are few.
    pub async fn next(&mut self) -> Option<E> {
        self.0.recv().await
    }
}
