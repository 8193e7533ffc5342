//! Proxies that pass bytes through, and say before them where they came from.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use towline_tunnel::Limits;

use crate::support::{PATIENCE, Running, config, start, tunnel_id};

fn header(source: [u8; 4]) -> Vec<u8> {
    let ends = [&source[..], &[10, 0, 0, 1], &[0x30, 0x39, 0x01, 0xbb]].concat();
    [b"\r\n\r\n\0\r\nQUIT\n", &b"\x21\x11\0\x0c"[..], &ends].concat()
}

/// The proxy's own connection, such as a health check.
fn own() -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n", &b"\x20\0\0\0"[..]].concat()
}

fn request(number: u8) -> Vec<u8> {
    format!(
        "GET /cable/new/{} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: fido.cable\r\n\r\n",
        tunnel_id(number)
    )
    .into_bytes()
}

/// What the relay answers to these bytes, its first twelve; nothing if it closes without a word.
async fn answer(address: SocketAddr, bytes: &[u8]) -> (Option<String>, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap();
    (read.ok().map(|_| String::from_utf8(answer.to_vec()).unwrap()), stream)
}

async fn behind(networks: &[&str], limits: Limits) -> Running {
    let mut config = config();
    config.proxy_protocol = networks.iter().map(|network| network.parse().unwrap()).collect();
    config.limits = limits;
    start(config).await
}

const ADMITTED: Option<&str> = Some("HTTP/1.1 101");

#[tokio::test]
async fn each_source_that_a_proxy_names_has_its_own_places() {
    let limits = Limits { per_source: 1, ..Limits::default() };
    let relay = behind(&["127.0.0.0/8"], limits).await;
    let from = |source: [u8; 4], number| [header(source), request(number)].concat();
    let mut open = Vec::new();
    for (source, number, expected) in [
        ([192, 0, 2, 1], 1, "101"),
        ([198, 51, 100, 1], 2, "101"),
        ([192, 0, 2, 1], 3, "429"),
        ([203, 0, 113, 1], 4, "101"),
    ] {
        let (said, stream) = answer(relay.address, &from(source, number)).await;
        assert_eq!(said, Some(format!("HTTP/1.1 {expected}")), "{source:?}");
        open.push(stream);
    }
    assert_eq!(relay.handle.stats().waiting, 3);
    // What a proxy does on its own account is its own.
    let (said, _stream) = answer(relay.address, &[own(), request(5)].concat()).await;
    assert_eq!(said.as_deref(), ADMITTED);
}

/// It is a named proxy, and no trusted one: of a connection of its own it says nothing more.
#[tokio::test]
async fn who_says_nothing_of_a_connection_is_not_believed_in_its_request() {
    let limits = Limits { per_source: 1, ..Limits::default() };
    let relay = behind(&["127.0.0.0/8"], limits).await;
    let says = |from: &str, number| {
        let request = String::from_utf8(request(number)).unwrap();
        let said = format!("\r\nX-Forwarded-For: {from}\r\n\r\n");
        [own(), request.replace("\r\n\r\n", &said).into_bytes()].concat()
    };
    let (said, _stream) = answer(relay.address, &says("192.0.2.1", 1)).await;
    assert_eq!(said.as_deref(), ADMITTED);
    let (said, _) = answer(relay.address, &says("198.51.100.1", 2)).await;
    assert_eq!(said.as_deref(), Some("HTTP/1.1 429"), "both are the proxy's own");
}

#[tokio::test]
async fn a_header_that_comes_in_drops_is_read_and_nothing_beyond_it() {
    let relay = behind(&["127.0.0.1"], Limits::default()).await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in header([192, 0, 2, 1]) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stream.write_all(&request(1)).await.unwrap();
    let mut answer = [0; 12];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
}

#[tokio::test]
async fn a_named_proxy_has_to_say_it_and_nobody_else_may() {
    let named = behind(&["127.0.0.1"], Limits::default()).await;
    assert_eq!(answer(named.address, &request(1)).await.0, None, "closed without a word");
    let text = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n";
    assert_eq!(answer(named.address, &[&text[..], &request(1)].concat()).await.0, None);
    assert_eq!(named.handle.stats().waiting, 0);
    let others = behind(&["192.0.2.9"], Limits::default()).await;
    let forged = [header([198, 51, 100, 1]), request(1)].concat();
    assert_eq!(answer(others.address, &forged).await.0.as_deref(), Some("HTTP/1.1 400"));
    assert_eq!(answer(others.address, &request(1)).await.0.as_deref(), ADMITTED);
}

#[tokio::test]
async fn one_that_never_says_it_is_closed_in_time() {
    let mut config = config();
    config.proxy_protocol = vec!["127.0.0.1".parse().unwrap()];
    config.request_timeout = Duration::from_millis(100);
    let relay = start(config).await;
    assert_eq!(answer(relay.address, &header([192, 0, 2, 1])[..9]).await.0, None);
    assert_eq!(relay.handle.stats().requests, 0);
}
