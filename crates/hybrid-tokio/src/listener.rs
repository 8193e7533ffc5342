//! The session of a phone that listens: hears of linked computers that ring, and keeps its
//! connection.

mod events;

use std::sync::Arc;

use towline_crypto::CryptoProvider;
use towline_hybrid::{Decision, Listener, ListenerConfig, ListenerEvent, RingToken};

pub use self::events::ListenerEvents;
use self::events::Teller;
use crate::antenna::Antenna;
use crate::clock::now;
use crate::runner::{Desk, Handle};
use crate::{Connector, TransportError};

/// A phone that listens. Dropping it ends that.
pub struct ListenerSession(Handle<Listener, Teller>);

impl Desk<Listener> for Teller {
    type Summary = ();

    fn tell(&mut self, event: ListenerEvent) {
        self.add(event);
    }

    fn outcome(event: &ListenerEvent) -> Option<Result<(), TransportError>> {
        match event {
            ListenerEvent::Finished(result) => Some(result.map_err(TransportError::Listen)),
            _ => None,
        }
    }
}

impl ListenerSession {
    /// Starts to listen.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    #[must_use]
    pub fn start(
        config: ListenerConfig,
        provider: &CryptoProvider,
        connector: Arc<dyn Connector>,
    ) -> (Self, ListenerEvents) {
        let machine = Listener::new(config, provider, now());
        let (desk, events) = events::queue();
        (Self(Handle::spawn(machine, desk, Antenna::None, connector)), events)
    }

    /// What the phone says to [`ListenerEvent::Rung`]. Moot rings are ignored.
    pub fn decide(&self, token: RingToken, decision: Decision) {
        self.0.tell(move |listener, _| listener.handle_decision(token, decision, now()));
    }

    /// Nobody shall reach this phone under this contact id any more: waits until the service knows,
    /// however long that takes.
    ///
    /// # Errors
    /// [`TransportError::Listen`], when somebody else listens with the same key.
    pub async fn revoke(self) -> Result<(), TransportError> {
        self.0.tell(|listener, _| listener.handle_revoke(now()));
        self.0.outcome().await
    }

    /// Listens no more, and waits until all is closed.
    ///
    /// # Errors
    /// [`TransportError::Listen`], why it had ended before.
    pub async fn stop(self) -> Result<(), TransportError> {
        self.0.tell(|listener, _| listener.handle_stop(now()));
        self.0.outcome().await
    }
}
