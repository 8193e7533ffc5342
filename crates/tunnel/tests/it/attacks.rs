//! Peers that want all of a relay for themselves, on real sockets. Linux has every address of
//! 127.0.0.0/8 for them to come from.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use towline_crypto::Secret;
use towline_rendezvous::ContactKey;
use towline_tunnel::{Limits, Relay};

use crate::support::{Running, close_code, config, start, start_with, tunnel_id};

async fn connect(relay: SocketAddr, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(relay).await.unwrap()
}

fn key() -> ContactKey {
    ContactKey::new(Secret::new([1; 32]))
}

fn request(path: &str, header: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: fido.cable\r\n{header}\r\n"
    )
}

fn ring() -> String {
    let contact = key().contact_id(&towline_crypto::rustcrypto::provider());
    let path = format!("/cable/contact/{}", URL_SAFE_NO_PAD.encode(contact.as_bytes()));
    request(&path, "X-caBLE-Client-Payload: A0\r\n")
}

/// The status of the answer, and the connection.
async fn ask(relay: SocketAddr, from: [u8; 4], request: &str) -> (String, TcpStream) {
    let mut stream = connect(relay, from).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let read = tokio::time::timeout(crate::support::PATIENCE, stream.read_exact(&mut status)).await;
    read.expect("in time").unwrap();
    (String::from_utf8_lossy(&status[9..]).into_owned(), stream)
}

fn new(number: u8) -> String {
    request(&format!("/cable/new/{}", tunnel_id(number)), "")
}

#[tokio::test]
async fn sources_that_keep_all_places_to_wait_lose_them_one_by_one_to_others() {
    let relay = start_with(Limits { waiting: 32, ..Limits::default() }).await;
    let mut held = Vec::new();
    for number in 0..32 {
        let (status, stream) = ask(relay.address, [127, 1, number % 16, 1], &new(number)).await;
        assert_eq!(status, "101");
        held.push(stream);
    }
    for number in 0..8 {
        let (status, stream) = ask(relay.address, [127, 2, number, 1], &new(100 + number)).await;
        assert_eq!(status, "101", "{number}");
        held.push(stream);
    }
    assert_eq!(relay.handle.stats().waiting, 32);
}

#[tokio::test]
async fn who_is_crowded_out_is_told_to_try_again_later() {
    let relay = start_with(Limits { waiting: 1, ..Limits::default() }).await;
    let (mut first, _) = relay.phone(1).await;
    let (_second, _) = relay.phone(2).await;
    assert_eq!(close_code(&mut first).await, 1013);
}

