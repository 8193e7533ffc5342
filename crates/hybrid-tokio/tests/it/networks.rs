//! Networks that are not as the developer's: with a proxy as the only way out, with IPv6 alone,
//! with a relay that dies, with a street full of foreign adverts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use towline_hybrid::{InitiatorConfig, ResponderConfig, Step};
use towline_hybrid_tokio::{
    ComputerEvent, ConnectFailure, Connector, NotAProxy, PhoneEvent, PhoneSession, Proxy,
    TransportError, TunnelConnector,
};
use towline_radio::{Advertiser, air::Air};

use crate::support::*;

fn host() -> String {
    domain().host(&provider())
}

/// An HTTP proxy that leads wherever it is asked to one address, and what it was asked.
struct Gate {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Gate {
    /// Answers with this status line instead of leading anywhere.
    async fn refusing(status: &'static str) -> Self {
        Self::open(Err(status)).await
    }

    async fn to(service: SocketAddr) -> Self {
        Self::open(Ok(service)).await
    }

    async fn open(leads: Result<SocketAddr, &'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let seen = seen.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                    let service = match leads {
                        Ok(service) => service,
                        Err(status) => {
                            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                            let _gone = stream.write_all(answer.as_bytes()).await;
                            return;
                        }
                    };
                    let mut onward = TcpStream::connect(service).await.unwrap();
                    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                    let _over = copy_bidirectional(&mut stream, &mut onward).await;
                });
            }
        });
        Self { address, heads }
    }

    fn proxy(&self, credentials: &str) -> Proxy {
        Proxy::new(&format!("http://{credentials}{}", self.address)).unwrap()
    }
}

/// A request there and back, and the end.
async fn tow(connector: Arc<dyn Connector>) {
    let air = Air::new();
    let (computer, _events) = computer(&air, connector.clone());
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, connector)));
    assert_eq!(in_time(computer.transact(vec![7; 300])).await.unwrap(), vec![7; 300]);
    in_time(computer.shutdown()).await.unwrap();
    in_time(phone).await.unwrap().0.unwrap();
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_service_by_its_name_and_carries_both_ends() {
    let relay = LoopbackRelay::tls(&host()).await;
    let gate = Gate::to(relay.address).await;
    // Nothing but the proxy knows where the host is.
    let connector =
        tls_connector([relay.certificate.clone().unwrap()]).proxy(gate.proxy("alice:a%20secret@"));
    tow(Arc::new(connector)).await;
    relay.until_empty().await;
    let heads = gate.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 2);
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {}:443 HTTP/1.1\r\n", host())), "{head}");
        // "alice:a secret"
        assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
        assert!(head.contains("YWxpY2U6YSBzZWNyZXQ="), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_such() {
    let relay = LoopbackRelay::tls(&host()).await;
    for (status, why) in [
        ("407 Proxy Authentication Required", "proxy authorization required"),
        ("403 Forbidden", "unsuccessful"),
    ] {
        let gate = Gate::refusing(status).await;
        let connector = tls_connector([relay.certificate.clone().unwrap()]).proxy(gate.proxy(""));
        let failure = fails(Arc::new(connector)).await;
        let ConnectFailure::Network(said) = &failure else { panic!("{failure:?}") };
        assert!(said.contains("by the proxy") && said.contains(why), "{said}");
    }
}

/// How the phone's connection fails.
async fn fails(connector: Arc<dyn Connector>) -> ConnectFailure {
    let air = Air::new();
    let (computer, _events) = computer(&air, connector.clone());
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, connector)));
    match in_time(phone).await.unwrap().0 {
        Err(TransportError::Hybrid(towline_hybrid::Error::Tunnel(failure))) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_that_is_gone_or_silent_does_not_hang_the_phone() {
    let relay = LoopbackRelay::tls(&host()).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    let proxied = || {
        let proxy = Proxy::new(&format!("http://{address}")).unwrap();
        tls_connector([relay.certificate.clone().unwrap()]).proxy(proxy)
    };
    let silent = Arc::new(proxied());
    let air = Air::new();
    let (computer, _events) = computer(&air, silent.clone());
    let mut config = ResponderConfig::new(GET_INFO.to_vec(), domain());
    config.connect_timeout = Duration::from_millis(200);
    let phone = PhoneSession::start(
        config,
        &provider(),
        scan(&computer),
        towline_hybrid::CodeSource::Camera,
        Arc::new(air.radio()),
        silent,
    );
    let (result, _) = in_time(serve(phone.unwrap())).await;
    let after = Duration::from_millis(200);
    let late = towline_hybrid::Error::TimedOut { step: Step::Tunnel, after };
    assert_eq!(result, Err(TransportError::Hybrid(late)));

    drop(gone);
    assert!(matches!(fails(Arc::new(proxied())).await, ConnectFailure::Network(_)));
}

#[tokio::test]
async fn a_relay_of_this_machine_is_reached_without_the_proxy() {
    let relay = LoopbackRelay::tls(&host()).await;
    let gate = Gate::refusing("403 Forbidden").await;
    let connector = tls_connector([relay.certificate.clone().unwrap()])
        .relay_at(relay.address)
        .proxy(gate.proxy(""));
    tow(Arc::new(connector)).await;
    assert!(gate.heads.lock().unwrap().is_empty());
}

#[test]
fn what_is_no_http_proxy_is_refused() {
    for text in ["", "ftp://proxy.example", "socks5://proxy.example:1080", "https://proxy.example"]
    {
        assert_eq!(Proxy::new(text).err(), Some(NotAProxy), "{text:?}");
    }
    for text in ["http://proxy.example:3128", "proxy.example:3128", "http://[2001:db8::1]:3128"] {
        assert!(Proxy::new(text).is_ok(), "{text:?}");
    }
    let secret = Proxy::new("http://alice:secret@proxy.example:3128").unwrap();
    assert_eq!(format!("{secret:?}"), "Proxy");
}

#[tokio::test]
async fn ipv6_alone_is_enough() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("NOT RUN: this machine has no IPv6");
        return;
    }
    let relay = LoopbackRelay::tls_at("[::1]:0", CertificateParams::new([host()]).unwrap()).await;
    assert!(relay.address.is_ipv6());
    tow(relay.connector()).await;
    relay.until_empty().await;
}

