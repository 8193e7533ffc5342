//! A client of a security key: CTAPHID over the sockets that it listens at.

use std::{
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{sleep_until, timeout},
};
use towline_ctap::{
    ClientDataHash, MakeCredentialRequest, Request, RequestOptions, Rp, RpId, User, UserHandle,
    hid::{HidCommand, Host, HostFailure, HostOutput, InitResponse, KeepaliveStatus, Report},
};

/// The way by which reports go to a key and come back.
pub enum Pipe {
    /// A report is a datagram.
    Udp(UdpSocket),
    /// A report has its length before it, in two bytes.
    Stream(Box<dyn Stream>),
}

/// What reports are read from and written to.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Pipe {
    /// Connects to an endpoint such as `tcp:127.0.0.1:5000`.
    pub async fn connect(endpoint: &(impl Display + ?Sized)) -> Self {
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

    /// Sends a report as it is.
    pub async fn send(&mut self, report: &Report) {
        match self {
            Self::Udp(socket) => assert_eq!(socket.send(report).await.unwrap(), 64),
            Self::Stream(stream) => {
                stream.write_all(&[&[0, 64], &report[..]].concat()).await.unwrap();
            }
        }
    }

    /// The next report.
    pub async fn receive(&mut self) -> Report {
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
    pub async fn is_silent(&mut self) {
        let received = timeout(Duration::from_millis(150), self.receive()).await;
        assert!(received.is_err(), "{received:02x?}");
    }

    /// Sends a report, and takes the next one for its answer.
    pub async fn exchange(&mut self, report: &Report) -> Report {
        self.send(report).await;
        timeout(Duration::from_secs(5), self.receive()).await.expect("an answer")
    }
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// What the key waited for on the way.
    pub keepalives: Vec<KeepaliveStatus>,
    /// The message that it answered.
    pub result: Result<Vec<u8>, HostFailure>,
}

/// A client with a channel of its own.
pub struct Client {
    /// The host's machine.
    pub host: Host,
    /// The way to the key.
    pub pipe: Pipe,
    /// What the key said when the channel was opened.
    pub info: Option<InitResponse>,
}

impl Client {
    /// Connects and gets a channel.
    pub async fn connect(endpoint: &(impl Display + ?Sized)) -> Self {
        let pipe = Pipe::connect(endpoint).await;
        let mut client = Self { host: Host::new(), pipe, info: None };
        client.host.open(fresh_nonce(), Instant::now());
        while client.info.is_none() {
            assert_eq!(client.step(&mut Vec::new()).await, None);
        }
        client
    }

    /// Sends a CTAP2 request, all of it, and does not wait.
    pub async fn begin(&mut self, request: &[u8]) {
        self.host.send_cbor(request, Instant::now()).unwrap();
        self.flush().await;
    }

    /// Sends a CTAP2 request, and waits until the key asks for presence.
    pub async fn begin_until_asked(&mut self, request: &[u8]) {
        self.begin(request).await;
        while self.keepalive().await != KeepaliveStatus::UpNeeded {}
    }

    /// Cancels the request that was begun.
    pub async fn cancel(&mut self) {
        self.host.cancel();
        self.flush().await;
    }

    /// Waits for the next keepalive.
    pub async fn keepalive(&mut self) -> KeepaliveStatus {
        let mut keepalives = Vec::new();
        while keepalives.is_empty() {
            assert_eq!(self.step(&mut keepalives).await, None);
        }
        keepalives[0]
    }

    /// Waits for the answer.
    pub async fn finish(&mut self) -> Outcome {
        let mut keepalives = Vec::new();
        loop {
            if let Some(result) = self.step(&mut keepalives).await {
                return Outcome { keepalives, result };
            }
        }
    }

    /// Waits for the answer, which has to be a message: a status byte, and what follows it.
    pub async fn answer(&mut self) -> Vec<u8> {
        self.finish().await.result.unwrap()
    }

    /// Carries out a CTAP2 request.
    pub async fn cbor(&mut self, request: &[u8]) -> Outcome {
        self.begin(request).await;
        self.finish().await
    }

    /// The same, whose answer has to be a message.
    pub async fn request(&mut self, request: &[u8]) -> Vec<u8> {
        self.begin(request).await;
        self.answer().await
    }

    /// Sends a message of this kind and waits for the answer.
    pub async fn exchange(&mut self, command: HidCommand, message: &[u8]) -> Outcome {
        self.host.send(command, message, Instant::now()).unwrap();
        self.finish().await
    }

    async fn flush(&mut self) {
        while let Some(HostOutput::Send(report)) = self.host.poll_output() {
            self.pipe.send(&report).await;
        }
    }

    /// Sends what there is to be sent and takes one more report; the answer, if there was one.
    pub async fn step(
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
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes()
}

/// A report that begins so.
#[must_use]
pub fn report(bytes: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..bytes.len()].copy_from_slice(bytes);
    report
}

/// A request for a passkey of jo's at example.org.
#[must_use]
pub fn make_credential() -> Vec<u8> {
    let mut request = MakeCredentialRequest::new(
        ClientDataHash::new([7; 32]),
        Rp { id: RpId::new("example.org").unwrap(), name: None },
        User { id: UserHandle::new(&[1]).unwrap(), name: Some("jo".into()), display_name: None },
        vec![-7],
    );
    request.options = RequestOptions { rk: Some(true), ..RequestOptions::default() };
    Request::from(request).encode()
}
