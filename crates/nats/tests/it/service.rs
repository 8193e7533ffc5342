//! Three relays on one bus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use towline_crypto::Secret;
use towline_nats::Nats;
use towline_rendezvous::ContactKey;
use towline_rendezvous::message::{FromPhone, FromService, RingId};
use towline_tunnel::{Relay, RelayConfig, Security};

use crate::server::Server;

type Peer = WebSocketStream<TcpStream>;

const PATIENCE: Duration = Duration::from_secs(15);

struct Node {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn node(server: &Server, number: u8) -> Node {
    let provider = towline_crypto::rustcrypto::provider();
    let joined = Nats::new(server.address()).join(&provider).await.unwrap();
    let mut config = RelayConfig::new("127.0.0.1:0".parse().unwrap(), Security::Plain, provider);
    config.node = number;
    config.bus = Some(joined.link);
    config.contacts = Arc::new(joined.contacts);
    config.limits.per_source = 4096;
    let relay = Relay::bind(config).await.unwrap();
    let address = relay.local_addr();
    let node = Node { address, task: tokio::spawn(relay.run()) };
    // Once it is on the bus it knows that nobody holds this one.
    node.ring_until(250, Some(404)).await;
    node
}

fn key(number: u8) -> ContactKey {
    ContactKey::new(Secret::new([number; 32]))
}

impl Node {
    async fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Peer, u16> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "fido.cable".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn listen(&self, number: u8, sequence: u64) -> Result<Peer, u16> {
        let (key, sequence) = (key(number).to_header(), sequence.to_string());
        let headers =
            [("X-Towline-Contact-Key", key.as_str()), ("X-Towline-Sequence", sequence.as_str())];
        self.open("/towline/v1/listen", &headers).await
    }

    async fn ring(&self, number: u8) -> Result<Peer, u16> {
        let contact = key(number).contact_id(&towline_crypto::rustcrypto::provider());
        let path = format!("/cable/contact/{}", URL_SAFE_NO_PAD.encode(contact.as_bytes()));
        self.open(&path, &[("X-caBLE-Client-Payload", "A0")]).await
    }

    /// Rings again until the answer is this one.
    async fn ring_until(&self, number: u8, status: Option<u16>) {
        let asked = async {
            while self.ring(number).await.err() != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| panic!("{status:?} in time"));
    }
}

async fn receive(peer: &mut Peer) -> Option<Message> {
    loop {
        match tokio::time::timeout(PATIENCE, peer.next()).await.expect("in time") {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message)) => return Some(message),
            Some(Err(_)) | None => return None,
        }
    }
}

async fn rung(phone: &mut Peer) -> (RingId, String) {
    loop {
        let Some(Message::Binary(message)) = receive(phone).await else { panic!("a message") };
        if let Some(FromService::Ring { ring, routing_id, tunnel_id, .. }) =
            FromService::decode(&message)
        {
            return (ring, format!("/cable/connect/{routing_id}/{tunnel_id}"));
        }
    }
}

async fn say(phone: &mut Peer, message: FromPhone) {
    phone.send(Message::binary(message.encode())).await.unwrap();
}

/// A phone that comes whenever it is rung; how often it was, and the phone itself in the end.
fn willing(mut phone: Peer) -> JoinHandle<Peer> {
    tokio::spawn(async move {
        while let Some(Message::Binary(message)) = receive_or_wait(&mut phone).await {
            if let Some(FromService::Ring { ring, .. }) = FromService::decode(&message) {
                say(&mut phone, FromPhone::Accept(ring)).await;
            }
        }
        phone
    })
}

async fn receive_or_wait(peer: &mut Peer) -> Option<Message> {
    loop {
        match peer.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message)) => return Some(message),
            Some(Err(_)) | None => return None,
        }
    }
}

