//! Tunnel services that misbehave, certificates that do not fit, and redirects.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use towline_hybrid::ids::{RoutingId, TunnelId};
use towline_hybrid::{InitiatorConfig, InitiatorProgress, Party, PeerFault, Step};
use towline_hybrid_tokio::{
    ComputerEvent, ConnectFailure, Connector, Incoming, NotLoopback, Resolve, Target,
    TransportError, TunnelConnector,
};
use towline_radio::air::Air;

use crate::support::*;

const NEW: &str = "X-caBLE-Routing-ID: 00AAff\r\n";

fn new_target() -> Target {
    Target::New { domain: domain(), tunnel_id: TunnelId::new([0xAB; 16]) }
}

fn connect_target() -> Target {
    Target::Connect {
        domain: domain(),
        routing_id: RoutingId::new([1, 2, 3]),
        tunnel_id: TunnelId::new([0xAB; 16]),
    }
}

/// What a scripted service answers to each request, one connection after the other.
#[derive(Clone)]
enum Script {
    /// These bytes, and then the connection is closed.
    Close(String),
    /// A correct upgrade with these further headers, then these bytes, then silence.
    Upgrade(String, Vec<u8>),
    /// A correct upgrade, and then the connection breaks.
    UpgradeAndBreak,
    /// Nothing at all.
    Stall,
}

fn status(line: &str) -> Script {
    Script::Close(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n"))
}

fn upgrade(headers: &str) -> Script {
    Script::Upgrade(format!("Sec-WebSocket-Protocol: fido.cable\r\n{headers}"), Vec::new())
}

async fn play(
    script: Script,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let upgraded = |headers: &str| {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
        )
    };
    let (answer, stays) = match script {
        Script::Close(answer) => (answer.into_bytes(), false),
        Script::Upgrade(headers, then) => ([upgraded(&headers).into_bytes(), then].concat(), true),
        Script::UpgradeAndBreak => {
            (upgraded(&format!("Sec-WebSocket-Protocol: fido.cable\r\n{NEW}")).into_bytes(), false)
        }
        Script::Stall => (Vec::new(), true),
    };
    heads.lock().unwrap().push(head);
    stream.write_all(&answer).await.unwrap();
    if stays {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    } else {
        let _ = stream.shutdown().await;
    }
}

struct Scripted {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connector: TunnelConnector,
}

/// A service without TLS that plays its scripts in turn, the last one for ever.
async fn plain(scripts: Vec<Script>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let script = scripts.get(number).or(scripts.last()).unwrap().clone();
            tokio::spawn(play(script, stream, seen.clone()));
        }
    });
    Scripted { address, heads, connector: TunnelConnector::plain_loopback(address).unwrap() }
}

/// The same over TLS, for the names given, reached for every name.
async fn tls(names: &[&str], scripts: Vec<Script>) -> Scripted {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
        vec![cert.der().clone()],
        rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
    )
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        let mut number = 0;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let script = scripts.get(number).or(scripts.last()).unwrap().clone();
            number += 1;
            tokio::spawn(play(script, stream, seen.clone()));
        }
    });
    let connector = tls_connector([cert.der().clone()]).relay_at(address);
    Scripted { address, heads, connector }
}

async fn failure(connector: &TunnelConnector, target: Target) -> ConnectFailure {
    in_time(connector.connect(target)).await.err().expect("a failure")
}

fn host() -> String {
    domain().host(&provider())
}

#[tokio::test]
async fn the_request_is_what_services_expect() {
    let service = tls(&[&host()], vec![upgrade(NEW)]).await;
    let connected = in_time(service.connector.connect(new_target()))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(connected.opened.routing_id, Some(RoutingId::new([0x00, 0xAA, 0xFF])));
    let connected = in_time(service.connector.connect(connect_target()))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(connected.opened.routing_id, None);
    let heads = service.heads.lock().unwrap();
    let id = "AB".repeat(16);
    assert!(heads[0].starts_with(&format!("GET /cable/new/{id} HTTP/1.1\r\n")), "{}", heads[0]);
    assert!(
        heads[1].starts_with(&format!("GET /cable/connect/010203/{id} HTTP/1.1\r\n")),
        "{}",
        heads[1]
    );
    for head in heads.iter() {
        let head = head.to_lowercase();
        assert!(head.contains(&format!("\r\nhost: {}\r\n", host())), "{head}");
        assert!(head.contains(&format!("\r\norigin: wss://{}\r\n", host())), "{head}");
        assert!(head.contains("\r\nsec-websocket-protocol: fido.cable\r\n"), "{head}");
        assert!(!head.contains("cookie"), "{head}");
    }
}

