//! What an operator sees and does: metrics, health, and a certificate that is replaced while the
//! relay runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::tungstenite::Message;
use towline_rendezvous::message::{FromPhone, Reason};
use towline_testkit::Directory;
use towline_tunnel::{Ending, Happening, Limits, Relay, RelayConfig, RelayError, Security, Tls};

use crate::ringing::{listen, ring, rung, say};
use crate::support::{PATIENCE, close_code, config, receive, start, start_with};

async fn ask(admin: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A relay with an operator's listener, and where that is.
async fn watched() -> (crate::support::Running, SocketAddr) {
    watched_with(config()).await
}

pub(crate) async fn watched_with(mut config: RelayConfig) -> (crate::support::Running, SocketAddr) {
    config.admin = Some("127.0.0.1:0".parse().unwrap());
    let relay = Relay::bind(config).await.unwrap();
    let (address, handle, admin) = (relay.local_addr(), relay.handle(), relay.admin_addr());
    (crate::support::Running { address, handle, task: tokio::spawn(relay.run()) }, admin.unwrap())
}

pub(crate) fn value(metrics: &str, name: &str) -> Option<u64> {
    let line =
        metrics.lines().find_map(|line| line.strip_prefix(&format!("towline_relay_{name} ")));
    line.map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn metrics_count_what_happens_and_name_nobody() {
    let (relay, admin) = watched().await;
    let (_lonely, routing) = relay.phone(9).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    computer.send(Message::binary(vec![7; 100])).await.unwrap();
    receive(&mut phone).await;
    assert_eq!(relay.connect(&routing, 8).await.err(), Some(404));
    relay.until(|stats| stats.requests == 0).await;
    let (status, metrics) = ask(admin, "GET /metrics").await;
    assert_eq!(status, 200);
    for (name, expected) in [
        ("waiting", 1),
        ("joined", 2),
        ("draining", 0),
        ("accepted_total", 4),
        ("tunnels_total", 1),
        ("messages_total", 1),
        ("bytes_total", 100),
        ("refused_total{status=\"404\"}", 1),
    ] {
        assert_eq!(value(&metrics, name), Some(expected), "{name} in {metrics}");
    }
    assert!(!metrics.contains("127.0.0.1") && !metrics.contains(&crate::support::tunnel_id(9)));
    assert!(!metrics.contains(&format!("\"{routing}\"")));

    computer.close(None).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1000);
    let (_, metrics) = ask(admin, "GET /metrics").await;
    assert_eq!(value(&metrics, "ended_total{reason=\"peer_left\"}"), Some(2), "{metrics}");
}

#[tokio::test]
async fn every_line_of_the_metrics_is_a_comment_or_a_name_and_a_number() {
    let (relay, admin) = watched().await;
    assert_eq!(relay.connect("000000", 1).await.err(), Some(404));
    let (_, metrics) = ask(admin, "GET /metrics").await;
    assert!(metrics.ends_with('\n'));
    for line in metrics.lines().filter(|line| !line.starts_with("# HELP towline_relay_")) {
        let typed = line.strip_prefix("# TYPE towline_relay_");
        let kinds = [" gauge", " counter", " summary"];
        let typed = typed.is_some_and(|rest| kinds.iter().any(|kind| rest.ends_with(kind)));
        let number = line.rsplit_once(' ').is_some_and(|(_, number)| number.parse::<u64>().is_ok());
        assert!(typed || number, "{line}");
    }
}

#[tokio::test]
async fn a_relay_that_drains_is_alive_and_not_ready() {
    let (relay, admin) = watched().await;
    let (mut phone, mut computer) = relay.pair(1).await;
    assert_eq!(ask(admin, "GET /health/ready").await, (200, "ready\n".into()));
    relay.handle.shutdown(Duration::from_secs(60));
    assert_eq!(ask(admin, "GET /health/ready").await, (503, "draining\n".into()));
    assert_eq!(ask(admin, "GET /health/live").await, (200, "alive\n".into()));
    computer.close(None).await.unwrap();
    close_code(&mut phone).await;
    tokio::time::timeout(PATIENCE, relay.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(admin).await.is_err());
}

#[tokio::test]
async fn peers_do_not_reach_metrics_and_operators_open_no_tunnels() {
    let (relay, admin) = watched().await;
    assert!(relay.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 4"));
    assert_eq!(ask(admin, "GET /cable/new/000102030405060708090A0B0C0D0E0F").await.0, 404);
    assert_eq!(ask(admin, "DELETE /metrics").await.0, 405);
}

#[tokio::test]
async fn tunnels_that_begin_and_end_are_told_to_whoever_wants_to_know() {
    let mut config = config();
    let (happenings, mut told) = tokio::sync::mpsc::channel(8);
    config.happenings = Some(happenings);
    let relay = start(config).await;
    let (_phone, mut computer) = relay.pair(1).await;
    assert_eq!(told.recv().await, Some(Happening::Met { number: 1 }));
    computer.close(None).await.unwrap();
    let over = told.recv().await;
    let left = |ending| ending == Ending::PeerLeft;
    assert!(
        matches!(over, Some(Happening::Parted { number: 1, phone, computer, .. })
            if left(phone) && left(computer)),
        "{over:?}"
    );
    let _pair = relay.pair(2).await;
    assert_eq!(told.recv().await, Some(Happening::Met { number: 2 }));
}

#[tokio::test]
async fn a_tunnel_without_messages_ends_and_one_with_messages_goes_on() {
    let idle_time = Duration::from_millis(400);
    let relay = start_with(Limits { idle_time, ..Limits::default() }).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    for _ in 0..6 {
        tokio::time::sleep(idle_time / 4).await;
        computer.send(Message::binary(vec![1])).await.unwrap();
        receive(&mut phone).await;
    }
    // Pings keep nothing open.
    computer.send(Message::Ping(vec![].into())).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1008);
    assert_eq!(close_code(&mut computer).await, 1008);
    relay.until_empty().await;
}

/// A certificate and its key in files of their own, gone at the end.
struct Files(Directory);

impl Files {
    fn new(name: &str) -> Self {
        Self(Directory::new(name))
    }

    fn chain(&self) -> PathBuf {
        self.0.file("chain.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.file("key.pem")
    }

    fn tls(&self) -> Result<Tls, RelayError> {
        Tls::from_files(self.chain(), self.key())
    }
}

fn certificate() -> (String, String, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem(), certificate.der().clone())
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, stream).await.ok()
}

