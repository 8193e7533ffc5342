//! TLS of one peer.
//!
//! rustls' usual connection reads 4 KiB at a time and keeps them for as long as it is open. Here
//! what is read and written goes through a buffer of the thread, 64 KiB at once, and a connection
//! on which nothing happens has none.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use rustls::{ProtocolVersion, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::buffers::{BUFFER, give_back, take_buffer};

/// Read at once at least, in bytes, however little the reader has room for.
const LEAST: usize = 4096;

/// Up to so many bytes are encrypted and wait to be sent with what follows, until somebody flushes.
const SMALL: usize = 1024;

/// Encrypted at once at most, so that it fits into a buffer with what waits and what TLS adds.
const LARGEST: usize = BUFFER - 8 * 1024;

/// What TLS adds to [`SMALL`] bytes at most: a head, a nonce and a tag.
const ADDED: usize = 64;

/// A connection with TLS, of which this is the server.
pub(crate) struct TlsStream {
    tcp: TcpStream,
    tls: UnbufferedServerConnection,
    /// The beginning of a record that has not come to its end.
    begun: Vec<u8>,
    /// What was decrypted and the reader had no room for.
    plain: Vec<u8>,
    /// What is encrypted and was not sent.
    out: Vec<u8>,
    /// The peer has said its last.
    ended: bool,
    /// This side has.
    closed: bool,
}

impl TlsStream {
    /// Makes the handshake.
    pub(crate) async fn accept(config: Arc<ServerConfig>, tcp: TcpStream) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        let (begun, plain, out) = (Vec::new(), Vec::new(), Vec::new());
        let mut stream = Self { tcp, tls, begun, plain, out, ended: false, closed: false };
        poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.is_handshaking() {
            ready!(self.poll_sent(cx))?;
            if self.ended {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            ready!(self.poll_more(cx, &mut ReadBuf::new(&mut [])))?;
        }
        // Tickets leave with the response. Before TLS 1.3 the peer waits for the last word.
        if self.tls.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            ready!(self.poll_sent(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there may be something to read.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.plain.is_empty() || self.ended {
            return Poll::Ready(());
        }
        self.tcp.poll_read_ready(cx).map(drop)
    }

    /// Reads and decrypts once, which may be nothing yet.
    fn poll_more(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut buffer = take_buffer();
        let read = self.poll_through(cx, &mut buffer, into);
        give_back(buffer);
        if let Poll::Ready(Err(_)) = read {
            // The peer is told what it did wrong, if it can be told at once.
            let _ = self.last_word();
            let _ = self.poll_sent(cx);
            // What rustls has of a message is lost with the buffer, and it must not look for it.
            (self.ended, self.closed) = (true, true);
        }
        read
    }

    /// What rustls has to say after an error. While there is some of it, it looks at no records.
    fn last_word(&mut self) -> io::Result<()> {
        while self.tls.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(data)) =
                self.tls.process_tls_records(&mut []).state
        {
            encode(data, &mut self.out)?;
        }
        Ok(())
    }

    fn poll_through(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let kept = self.begun.len();
        let most = kept.saturating_add(into.remaining().max(LEAST)).min(buffer.len());
        let full = || io::Error::from(io::ErrorKind::InvalidData);
        let (front, room) = buffer.split_at_mut_checked(kept).ok_or_else(full)?;
        let room = room.get_mut(..most.saturating_sub(kept)).ok_or_else(full)?;
        let mut read = ReadBuf::new(room);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut read))?;
        let read = read.filled().len();
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        front.copy_from_slice(&self.begun);
        let records = buffer.get_mut(..kept.saturating_add(read)).unwrap_or_default();
        let mut plain = std::mem::take(&mut self.plain);
        let taken = self.process(records, |payload| {
            let (now, later) = payload.split_at(payload.len().min(into.remaining()));
            into.put_slice(now);
            plain.extend_from_slice(later);
        });
        self.plain = plain;
        let rest = records.get(taken?..).unwrap_or_default();
        // A connection holds no memory for what it does not have.
        self.begun = rest.to_vec();
        Poll::Ready(Ok(()))
    }

    /// Makes sense of records, as far as they are whole. Says of how many bytes.
    fn process(&mut self, records: &mut [u8], mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        let Self { tls, out, ended, .. } = self;
        let mut taken: usize = 0;
        loop {
            let rest = records.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state, .. } = tls.process_tls_records(rest);
            let mut done = false;
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        discard = discard.saturating_add(record.discard);
                        take(record.payload);
                    }
                }
                // It is not offered.
                ConnectionState::ReadEarlyData(_) => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                ConnectionState::EncodeTlsData(data) => encode(data, out)?,
                // It is sent before anything else.
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => *ended = true,
                _ => done = true,
            }
            taken = taken.saturating_add(discard);
            if done {
                return Ok(taken);
            }
        }
    }

    /// Encrypts into `room`; how many bytes there are of it.
    fn encrypt(&mut self, bytes: &[u8], room: &mut [u8]) -> io::Result<usize> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // A message of the handshake may have begun in it: rustls knows where.
        match self.tls.process_tls_records(&mut self.begun).state.map_err(io::Error::other)? {
            ConnectionState::WriteTraffic(mut traffic) => {
                traffic.encrypt(bytes, room).map_err(io::Error::other)
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Encrypts a few bytes, which wait to be sent.
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.out);
        let sent = out.len();
        out.resize(sent.saturating_add(bytes.len()).saturating_add(ADDED), 0);
        let made = self.encrypt(bytes, out.get_mut(sent..).unwrap_or_default());
        out.truncate(sent.saturating_add(*made.as_ref().unwrap_or(&0)));
        self.out = out;
        made.map(drop)
    }

    /// Encrypts many bytes and sends what can be sent of them, and of what waits before them.
    fn send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<()> {
        let mut buffer = take_buffer();
        let sent = self.send_through(cx, bytes, &mut buffer);
        give_back(buffer);
        sent
    }

    fn send_through(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let full = || io::Error::from(io::ErrorKind::InvalidData);
        let before = std::mem::take(&mut self.out);
        let (front, room) = buffer.split_at_mut_checked(before.len()).ok_or_else(full)?;
        front.copy_from_slice(&before);
        let made = self.encrypt(bytes, room)?;
        let mut all = buffer.get(..before.len().saturating_add(made)).unwrap_or_default();
        while !all.is_empty() {
            match Pin::new(&mut self.tcp).poll_write(cx, all)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => all = all.get(sent..).unwrap_or_default(),
                Poll::Pending => break,
            }
        }
        self.out = all.to_vec();
        Ok(())
    }

    /// Sends what waits.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut done: usize = 0;
        let sent = loop {
            let rest = self.out.get(done..).unwrap_or_default();
            if rest.is_empty() {
                break Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.tcp).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(sent)) => done = done.saturating_add(sent),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        if done >= self.out.len() {
            self.out = Vec::new();
        } else {
            self.out.drain(..done);
        }
        sent
    }
}

