//! TLS as clients of every kind speak it.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use towline_tunnel::{RelayConfig, Security, Tls};

use crate::support::{PATIENCE, Running, config, start};

pub(crate) const REQUEST: &[u8] =
    b"GET /cable/new/000102030405060708090A0B0C0D0E0F HTTP/1.0\r\n\r\n";

/// A relay with TLS, and clients that trust it.
async fn served(versions: &[&'static SupportedProtocolVersion]) -> (Running, Arc<ClientConfig>) {
    let (config, client) = trusting(versions);
    (start(config).await, client)
}

pub(crate) fn trusting(
    versions: &[&'static SupportedProtocolVersion],
) -> (RelayConfig, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let mut config = config();
    config.security = Security::Tls(Tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.resumption = Resumption::in_memory_sessions(8);
    (config, Arc::new(client))
}

pub(crate) async fn connect(relay: &Running, client: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(relay.address).await.unwrap();
    let connecting =
        TlsConnector::from(client.clone()).connect("localhost".try_into().unwrap(), stream);
    tokio::time::timeout(PATIENCE, connecting).await.expect("in time").unwrap()
}

#[tokio::test]
async fn a_client_that_comes_again_makes_half_a_handshake_in_every_version() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (relay, client) = served(&[version]).await;
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            let mut stream = connect(&relay, &client).await;
            stream.write_all(REQUEST).await.unwrap();
            let mut answer = String::new();
            // To its end: TLS says that nothing was cut off.
            let read = stream.read_to_string(&mut answer);
            tokio::time::timeout(PATIENCE, read).await.expect("in time").unwrap();
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
            let spoken = stream.get_ref().1;
            assert_eq!(spoken.handshake_kind(), Some(kind), "{version:?}");
            // The relay's choice; this client would rather have the one with SHA-384.
            let suite = spoken.negotiated_cipher_suite().unwrap().suite();
            assert!(format!("{suite:?}").ends_with("AES_128_GCM_SHA256"), "{suite:?}");
        }
    }
}

#[tokio::test]
async fn a_configuration_for_short_records_is_served_in_long_ones() {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut served = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], made.signing_key.into())
        .unwrap();
    served.max_fragment_size = Some(32);
    let mut config = config();
    config.security = Security::Tls(Tls::from_config(Arc::new(served)));
    let relay = start(config).await;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut stream = connect(&relay, &Arc::new(client)).await;
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn records_that_come_byte_by_byte_are_put_together() {
    let (relay, client) = served(rustls::ALL_VERSIONS).await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut tls = ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
    std::io::Write::write_all(&mut tls.writer(), REQUEST).unwrap();
    let mut answer = Vec::new();
    loop {
        while tls.wants_write() {
            let mut bytes = Vec::new();
            tls.write_tls(&mut bytes).unwrap();
            for byte in bytes {
                stream.write_u8(byte).await.unwrap();
            }
        }
        let mut some = [0; 7];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut some)).await.expect("in time");
        let mut read = &some[..read.unwrap()];
        if read.is_empty() {
            break;
        }
        tls.read_tls(&mut read).unwrap();
        tls.process_new_packets().unwrap();
        // What is there; more may come.
        let _more = std::io::Read::read_to_end(&mut tls.reader(), &mut answer);
    }
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so_by_an_alert() {
    let (relay, _) = served(rustls::ALL_VERSIONS).await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _reset = read.expect("in time");
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}
