//! What a node asks of the bus's memory, which may be away.

use std::time::Duration;

use towline_nats::{Joined, Nats};
use towline_rendezvous::ids::ContactId;
use towline_tunnel::Contacts;

use crate::fake::{Bus, Client};

const CREATE: &str = "$JS.API.STREAM.CREATE.TL_GONE";

async fn joined(bus: &Bus) -> (Joined, Client) {
    let nats = Nats::new(format!("nats://{}", bus.host()));
    let joined = nats.join(&towline_crypto::rustcrypto::provider()).await.unwrap();
    (joined, bus.client(&[]).await)
}

/// On how many servers the stream is wanted; the answer is this one.
async fn asked(client: &mut Client, answer: &str) -> u64 {
    let (subject, reply, wish) = client.request().await;
    assert_eq!(subject, CREATE);
    client.answer(&reply, answer).await;
    let wish: serde_json::Value = serde_json::from_str(&wish).unwrap();
    wish["num_replicas"].as_u64().unwrap()
}

#[tokio::test]
async fn a_bus_of_three_servers_of_which_one_is_away_is_asked_for_three_again() {
    let bus = Bus::new().await;
    let (_joined, mut client) = joined(&bus).await;
    let away = r#"{"error":{"code":503,"err_code":10005,"description":"insufficient resources"}}"#;
    assert_eq!(asked(&mut client, away).await, 3);
    assert_eq!(asked(&mut client, "not JSON").await, 3);
    assert_eq!(asked(&mut client, r#"{"config":{}}"#).await, 3);
}

#[tokio::test]
async fn a_bus_of_one_server_is_asked_for_one() {
    let bus = Bus::new().await;
    let (_joined, mut client) = joined(&bus).await;
    let one = r#"{"error":{"code":500,"err_code":10074,"description":"replicas > 1"}}"#;
    assert_eq!(asked(&mut client, one).await, 3);
    assert_eq!(asked(&mut client, r#"{"config":{}}"#).await, 1);
}

#[tokio::test]
async fn a_question_that_is_never_answered_leaves_nothing_behind() {
    let bus = Bus::new().await;
    let (joined, mut client) = joined(&bus).await;
    asked(&mut client, r#"{"config":{}}"#).await;
    let answer = tokio::spawn(joined.contacts.look_up(&ContactId::new([1])));
    let (subject, ..) = client.request().await;
    assert!(subject.starts_with("$JS.API.DIRECT.GET.TL_GONE.tl.1.gone."), "{subject}");
    let nobody_listens = async {
        while client.heard.values().any(|subject| subject.starts_with("_INBOX.")) {
            client.line().await;
        }
    };
    let given_up = tokio::time::timeout(Duration::from_secs(10), nobody_listens).await;
    assert!(given_up.is_ok(), "{:?}", client.heard);
    assert_eq!(answer.await.unwrap(), None);
}
