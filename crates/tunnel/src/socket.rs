//! The WebSocket of one peer: whole messages while it waits or listens, and the way to a decent
//! end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use towline_rendezvous::{Ending, Meter};
use towline_websocket::{FrameReader, Opcode, Parsed, Violation, close_payload, frame};

use crate::stream::Stream;

/// A peer that leaves the answers to its pings unread is not read either, from so many bytes on.
const BACKLOG: usize = 1024;

/// Bytes read at once from a peer that has little to say.
const CHUNK: usize = 512;

/// The WebSocket of one peer.
pub(crate) struct Socket {
    pub(crate) stream: Stream,
    pub(crate) reader: FrameReader,
    /// Read, and not made sense of yet.
    pub(crate) inbox: Vec<u8>,
    /// The message under way, as far as it has come.
    pub(crate) message: Vec<u8>,
    pub(crate) outbox: Outbox,
    pub(crate) peer: Peer,
    /// Its place among all connections, until it is closed.
    _permit: OwnedSemaphorePermit,
}

/// One side of a tunnel: its socket, and what it may still send.
pub(crate) struct End {
    pub(crate) socket: Box<Socket>,
    pub(crate) meter: Meter,
}

/// How a peer is, as far as its connection tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    There,
    /// It broke the protocol or a limit, so that what it sends means nothing any more.
    Garbled,
    /// It said that it leaves, with this code.
    Left(Option<u16>),
    /// Its connection is gone.
    Gone,
}