#[tokio::test]
async fn every_other_answer_is_a_typed_failure() {
    for (script, expected) in [
        (status("200 OK"), ConnectFailure::Status(200)),
        (status("400 Bad Request"), ConnectFailure::Status(400)),
        (
            Script::Close("HTTP/1.1 400 Bad Request\r\n\r\nnot offered\n".to_owned()),
            ConnectFailure::BadRequest("not offered".to_owned()),
        ),
        (status("403 Forbidden"), ConnectFailure::Status(403)),
        (status("404 Not Found"), ConnectFailure::Status(404)),
        (status("409 Conflict"), ConnectFailure::Status(409)),
        (status("410 Gone"), ConnectFailure::Status(410)),
        (status("500 Oops"), ConnectFailure::Status(500)),
        (status("304 Not Modified"), ConnectFailure::Status(304)),
        (status("301 Moved\r\nLocation: https://example.com/"), ConnectFailure::Redirected),
        (status("307 Moved\r\nLocation: /elsewhere"), ConnectFailure::Redirected),
        (Script::Close("garbage\r\n\r\n".to_owned()), ConnectFailure::NotATunnelService),
        (Script::Upgrade(NEW.to_owned(), vec![]), ConnectFailure::NotATunnelService),
        (
            Script::Upgrade(format!("{NEW}Sec-WebSocket-Protocol: chat\r\n"), vec![]),
            ConnectFailure::NotATunnelService,
        ),
        // Extensions that nobody asked for.
        (
            upgrade(&format!("{NEW}Sec-WebSocket-Extensions: permessage-deflate\r\n")),
            ConnectFailure::NotATunnelService,
        ),
        (
            upgrade(&format!("Sec-WebSocket-Extensions:\r\n{NEW}")),
            ConnectFailure::NotATunnelService,
        ),
        (upgrade(""), ConnectFailure::RoutingId),
        (upgrade("X-caBLE-Routing-ID: 00AA\r\n"), ConnectFailure::RoutingId),
        (upgrade("X-caBLE-Routing-ID: 00AAFFFF\r\n"), ConnectFailure::RoutingId),
        (upgrade("X-caBLE-Routing-ID: 00AAFG\r\n"), ConnectFailure::RoutingId),
        (upgrade(&NEW.repeat(2)), ConnectFailure::RoutingId),
    ] {
        let service = plain(vec![script]).await;
        assert_eq!(failure(&service.connector, new_target()).await, expected);
    }
    let service = plain(vec![Script::Close(String::new())]).await;
    assert!(matches!(failure(&service.connector, new_target()).await, ConnectFailure::Network(_)));
    let forged = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: fido.cable\r\n\r\n";
    let service = plain(vec![Script::Close(forged.to_owned())]).await;
    assert_eq!(failure(&service.connector, new_target()).await, ConnectFailure::NotATunnelService);
}

#[tokio::test]
async fn nobody_at_the_address_is_a_network_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let connector = TunnelConnector::plain_loopback(address).unwrap();
    assert!(matches!(failure(&connector, new_target()).await, ConnectFailure::Network(_)));
}

#[tokio::test]
async fn only_the_hosts_own_certificate_from_a_trusted_root_is_accepted() {
    let other_name = tls(&["cable.example"], vec![upgrade(NEW)]).await;
    assert!(matches!(failure(&other_name.connector, new_target()).await, ConnectFailure::Tls(_)));
    let right_name = tls(&[&host()], vec![upgrade(NEW)]).await;
    let no_roots = tls_connector([]).relay_at(right_name.address);
    assert!(matches!(failure(&no_roots, new_target()).await, ConnectFailure::Tls(_)));
    let not_tls = LoopbackRelay::plain().await;
    let connector = tls_connector([]).relay_at(not_tls.address);
    assert!(matches!(failure(&connector, new_target()).await, ConnectFailure::Tls(_)));
}

struct Nowhere;

impl Resolve for Nowhere {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        _: u16,
    ) -> towline_radio::BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
    }
}

#[tokio::test]
async fn a_host_without_an_address_is_told() {
    let connector = tls_connector([]).resolver(Arc::new(Nowhere));
    let failure = failure(&connector, new_target()).await;
    let ConnectFailure::Name(host) = &failure else { panic!("{failure:?}") };
    assert!(host.starts_with("cable.") && failure.to_string().contains(host), "{failure}");
}

