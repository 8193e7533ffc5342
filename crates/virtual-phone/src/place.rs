//! Where fakes meet.

use std::{fmt, net::SocketAddr, sync::Arc};

use tokio::task::AbortHandle;
use towline::{
    PhoneTransport,
    crypto::CryptoProvider,
    fastest,
    hybrid::domain::TunnelDomain,
    radio::air::Air,
    transport::{Connector, TunnelConnector},
    tunnel::{Relay, RelayConfig, RelayError, RelayHandle, Security, Stats},
};
use towline_virtual::BuildError;

/// The number of the tunnel domain that fake phones use: its host is derived, and nobody's.
const DERIVED: u16 = 257;

/// Why a fake does not start.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no place on loopback for the relay.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The options of the phone's authenticator contradict each other.
    #[error(transparent)]
    Authenticator(#[from] BuildError),
}

/// A simulated air, and a relay of towline's on a port of this machine: all that a phone and a
/// computer need between them. A clone is the same place; the relay ends with the last one.
#[derive(Clone)]
pub struct Place(Arc<Inner>);

struct Inner {
    air: Air,
    address: SocketAddr,
    relay: RelayHandle,
    connector: Arc<dyn Connector>,
    task: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Place {
    /// A place in which nothing is lost.
    ///
    /// # Errors
    /// [`SetupError::Relay`].
    pub async fn open() -> Result<Self, SetupError> {
        Self::around(Air::new()).await
    }

    /// A place around this air, which may lose adverts, or delay them.
    ///
    /// # Errors
    /// [`SetupError::Relay`].
    pub async fn around(air: Air) -> Result<Self, SetupError> {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let relay = Relay::bind(RelayConfig::new(listen, Security::Plain, provider())).await?;
        let (address, handle) = (relay.local_addr(), relay.handle());
        let elsewhere = |_| RelayError::PlainNotLoopback { address };
        let connector = Arc::new(TunnelConnector::plain_loopback(address).map_err(elsewhere)?);
        let task = tokio::spawn(relay.run()).abort_handle();
        Ok(Self(Arc::new(Inner { air, address, relay: handle, connector, task })))
    }

    /// The air: [`Air::radio`] gives a radio for whoever comes along.
    #[must_use]
    pub fn air(&self) -> &Air {
        &self.0.air
    }

    /// The way to the relay, for a phone or a computer of `towline`.
    #[must_use]
    pub fn connector(&self) -> Arc<dyn Connector> {
        self.0.connector.clone()
    }

    /// Where the relay listens, without TLS, for whoever connects by a socket of their own.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What the relay counts: who waits, who listens, who is joined.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.relay.stats()
    }

    /// What a phone needs to be here.
    #[must_use]
    pub fn phone_transport(&self) -> PhoneTransport {
        let advertiser = Arc::new(self.air().radio());
        PhoneTransport { advertiser, connector: self.connector(), domain: domain() }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place(relay at {})", self.0.address)
    }
}

/// The cryptography of all fakes.
pub(crate) fn provider() -> CryptoProvider {
    fastest::provider()
}

/// The tunnel domain of all fakes that are not told another.
#[allow(clippy::expect_used, reason = "every number from 256 on is a domain")]
fn domain() -> TunnelDomain {
    TunnelDomain::new(DERIVED).expect("a derived domain")
}
