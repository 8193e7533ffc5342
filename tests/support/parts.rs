//! Everything but the people: the site, the relay, the air, and the devices.

use std::{sync::Arc, time::Duration};

use towline::{
    Computer, LocalAuthenticator, PhoneTransport,
    client::Client,
    crypto::{CryptoProvider, rustcrypto},
    hybrid::{InitiatorConfig, domain::TunnelDomain},
    radio::air::{Air, AirRadio},
    transport::Connector,
};
use towline_rp::{Identity, RpClient, RpConfig, RpServer, Shutdown, VerifyError};
pub use towline_testkit::relay::LoopbackRelay;
use towline_virtual::{Builder, Parts, ScriptedPerson, SyncedSet};
use towline_virtual_phone::FakePhone;

use super::verifier::IndependentVerifier;

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
        let rp = RpServer::bind(config, judge).await.expect("loopback");
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

    /// What a phone needs to be in the room.
    pub fn phone_transport(&self) -> PhoneTransport {
        phone_transport(&self.air, self.relay.connector())
    }

    /// A phone in the room that holds nothing yet.
    pub fn phone(&self) -> FakePhone {
        self.phone_of(Builder::phone())
    }

    /// A phone in the room with this authenticator.
    pub fn phone_of(&self, authenticator: Builder) -> FakePhone {
        FakePhone::over(authenticator, self.phone_transport()).expect("a phone")
    }

    /// Waits until no socket is open at the relay, and checks that the air is silent.
    pub async fn released(&self) {
        self.relay.until_empty().await;
        assert_eq!((self.air.adverts(), self.air.scans()), (0, 0), "adverts and scans");
    }
}

/// What a phone needs to be in this air, with this way to a relay.
pub fn phone_transport(air: &Air, connector: Arc<dyn Connector>) -> PhoneTransport {
    PhoneTransport { advertiser: Arc::new(air.radio()), connector, domain: domain() }
}

/// This device, its person and its passkeys: the product's own, around such an authenticator.
pub fn device(
    authenticator: Builder,
) -> (LocalAuthenticator<ScriptedPerson>, ScriptedPerson, SyncedSet) {
    let parts = authenticator.build_parts().expect("an authenticator");
    let Parts { authenticator, person, passkeys, .. } = parts;
    let client = Client::new(provider());
    (LocalAuthenticator::new(authenticator, client, person.clone()), person, passkeys)
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