#[tokio::test]
async fn plain_connections_leave_this_machine_never() {
    for address in ["192.0.2.1:80", "0.0.0.0:80", "[2001:db8::1]:80"] {
        let address = address.parse().unwrap();
        assert_eq!(TunnelConnector::plain_loopback(address).err(), Some(NotLoopback(address)));
    }
}

#[tokio::test]
async fn redirects_are_followed_only_where_allowed_and_headers_are_sent_again() {
    let hop = |to: &str| status(&format!("302 Found\r\nLocation: {to}"));
    let names = [&host(), "b.example"];
    let service = tls(
        &names,
        vec![hop("https://b.example/x?y=1"), hop("wss://b.example:444/z"), upgrade(NEW)],
    )
    .await;
    assert_eq!(failure(&service.connector, new_target()).await, ConnectFailure::Redirected);

    let service = tls(
        &names,
        vec![hop("https://b.example/x?y=1"), hop("wss://b.example:444/z"), upgrade(NEW)],
    )
    .await;
    let following = service.connector.clone().follow_redirects(true);
    assert!(in_time(following.connect(new_target())).await.is_ok());
    let heads = service.heads.lock().unwrap();
    assert!(heads[1].starts_with("GET /x?y=1 HTTP/1.1\r\n"), "{}", heads[1]);
    assert!(heads[2].starts_with("GET /z HTTP/1.1\r\n"), "{}", heads[2]);
    assert!(
        heads[2].to_lowercase().contains("\r\norigin: wss://b.example:444\r\n"),
        "{}",
        heads[2]
    );
    assert!(
        heads
            .iter()
            .all(|head| head.to_lowercase().contains("\r\nsec-websocket-protocol: fido.cable\r\n"))
    );
}

