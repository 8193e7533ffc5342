//! A small CTAPHID client over the sockets of a door: the host's machine, and a pipe.
#![allow(dead_code)]

use std::{
    convert::Infallible,
    future::Future,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    task::JoinHandle,
    time::{sleep_until, timeout},
};
use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_ctap::{
    Transport,
    hid::{
        Capabilities, HidCommand, Host, HostFailure, HostOutput, InitResponse, KeepaliveStatus,
        Report,
    },
};
use towline_ctaphid_socket::{Door, Endpoint};
use towline_ctaphid_tokio::{Person, SecurityKey};

/// Opens a door at the endpoints, with a security key behind it.
pub(crate) async fn open(
    endpoints: &[&str],
    person: impl Person + 'static,
) -> (Vec<Endpoint>, JoinHandle<()>) {
    open_with(endpoints, |key, authenticator| key.run(authenticator, person)).await
}

/// The same, with simulated presence.
pub(crate) async fn open_simulated(
    endpoints: &[&str],
    watcher: impl Person + 'static,
) -> (Vec<Endpoint>, JoinHandle<()>) {
    open_with(endpoints, |key, authenticator| key.run_simulated(authenticator, watcher)).await
}

async fn open_with<F>(
    endpoints: &[&str],
    run: impl FnOnce(SecurityKey, Authenticator) -> F,
) -> (Vec<Endpoint>, JoinHandle<()>)
where
    F: Future<Output = Infallible> + Send + 'static,
{
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let mut config = Config::security_key();
    config.reset.transports = Some(vec![Transport::Usb]);
    let authenticator = Authenticator::new(config, provider, MemoryStore::new(), keys).unwrap();
    let key = SecurityKey::new();
    let mut door = Door::new(key.reports());
    let mut bound = Vec::new();
    for endpoint in endpoints {
        bound.push(door.listen(&endpoint.parse().unwrap()).await.unwrap());
    }
    let running = run(key, authenticator);
    let task = tokio::spawn(async move {
        let _open = door;
        match running.await {}
    });
    (bound, task)
}

/// Carries reports.
pub(crate) enum Pipe {
    Udp(UdpSocket),
    Stream(Box<dyn StreamLike>),
}

pub(crate) trait StreamLike: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> StreamLike for T {}

impl Pipe {
    pub(crate) async fn connect(endpoint: &Endpoint) -> Self {
        let text = endpoint.to_string();
        match text.split_once(':').unwrap() {
            ("udp", address) => {
                let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                socket.connect(address).await.unwrap();
                Self::Udp(socket)
            }
            ("tcp", address) => Self::Stream(Box::new(TcpStream::connect(address).await.unwrap())),
            #[cfg(unix)]
            ("unix", path) => {
                Self::Stream(Box::new(tokio::net::UnixStream::connect(path).await.unwrap()))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, report: &Report) {
        match self {
            Self::Udp(socket) => assert_eq!(socket.send(report).await.unwrap(), 64),
            Self::Stream(stream) => {
                stream.write_all(&[&[0, 64], &report[..]].concat()).await.unwrap();
            }
        }
    }

    pub(crate) async fn receive(&mut self) -> Report {
        match self {
            Self::Udp(socket) => {
                let mut report = [0; 100];
                let length = socket.recv(&mut report).await.unwrap();
                report[..length].try_into().expect("64 bytes")
            }
            Self::Stream(stream) => {
                let mut framed = [0; 66];
                stream.read_exact(&mut framed).await.unwrap();
                assert_eq!(framed[..2], [0, 64]);
                framed[2..].try_into().unwrap()
            }
        }
    }

    /// Nothing comes for a while.
    pub(crate) async fn is_silent(&mut self) {
        let received = timeout(Duration::from_millis(150), self.receive()).await;
        assert!(received.is_err(), "{received:02x?}");
    }

    pub(crate) async fn exchange(&mut self, report: &Report) -> Report {
        self.send(report).await;
        timeout(Duration::from_secs(5), self.receive()).await.expect("an answer")
    }
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) keepalives: Vec<KeepaliveStatus>,
    pub(crate) result: Result<Vec<u8>, HostFailure>,
}

pub(crate) struct Client {
    pub(crate) host: Host,
    pub(crate) pipe: Pipe,
    pub(crate) info: Option<InitResponse>,
}

impl Client {
    /// Connects and gets a channel.
    pub(crate) async fn connect(endpoint: &Endpoint) -> Self {
        let pipe = Pipe::connect(endpoint).await;
        let mut client = Self { host: Host::new(), pipe, info: None };
        client.host.open(fresh_nonce(), Instant::now());
        while client.info.is_none() {
            assert_eq!(client.step(&mut Vec::new()).await, None);
        }
        client
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.info.unwrap().capabilities
    }

