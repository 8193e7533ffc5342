//! Every answer that a request can get, on real sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use towline_rendezvous::ids::ContactId;
use towline_rendezvous::message::FromPhone;
use towline_tunnel::{
    ContactAnswer, ContactState, Contacts, Limits, OriginPolicy, Relay, RelayConfig, RelayError,
    Security, Source, Tls,
};

use crate::operator::{until, value, watched_with};
use crate::ringing::{listen, say};
use crate::support::{Running, config, receive, start, start_with, tunnel_id};

fn upgrade(target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
    )
}

async fn status(relay: &Running, request: &str) -> u16 {
    let answer = relay.raw(request.as_bytes()).await;
    let code = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    code.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

fn new_path() -> String {
    format!("/cable/new/{}", tunnel_id(1))
}

#[tokio::test]
async fn a_phone_gets_a_routing_id_that_carries_the_node() {
    let mut config = config();
    config.node = 0xAB;
    let relay = start(config).await;
    let (_phone, routing) = relay.phone(1).await;
    assert_eq!(routing.len(), 6);
    assert!(routing.starts_with("AB"), "{routing}");
    assert_eq!(relay.handle.stats().waiting, 1);
}

#[tokio::test]
async fn ids_are_read_in_either_case() {
    let relay = start(config()).await;
    let id = "abcdefABCDEF00112233445566778899";
    let (_phone, routing) = relay.open(&format!("/cable/new/{id}")).await.unwrap();
    let path = format!("/cable/connect/{}/{}", routing.unwrap().to_lowercase(), id.to_lowercase());
    assert!(relay.open(&path).await.is_ok());
}

#[tokio::test]
async fn bad_requests_get_400() {
    let relay = start(config()).await;
    let cable = "Sec-WebSocket-Protocol: fido.cable\r\n";
    for (what, request) in [
        ("short id", upgrade("/cable/new/00", cable)),
        ("query", upgrade(&format!("{}?a", new_path()), cable)),
        ("no subprotocol", upgrade(&new_path(), "")),
        ("other subprotocol", upgrade(&new_path(), "Sec-WebSocket-Protocol: chat\r\n")),
        ("no upgrade", format!("GET {} HTTP/1.1\r\nHost: x\r\n{cable}\r\n", new_path())),
        ("version 8", upgrade(&new_path(), cable).replace("Version: 13", "Version: 8")),
        ("no key", upgrade(&new_path(), cable).replace("Sec-WebSocket-Key", "X-Key")),
        (
            "two keys",
            upgrade(
                &new_path(),
                &format!("{cable}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"),
            ),
        ),
        ("short key", upgrade(&new_path(), cable).replace("AAAAAAAAAAAAAAAAAAAAAA==", "AAAA")),
        ("other upgrade", upgrade(&new_path(), cable).replace("WebSocket\r\n", "h2c\r\n")),
        ("no host", upgrade(&new_path(), cable).replace("Host: x\r\n", "")),
        ("two hosts", upgrade(&new_path(), &format!("{cable}Host: x\r\n"))),
        ("old HTTP", upgrade(&new_path(), cable).replace("HTTP/1.1", "HTTP/1.0")),
        ("body", upgrade(&new_path(), &format!("{cable}Content-Length: 5\r\n")) + "hello"),
        (
            "chunks",
            upgrade(&new_path(), &format!("{cable}Transfer-Encoding: chunked\r\n"))
                + "5\r\nhello\r\n0\r\n\r\n",
        ),
        ("garbage", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n".to_owned()),
    ] {
        assert_eq!(status(&relay, &request).await, 400, "{what}");
    }
    assert_eq!(relay.handle.stats().waiting, 0);
}

#[tokio::test]
async fn refusals_carry_the_headers_that_http_asks_for_and_say_what_is_wrong() {
    let relay = start(config()).await;
    let cable = "Sec-WebSocket-Protocol: fido.cable\r\n";
    let old = upgrade(&new_path(), cable).replace("Version: 13", "Version: 8");
    let put = upgrade(&new_path(), cable).replace("GET", "PUT");
    let version = "this service speaks version 13 of the WebSocket protocol only\n";
    let (other, none) = (upgrade(&new_path(), "Sec-WebSocket-Protocol: chat\r\n"), "");
    let offered = "the WebSocket subprotocol fido.cable was not offered\n";
    for (request, status, header, body) in [
        (old, "400 Bad Request", "\r\nSec-WebSocket-Version: 13\r\n", version),
        (other, "400 Bad Request", "\r\nContent-Type: text/plain\r\n", offered),
        (put, "405 Method Not Allowed", "\r\nAllow: GET\r\n", none),
        (upgrade("/", cable), "404 Not Found", "\r\nConnection: close\r\n", none),
    ] {
        let answer = relay.raw(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(answer.contains(header) && answer.contains(" GMT\r\n"), "{answer}");
        let length = format!("\r\nContent-Length: {}\r\n", body.len());
        assert!(answer.contains(&length), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
    }
}

#[tokio::test]
async fn requests_are_read_as_clients_and_proxies_write_them() {
    let relay = start(config()).await;
    let cable = "sec-websocket-protocol: chat, fido.cable\r\n";
    for (number, target, ends) in [
        (1, "/cable/new/", "\r\n"),
        (2, "http://relay.example/cable/new/", "\r\n"),
        (3, "wss://relay.example:443/cable/new/", "\r\n"),
        (4, "/cable/new/", "\n"),
    ] {
        let request = upgrade(&format!("{target}{}", tunnel_id(number)), cable);
        let mut stream = TcpStream::connect(relay.address).await.unwrap();
        stream.write_all(request.replace("\r\n", ends).as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"HTTP/1.1 101", "{target}");
    }
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_answered() {
    let relay = start(config()).await;
    for (number, ends) in [(1, "\r\n"), (2, "\n")] {
        let path = format!("/cable/new/{}", tunnel_id(number));
        let request = upgrade(&path, "Sec-WebSocket-Protocol: fido.cable\r\n");
        let mut stream = TcpStream::connect(relay.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in request.replace("\r\n", ends).as_bytes() {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"HTTP/1.1 101");
    }
}

#[tokio::test]
async fn a_time_too_long_for_the_clock_means_never() {
    let mut config = config();
    config.request_timeout = Duration::MAX;
    config.write_timeout = Duration::MAX;
    let relay = start(config).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    relay.handle.shutdown(Duration::MAX);
    tokio::time::sleep(Duration::from_millis(100)).await;
    computer.send(Message::binary(vec![7])).await.unwrap();
    assert_eq!(receive(&mut phone).await, Message::binary(vec![7]));
}

#[tokio::test]
async fn other_paths_and_unknown_tunnels_get_404() {
    let relay = start(config()).await;
    let (_phone, routing) = relay.phone(1).await;
    for path in [
        "/".to_owned(),
        "/cable/old/00".to_owned(),
        format!("/cable/connect/{routing}/{}", tunnel_id(2)),
    ] {
        assert_eq!(relay.open(&path).await.err(), Some(404), "{path}");
    }
    let other = if routing == "000000" { "000001" } else { "000000" };
    assert_eq!(relay.connect(other, 1).await.err(), Some(404));
    assert!(relay.connect(&routing, 1).await.is_ok());
}

#[tokio::test]
async fn a_second_computer_gets_404() {
    let relay = start(config()).await;
    let (_phone, routing) = relay.phone(1).await;
    let _computer = relay.connect(&routing, 1).await.unwrap();
    assert_eq!(relay.connect(&routing, 1).await.err(), Some(404));
}

#[tokio::test]
async fn other_methods_get_405() {
    let relay = start(config()).await;
    for method in ["POST", "PUT", "OPTIONS"] {
        let request =
            upgrade(&new_path(), "Sec-WebSocket-Protocol: fido.cable\r\n").replace("GET", method);
        assert_eq!(status(&relay, &request).await, 405, "{method}");
    }
}

#[tokio::test]
async fn a_tunnel_id_in_use_or_used_up_gets_409() {
    let relay = start(config()).await;
    let (phone, routing) = relay.phone(1).await;
    assert_eq!(relay.open(&new_path()).await.err(), Some(409));
    let computer = relay.connect(&routing, 1).await.unwrap();
    drop((phone, computer));
    relay.until_empty().await;
    assert_eq!(relay.open(&new_path()).await.err(), Some(409));
}

#[tokio::test]
async fn a_phone_that_left_early_may_come_again() {
    let relay = start(config()).await;
    drop(relay.phone(1).await);
    relay.until_empty().await;
    relay.phone(1).await;
}

struct Phonebook;

impl Contacts for Phonebook {
    fn look_up(&self, contact: &ContactId) -> ContactAnswer<Option<ContactState>> {
        let state = match contact.as_bytes() {
            [0xfb, 0xff] => Some(ContactState::Revoked),
            [0xfb, 0xfe] => None,
            _ => Some(ContactState::Unknown),
        };
        // Later, as a store elsewhere answers.
        Box::pin(async move {
            tokio::task::yield_now().await;
            state
        })
    }

    fn revoke(&self, _contact: &ContactId, _source: Source) -> ContactAnswer<bool> {
        Box::pin(std::future::ready(false))
    }
}

#[tokio::test]
async fn contacts_get_404_when_unknown_and_410_when_revoked() {
    let mut config = config();
    config.contacts = Arc::new(Phonebook);
    let (relay, admin) = watched_with(config).await;
    let payload = [("X-caBLE-Client-Payload", "A0")];
    let ring = async |path: &str| relay.open_with(path, &payload).await.err();
    assert_eq!(ring("/cable/contact/AAAA").await, Some(404));
    assert_eq!(ring("/cable/contact/-_8").await, Some(410));
    assert_eq!(ring("/cable/contact/-_8=").await, Some(400));
    assert_eq!(relay.open("/cable/contact/AAAA").await.err(), Some(400), "without a payload");
    // What can't be told is no 404, and operators see it; so they see what is not kept.
    assert_eq!(ring("/cable/contact/-_4").await, Some(503));
    let mut phone = listen(&relay, 1).await.unwrap();
    say(&mut phone, FromPhone::Revoke).await;
    let counted = |metrics: &str| {
        value(metrics, "recalls_failed_total") == Some(1)
            && value(metrics, "revocations_total{result=\"not_kept\"}") == Some(1)
            && value(metrics, "revocations_total{result=\"kept\"}") == Some(0)
    };
    until(admin, counted).await;
}

#[tokio::test]
async fn foreign_origins_get_403_where_a_policy_says_so() {
    let mut config = config();
    config.origin_policy = OriginPolicy::OneOf(vec!["wss://cable.example".to_owned()]);
    let relay = start(config).await;
    let with = |origin: &str| {
        upgrade(&new_path(), &format!("Sec-WebSocket-Protocol: fido.cable\r\n{origin}"))
    };
    assert_eq!(status(&relay, &with("")).await, 403);
    assert_eq!(status(&relay, &with("Origin: https://evil.example\r\n")).await, 403);
    assert_eq!(relay.handle.stats().refused, 2);
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.write_all(with("Origin: wss://cable.example\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 101");
}

#[tokio::test]
async fn pages_get_403_and_what_clients_send_does_not() {
    let relay = start(config()).await;
    let cable = "Sec-WebSocket-Protocol: fido.cable\r\n";
    for (number, origin, status_code) in [
        (1, "", "101"),
        (2, "Origin: wss://cable.ua5v.com\r\n", "101"),
        (3, "Origin: http://x\r\n", "101"),
        (4, "Origin: https://evil.example\r\n", "403"),
        (5, "Origin: null\r\n", "403"),
    ] {
        let path = format!("/cable/new/{}", tunnel_id(number));
        let request = upgrade(&path, &format!("{cable}{origin}"));
        let mut stream = TcpStream::connect(relay.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer[9..], status_code.as_bytes(), "{origin}");
    }
}

#[tokio::test]
async fn too_many_from_one_source_get_429_and_a_full_service_503() {
    let relay = start_with(Limits { per_source: 1, ..Limits::default() }).await;
    let _phone = relay.phone(1).await;
    assert_eq!(relay.open(&format!("/cable/new/{}", tunnel_id(2))).await.err(), Some(429));
    let relay = start_with(Limits { pairs: 1, ..Limits::default() }).await;
    let _pair = relay.pair(1).await;
    let (_phone, routing) = relay.phone(2).await;
    assert_eq!(relay.connect(&routing, 2).await.err(), Some(503));
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let mut config = config();
    config.request_timeout = Duration::from_millis(300);
    config.requests_at_once = 1;
    let relay = start(config).await;
    let start = Instant::now();
    relay.raw(b"GET / HTTP/1.1\r\nX: ").await;
    assert!(start.elapsed() < Duration::from_secs(5));
    // Even one that sends a byte now and then, and even when it occupies the only place.
    let mut slow = TcpStream::connect(relay.address).await.unwrap();
    let dripping = tokio::spawn(async move {
        while slow.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    relay.phone(1).await;
    assert!(tokio::time::timeout(crate::support::PATIENCE, dripping).await.is_ok());
}

#[tokio::test]
async fn one_source_may_not_take_all_places_for_requests() {
    let mut config = config();
    config.requests_per_source = 1;
    let relay = start(config).await;
    // Connections are taken in the order in which they came.
    let idle = TcpStream::connect(relay.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(relay.raw(request).await, "");
    drop(idle);
    let answered = async {
        while relay.raw(request).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(crate::support::PATIENCE, answered).await.is_ok());
    // An admitted connection gives the place back.
    let _phone = relay.phone(1).await;
    let _other = relay.phone(2).await;
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let relay = start(config()).await;
    let head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let answer = relay.raw(head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn a_head_may_have_16_kib_and_64_headers() {
    let relay = start(config()).await;
    let cable = "Sec-WebSocket-Protocol: fido.cable\r\n";
    let bare = upgrade(&new_path(), cable).len() + "X: \r\n".len();
    let long = |length: usize| {
        upgrade(&new_path(), &format!("{cable}X: {}\r\n", "x".repeat(length - bare)))
    };
    assert_eq!(status(&relay, &long(16 * 1024 + 1)).await, 400);
    // Host, two for the upgrade, version, key and subprotocol are six.
    let many = |more: usize| upgrade(&new_path(), &(cable.to_owned() + &"X: y\r\n".repeat(more)));
    assert_eq!(status(&relay, &many(59)).await, 400);
    for request in [long(16 * 1024), many(58)] {
        let mut stream = TcpStream::connect(relay.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"HTTP/1.1 101");
        drop(stream);
        relay.until_empty().await;
    }
}

#[tokio::test]
async fn plain_is_refused_beyond_this_machine_unless_allowed() {
    let address = "0.0.0.0:0".parse().unwrap();
    let provider = towline_crypto::rustcrypto::provider();
    let plain = RelayConfig::new(address, Security::Plain, provider.clone());
    assert_eq!(Relay::bind(plain).await.err(), Some(RelayError::PlainNotLoopback { address }));
    let allowed = RelayConfig::new(address, Security::PlainAnywhere, provider);
    assert!(Relay::bind(allowed).await.is_ok());
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let relay = start(config()).await;
    let provider = towline_crypto::rustcrypto::provider();
    let again = RelayConfig::new(relay.address, Security::Plain, provider);
    let reason = std::io::ErrorKind::AddrInUse;
    assert_eq!(
        Relay::bind(again).await.err(),
        Some(RelayError::Bind { address: relay.address, reason })
    );
}

#[tokio::test]
async fn it_serves_over_tls_and_not_without() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["cable.example".to_owned()]).unwrap();
    let mut config = config();
    let tls = Tls::from_pem(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes()).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls(..)");
    config.security = Security::Tls(tls);
    let relay = start(config).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(relay.address).await.unwrap();
    let name = "cable.example".try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let request = upgrade(&new_path(), "Sec-WebSocket-Protocol: fido.cable\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 101");
    relay.until(|stats| stats.waiting == 1).await;

    let plain = relay.raw(request.as_bytes()).await;
    assert!(!plain.starts_with("HTTP"), "{plain}");
}

#[test]
fn certificates_and_keys_that_are_none_are_told() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let (cert, key, other) =
        (cert.pem(), signing_key.serialize_pem(), other.signing_key.serialize_pem());
    for (chain, key) in [
        ("", key.as_str()),
        ("x", &key),
        (&cert, ""),
        (&cert, "x"),
        (&cert, &cert),
        (&cert, &other),
    ] {
        let error = Tls::from_pem(chain.as_bytes(), key.as_bytes()).err();
        assert!(matches!(error, Some(RelayError::Certificate { .. })), "{error:?}");
    }
}
