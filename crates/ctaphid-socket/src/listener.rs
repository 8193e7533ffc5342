//! Sockets: reports from whoever connects go into one inbox, and answers back to where they belong.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    sync::{Notify, mpsc},
    task::JoinSet,
};
use towline_ctap::hid::{REPORT_SIZE, Report};

/// How many reports may wait, in each direction: several messages of the greatest length, 129 reports each.
pub(crate) const QUEUE: usize = 1024;

/// The receive buffer of a UDP socket, in bytes: a client may send a whole message before it reads, and the system counts
/// much more for a datagram than its 64 bytes.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A report, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) report: Report,
    pub(crate) source: Source,
}

/// Where a report came from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Datagram { peer: SocketAddr, out: mpsc::Sender<(Report, SocketAddr)> },
    Stream { out: mpsc::Sender<Report>, overflow: Arc<Notify> },
}

impl Source {
    /// Sends a report back. Whoever is gone misses it; whoever does not read is not waited for.
    pub(crate) fn send(&self, report: Report) {
        match self {
            Self::Datagram { peer, out } => {
                if out.try_send((report, *peer)).is_err() {
                    tracing::warn!(%peer, "a report could not be sent");
                }
            }
            Self::Stream { out, overflow } => {
                // A stream with a hole in it is of no use any more.
                if let Err(mpsc::error::TrySendError::Full(_)) = out.try_send(report) {
                    overflow.notify_one();
                }
            }
        }
    }
}

/// One datagram is one report.
pub(crate) async fn serve_udp(socket: UdpSocket, inbox: mpsc::Sender<Received>) {
    if let Err(error) = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
        tracing::warn!(%error, "the receive buffer stays as it is; long messages may be lost");
    }
    let (out, mut outbox) = mpsc::channel::<(Report, SocketAddr)>(QUEUE);
    let write = async {
        while let Some((report, peer)) = outbox.recv().await {
            if let Err(error) = socket.send_to(&report, peer).await {
                tracing::debug!(%peer, %error, "a report could not be sent");
            }
        }
    };
    let read = async {
        // One byte more than anything that is accepted, so that longer datagrams are told apart.
        let mut datagram = [0; REPORT_SIZE + 2];
        loop {
            let (length, peer) = match socket.recv_from(&mut datagram).await {
                Ok(received) => received,
                // Somebody that we answered is gone: some systems tell it here.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return tracing::error!(%error, "the UDP socket failed"),
            };
            let Some(report) = datagram.get(..length).and_then(report) else {
                tracing::debug!(%peer, length, "dropped a datagram that is no report");
                continue;
            };
            let source = Source::Datagram { peer, out: out.clone() };
            if inbox.send(Received { report, source }).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

/// The report in a datagram: as it is, or after the report number 0 of those who are used to HID devices.
fn report(datagram: &[u8]) -> Option<Report> {
    datagram.try_into().ok().or_else(|| datagram.strip_prefix(&[0])?.try_into().ok())
}

/// Takes connections; each is a handle to the same device.
pub(crate) async fn serve_tcp(listener: TcpListener, inbox: mpsc::Sender<Received>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tracing::debug!(%peer, "connected");
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "could not disable Nagle's algorithm");
                }
                connections.spawn(serve_stream(stream, inbox.clone()));
            }
            Err(error) => pause(&error).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// The same over a Unix socket.
#[cfg(unix)]
pub(crate) async fn serve_unix(listener: tokio::net::UnixListener, inbox: mpsc::Sender<Received>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve_stream(stream, inbox.clone()));
            }
            Err(error) => pause(&error).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Without file descriptors, say, the next attempt fails as fast as this one.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "could not take a connection");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

/// Each report follows its length, which is always the same.
async fn serve_stream(stream: impl AsyncRead + AsyncWrite, inbox: mpsc::Sender<Received>) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (out, mut outbox) = mpsc::channel::<Report>(QUEUE);
    let overflow = Arc::new(Notify::new());
    let source = Source::Stream { out, overflow: overflow.clone() };
    let write = async {
        while let Some(report) = outbox.recv().await {
            let mut framed = [0; REPORT_SIZE + 2];
            let (length, content) = framed.split_at_mut(LENGTH.len());
            length.copy_from_slice(&LENGTH);
            content.copy_from_slice(&report);
            if writer.write_all(&framed).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        loop {
            let (mut length, mut report) = ([0; 2], [0; REPORT_SIZE]);
            if reader.read_exact(&mut length).await.is_err() {
                return;
            }
            if length != LENGTH {
                return tracing::debug!(?length, "closed a connection: no report has this length");
            }
            if reader.read_exact(&mut report).await.is_err() {
                return;
            }
            if inbox.send(Received { report, source: source.clone() }).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
        () = overflow.notified() => tracing::debug!("closed a connection that does not read"),
    }
}

/// The length of a report, big-endian.
const LENGTH: [u8; 2] = [0x00, 0x40];
