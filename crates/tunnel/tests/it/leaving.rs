//! A relay that was told to stop, in good order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use towline_rendezvous::bus::NodeInstance;
use towline_rendezvous::message::{FromPhone, FromService};
use towline_tunnel::{Drain, Limits, MemoryBus};

use crate::ringing::{listen, listen_as, ring};
use crate::support::{PATIENCE, Peer, Running, close_code, config, receive, start, tunnel_id};

const LONG: Duration = Duration::from_secs(60);

async fn node(bus: &MemoryBus, node: u8) -> Running {
    let mut config = config();
    config.node = node;
    config.limits = Limits { per_source: 1000, ..Limits::default() };
    config.requests_per_source = 1000;
    config.bus = Some(bus.join(NodeInstance::new([node; 8])));
    start(config).await
}

/// Two relays, and a front end that sends nobody to the first one any more once it was told.
struct Service {
    nodes: [Running; 2],
    told: AtomicBool,
    failures: AtomicU32,
    done: AtomicU32,
}

impl Service {
    fn front(&self) -> &Running {
        &self.nodes[usize::from(self.told.load(Ordering::Relaxed))]
    }

    fn count(&self, what: &str, result: Result<(), u16>) {
        match result {
            Ok(()) => self.done.fetch_add(1, Ordering::Relaxed),
            Err(status) => {
                eprintln!("{what}: {status}");
                self.failures.fetch_add(1, Ordering::Relaxed)
            }
        };
    }

    /// The computer's end, at the node that the routing id names.
    async fn join(&self, routing: &str, number: u8) -> Result<Peer, u16> {
        let node = usize::from(&routing[..2] != "00");
        self.nodes[node].connect(routing, number).await
    }

    async fn code(&self, number: u8) -> Result<(), u16> {
        let path = format!("/cable/new/{}", tunnel_id(number));
        let (mut phone, routing) = self.front().open(&path).await?;
        sleep(Duration::from_millis(50)).await;
        let mut computer = self.join(&routing.unwrap(), number).await?;
        computer.send(Message::binary(vec![number])).await.unwrap();
        assert_eq!(receive(&mut phone).await, Message::binary(vec![number]));
        computer.close(None).await.unwrap();
        Ok(())
    }

    /// A computer rings, and waits until the phone is there.
    async fn ring(&self, number: u8) -> Result<(), u16> {
        let (mut computer, _) = ring(self.front(), number, true).await?;
        assert_eq!(receive(&mut computer).await, Message::binary(vec![0]));
        Ok(())
    }