#[tokio::test]
async fn redirects_never_lead_to_plain_text_private_addresses_or_round_in_circles() {
    for to in [
        "ws://b.example/",
        "http://b.example/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://2130706433/",
        "https://user:secret@b.example/",
        "https://",
    ] {
        let service = tls(
            &[&host(), "b.example"],
            vec![status(&format!("302 Found\r\nLocation: {to}")), upgrade(NEW)],
        )
        .await;
        let following = service.connector.clone().follow_redirects(true);
        assert_eq!(failure(&following, new_target()).await, ConnectFailure::Redirected, "{to}");
        assert_eq!(service.heads.lock().unwrap().len(), 1, "{to}");
    }
    let service = tls(&[&host()], vec![status("302 Found\r\nLocation: /again")]).await;
    let following = service.connector.clone().follow_redirects(true);
    assert_eq!(failure(&following, new_target()).await, ConnectFailure::Redirected);
    assert_eq!(service.heads.lock().unwrap().len(), 6);
    // Without TLS there is nothing that a redirect could be trusted with.
    let service = plain(vec![status("302 Found\r\nLocation: /again")]).await;
    let following = service.connector.clone().follow_redirects(true);
    assert_eq!(failure(&following, new_target()).await, ConnectFailure::Redirected);
    assert_eq!(service.heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_comes_over_the_socket_is_told_apart() {
    let long = {
        let mut frame = vec![0x82, 127];
        frame.extend((1_u64 << 20 | 1).to_be_bytes());
        frame
    };
    for (bytes, expected) in [
        (vec![0x82, 2, 7, 8], Incoming::Frame(vec![7, 8])),
        (vec![0x02, 1, 7, 0x89, 0, 0x80, 1, 8], Incoming::Frame(vec![7, 8])),
        (vec![0x81, 1, b'x'], Incoming::Text),
        (vec![0x88, 0], Incoming::Closed),
        (vec![0xFF, 0], Incoming::Closed),
        (vec![0x82, 0x81, 0, 0, 0, 0, 1], Incoming::Closed),
        (long, Incoming::Closed),
    ] {
        let script =
            Script::Upgrade(format!("Sec-WebSocket-Protocol: fido.cable\r\n{NEW}"), bytes.clone());
        let service = plain(vec![script]).await;
        let mut connected = in_time(service.connector.connect(new_target()))
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(in_time(connected.channel.next()).await, expected, "{bytes:?}");
    }
}

#[tokio::test]
async fn closing_waits_for_nobody_for_long() {
    // The service never answers the close frame; the driver gives it two seconds.
    let service = plain(vec![upgrade(NEW)]).await;
    let air = Air::new();
    let (computer, _) = computer(&air, service_connector(&service));
    let phone = phone(scan(&computer), &air, service_connector(&service));
    let serving = tokio::spawn(serve(phone));
    while air.adverts() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Its computer connects, and sends its handshake into the void.
    let no_answer = tokio::time::timeout(Duration::from_millis(200), computer.get_info()).await;
    assert!(no_answer.is_err());
    let cancelled = in_time(computer.cancel()).await;
    assert_eq!(cancelled, Err(TransportError::Hybrid(towline_hybrid::Error::Cancelled)));
    serving.abort();
}

fn service_connector(service: &Scripted) -> Arc<dyn Connector> {
    Arc::new(service.connector.clone())
}

/// A phone on a good relay, and a computer whose relay is `script`: why the computer bans the
/// advert.
async fn computer_meets(script: Script, config: InitiatorConfig) -> towline_hybrid::Error {
    let good = LoopbackRelay::plain().await;
    let bad = plain(vec![script]).await;
    let air = Air::new();
    let (computer, mut events) = computer_with(config, &air, service_connector(&bad));
    let serving = tokio::spawn(serve(phone(scan(&computer), &air, good.connector())));
    let error = loop {
        let event = in_time(events.next()).await.expect("a failed attempt");
        if let ComputerEvent::Progress(InitiatorProgress::AttemptFailed(error)) = event {
            break error;
        }
    };
    let showing = ComputerEvent::Progress(InitiatorProgress::WaitingForScan);
    assert_eq!(in_time(events.next()).await, Some(showing));
    in_time(computer.cancel()).await.unwrap_err();
    assert_eq!(air.scans(), 0);
    serving.abort();
    let _ = serving.await;
    good.until_empty().await;
    assert_eq!(air.adverts(), 0);
    error
}

fn impatient() -> InitiatorConfig {
    let mut config = InitiatorConfig::default();
    config.connect_timeout = Duration::from_millis(300);
    config.handshake_timeout = Duration::from_millis(300);
    config
}

#[tokio::test]
async fn a_computer_bans_the_advert_and_says_what_was_wrong() {
    use towline_hybrid::Error;
    let cable = "Sec-WebSocket-Protocol: fido.cable\r\n".to_owned();
    let text = Error::Misbehaved { by: Party::Phone, step: Step::Message2, fault: PeerFault::Text };
    for (script, expected) in [
        (status("404 Not Found"), Error::Tunnel(ConnectFailure::Status(404))),
        (status("410 Gone"), Error::Tunnel(ConnectFailure::Status(410))),
        (status("301 Moved\r\nLocation: /x"), Error::Tunnel(ConnectFailure::Redirected)),
        (
            Script::Close("garbage\r\n\r\n".to_owned()),
            Error::Tunnel(ConnectFailure::NotATunnelService),
        ),
        (Script::Upgrade(cable.clone(), vec![0x81, 1, b'x']), text),
        (Script::UpgradeAndBreak, Error::Closed { step: Step::Message2 }),
    ] {
        assert_eq!(computer_meets(script, InitiatorConfig::default()).await, expected);
    }
    for (script, step) in
        [(Script::Stall, Step::Tunnel), (Script::Upgrade(cable, vec![]), Step::Message2)]
    {
        let after = Duration::from_millis(300);
        assert_eq!(computer_meets(script, impatient()).await, Error::TimedOut { step, after });
    }
}

#[tokio::test]
async fn a_phone_fails_at_once_and_says_what_was_wrong() {
    let tunnel = |failure| TransportError::Hybrid(towline_hybrid::Error::Tunnel(failure));
    for (script, expected) in [
        (status("400 Bad Request"), tunnel(ConnectFailure::Status(400))),
        (status("409 Conflict"), tunnel(ConnectFailure::Status(409))),
        (status("302 Found\r\nLocation: /x"), tunnel(ConnectFailure::Redirected)),
        (upgrade(""), tunnel(ConnectFailure::RoutingId)),
        (
            Script::UpgradeAndBreak,
            TransportError::Hybrid(towline_hybrid::Error::Closed { step: Step::Message1 }),
        ),
        (
            Script::Upgrade(
                format!("Sec-WebSocket-Protocol: fido.cable\r\n{NEW}"),
                vec![0x81, 1, b'x'],
            ),
            TransportError::Hybrid(towline_hybrid::Error::Misbehaved {
                by: Party::Computer,
                step: Step::Message1,
                fault: PeerFault::Text,
            }),
        ),
    ] {
        let service = plain(vec![script]).await;
        let air = Air::new();
        let (computer, _events) = computer(&Air::new(), service_connector(&service));
        let (result, _) =
            in_time(serve(phone(scan(&computer), &air, service_connector(&service)))).await;
        assert_eq!(result, Err(expected));
        assert_eq!(air.adverts(), 0);
    }
}