/// What rustls says itself, after what waits.
fn encode(mut data: EncodeTlsData<'_, ServerConnectionData>, out: &mut Vec<u8>) -> io::Result<()> {
    let length = match data.encode(&mut []) {
        Err(EncodeError::InsufficientSize(size)) => size.required_size,
        _ => 0,
    };
    let sent = out.len();
    out.resize(sent.saturating_add(length), 0);
    data.encode(out.get_mut(sent..).unwrap_or_default()).map_err(io::Error::other).map(drop)
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        if !this.plain.is_empty() {
            let now = this.plain.len().min(into.remaining());
            into.put_slice(this.plain.get(..now).unwrap_or_default());
            this.plain.drain(..now);
            if this.plain.is_empty() {
                this.plain = Vec::new();
            }
        }
        // Whether the peer takes what it is sent or not: TLS adds no more to that by itself than a
        // ticket or a word.
        while into.filled().len() == before && into.remaining() > 0 && !this.ended {
            ready!(this.poll_more(cx, into))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    /// What is taken is sent with what follows, or when it is flushed.
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.out.len() > LEAST {
            ready!(this.poll_sent(cx))?;
        }
        let bytes = bytes.get(..LARGEST).unwrap_or(bytes);
        if bytes.len() <= SMALL {
            this.keep(bytes)?;
        } else {
            this.send(cx, bytes)?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx)
    }

    /// Says that nothing follows.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !std::mem::replace(&mut this.closed, true) {
            let sent = this.out.len();
            let status = this.tls.process_tls_records(&mut this.begun);
            if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state {
                this.out.resize(sent.saturating_add(ADDED), 0);
                let room = this.out.get_mut(sent..).unwrap_or_default();
                let made = traffic.queue_close_notify(room).unwrap_or(0);
                this.out.truncate(sent.saturating_add(made));
            }
        }
        ready!(this.poll_sent(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}
