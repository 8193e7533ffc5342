//! A relay on a real socket, and peers that do what a test wants.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use towline_tunnel::{Limits, Relay, RelayConfig, RelayHandle, Security, Stats};

pub type Peer = WebSocketStream<TcpStream>;

pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Running {
    pub address: SocketAddr,
    pub handle: RelayHandle,
    pub task: JoinHandle<()>,
}

pub fn config() -> RelayConfig {
    let provider = towline_crypto::rustcrypto::provider();
    let mut config = RelayConfig::new("127.0.0.1:0".parse().unwrap(), Security::Plain, provider);
    config.close_timeout = Duration::from_millis(300);
    config
}

pub async fn start(config: RelayConfig) -> Running {
    let relay = Relay::bind(config).await.unwrap();
    let (address, handle) = (relay.local_addr(), relay.handle());
    Running { address, handle, task: tokio::spawn(relay.run()) }
}

pub async fn start_with(limits: Limits) -> Running {
    let mut config = config();
    config.limits = limits;
    start(config).await
}

pub fn tunnel_id(number: u8) -> String {
    format!("{number:02X}").repeat(16)
}

impl Running {
    /// Opens a WebSocket; the HTTP status where there is none.
    pub async fn open(&self, path: &str) -> Result<(Peer, Option<String>), u16> {
        let (peer, response) = self.open_with(path, &[]).await?;
        let routing = response.headers().get("x-cable-routing-id");
        Ok((peer, routing.map(|id| id.to_str().unwrap().to_owned())))
    }

    /// The same, with more headers, and the response.
    pub async fn open_with(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Peer, Response), u16> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "fido.cable".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, response)) => {
                assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "fido.cable");
                Ok((socket, response))
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// A phone that waits under this tunnel id, and its routing id.
    pub async fn phone(&self, number: u8) -> (Peer, String) {
        let (peer, routing) =
            self.open(&format!("/cable/new/{}", tunnel_id(number))).await.unwrap();
        (peer, routing.unwrap())
    }

    pub async fn connect(&self, routing: &str, number: u8) -> Result<Peer, u16> {
        let opened = self.open(&format!("/cable/connect/{routing}/{}", tunnel_id(number))).await?;
        assert_eq!(opened.1, None);
        Ok(opened.0)
    }

    /// A tunnel that runs: either end may send.
    pub async fn pair(&self, number: u8) -> (Peer, Peer) {
        let (phone, routing) = self.phone(number).await;
        let mut computer = self.connect(&routing, number).await.unwrap();
        answers_pings(&mut computer).await;
        (phone, computer)
    }

    /// Sends raw bytes and returns all that comes back until the relay closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The relay may answer and close before it has read all.
        let _cut = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _reset = read.unwrap_or_else(|_| {
            panic!("the relay closes in time: {:?}", String::from_utf8_lossy(&answer))
        });
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Waits until the relay is as `wanted`.
    pub async fn until(&self, wanted: impl Fn(&Stats) -> bool) {
        let settled = async {
            while !wanted(&self.handle.stats()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, settled).await;
        assert!(in_time.is_ok(), "{:?}", self.handle.stats());
    }

    pub async fn until_empty(&self) {
        self.until(|stats| {
            (stats.waiting, stats.ringing, stats.listening, stats.joined) == (0, 0, 0, 0)
        })
        .await;
    }
}

/// The relay reads what this peer sends: a computer's tunnel runs.
pub async fn answers_pings(peer: &mut Peer) {
    peer.send(Message::Ping(vec![0].into())).await.unwrap();
    let pong = tokio::time::timeout(PATIENCE, peer.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(pong, Message::Pong(vec![0].into()));
}

/// The next message that is no ping or pong.
pub async fn receive(peer: &mut Peer) -> Message {
    loop {
        let message = tokio::time::timeout(PATIENCE, peer.next())
            .await
            .expect("in time")
            .expect("open")
            .unwrap();
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            return message;
        }
    }
}

/// The code with which the relay closes.
pub async fn close_code(peer: &mut Peer) -> u16 {
    loop {
        match receive(peer).await {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => return 1005,
            _ => {}
        }
    }
}