/// Whichever step it is killed at, both ends say so in time, and both radios fall silent.
#[tokio::test]
async fn a_relay_that_is_killed_at_any_step_ends_both_sessions() {
    for step in
        [Killed::Before, Killed::WhileTheCodeIsShown, Killed::WhileConnected, Killed::WhileAsked]
    {
        let relay = LoopbackRelay::tls(&host()).await;
        let air = Air::new();
        let mut config = InitiatorConfig::default();
        config.scan_timeout = Duration::from_secs(2);
        config.max_attempts = 1;
        let (computer, mut events) = computer_with(config, &air, relay.connector());
        let code = scan(&computer);
        if step == Killed::Before {
            kill(&relay).await;
        }
        let (phone, mut phone_events) = phone(code, &air, relay.connector());
        let serving = tokio::spawn(async move {
            while let Some(event) = phone_events.next().await {
                match event {
                    PhoneEvent::Ask { token, .. } => {
                        let yes = towline_hybrid::ResponderAnswer::Connect { remember: false };
                        phone.answer(token, yes).await.unwrap();
                    }
                    // The person never unlocks.
                    PhoneEvent::Finished(result) => return result.map_err(TransportError::from),
                    _ => {}
                }
            }
            panic!("a last event");
        });
        match step {
            Killed::Before => {}
            Killed::WhileTheCodeIsShown => {
                while relay.handle.stats().waiting == 0 && relay.handle.stats().joined == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                kill(&relay).await;
            }
            Killed::WhileConnected => {
                in_time(computer.get_info()).await.unwrap();
                kill(&relay).await;
            }
            Killed::WhileAsked => {
                in_time(computer.get_info()).await.unwrap();
                let asked = computer.transact(vec![1]);
                tokio::select! {
                    answer = asked => panic!("{answer:?}"),
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
                kill(&relay).await;
            }
        }
        let on_phone = in_time(serving).await.unwrap();
        assert!(on_phone.is_err(), "{step:?}: {on_phone:?}");
        let on_computer = loop {
            if let Some(ComputerEvent::Finished(result)) = in_time(events.next()).await {
                break result;
            }
        };
        // A connection that waits for its next request may end at any time; nothing was lost.
        assert_eq!(
            on_computer.is_ok(),
            step == Killed::WhileConnected,
            "{step:?}: {on_computer:?}"
        );
        assert_eq!((air.adverts(), air.scans()), (0, 0), "{step:?}");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Before,
    WhileTheCodeIsShown,
    WhileConnected,
    WhileAsked,
}

/// Its sockets close at once, without a word.
async fn kill(relay: &LoopbackRelay) {
    relay.task.abort();
    while !relay.task.is_finished() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_foreign_adverts_a_second_do_not_hide_the_phone() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _events) = computer(&air, relay.connector());
    let mut crowd = Vec::new();
    // Each is repeated ten times a second. All at once they would be more than a scan of the
    // simulated air keeps.
    for number in 0..100_u32 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let [a, b, c, d] = number.to_be_bytes();
        let mut service_data = [0x5a; 20];
        service_data[..4].copy_from_slice(&[a, b, c, d]);
        crowd.push(air.radio().advertise(&service_data).await.unwrap());
    }
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, relay.connector())));
    assert_eq!(in_time(computer.transact(vec![9])).await.unwrap(), [9]);
    in_time(computer.shutdown()).await.unwrap();
    in_time(phone).await.unwrap().0.unwrap();
    drop(crowd);
    assert_eq!((air.adverts(), air.scans()), (0, 0));
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_refused_behind_a_proxy_as_well() {
    let relay = LoopbackRelay::tls("tunnel.example").await;
    let gate = Gate::to(relay.address).await;
    let connector: TunnelConnector =
        tls_connector([relay.certificate.clone().unwrap()]).proxy(gate.proxy(""));
    assert!(matches!(fails(Arc::new(connector)).await, ConnectFailure::Tls(_)));
}

#[tokio::test]
async fn a_certificate_out_of_its_time_makes_one_think_of_the_clock() {
    for (from, until) in [(2000, 2001), (4000, 4001)] {
        let mut certificate = CertificateParams::new([host()]).unwrap();
        certificate.not_before = date_time_ymd(from, 1, 1);
        certificate.not_after = date_time_ymd(until, 1, 1);
        let relay = LoopbackRelay::tls_at("127.0.0.1:0", certificate).await;
        match fails(relay.connector()).await {
            ConnectFailure::Tls(why) => assert!(why.ends_with("clock right?"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
