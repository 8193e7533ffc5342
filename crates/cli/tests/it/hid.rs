//! A client of a security key: CTAPHID over the sockets that `towline key` listens at.

use std::time::Instant;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket, UnixStream},
    time::sleep_until,
};
use towline_ctap::hid::{HidCommand, Host, HostOutput, KeepaliveStatus, Report};

enum Pipe {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl Pipe {
    async fn connect(url: &str) -> Self {
        match url.split_once(':').unwrap() {
            ("udp", address) => {
                let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                socket.connect(address).await.unwrap();
                Self::Datagrams(socket)
            }
            ("tcp", address) => Self::Stream(Box::new(TcpStream::connect(address).await.unwrap())),
            ("unix", path) => Self::Stream(Box::new(UnixStream::connect(path).await.unwrap())),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, report: &Report) {
        match self {
            Self::Datagrams(socket) => assert_eq!(socket.send(report).await.unwrap(), 64),
            Self::Stream(stream) => {
                stream.write_all(&[&[0, 64], &report[..]].concat()).await.unwrap();
            }
        }
    }

    async fn receive(&mut self) -> Report {
        match self {
            Self::Datagrams(socket) => {
                let mut datagram = [0; 65];
                let length = socket.recv(&mut datagram).await.unwrap();
                datagram[..length].try_into().unwrap()
            }
            Self::Stream(stream) => {
                let mut framed = [0; 66];
                stream.read_exact(&mut framed).await.unwrap();
                assert_eq!(framed[..2], [0, 64]);
                framed[2..].try_into().unwrap()
            }
        }
    }
}

/// What happened last.
#[derive(Debug, PartialEq)]
enum Happened {
    Opened,
    Keepalive(KeepaliveStatus),
    Answer(Vec<u8>),
}

/// A client with a channel of its own.
pub(crate) struct Client {
    host: Host,
    pipe: Pipe,
}

impl Client {
    pub(crate) async fn connect(url: &str) -> Self {
        let mut client = Self { host: Host::new(), pipe: Pipe::connect(url).await };
        client.host.open(*b"a nonce!", Instant::now());
        assert_eq!(client.next().await, Happened::Opened);
        client
    }

    /// Sends a CTAP2 request, and waits until the key asks for presence.
    pub(crate) async fn begin(&mut self, request: &[u8]) {
        self.host.send_cbor(request, Instant::now()).unwrap();
        while self.next().await != Happened::Keepalive(KeepaliveStatus::UpNeeded) {}
    }

    pub(crate) fn cancel(&mut self) {
        self.host.cancel();
    }

    /// The status byte, and what follows it.
    pub(crate) async fn answer(&mut self) -> Vec<u8> {
        loop {
            match self.next().await {
                Happened::Answer(answer) => return answer,
                Happened::Keepalive(_) => {}
                Happened::Opened => panic!("opened twice"),
            }
        }
    }

    pub(crate) async fn request(&mut self, request: &[u8]) -> Vec<u8> {
        self.host.send_cbor(request, Instant::now()).unwrap();
        self.answer().await
    }

    pub(crate) async fn wink(&mut self) {
        self.host.send(HidCommand::Wink, &[], Instant::now()).unwrap();
        self.answer().await;
    }

    async fn next(&mut self) -> Happened {
        loop {
            match self.host.poll_output() {
                Some(HostOutput::Send(report)) => self.pipe.send(&report).await,
                Some(HostOutput::Opened(_)) => return Happened::Opened,
                Some(HostOutput::Message { message, .. }) => {
                    return Happened::Answer(message.to_vec());
                }
                Some(HostOutput::Keepalive(status)) => return Happened::Keepalive(status),
                Some(HostOutput::Failed(failure)) => panic!("{failure:?}"),
                None => {
                    let deadline = self.host.poll_timeout().expect("something to wait for");
                    tokio::select! {
                        report = self.pipe.receive() => self.host.handle_packet(&report, Instant::now()),
                        () = sleep_until(deadline.into()) => self.host.handle_timeout(Instant::now()),
                    }
                }
            }
        }
    }
}
