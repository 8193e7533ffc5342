//! A phone that listens on real sockets: whenever its network or its relay dies, it comes back, and
//! is rung.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use towline_hybrid::ids::{ClientNonce, LinkId};
use towline_hybrid::link::{ClientPayload, ContactKey};
use towline_hybrid::qr::Hint;
use towline_hybrid::{Decision, ListenerConfig};
use towline_hybrid_tokio::{
    ConnectFailure, Connector, ListenerEvent, ListenerEvents, ListenerSession, Target,
    TunnelConnector,
};

use crate::support::*;

/// A network between a phone and its relay, which breaks after so many bytes from the relay, once
/// for each number; after the last it holds.
struct Network {
    address: SocketAddr,
    breaks: Arc<Mutex<VecDeque<usize>>>,
    connections: Arc<Mutex<usize>>,
}

impl Network {
    async fn to(relay: SocketAddr, breaks: &[usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let breaks = Arc::new(Mutex::new(breaks.iter().copied().collect::<VecDeque<_>>()));
        let connections = Arc::new(Mutex::new(0));
        let (left, counted) = (breaks.clone(), connections.clone());
        tokio::spawn(async move {
            loop {
                let (mut phone, _) = listener.accept().await.unwrap();
                *counted.lock().unwrap() += 1;
                let limit = left.lock().unwrap().pop_front();
                tokio::spawn(async move {
                    let mut service = TcpStream::connect(relay).await.unwrap();
                    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
                    let mut passed = 0;
                    loop {
                        if limit.is_some_and(|limit| passed >= limit) {
                            return;
                        }
                        tokio::select! {
                            read = phone.read(&mut up) => match read {
                                Ok(1..) => service.write_all(&up[..read.unwrap()]).await.unwrap(),
                                _ => return,
                            },
                            read = service.read(&mut down) => match read {
                                Ok(count @ 1..) => {
                                    let count = limit.map_or(count, |limit| count.min(limit - passed));
                                    passed += count;
                                    if phone.write_all(&down[..count]).await.is_err() {
                                        return;
                                    }
                                }
                                _ => return,
                            },
                        }
                    }
                });
            }
        });
        Self { address, breaks, connections }
    }

    fn whole(&self) -> bool {
        self.breaks.lock().unwrap().is_empty()
    }
}

fn key() -> ContactKey {
    ContactKey::generate(&provider()).unwrap()
}

fn listen(key: &ContactKey, connector: Arc<dyn Connector>) -> (ListenerSession, ListenerEvents) {
    let mut config = ListenerConfig::new(domain(), key.clone());
    (config.first_pause, config.longest_pause) =
        (Duration::from_millis(10), Duration::from_millis(100));
    ListenerSession::start(config, &provider(), connector)
}

async fn ring(
    connector: &dyn Connector,
    key: &ContactKey,
    nonce: u8,
) -> Result<(), ConnectFailure> {
    let payload = ClientPayload {
        link_id: LinkId::new([1; 8]),
        nonce: ClientNonce::new([nonce; 16]),
        hint: Hint::GetAssertion,
    };
    let contact_id = key.contact_id(&provider());
    let target = Target::Contact { domain: domain(), contact_id, payload };
    in_time(connector.connect(target)).await.map(drop)
}

#[tokio::test]
async fn wherever_the_network_breaks_the_phone_comes_back_and_is_rung() {
    let relay = LoopbackRelay::plain().await;
    // In the answer to the upgrade, right behind it, in the first ring, right behind that.
    for broken in [0, 1, 60, 128, 129, 131, 150, 180, 200, 220] {
        let network = Network::to(relay.address, &[broken, broken]).await;
        let key = key();
        let connector = Arc::new(TunnelConnector::plain_loopback(network.address).unwrap());
        let (session, mut events) = listen(&key, connector);
        let answering = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let ListenerEvent::Rung { token, .. } = event {
                    session.decide(token, Decision::Come);
                }
            }
        });
        let started = Instant::now();
        let mut nonce = 0;
        // A computer whose ring fell into the gap rings once more.
        while !(network.whole() && ring(&*relay.connector(), &key, nonce).await.is_ok()) {
            assert!(started.elapsed() < PATIENCE, "broken after {broken} bytes");
            if !network.whole() {
                let _fails = ring(&*relay.connector(), &key, nonce).await;
            }
            nonce += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        answering.abort();
    }
}

#[tokio::test]
async fn a_phone_that_listens_keeps_nothing_of_the_connections_that_broke() {
    let relay = LoopbackRelay::plain().await;
    // Whole answers to the upgrade, and then the end, again and again.
    let network = Network::to(relay.address, &[160; 60]).await;
    let key = key();
    let connector = Arc::new(TunnelConnector::plain_loopback(network.address).unwrap());
    let (session, mut events) = listen(&key, connector);
    // Nobody reads meanwhile.
    in_time(async {
        while !network.whole() {
            // A ring is more than what is left.
            let _broken = ring(&*relay.connector(), &key, 1).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut told = 0;
    while tokio::time::timeout(Duration::from_millis(100), events.next()).await.is_ok() {
        told += 1;
    }
    assert!(told <= 12, "{told} events of {} connections", network.connections.lock().unwrap());
    in_time(session.stop()).await.unwrap();
}

#[tokio::test]
async fn a_relay_that_dies_is_waited_for() {
    let relay = LoopbackRelay::plain().await;
    let key = key();
    let (session, mut events) = listen(&key, relay.connector());
    assert_eq!(in_time(events.next()).await, Some(ListenerEvent::Listening));
    relay.task.abort();
    assert!(matches!(in_time(events.next()).await, Some(ListenerEvent::Lost { .. })));
    // It is told how it is, and not each attempt.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(matches!(
        in_time(events.next()).await,
        Some(ListenerEvent::Lost { failure: Some(_), .. })
    ));
    in_time(session.stop()).await.unwrap();
}
