//! Relays, connectors and people for the tests.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;
use std::time::Duration;

use towline_crypto::{CryptoProvider, rustcrypto};
use towline_hybrid::domain::TunnelDomain;
use towline_hybrid::qr::{Hint, QrPayload};
use towline_hybrid::{
    CodeSource, InitiatorConfig, ResponderAnswer, ResponderConfig, ResponderSummary,
};
use towline_hybrid_tokio::{
    ComputerEvent, ComputerEvents, ComputerSession, Connector, PhoneEvent, PhoneEvents,
    PhoneSession, TransportError,
};
use towline_radio::air::Air;
pub use towline_testkit::relay::{LoopbackRelay, tls_connector};

pub const PATIENCE: Duration = Duration::from_secs(10);
pub const GET_INFO: &[u8] = &[0xa1, 0x01, 0x80];

pub fn provider() -> CryptoProvider {
    rustcrypto::provider()
}

pub fn domain() -> TunnelDomain {
    TunnelDomain::new(257).unwrap()
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
