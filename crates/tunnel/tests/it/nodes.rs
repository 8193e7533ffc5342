//! Several relays of one service, on real sockets, with a bus in memory.

use std::time::Duration;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use towline_rendezvous::bus::NodeInstance;
use towline_rendezvous::message::{FromPhone, FromService};
use towline_tunnel::{MemoryBus, Relay, RelayError};

use crate::ringing::{hear, listen, listen_as, ring, rung, say};
use crate::support::{Running, close_code, config, receive, start};

/// Relay `node` of a service; each start of it is another run.
async fn node(bus: &MemoryBus, node: u8, run: u8) -> Running {
    let mut config = config();
    config.node = node;
    config.bus = Some(bus.join(NodeInstance::new([node, run, 0, 0, 0, 0, 0, 0])));
    start(config).await
}

async fn three(bus: &MemoryBus) -> [Running; 3] {
    [node(bus, 0, 0).await, node(bus, 1, 0).await, node(bus, 2, 0).await]
}

/// The phone listens at one node, the computer rings at another, and the two meet.
async fn meet(nodes: &[Running], phone_at: usize, computer_at: usize) {
    let number = u8::try_from(10 + phone_at * 3 + computer_at).unwrap();
    let mut phone = listen(&nodes[phone_at], number).await.unwrap();
    let comes = async {
        let (ring, path) = rung(&mut phone).await;
        assert!(path.starts_with(&format!("/cable/connect/0{computer_at}")), "{path}");
        say(&mut phone, FromPhone::Accept(ring)).await;
        // A front end goes by the path's first byte.
        nodes[computer_at].open(&path).await.unwrap().0
    };
    let (ringing, mut joined) = tokio::join!(ring(&nodes[computer_at], number, true), comes);
    let (mut computer, _) = ringing.unwrap();
    assert_eq!(receive(&mut computer).await, Message::binary(vec![0]));
    computer.send(Message::binary(vec![1; 81])).await.unwrap();
    assert_eq!(receive(&mut joined).await, Message::binary(vec![1; 81]));
}

#[tokio::test]
async fn a_computer_at_any_node_rings_a_phone_at_any_node() {
    let nodes = three(&MemoryBus::new()).await;
    for phone_at in 0..3 {
        for computer_at in 0..3 {
            meet(&nodes, phone_at, computer_at).await;
        }
    }
    for node in &nodes {
        node.until_empty().await;
    }
}

#[tokio::test]
async fn a_phone_that_moves_is_held_where_it_came_last() {
    let nodes = three(&MemoryBus::new()).await;
    let mut old = listen_as(&nodes[0], 1, "7").await.unwrap();
    // One that has just come would not be told so.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let mut new = listen_as(&nodes[2], 1, "8").await.unwrap();
    assert_eq!(hear(&mut old).await, FromService::Replaced);
    assert_eq!(close_code(&mut old).await, 1000);
    let refuses = async {
        let (ring, _) = rung(&mut new).await;
        let reason = towline_rendezvous::message::Reason::Unknown;
        say(&mut new, FromPhone::Refuse(ring, reason)).await;
    };
    let (ringing, ()) = tokio::join!(ring(&nodes[1], 1, true), refuses);
    assert_eq!(ringing.err(), Some(410));
}

#[tokio::test]
async fn what_nobody_holds_is_404_and_what_can_not_be_asked_is_503() {
    let bus = MemoryBus::new();
    let nodes = three(&bus).await;
    assert_eq!(ring(&nodes[1], 9, true).await.err(), Some(404));
    let mut phone = listen(&nodes[0], 1).await.unwrap();
    bus.set_up(false);
    let asked = async {
        while ring(&nodes[1], 1, true).await.err() != Some(503) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.expect("the bus is away");
    // A node's own phones are rung all the same.
    let answers = async {
        let (ring, path) = rung(&mut phone).await;
        say(&mut phone, FromPhone::Accept(ring)).await;
        path
    };
    let (ringing, _) = tokio::join!(ring(&nodes[0], 1, true), answers);
    assert!(ringing.is_ok());
    bus.set_up(true);
    // What was rung meanwhile is over; rings go on.
    let mut other = listen(&nodes[2], 2).await.unwrap();
    let again = async {
        let (ring, _) = rung(&mut other).await;
        say(&mut other, FromPhone::Accept(ring)).await;
    };
    let (ringing, ()) = tokio::join!(ring(&nodes[1], 2, true), again);
    assert!(ringing.is_ok());
}

#[tokio::test]
async fn the_phone_of_a_node_that_was_lost_is_rung_where_it_comes_next() {
    let bus = MemoryBus::new();
    let [first, second, third] = three(&bus).await;
    let phone = listen(&first, 1).await.unwrap();
    first.task.abort();
    let _gone = first.task.await;
    drop(phone);
    // It is on its way while the computer rings already.
    let comes = async {
        let mut phone = listen(&third, 1).await.unwrap();
        let (ring, _) = rung(&mut phone).await;
        say(&mut phone, FromPhone::Accept(ring)).await;
    };
    let (ringing, ()) = tokio::join!(ring(&second, 1, true), comes);
    assert!(ringing.is_ok());
}

#[tokio::test]
async fn a_node_with_the_number_of_another_stops_and_says_so() {
    let bus = MemoryBus::new();
    let _first = node(&bus, 4, 0).await;
    let mut config = config();
    config.node = 4;
    config.bus = Some(bus.join(NodeInstance::new([4, 1, 0, 0, 0, 0, 0, 0])));
    let relay = Relay::bind(config).await.unwrap();
    let handle = relay.handle();
    tokio::time::timeout(Duration::from_secs(10), relay.run()).await.expect("it stops");
    assert_eq!(handle.failure(), Some(RelayError::NumberTaken { node: 4 }));
}
