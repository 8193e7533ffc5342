//! Everything but the people: the site, the relay, the air, and the devices.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{RootCertStore, pki_types::CertificateDer};
use tokio::task::JoinHandle;
use towline::{
    Computer, LocalAuthenticator, Phone, PhoneTransport,
    authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys},
    client::Client,
    crypto::{CryptoProvider, rustcrypto},
    hybrid::{InitiatorConfig, domain::TunnelDomain},
    radio::air::{Air, AirRadio},
    transport::{Connector, TunnelConnector},
    tunnel::{Relay, RelayConfig, RelayHandle, Security, Tls},
};
use towline_rp::{Identity, Rp, RpClient, RpConfig, Shutdown, VerifyError};

use super::{Hand, PATIENCE, verifier::IndependentVerifier};

pub fn provider() -> CryptoProvider {
    rustcrypto::provider()
}

/// A tunnel domain whose host is derived, so that nobody else's service has it.
pub fn domain() -> TunnelDomain {
    TunnelDomain::new(257).expect("a domain")
}

/// A relying party that serves until dropped, judged by a library that we did not write.
pub struct Site {
    pub rp: RpClient,
    shutdown: Shutdown,
}

impl Site {
    pub async fn open() -> Self {
        Self::with(RpConfig::default()).await
    }

    pub async fn with(config: RpConfig) -> Self {
        Self::judged(config, IndependentVerifier::new).await
    }

    /// Wants to know who made the authenticator.
    pub async fn curious() -> Self {
        Self::judged(RpConfig::default(), IndependentVerifier::direct).await
    }

    async fn judged(
        config: RpConfig,
        judge: fn(&Identity) -> Result<IndependentVerifier, VerifyError>,
    ) -> Self {
        let rp = Rp::bind(config, judge).await.expect("loopback");
        let (client, shutdown) = (RpClient::new(&rp.url()).expect("a URL"), rp.shutdown_handle());
        tokio::spawn(rp.run());
        Self { rp: client, shutdown }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.shutdown();
    }
}

/// A relay that serves until dropped.
pub struct Service {
    pub address: SocketAddr,
    pub handle: RelayHandle,
    certificate: Option<CertificateDer<'static>>,
    security: Security,
    task: JoinHandle<()>,
}

impl Service {
    /// With a certificate for the tunnel domain's host.
    pub async fn tls() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([domain().host(&provider())]).expect("a certificate");
        let pem = (cert.pem(), signing_key.serialize_pem());
        let tls = Tls::from_pem(pem.0.as_bytes(), pem.1.as_bytes()).expect("PEM");
        Self::start(Security::Tls(tls), Some(cert.der().clone())).await
    }

    pub async fn plain() -> Self {
        Self::start(Security::Plain, None).await
    }

    async fn start(security: Security, certificate: Option<CertificateDer<'static>>) -> Self {
        let listen = "127.0.0.1:0".parse().expect("an address");
        let config = RelayConfig::new(listen, security.clone(), provider());
        let relay = Relay::bind(config).await.expect("loopback");
        let (address, handle) = (relay.local_addr(), relay.handle());
        Self { address, handle, certificate, security, task: tokio::spawn(relay.run()) }
    }

    /// Killed without a word, and started again at the same address, with nothing remembered.
    pub async fn restart(&mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
        let again = async {
            loop {
                let config = RelayConfig::new(self.address, self.security.clone(), provider());
                match Relay::bind(config).await {
                    Ok(relay) => return relay,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let relay = tokio::time::timeout(PATIENCE, again).await.expect("the port is free again");
        self.handle = relay.handle();
        self.task = tokio::spawn(relay.run());
    }

    pub fn connector(&self) -> Arc<dyn Connector> {
        let Some(certificate) = &self.certificate else {
            return Arc::new(TunnelConnector::plain_loopback(self.address).expect("loopback"));
        };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a root");
        let connector = TunnelConnector::with_roots(roots, provider()).expect("TLS");
        Arc::new(connector.relay_at(self.address))
    }

    /// Waits until nobody is connected any more.
    pub async fn until_empty(&self) {
        let empty = async {
            loop {
                let stats = self.handle.stats();
                if (stats.waiting, stats.listening, stats.joined) == (0, 0, 0) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let emptied = tokio::time::timeout(PATIENCE, empty).await;
        assert!(emptied.is_ok(), "{:?}", self.handle.stats());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A site, a relay, and the air around two devices.
pub struct World {
    pub site: Site,
    pub relay: Service,
    pub air: Air,
    pub provider: CryptoProvider,
}

impl World {
    pub async fn new() -> Self {
        Self::with_provider(provider()).await
    }

    pub async fn with_provider(provider: CryptoProvider) -> Self {
        let (site, relay) = tokio::join!(Site::open(), Service::tls());
        Self { site, relay, air: Air::new(), provider }
    }

    /// A computer in the room.
    pub fn computer(&self) -> Computer {
        self.computer_with(&self.air.radio(), InitiatorConfig::default())
    }

    pub fn computer_with(&self, radio: &AirRadio, config: InitiatorConfig) -> Computer {
        let radio = Arc::new(radio.clone());
        Computer::new(self.provider.clone(), radio, self.relay.connector()).with_config(config)
    }

    /// A phone in the room that holds nothing yet.
    pub fn phone(&self, hand: &Hand) -> Phone<Hand> {
        self.phone_with(hand, &MemoryStore::new())
    }

    /// A phone in the room with this store.
    pub fn phone_with(&self, hand: &Hand, store: &MemoryStore) -> Phone<Hand> {
        self.phone_of(Config::phone(), hand, store)
    }

    /// A phone in the room of this kind.
    pub fn phone_of(&self, config: Config, hand: &Hand, store: &MemoryStore) -> Phone<Hand> {
        let transport = PhoneTransport {
            advertiser: Arc::new(self.air.radio()),
            connector: self.relay.connector(),
            domain: domain(),
        };
        phone(&self.provider, config, hand, store, transport)
    }

    /// Waits until no socket is open at the relay, and checks that the air is silent.
    pub async fn released(&self) {
        self.relay.until_empty().await;
        assert_eq!((self.air.adverts(), self.air.scans()), (0, 0), "adverts and scans");
    }
}

pub fn phone(
    provider: &CryptoProvider,
    config: Config,
    hand: &Hand,
    store: &MemoryStore,
    transport: PhoneTransport,
) -> Phone<Hand> {
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(config, provider.clone(), store.clone(), keys).expect("a config");
    Phone::new(authenticator, provider.clone(), transport, hand.clone())
        .with_watcher(hand.watcher())
}

/// This device, as this preset.
pub fn device(config: Config, hand: &Hand, store: &MemoryStore) -> LocalAuthenticator<Hand> {
    let keys = SoftwareKeys::new(provider());
    let authenticator =
        Authenticator::new(config, provider(), store.clone(), keys).expect("a config");
    LocalAuthenticator::new(authenticator, Client::new(provider()), hand.clone())
}

/// A computer that does not wait for long, and gives up with the first phone that does not work.
pub fn impatient() -> InitiatorConfig {
    let mut config = InitiatorConfig::default();
    config.max_attempts = 1;
    config.scan_timeout = Duration::from_secs(10);
    config.connect_timeout = Duration::from_secs(2);
    config.handshake_timeout = Duration::from_secs(2);
    config.post_handshake_timeout = Duration::from_secs(2);
    config.response_timeout = Duration::from_secs(3);
    config.close_timeout = Duration::from_secs(1);
    config
}