#[tokio::test]
#[ignore = "needs nats-server: .ci/run cluster"]
async fn a_computer_at_any_node_reaches_a_phone_at_any_node() {
    let server = Server::start().await;
    let nodes = [node(&server, 0).await, node(&server, 1).await, node(&server, 2).await];
    for phone_at in 0..3_u8 {
        for computer_at in 0..3_u8 {
            let number = 10 + phone_at * 3 + computer_at;
            let (at, from) = (&nodes[usize::from(phone_at)], &nodes[usize::from(computer_at)]);
            let mut phone = at.listen(number, 1).await.unwrap();
            let comes = async {
                let (ring, path) = rung(&mut phone).await;
                say(&mut phone, FromPhone::Accept(ring)).await;
                from.open(&path, &[]).await.unwrap()
            };
            let (computer, mut joined) = tokio::join!(from.ring(number), comes);
            let mut computer = computer.unwrap();
            computer.send(Message::binary(vec![1; 81])).await.unwrap();
            assert_eq!(receive(&mut joined).await, Some(Message::binary(vec![1; 81])));
            joined.send(Message::binary(vec![2; 81])).await.unwrap();
            assert_eq!(receive(&mut computer).await, Some(Message::binary(vec![2; 81])));
        }
    }
}

#[tokio::test]
#[ignore = "needs nats-server: .ci/run cluster"]
async fn a_revoked_contact_is_410_after_all_nodes_and_the_bus_were_killed() {
    let mut server = Server::start().await;
    {
        let (first, second) = (node(&server, 0).await, node(&server, 1).await);
        assert_eq!(second.ring(1).await.err(), Some(404));
        let mut phone = first.listen(1, 1).await.unwrap();
        say(&mut phone, FromPhone::Revoke).await;
        let Some(Message::Binary(told)) = receive(&mut phone).await else { panic!("told") };
        assert_eq!(FromService::decode(&told), Some(FromService::Revoked));
        assert_eq!(second.ring(1).await.err(), Some(410));
    }
    server.kill();
    server.start_again().await;
    let again = node(&server, 2).await;
    again.ring_until(1, Some(410)).await;
    // Nor does anybody listen under it: a phone is told so, though it was let in.
    let mut phone = again.listen(1, 2).await.unwrap();
    let Some(Message::Binary(told)) = receive(&mut phone).await else { panic!("told") };
    assert_eq!(FromService::decode(&told), Some(FromService::Revoked));
    assert!(matches!(receive(&mut phone).await, None | Some(Message::Close(_))));
    again.ring_until(2, Some(404)).await;
}

#[tokio::test]
#[ignore = "needs nats-server: .ci/run cluster"]
async fn while_the_bus_is_away_own_phones_are_rung_and_others_are_503_at_once() {
    let mut server = Server::start().await;
    let (first, second) = (node(&server, 0).await, node(&server, 1).await);
    let phone = willing(first.listen(1, 1).await.unwrap());
    second.ring_until(1, None).await;
    server.kill();
    second.ring_until(1, Some(503)).await;
    let asked = Instant::now();
    assert_eq!(second.ring(1).await.err(), Some(503));
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(2), "503 after {waited:?}");
    assert!(first.ring(1).await.is_ok(), "its own phone");
    server.start_again().await;
    second.ring_until(1, None).await;
    phone.abort();
}

/// What waits in a frozen server is delivered when it goes on, and rings nobody.
#[tokio::test]
#[ignore = "needs nats-server: .ci/run cluster"]
async fn a_bus_that_was_frozen_delivers_no_stale_ring() {
    let server = Server::start().await;
    let (first, second) = (node(&server, 0).await, node(&server, 1).await);
    let mut phone = first.listen(1, 1).await.unwrap();
    let comes = async {
        let (ring, _) = rung(&mut phone).await;
        say(&mut phone, FromPhone::Accept(ring)).await;
    };
    let (ringing, ()) = tokio::join!(second.ring(1), comes);
    drop(ringing.unwrap());
    server.freeze().await;
    let refused = second.ring(1).await.err();
    assert!(matches!(refused, Some(404 | 503)), "{refused:?}");
    tokio::time::sleep(Duration::from_secs(8)).await;
    server.thaw();
    // Whatever comes now is not that ring, but the end of the first one at most.
    let quiet = async {
        while let Some(message) = receive_or_wait(&mut phone).await {
            let Message::Binary(message) = message else { continue };
            let told = FromService::decode(&message);
            assert!(!matches!(told, Some(FromService::Ring { .. })), "a stale ring");
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(2), quiet).await.is_err(), "it stays");
    let phone = willing(phone);
    second.ring_until(1, None).await;
    phone.abort();
}
