//! Relays, connectors and people for the tests.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tokio::task::JoinHandle;
use towline_crypto::{CryptoProvider, rustcrypto};
use towline_hybrid::domain::TunnelDomain;
use towline_hybrid::qr::{Hint, QrPayload};
use towline_hybrid::{
    CodeSource, InitiatorConfig, ResponderAnswer, ResponderConfig, ResponderSummary,
};
use towline_hybrid_tokio::{
    ComputerEvent, ComputerEvents, ComputerSession, Connector, PhoneEvent, PhoneEvents,
    PhoneSession, TransportError, TunnelConnector,
};
use towline_radio::air::Air;
use towline_tunnel::{Relay, RelayConfig, RelayHandle, Security, Tls};

pub const PATIENCE: Duration = Duration::from_secs(10);
pub const GET_INFO: &[u8] = &[0xa1, 0x01, 0x80];

pub fn provider() -> CryptoProvider {
    rustcrypto::provider()
}

pub fn domain() -> TunnelDomain {
    TunnelDomain::new(257).unwrap()
}

pub struct Service {
    pub address: SocketAddr,
    pub handle: RelayHandle,
    pub certificate: Option<CertificateDer<'static>>,
    pub task: JoinHandle<()>,
}

pub async fn plain_relay() -> Service {
    start("127.0.0.1:0", Security::Plain, None).await
}

/// A relay with a certificate for the tunnel domain's host.
pub async fn tls_relay(name: &str) -> Service {
    tls_relay_at("127.0.0.1:0", name).await
}

pub async fn tls_relay_at(listen: &str, name: &str) -> Service {
    tls_relay_with(listen, CertificateParams::new([name.to_owned()]).unwrap()).await
}

/// A relay with a certificate that says what a test wants.
pub async fn tls_relay_with(listen: &str, certificate: CertificateParams) -> Service {
    let key = KeyPair::generate().unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let tls = Tls::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    start(listen, Security::Tls(tls), Some(certificate.der().clone())).await
}

async fn start(
    listen: &str,
    security: Security,
    certificate: Option<CertificateDer<'static>>,
) -> Service {
    let config = RelayConfig::new(listen.parse().unwrap(), security, provider());
    let relay = Relay::bind(config).await.unwrap();
    let (address, handle) = (relay.local_addr(), relay.handle());
    Service { address, handle, certificate, task: tokio::spawn(relay.run()) }
}

impl Service {
    pub fn connector(&self) -> Arc<TunnelConnector> {
        Arc::new(match &self.certificate {
            None => TunnelConnector::plain_loopback(self.address).unwrap(),
            Some(certificate) => tls_connector([certificate.clone()]).relay_at(self.address),
        })
    }

    /// Waits until the relay holds no connection any more.
    pub async fn until_empty(&self) {
        let settled = async {
            loop {
                let stats = self.handle.stats();
                if stats.waiting == 0 && stats.joined == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, settled).await;
        assert!(in_time.is_ok(), "{:?}", self.handle.stats());
    }
}

pub fn tls_connector(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> TunnelConnector {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).unwrap();
    }
    TunnelConnector::with_roots(store, provider()).unwrap()
}

pub fn computer(air: &Air, connector: Arc<dyn Connector>) -> (ComputerSession, ComputerEvents) {
    computer_with(InitiatorConfig::default(), air, connector)
}

pub fn computer_with(
    config: InitiatorConfig,
    air: &Air,
    connector: Arc<dyn Connector>,
) -> (ComputerSession, ComputerEvents) {
    let hint = Hint::MakeCredential;
    ComputerSession::start(config, &provider(), hint, Arc::new(air.radio()), connector).unwrap()
}

pub fn scan(computer: &ComputerSession) -> QrPayload {
    QrPayload::from_uri(&provider(), &computer.qr_uri().unwrap()).unwrap()
}

pub fn phone(
    code: QrPayload,
    air: &Air,
    connector: Arc<dyn Connector>,
) -> (PhoneSession, PhoneEvents) {
    let config = ResponderConfig::new(GET_INFO.to_vec(), domain());
    let radio = Arc::new(air.radio());
    PhoneSession::start(config, &provider(), code, CodeSource::Camera, radio, connector).unwrap()
}

/// A phone whose person agrees, and whose authenticator echoes, to the end.
pub async fn serve(
    (phone, mut events): (PhoneSession, PhoneEvents),
) -> (Result<ResponderSummary, TransportError>, Vec<PhoneEvent>) {
    let mut seen = Vec::new();
    loop {
        let event = events.next().await.expect("a last event");
        seen.push(event.clone());
        match event {
            PhoneEvent::Ask { token, .. } => {
                phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
            }
            PhoneEvent::Request(request) => phone.respond(request).await.unwrap(),
            PhoneEvent::Finished(result) => return (result.map_err(TransportError::from), seen),
            _ => {}
        }
    }
}

/// The result of a session that ends by itself, and its events before.
pub async fn finish(
    mut events: ComputerEvents,
) -> (Result<towline_hybrid::InitiatorSummary, TransportError>, Vec<ComputerEvent>) {
    let mut seen = Vec::new();
    loop {
        match events.next().await.expect("a last event") {
            ComputerEvent::Finished(result) => return (result.map_err(TransportError::from), seen),
            event => seen.push(event),
        }
    }
}

pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("in time")
}