/// Whole frames that wait to be sent beside those of a tunnel.
#[derive(Default)]
pub(crate) struct Outbox {
    frames: Vec<u8>,
    sent: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) {
        frame(&mut self.frames, opcode, fin, payload);
    }

    /// Bytes that are left of whole frames. They have to come before all that waits here, which is
    /// whole.
    pub(crate) fn push_first(&mut self, bytes: &[u8]) {
        let rest = self.frames.get(self.sent..).unwrap_or_default();
        (self.frames, self.sent) = ([bytes, rest].concat(), 0);
    }

    /// Whole frames after all that waits here.
    pub(crate) fn push_last(&mut self, bytes: &[u8]) {
        self.frames.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len().saturating_sub(self.sent)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        if self.frames.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_write(cx, stream))?;
        ready!(Pin::new(stream).poll_flush(cx))?;
        *self = Self::default();
        Poll::Ready(Ok(()))
    }

    /// The same, but what leaves with what follows may stay.
    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.frames.get(self.sent..) {
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent = self.sent.saturating_add(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    /// A socket that takes messages of up to `limit` bytes, and what was read after its request.
    /// Boxed, since it goes from hand to hand.
    pub(crate) fn new(
        stream: Stream,
        permit: OwnedSemaphorePermit,
        limit: usize,
        inbox: Vec<u8>,
    ) -> Box<Self> {
        Box::new(Self {
            stream,
            reader: FrameReader::new(limit),
            inbox,
            message: Vec::new(),
            outbox: Outbox::default(),
            peer: Peer::There,
            _permit: permit,
        })
    }

    /// Whether it takes what is sent at all: then it is read on.
    pub(crate) fn keeps_up(&self) -> bool {
        self.outbox.len() <= BACKLOG
    }

    /// Sends what is in the outbox.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.outbox.poll_send(cx, &mut self.stream);
        if matches!(sent, Poll::Ready(Err(_))) {
            self.peer = Peer::Gone;
        }
        sent
    }

    /// Reads into `buffer`; no bytes are an error here.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Ending>> {
        match ready!(self.stream.poll_read_some(cx, buffer)) {
            Ok(read) if read > 0 => Poll::Ready(Ok(read)),
            Ok(_) | Err(_) => {
                self.peer = Peer::Gone;
                Poll::Ready(Err(Ending::PeerVanished))
            }
        }
    }

    /// The next message, whole. Pings are answered meanwhile. Nothing is lost if it is dropped
    /// before it has one.
    pub(crate) async fn receive(&mut self, meter: &mut Meter) -> Result<Vec<u8>, Ending> {
        poll_fn(|cx| self.poll_receive(cx, meter)).await
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        meter: &mut Meter,
    ) -> Poll<Result<Vec<u8>, Ending>> {
        loop {
            match self.read_on(meter) {
                Ok(Some(message)) => return Poll::Ready(Ok(message)),
                Ok(None) => {}
                Err(ending) => {
                    if self.peer == Peer::There {
                        self.peer = Peer::Garbled;
                    }
                    return Poll::Ready(Err(ending));
                }
            }
            match self.poll_send(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Ending::PeerVanished)),
                Poll::Pending if !self.keeps_up() => return Poll::Pending,
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            let mut chunk = [0; CHUNK];
            let read = ready!(self.poll_read(cx, &mut chunk))?;
            self.inbox.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Makes sense of what has come, up to the end of a message.
    fn read_on(&mut self, meter: &mut Meter) -> Result<Option<Vec<u8>>, Ending> {
        while let Some((taken, step)) = self.step(false)? {
            let mut whole = false;
            match step {
                Parsed::Piece { payload, first, last } => {
                    meter.handle_piece(payload.len(), first)?;
                    if payload.is_empty() && !last {
                        meter.handle_control()?;
                    }
                    self.message.extend_from_slice(self.inbox.get(payload).unwrap_or_default());
                    whole = last;
                }
                Parsed::Ping(payload) => {
                    meter.handle_control()?;
                    let payload = self.inbox.get(payload).unwrap_or_default();
                    self.outbox.push(Opcode::Pong, true, payload);
                }
                Parsed::Pong => meter.handle_control()?,
                Parsed::Close(code) => {
                    self.peer = Peer::Left(code);
                    return Err(Ending::PeerLeft);
                }
            }
            self.inbox.drain(..taken);
            if whole {
                return Ok(Some(std::mem::take(&mut self.message)));
            }
        }
        if self.inbox.is_empty() {
            // A peer that waits holds no memory for what it may say.
            self.inbox = Vec::new();
        }
        Ok(None)
    }

    fn step(&mut self, full: bool) -> Result<Option<(usize, Parsed)>, Ending> {
        self.reader.step(&mut self.inbox, full).map_err(ending_of)
    }

    /// Sends a binary message.
    pub(crate) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.outbox.push(Opcode::Binary, true, message);
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Says why it is over, and waits a moment for the peer to say the same (RFC 6455 §7.1.2).
    pub(crate) async fn close(mut self: Box<Self>, ending: Ending, patience: Duration) {
        // Both ends often leave at once, and what they did is known after a turn of the runtime:
        // then nobody has to be told.
        tokio::task::yield_now().await;
        let _left = poll_fn(|cx| Poll::Ready(self.poll_parting(cx))).await;
        if self.peer != Peer::Gone {
            // Boxed, so that a connection does not hold from the start what it needs at its end.
            // Whoever is late is dropped.
            let _late = tokio::time::timeout(patience, Box::pin(self.part(ending))).await;
        }
    }

    async fn part(mut self: Box<Self>, ending: Ending) -> io::Result<()> {
        let payload = match self.peer {
            // What it said itself.
            Peer::Left(code) => code.map(|code| close_payload(code, "")).unwrap_or_default(),
            _ => close_payload(ending.close_code(), &ending.to_string()),
        };
        self.outbox.push(Opcode::Close, true, &payload);
        if let Peer::Left(_) = self.peer {
            // Nothing is awaited: the frame leaves with the end.
            let Self { outbox, stream, .. } = &mut *self;
            poll_fn(|cx| outbox.poll_write(cx, stream)).await?;
        } else {
            poll_fn(|cx| self.poll_send(cx)).await?;
            poll_fn(|cx| self.poll_parting(cx)).await;
        }
        self.stream.shutdown().await
    }

    /// Until the peer has said its last. What it says before that is of no interest.
    fn poll_parting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while self.peer == Peer::There {
                // Messages are not awaited: their parts go as they come.
                match self.step(true) {
                    Ok(Some((_, Parsed::Close(code)))) => self.peer = Peer::Left(code),
                    Ok(Some((taken, _))) => drop(self.inbox.drain(..taken)),
                    Ok(None) => break,
                    Err(_) => self.peer = Peer::Garbled,
                }
            }
            match self.peer {
                Peer::Left(_) | Peer::Gone => return Poll::Ready(()),
                Peer::Garbled => self.inbox.clear(),
                Peer::There => {}
            }
            let mut chunk = [0; CHUNK];
            if let Ok(read) = ready!(self.poll_read(cx, &mut chunk)) {
                self.inbox.extend_from_slice(chunk.get(..read).unwrap_or_default());
            }
        }
    }
}

pub(crate) const fn ending_of(violation: Violation) -> Ending {
    match violation {
        Violation::Text => Ending::Text,
        Violation::TooLong => Ending::TooLong,
        _ => Ending::Misbehaved,
    }
}
