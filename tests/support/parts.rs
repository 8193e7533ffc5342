//! Everything but the people: the site, the relay, the air, and the devices.

use std::{sync::Arc, time::Duration};

use towline::{
    Computer, LocalAuthenticator, Phone, PhoneTransport,
    authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys},
    client::Client,
    crypto::{CryptoProvider, rustcrypto},
    hybrid::{InitiatorConfig, domain::TunnelDomain},
    radio::air::{Air, AirRadio},
};
use towline_rp::{Identity, Rp, RpClient, RpConfig, Shutdown, VerifyError};
pub use towline_testkit::relay::LoopbackRelay;

use super::{Hand, verifier::IndependentVerifier};

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

/// A site, a relay, and the air around two devices.
pub struct World {
    pub site: Site,
    pub relay: LoopbackRelay,
    pub air: Air,
    pub provider: CryptoProvider,
}

impl World {
    pub async fn new() -> Self {
        Self::with_provider(provider()).await
    }

    pub async fn with_provider(provider: CryptoProvider) -> Self {
        let host = domain().host(&rustcrypto::provider());
        let (site, relay) = tokio::join!(Site::open(), LoopbackRelay::tls(&host));
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