    /// A linked phone, which goes where the front end sends it, and comes to who rings.
    async fn phone(self: Arc<Self>, number: u8, until: Instant) {
        let mut sequence = 0;
        while Instant::now() < until {
            sequence += 1;
            let listening = listen_as(self.front(), number, &sequence.to_string()).await;
            let Ok(mut phone) = listening else {
                self.count("listen", Err(listening.err().unwrap()));
                continue;
            };
            while let Ok(Some(Ok(message))) =
                tokio::time::timeout_at(until, futures_util::StreamExt::next(&mut phone)).await
            {
                let Message::Binary(message) = message else { break };
                if let Some(FromService::Ring { ring, routing_id, tunnel_id, .. }) =
                    FromService::decode(&message)
                {
                    let accepted = Message::binary(FromPhone::Accept(ring).encode());
                    let _closing = phone.send(accepted).await;
                    let node = usize::from(routing_id.as_bytes()[0]);
                    let path = format!("/cable/connect/{routing_id}/{tunnel_id}");
                    self.count("come", self.nodes[node].open(&path).await.map(drop));
                }
            }
            // As phones do, a little shorter.
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Codes and rings go on while a node leaves; nobody fails, and no code is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_fails_while_a_node_leaves() {
    let bus = MemoryBus::new();
    let nodes = [node(&bus, 0).await, node(&bus, 1).await];
    let told = AtomicBool::new(false);
    let (failures, done) = (AtomicU32::new(0), AtomicU32::new(0));
    let service = Arc::new(Service { nodes, told, failures, done });
    let end = Instant::now() + Duration::from_secs(4);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=4 {
        tasks.spawn(service.clone().phone(number, end));
    }
    service.nodes[0].until(|stats| stats.listening == 4).await;
    let mut shown = Vec::new();
    for number in 200..210 {
        shown.push((service.nodes[0].phone(number).await, number));
    }
    let load = service.clone();
    tasks.spawn(async move {
        let mut number = 10;
        while Instant::now() < end - Duration::from_millis(500) {
            let (codes, rings) = (load.clone(), load.clone());
            tokio::spawn(async move { codes.count("code", codes.code(number).await) });
            // No more of them than one network may ask other nodes for.
            if number.is_multiple_of(8) {
                let phone = 1 + number / 8 % 4;
                tokio::spawn(async move {
                    rings.count("ring", rings.ring(phone).await);
                });
            }
            number = if number == 199 { 10 } else { number + 1 };
            sleep(Duration::from_millis(25)).await;
        }
    });
    sleep(Duration::from_millis(300)).await;
    service.nodes[0].handle.drain(&Drain {
        notice: Duration::from_secs(1),
        spread: Duration::from_millis(500),
        waiting: LONG,
        grace: LONG,
    });
    sleep(Duration::from_millis(200)).await;
    service.told.store(true, Ordering::Relaxed);
    while tasks.join_next().await.is_some() {}
    // Codes that were on a screen when the word to stop came, long after phones have left.
    for ((_phone, routing), number) in &shown {
        service.count("shown", service.join(routing, *number).await.map(drop));
    }
    service.nodes[1].until(|stats| stats.joined == 0).await;
    let done = service.done.load(Ordering::Relaxed);
    assert_eq!(service.failures.load(Ordering::Relaxed), 0, "of {done}");
    // However slow the machine is.
    assert!(done > 20, "{done}");
    let left = service.nodes[0].handle.stats();
    assert_eq!((left.waiting, left.listening), (0, 0));
    drop(shown);
    timeout(PATIENCE, async {
        while !service.nodes[0].task.is_finished() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("nobody is left");
}

#[tokio::test]
async fn a_relay_alone_sends_its_phones_away_and_keeps_its_codes() {
    let relay = start(config()).await;
    let mut listener = listen(&relay, 1).await.unwrap();
    let (mut phone, routing) = relay.phone(1).await;
    let none = Duration::ZERO;
    relay.handle.drain(&Drain { notice: none, spread: none, waiting: LONG, grace: LONG });
    assert_eq!(close_code(&mut listener).await, 1001);
    assert_eq!(listen(&relay, 1).await.err(), Some(503));
    assert_eq!(ring(&relay, 1, true).await.err(), Some(503));
    assert_eq!(relay.open(&format!("/cable/new/{}", tunnel_id(2))).await.err(), Some(503));
    let mut computer = relay.connect(&routing, 1).await.unwrap();
    computer.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(receive(&mut phone).await, Message::binary(vec![1]));
    // Nobody can come any more, so that nobody is let in.
    let closed = async {
        while tokio::net::TcpStream::connect(relay.address).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the door is closed");
    computer.close(None).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1000);
    timeout(PATIENCE, relay.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_second_word_ends_it_all_at_once() {
    let relay = start(config()).await;
    let (mut lonely, _) = relay.phone(1).await;
    let (mut phone, mut computer) = relay.pair(2).await;
    relay.handle.drain(&Drain { notice: LONG, ..Drain::default() });
    assert!(relay.open(&format!("/cable/new/{}", tunnel_id(3))).await.is_ok(), "all goes on");
    relay.handle.shutdown(Duration::ZERO);
    for peer in [&mut lonely, &mut phone, &mut computer] {
        assert_eq!(close_code(peer).await, 1001);
    }
    timeout(PATIENCE, relay.task).await.unwrap().unwrap();
}
