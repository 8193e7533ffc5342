//! Sockets: reports from whoever connects go to the key, and answers back to where they belong.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    sync::mpsc,
    task::JoinSet,
};
use towline_ctap::hid::{REPORT_SIZE, Report};
use towline_ctaphid_tokio::{ReportSource, Reports};

/// How many answers may wait: several messages of the greatest length, 129 reports each.
const QUEUE: usize = 1024;

/// How many connections a listener has at once; one more is closed. Whoever on this machine opens
/// more would take the file descriptors that the key needs for its store.
const CONNECTIONS: usize = 256;

/// The receive buffer of a UDP socket, in bytes: a client may send a whole message before it reads,
/// and the system counts much more for a datagram than its 64 bytes.
const RECEIVE_BUFFER: usize = 1 << 20;

/// One datagram is one report.
pub(crate) async fn serve_udp(socket: UdpSocket, reports: Reports) {
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
                Err(error) => {
                    pause(&error).await;
                    continue;
                }
            };
            let Some(report) = datagram.get(..length).and_then(report) else {
                tracing::debug!(%peer, length, "dropped a datagram that is no report");
                continue;
            };
            if reports.deliver(report, &ReportSource::datagram(peer, out.clone())).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

/// The report in a datagram: as it is, or after the report number 0 of those who are used to HID
/// devices.
fn report(datagram: &[u8]) -> Option<Report> {
    datagram.try_into().ok().or_else(|| datagram.strip_prefix(&[0])?.try_into().ok())
}

/// Takes connections; each is a handle to the same device.
pub(crate) async fn serve_tcp(listener: TcpListener, reports: Reports) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((_, peer)) if connections.len() >= CONNECTIONS => {
                tracing::warn!(%peer, "too many connections: closed a new one");
            }
            Ok((stream, peer)) => {
                tracing::debug!(%peer, "connected");
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "could not disable Nagle's algorithm");
                }
                connections.spawn(serve_stream(stream, reports.clone()));
            }
            Err(error) => pause(&error).await,
        }
    }
}

/// The same over a Unix socket.
#[cfg(unix)]
pub(crate) async fn serve_unix(listener: tokio::net::UnixListener, reports: Reports) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(_) if connections.len() >= CONNECTIONS => {
                tracing::warn!("too many connections: closed a new one");
            }
            Ok((stream, _)) => {
                connections.spawn(serve_stream(stream, reports.clone()));
            }
            Err(error) => pause(&error).await,
        }
    }
}

/// Without file descriptors, say, the next attempt fails as fast as this one.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a socket failed");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

/// Each report follows its length, which is always the same.
async fn serve_stream(stream: impl AsyncRead + AsyncWrite, reports: Reports) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (source, mut answers) = ReportSource::stream();
    let overflow = answers.overflow();
    let write = async {
        while let Some(report) = answers.next().await {
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
            if reports.deliver(report, &source).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
        () = overflow => tracing::debug!("closed a connection that does not read"),
    }
}

/// The length of a report, big-endian.
const LENGTH: [u8; 2] = [0x00, 0x40];
