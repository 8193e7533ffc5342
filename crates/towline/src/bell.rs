//! A phone that listens for the computers which were allowed to remember it.

use std::{fmt, sync::Arc, time::Duration};

use towline_crypto::CryptoProvider;
use towline_hybrid::{
    Decision, ListenerConfig, RingToken,
    domain::TunnelDomain,
    ids::{RoutingId, TunnelId},
    link::{ClientPayload, ComputerLinks, PhoneIdentity, Ring, StoreError},
    tunnel::ConnectFailure,
};
use towline_hybrid_tokio::{
    Connector, Error as TransportError,
    listener::{Event, Events, Session},
};

/// What a [`Bell`] tells.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum BellEvent {
    /// Computers can ring now.
    Listening,
    /// Computers can't ring until the connection to the tunnel service is made anew, which is tried after a pause.
    Lost {
        /// Why, where the connection was refused.
        failure: Option<ConnectFailure>,
        /// How long the pause is.
        pause: Duration,
    },
    /// A known computer rings: answer it with [`Phone::answer_ring_until`](crate::Phone::answer_ring_until). It waits for
    /// about a minute.
    Rung(Ring),
}

/// A phone that listens for computers that ring. Dropping it ends that.
pub struct Bell {
    session: Session,
    events: Events,
    store: Arc<dyn ComputerLinks>,
    provider: CryptoProvider,
    identity: PhoneIdentity,
    /// A ring whose link is being looked up.
    pending: Option<Pending>,
}

#[derive(Clone, Copy)]
struct Pending {
    token: RingToken,
    payload: ClientPayload,
    routing_id: RoutingId,
    tunnel_id: TunnelId,
}

impl Bell {
    pub(crate) async fn start(
        store: Arc<dyn ComputerLinks>,
        provider: CryptoProvider,
        domain: TunnelDomain,
        connector: Arc<dyn Connector>,
    ) -> Result<Self, TransportError> {
        let identity = identity(&store, &provider).await?;
        let config = ListenerConfig::new(domain, identity.contact_key.clone());
        let (session, events) = Session::start(config, &provider, connector);
        Ok(Self { session, events, store, provider, identity, pending: None })
    }

    /// What happens next. Computers that are not known (any more) are told so without a word here. Cancel-safe.
    ///
    /// # Errors
    /// [`TransportError::Listen`], when it is over.
    pub async fn next(&mut self) -> Result<BellEvent, TransportError> {
        loop {
            if let Some(pending) = self.pending {
                let decided = self.look_up(pending).await;
                self.pending = None;
                if let Some(ring) = decided {
                    return Ok(BellEvent::Rung(ring));
                }
            }
            match self.events.next().await {
                Some(Event::Listening) => return Ok(BellEvent::Listening),
                Some(Event::Lost { failure, pause }) => {
                    return Ok(BellEvent::Lost { failure, pause });
                }
                Some(Event::Rung { token, payload, routing_id, tunnel_id }) => {
                    self.pending = Some(Pending { token, payload, routing_id, tunnel_id });
                }
                Some(Event::Finished(Err(error))) => return Err(error.into()),
                Some(Event::Finished(Ok(()))) | None => return Err(TransportError::Over),
                Some(_) => {}
            }
        }
    }

    /// Forgets all computers: becomes another phone to them, and waits until the tunnel service has confirmed that it tells
    /// each of them so. Without a connection that takes until there is one; whoever does not want to wait drops the future,
    /// and the phone stays what it was.
    ///
    /// # Errors
    /// [`TransportError`]; the phone stays what it was.
    pub async fn forget_all(self) -> Result<(), TransportError> {
        let other = PhoneIdentity::generate(&self.provider).map_err(towline_hybrid::Error::from)?;
        self.session.revoke().await?;
        kept(&self.store, move |store| store.become_other(&other)).await?;
        Ok(())
    }

    /// Listens no more, and waits until all is closed.
    ///
    /// # Errors
    /// Why it had ended before.
    pub async fn stop(self) -> Result<(), TransportError> {
        self.session.stop().await
    }

    async fn look_up(&self, pending: Pending) -> Option<Ring> {
        let Pending { token, payload, routing_id, tunnel_id } = pending;
        let computers = kept(&self.store, |store| store.computers()).await;
        let decision = match &computers {
            Ok(known) if known.iter().any(|known| known.link_id == payload.link_id) => {
                Decision::Come
            }
            Ok(_) => Decision::Unknown,
            // The computer must not delete its link because of a disk.
            Err(error) => {
                tracing::warn!(%error, "a ring could not be looked up");
                Decision::Busy
            }
        };
        let ring = match decision {
            Decision::Come => self.identity.ring(&self.provider, payload, routing_id, tunnel_id),
            _ => {
                self.session.decide(token, decision);
                return None;
            }
        };
        self.session.decide(token, if ring.is_ok() { Decision::Come } else { Decision::Busy });
        ring.ok()
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bell")
    }
}

/// A call of the store, which may block.
pub(crate) async fn kept<T: Send + 'static>(
    store: &Arc<dyn ComputerLinks>,
    call: impl FnOnce(&dyn ComputerLinks) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = store.clone();
    let called = tokio::task::spawn_blocking(move || call(&*store)).await;
    called.unwrap_or_else(|_| Err(StoreError::Unavailable("the store failed".into())))
}

/// What the phone is to computers. A phone that is nothing yet becomes something.
pub(crate) async fn identity(
    store: &Arc<dyn ComputerLinks>,
    provider: &CryptoProvider,
) -> Result<PhoneIdentity, TransportError> {
    if let Some(identity) = kept(store, |store| store.identity()).await? {
        return Ok(identity);
    }
    let identity = PhoneIdentity::generate(provider).map_err(towline_hybrid::Error::from)?;
    let new = identity.clone();
    kept(store, move |store| store.become_other(&new)).await?;
    Ok(identity)
}
