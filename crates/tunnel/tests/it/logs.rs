//! What the relay writes into its log, at the most talkative level.

use std::time::Duration;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use towline_testkit::Log;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::{close_code, config, receive, start, tunnel_id};

#[tokio::test]
async fn the_log_names_no_tunnel_no_peer_and_no_content() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // While there is one subscriber, `tracing` asks the thread that comes to a line first whether
    // anybody wants it, and remembers a no: other tests' threads have none. With two it asks both.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    // The test's runtime has one thread, so that this covers the relay's tasks.
    let _default = subscriber.set_default();

    let relay = start(config()).await;
    let (mut phone, routing) = relay.phone(0xC5).await;
    let mut computer = relay.connect(&routing, 0xC5).await.unwrap();
    let peers = [phone.get_ref().local_addr().unwrap(), computer.get_ref().local_addr().unwrap()];
    assert_eq!(relay.connect(&routing, 0xC5).await.err(), Some(404));
    computer.send(Message::binary(b"very private".to_vec())).await.unwrap();
    assert_eq!(receive(&mut phone).await, Message::binary(b"very private".to_vec()));
    computer.close(None).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1000);
    relay.raw(b"GET /cable/new/secret HTTP/1.1\r\nHost: x\r\n\r\n").await;
    relay.handle.shutdown(Duration::ZERO);
    relay.task.await.unwrap();

    let log = log.text();
    for told in [
        "tunnel service ready",
        "a phone waits",
        "the other end joins",
        "request refused",
        "tunnel over",
    ] {
        assert!(log.contains(told), "{told} is missing in {log}");
    }
    let upper = log.to_uppercase();
    let id = tunnel_id(0xC5);
    assert!(!upper.contains(&id) && !upper.contains(&id[..8]), "{log}");
    assert!(
        !upper.contains(&format!("/{routing}")) && !upper.contains(&format!("={routing}")),
        "{log}"
    );
    assert!(!upper.contains("PRIVATE") && !upper.contains("SECRET"), "{log}");
    for peer in peers {
        assert!(!log.contains(&peer.to_string()), "{log}");
    }
}
