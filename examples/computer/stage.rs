//! What stands around the computer in this example: a simulated radio, a relay on loopback, and a
//! phone whose person agrees to everything and scans each code that is shown.

use std::{error::Error, sync::Arc};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use towline::{
    Agreeable, Phone, PhoneTransport,
    authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys},
    fastest,
    hybrid::{CodeSource, domain::TunnelDomain},
    radio::{Scanner, air::Air},
    transport::TunnelConnector,
    tunnel::{Relay, RelayConfig, Security},
};

/// Where the computer stands.
pub(crate) struct Stage {
    /// On a real machine: `towline::radio`'s Bluetooth.
    pub(crate) radio: Arc<dyn Scanner>,
    /// For phones of the world: `TunnelConnector::with_roots`, with TLS.
    pub(crate) connector: Arc<TunnelConnector>,
    /// What the phone's camera sees.
    pub(crate) seen: UnboundedSender<String>,
}

/// Starts the relay and the phone.
pub(crate) async fn set() -> Result<Stage, Box<dyn Error>> {
    let (provider, air) = (fastest::provider(), Air::new());
    let config = RelayConfig::new("127.0.0.1:0".parse()?, Security::Plain, provider.clone());
    let relay = Relay::bind(config).await?;
    let connector = Arc::new(TunnelConnector::plain_loopback(relay.local_addr())?);
    tokio::spawn(relay.run());

    let keys = SoftwareKeys::new(provider.clone());
    let store = MemoryStore::new();
    let authenticator = Authenticator::new(Config::phone(), provider.clone(), store, keys)?;
    let transport = PhoneTransport {
        advertiser: Arc::new(air.radio()),
        connector: connector.clone(),
        domain: TunnelDomain::new(257)?,
    };
    let (seen, codes) = mpsc::unbounded_channel();
    tokio::spawn(scan(Phone::new(authenticator, provider, transport, Agreeable), codes));
    Ok(Stage { radio: Arc::new(air.radio()), connector, seen })
}

async fn scan(mut phone: Phone<Agreeable>, mut codes: UnboundedReceiver<String>) {
    while let Some(code) = codes.recv().await {
        match phone.answer_code(&code, CodeSource::Camera).await {
            Ok(served) => println!("phone: done; requests: {}", served.requests),
            Err(error) => println!("phone: {error}"),
        }
    }
}