    /// Sends a CTAP2 request, all of it, and does not wait.
    pub(crate) async fn begin(&mut self, request: &[u8]) {
        self.host.send_cbor(request, Instant::now()).unwrap();
        self.flush().await;
    }

    pub(crate) async fn cancel(&mut self) {
        self.host.cancel();
        self.flush().await;
    }

    /// Waits for the next keepalive.
    pub(crate) async fn keepalive(&mut self) -> KeepaliveStatus {
        let mut keepalives = Vec::new();
        while keepalives.is_empty() {
            assert_eq!(self.step(&mut keepalives).await, None);
        }
        keepalives[0]
    }

    /// Takes one more report.
    pub(crate) async fn keepalive_or_opened(&mut self) {
        assert_eq!(self.step(&mut Vec::new()).await, None);
    }

    /// Waits for the answer.
    pub(crate) async fn finish(&mut self) -> Outcome {
        let mut keepalives = Vec::new();
        loop {
            if let Some(result) = self.step(&mut keepalives).await {
                return Outcome { keepalives, result };
            }
        }
    }

    pub(crate) async fn cbor(&mut self, request: &[u8]) -> Outcome {
        self.begin(request).await;
        self.finish().await
    }

    /// Sends an APDU and waits for the answer.
    pub(crate) async fn message(&mut self, apdu: &[u8]) -> Outcome {
        self.host.send(HidCommand::Msg, apdu, Instant::now()).unwrap();
        self.finish().await
    }

    pub(crate) async fn ping(&mut self, message: &[u8]) -> Outcome {
        self.host.send(HidCommand::Ping, message, Instant::now()).unwrap();
        self.finish().await
    }

    async fn flush(&mut self) {
        while let Some(HostOutput::Send(report)) = self.host.poll_output() {
            self.pipe.send(&report).await;
        }
    }

    async fn step(
        &mut self,
        keepalives: &mut Vec<KeepaliveStatus>,
    ) -> Option<Result<Vec<u8>, HostFailure>> {
        loop {
            match self.host.poll_output() {
                Some(HostOutput::Send(report)) => self.pipe.send(&report).await,
                Some(HostOutput::Opened(info)) => {
                    self.info = Some(info);
                    return None;
                }
                Some(HostOutput::Message { message, .. }) => return Some(Ok(message.to_vec())),
                Some(HostOutput::Failed(failure)) => return Some(Err(failure)),
                Some(HostOutput::Keepalive(status)) => {
                    keepalives.push(status);
                    return None;
                }
                None => break,
            }
        }
        let deadline = self.host.poll_timeout().expect("something to wait for");
        tokio::select! {
            report = self.pipe.receive() => self.host.handle_packet(&report, Instant::now()),
            () = sleep_until(deadline.into()) => self.host.handle_timeout(Instant::now()),
        }
        None
    }
}

/// A nonce that no other client of this test has.
fn fresh_nonce() -> [u8; 8] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes()
}

/// A report that begins so.
pub(crate) fn report(bytes: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..bytes.len()].copy_from_slice(bytes);
    report
}