#[tokio::test]
async fn a_certificate_that_is_replaced_while_the_relay_runs_is_taken() {
    let files = Files::new("replaced");
    let (chain, key, old) = certificate();
    std::fs::write(files.chain(), chain).unwrap();
    std::fs::write(files.key(), key).unwrap();
    let mut config = config();
    config.security = Security::Tls(files.tls().unwrap());
    config.certificate_check = Duration::from_millis(20);
    config.admin = Some("127.0.0.1:0".parse().unwrap());
    let relay = Relay::bind(config).await.unwrap();
    let (address, admin) = (relay.local_addr(), relay.admin_addr().unwrap());
    let _task = tokio::spawn(relay.run());
    let mut before = connect(address, &old).await.expect("the first certificate is served");

    // Half of a replacement: the chain is there, its key is not. The old pair goes on.
    let (chain, key, new) = certificate();
    std::fs::write(files.chain(), chain).unwrap();
    let failed = "certificates_failed_total";
    until(admin, |metrics| value(metrics, failed) > Some(0)).await;
    assert!(connect(address, &old).await.is_some());
    assert!(connect(address, &new).await.is_none());

    std::fs::write(files.key(), key).unwrap();
    until(admin, |metrics| value(metrics, "certificates_total") == Some(1)).await;
    assert!(connect(address, &new).await.is_some());
    assert!(connect(address, &old).await.is_none());

    // Who was there before stays.
    before.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    before.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
}

pub(crate) async fn until(admin: SocketAddr, wanted: impl Fn(&str) -> bool) {
    let found = async {
        while !wanted(&ask(admin, "GET /metrics").await.1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("in time");
}

#[tokio::test]
async fn a_relay_does_not_start_with_files_that_are_missing_or_do_not_belong_together() {
    let files = Files::new("mismatched");
    assert!(matches!(files.tls().err(), Some(RelayError::CertificateFile { .. })));
    std::fs::write(files.chain(), certificate().0).unwrap();
    assert!(
        matches!(files.tls().err(), Some(RelayError::CertificateFile { path, .. }) if path == files.key())
    );
    std::fs::write(files.key(), certificate().1).unwrap();
    assert!(matches!(files.tls().err(), Some(RelayError::Certificate { .. })));
}

#[tokio::test]
async fn an_operators_address_that_is_taken_is_told() {
    let relay = start(config()).await;
    let mut config = config();
    config.admin = Some(relay.address);
    let error = Relay::bind(config).await.err();
    assert!(matches!(error, Some(RelayError::Bind { address, .. }) if address == relay.address));
}

#[tokio::test]
async fn rings_are_counted_by_what_became_of_them() {
    let (relay, admin) = watched().await;
    let mut phone = listen(&relay, 1).await.unwrap();
    let answers = [FromPhone::Accept, |ring| FromPhone::Refuse(ring, Reason::Busy)];
    for answer in answers {
        let says = async {
            let (ring, _) = rung(&mut phone).await;
            say(&mut phone, answer(ring)).await;
        };
        let (_rang, ()) = tokio::join!(ring(&relay, 1, true), says);
    }
    let (_, metrics) = ask(admin, "GET /metrics").await;
    for (from, result, expected) in [
        ("here", "accepted", 1),
        ("here", "busy", 1),
        ("here", "unanswered", 0),
        ("elsewhere", "accepted", 0),
        ("elsewhere", "moved", 0),
    ] {
        let name = format!("rings_total{{from=\"{from}\",result=\"{result}\"}}");
        assert_eq!(value(&metrics, &name), Some(expected), "{name} in {metrics}");
    }
}
