//! A phone that listens for the computers which were allowed to remember it.

mod line;
mod outbox;
mod porter;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use towline_crypto::CryptoProvider;
use towline_hybrid::{
    domain::TunnelDomain,
    link::{ComputerLinks, LinkStoreError, PhoneIdentity, Ring},
    tunnel::ConnectFailure,
};
use towline_hybrid_tokio::{Connector, TransportError};

pub(crate) use self::line::{Line, Serving};
use self::{
    outbox::Outbox,
    porter::{Command, Ended, Porter},
};

/// What a [`Bell`] tells.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum BellEvent {
    /// Computers can ring now.
    Listening,
    /// Computers can't ring until the connection to the tunnel service is made anew, which is tried
    /// after a pause.
    Lost {
        /// Why, where the connection was refused.
        failure: Option<ConnectFailure>,
        /// How long the pause is.
        pause: Duration,
    },
    /// The tunnel service does not let so many computers ring any more. They have to be linked
    /// again.
    GivenUp {
        /// How many computers are no longer listened for.
        computers: usize,
    },
    /// A known computer rings: answer it with
    /// [`Phone::answer_ring_until`](crate::Phone::answer_ring_until). It waits for about a minute.
    Rung(Ring),
}

/// A phone that listens for computers that ring. Dropping it ends that.
///
/// It decides about rings by itself: those of computers that are not known (any more) are refused,
/// and so are those that come while the phone serves somebody. One is kept for
/// [`next`](Self::next), until its computer goes away.
///
/// There is a connection for each linked computer, and one for the next that is linked, so that
/// each can be forgotten, and none can keep the others from ringing.
pub struct Bell {
    outbox: Outbox,
    commands: mpsc::Sender<Command>,
    store: Arc<dyn ComputerLinks>,
    provider: CryptoProvider,
    _porter: EndOnDrop,
}

struct EndOnDrop(AbortHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Bell {
    pub(crate) async fn start(
        store: Arc<dyn ComputerLinks>,
        provider: CryptoProvider,
        domain: TunnelDomain,
        connector: Arc<dyn Connector>,
        line: Arc<Line>,
    ) -> Result<Self, TransportError> {
        // A store that can't be used is said now.
        identity(&store, &provider).await?;
        let (porter, outbox, commands) =
            Porter::new(store.clone(), provider.clone(), domain, connector, line);
        let porter = EndOnDrop(tokio::spawn(porter.run()).abort_handle());
        Ok(Self { outbox, commands, store, provider, _porter: porter })
    }

    /// What happens next. Cancel-safe.
    ///
    /// # Errors
    /// [`TransportError::Listen`], when it is over.
    pub async fn next(&mut self) -> Result<BellEvent, TransportError> {
        self.outbox.next().await
    }

    /// Forgets all computers at once: becomes another phone to them. Then waits until the tunnel
    /// service has confirmed that it tells each of them so, which takes until there is a
    /// connection; whoever does not want to wait drops the future, and the next bell goes on.
    ///
    /// # Errors
    /// [`TransportError::Links`]: the phone stays what it was. Others: it is another one, and the
    /// next bell goes on.
    pub async fn forget_all(self) -> Result<(), TransportError> {
        let other = PhoneIdentity::generate(&self.provider).map_err(towline_hybrid::Error::from)?;
        kept(&self.store, move |store| store.become_other(&other)).await?;
        self.end(Command::Leave).await
    }

    /// Listens no more, and waits until all is closed.
    ///
    /// # Errors
    /// Why it had ended before.
    pub async fn stop(self) -> Result<(), TransportError> {
        self.end(Command::Stop).await
    }

    async fn end(
        self,
        command: impl FnOnce(oneshot::Sender<Ended>) -> Command,
    ) -> Result<(), TransportError> {
        let (reply, ended) = oneshot::channel();
        // A porter that is gone has dropped the reply.
        let _gone = self.commands.send(command(reply)).await;
        ended.await.unwrap_or(Err(TransportError::Over))
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
    call: impl FnOnce(&dyn ComputerLinks) -> Result<T, LinkStoreError> + Send + 'static,
) -> Result<T, LinkStoreError> {
    let store = store.clone();
    let called = tokio::task::spawn_blocking(move || call(&*store)).await;
    called.unwrap_or_else(|_| Err(LinkStoreError::Unavailable("the store failed".into())))
}

/// What the phone is to computers. A phone that is nothing yet becomes something, and the same to
/// all who ask at once.
pub(crate) async fn identity(
    store: &Arc<dyn ComputerLinks>,
    provider: &CryptoProvider,
) -> Result<PhoneIdentity, TransportError> {
    if let Some(identity) = kept(store, |store| store.identity()).await? {
        return Ok(identity);
    }
    let identity = PhoneIdentity::generate(provider).map_err(towline_hybrid::Error::from)?;
    Ok(kept(store, move |store| store.become_first(&identity)).await?)
}
