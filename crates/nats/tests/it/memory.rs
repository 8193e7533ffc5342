//! What a node asks of the bus's memory, which may be away.

use towline_nats::{Joined, Nats};

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