/// They kept everybody else waiting for the 10 seconds that a request may take.
#[tokio::test]
async fn half_requests_of_many_sources_do_not_delay_others() {
    let mut config = config();
    config.requests_at_once = 64;
    let relay = start(config).await;
    let mut held = Vec::new();
    for number in 0..64 {
        let mut stream = connect(relay.address, [127, 1, number % 16, 1]).await;
        stream.write_all(b"GET /cable/new/00 HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    relay.until(|stats| stats.requests == 64).await;
    let began = Instant::now();
    for number in 0..8 {
        let (status, stream) = ask(relay.address, [127, 2, number, 1], &new(number)).await;
        assert_eq!(status, "101");
        held.push(stream);
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_source_of_half_requests_is_closed_and_others_are_not_kept_waiting_by_its_next() {
    let mut config = config();
    config.requests_at_once = 8;
    let relay = start(config).await;
    let mut held = Vec::new();
    for number in 0..8 {
        held.push(connect(relay.address, [127, 1, 1, 1 + number % 2]).await);
        relay.until(|stats| stats.requests == usize::from(number) + 1).await;
    }
    held.push(connect(relay.address, [127, 1, 2, 1]).await);
    let (status, _phone) = ask(relay.address, [127, 3, 1, 1], &new(1)).await;
    assert_eq!(status, "101");
}

#[tokio::test]
async fn computers_that_ring_do_not_hold_up_requests() {
    let mut config = config();
    config.requests_at_once = 1;
    let relay = start(config).await;
    let listen = format!("X-Towline-Contact-Key: {}\r\n", key().to_header().as_str());
    let listen = request("/towline/v1/listen", &listen);
    let (status, phone) = ask(relay.address, [127, 1, 1, 1], &listen).await;
    assert_eq!(status, "101");
    drop(phone);
    relay.until(|stats| (stats.listening, stats.absent) == (0, 1)).await;
    // The phone is expected back, and the computer waits for it.
    let mut ringing = connect(relay.address, [127, 2, 2, 2]).await;
    ringing.write_all(ring().as_bytes()).await.unwrap();
    relay.until(|stats| stats.ringing == 1).await;
    let began = Instant::now();
    assert_eq!(ask(relay.address, [127, 3, 3, 3], &new(1)).await.0, "101");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(relay.handle.stats().ringing, 1);
}

#[tokio::test]
async fn a_stranger_who_rings_without_end_gets_429_and_the_computer_comes_through() {
    let relay = start_with(Limits { ring_burst: 4, ..Limits::default() }).await;
    let listen = format!("X-Towline-Contact-Key: {}\r\n", key().to_header().as_str());
    let listen = request("/towline/v1/listen", &listen);
    let (_, phone) = ask(relay.address, [127, 1, 1, 1], &listen).await;
    let stranger = [127, 2, 2, 2];
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(relay.address, stranger).await;
        stream.write_all(ring().as_bytes()).await.unwrap();
        held.push(stream);
    }
    relay.until(|stats| stats.ringing == 2).await;
    for _ in 0..100 {
        assert_eq!(ask(relay.address, stranger, &ring()).await.0, "429");
    }
    let mut computer = connect(relay.address, [127, 3, 3, 3]).await;
    computer.write_all(ring().as_bytes()).await.unwrap();
    relay.until(|stats| (stats.ringing, stats.listening) == (3, 1)).await;
    drop((phone, computer));
}

/// A relay that may have `connections`, and its operator's address.
async fn small(connections: usize) -> (Running, SocketAddr) {
    let mut config = config();
    config.connections = connections;
    config.admin = Some("127.0.0.1:0".parse().unwrap());
    let relay = Relay::bind(config).await.unwrap();
    let (address, handle, admin) = (relay.local_addr(), relay.handle(), relay.admin_addr());
    (Running { address, handle, task: tokio::spawn(relay.run()) }, admin.unwrap())
}

#[tokio::test]
async fn a_relay_that_has_all_the_connections_it_may_have_still_answers_its_operator() {
    let (relay, admin) = small(2).await;
    let (first, _) = relay.phone(1).await;
    let (_second, _) = relay.phone(2).await;
    let waits = relay.phone(3);
    let mut waits = std::pin::pin!(waits);
    let too_early = tokio::time::timeout(Duration::from_millis(300), waits.as_mut()).await;
    assert!(too_early.is_err());
    let mut operator = TcpStream::connect(admin).await.unwrap();
    operator.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    operator.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("towline_relay_waiting 2"), "{answer}");
    drop(first);
    tokio::time::timeout(crate::support::PATIENCE, waits).await.expect("a place is free");
}

#[tokio::test]
async fn a_trusted_proxy_says_where_requests_come_from_and_nobody_else_does() {
    let mut config = config();
    config.limits.per_source = 1;
    config.requests_per_source = 1;
    config.trusted_proxies = vec!["127.9.9.0/24".parse().unwrap()];
    let relay = start(config).await;
    let from = |number: u8, says: &str| {
        let header = format!("X-Forwarded-For: {says}\r\n");
        request(&format!("/cable/new/{}", tunnel_id(number)), &header)
    };
    let proxy = [127, 9, 9, 9];
    let mut held = Vec::new();
    // A second one of the same source is too many, whatever it says that it came through.
    for (number, says, status) in [
        (1, "192.0.2.1", "101"),
        (2, "192.0.3.1", "101"),
        (3, "192.0.2.1", "429"),
        (4, "198.51.100.1, 192.0.2.1", "429"),
        (5, "198.51.100.1, 127.9.9.8", "101"),
    ] {
        let (answer, stream) = ask(relay.address, proxy, &from(number, says)).await;
        assert_eq!(answer, status, "{says}");
        held.push(stream);
    }
    // Others are where they are.
    let (first, _held) = ask(relay.address, [127, 8, 8, 8], &from(6, "192.0.4.1")).await;
    let (second, _) = ask(relay.address, [127, 8, 8, 8], &from(7, "192.0.5.1")).await;
    assert_eq!((first.as_str(), second.as_str()), ("101", "429"));
}
