//! One direction of a tunnel: what one side sends is passed on to the other.
//!
//! It reads on only after the other side took what was read before, so that a slow reader slows its
//! sender down and nothing piles up here. Its buffer is there only while there is something in it:
//! a tunnel in which nothing happens holds none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::time::Instant;
use towline_rendezvous::{Ending, Meter};
use towline_websocket::{Forwarder, FrameEvent as Sent, FrameReader, Opcode, Violation};

use crate::buffers::{give_back, take_buffer};
use crate::shared::{Shared, after};
use crate::socket::{End, Peer, Socket, ending_of};

/// Why a direction ended, as each side gets to know it.
#[derive(Clone, Copy)]
pub(crate) struct Endings {
    pub(crate) sender: Ending,
    pub(crate) receiver: Ending,
}

/// What one side sends to the other.
pub(crate) struct Direction {
    forwarder: Forwarder,
    meter: Meter,
    buffer: Option<Box<[u8]>>,
    /// Some of what is ready is sent, but not all of it.
    midway: bool,
    /// What was sent still has to leave.
    unflushed: bool,
    /// The sender is not read, since it does not take its pongs.
    pub(crate) held_up: bool,
    /// By when the receiver has to take what it has not.
    pub(crate) until: Option<Instant>,
    /// Messages that end in what is ready, and the bytes of all that is in it.
    messages: u64,
    bytes: usize,
    /// Why nothing follows after what is ready.
    over: Option<Ending>,
}

/// Why a direction stops, out of what a client sent.
struct Stop(Ending);

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self(ending_of(violation))
    }
}

impl From<Ending> for Stop {
    fn from(ending: Ending) -> Self {
        Self(ending)
    }
}

impl Direction {
    pub(crate) fn new(shared: &Shared, from: &mut End, to: &mut Socket) -> Self {
        let mut reader = std::mem::replace(&mut from.socket.reader, FrameReader::new(0));
        reader.set_limit(shared.limits.message_bytes);
        // What came of a message before there was anybody to pass it on to.
        let message = std::mem::take(&mut from.socket.message);
        let begun = !message.is_empty();
        if begun {
            to.outbox.push(Opcode::Binary, false, &message);
        }
        Self {
            forwarder: Forwarder::resume(reader, begun),
            meter: from.meter.clone(),
            buffer: None,
            midway: false,
            unflushed: false,
            held_up: false,
            until: None,
            messages: 0,
            bytes: message.len(),
            over: None,
        }
    }

    /// Whether the receiver has had its time to take what it was sent.
    pub(crate) fn stalled(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Passes on what can be passed on, until the direction is over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Shared,
        from: &mut Socket,
        to: &mut Socket,
        last: &mut Instant,
    ) -> Poll<Endings> {
        loop {
            match self.poll_send(cx, to) {
                Poll::Ready(Ok(())) => self.until = None,
                // What the other direction reads tells more about a socket that can't be written;
                // here it is just gone.
                Poll::Ready(Err(_)) => {
                    let ending = Ending::PeerVanished;
                    return Poll::Ready(Endings { sender: ending, receiver: ending });
                }
                Poll::Pending => {
                    self.until.get_or_insert_with(|| after(Instant::now(), shared.write_timeout));
                    return Poll::Pending;
                }
            }
            if self.bytes > 0 || self.messages > 0 {
                if self.messages > 0 {
                    *last = Instant::now();
                }
                shared.count(self.messages, self.bytes);
                (self.messages, self.bytes) = (0, 0);
            }
            if let Some(sender) = self.over {
                let receiver =
                    if sender == Ending::PeerLeft { sender } else { Ending::PeerVanished };
                return Poll::Ready(Endings { sender, receiver });
            }
            if let Err(ending) = ready!(self.poll_receive(cx, from)) {
                self.over = Some(ending);
            }
        }
    }

    /// All that the receiver is to get, in whole frames: what is ready, and before or after it what
    /// is in its outbox.
    fn poll_send(&mut self, cx: &mut Context<'_>, to: &mut Socket) -> Poll<io::Result<()>> {
        if !self.midway {
            ready!(to.poll_send(cx))?;
        }
        if let Some(buffer) = &self.buffer {
            while let ready @ [_, ..] = self.forwarder.ready(buffer) {
                let sent = match ready!(Pin::new(&mut to.stream).poll_write(cx, ready)) {
                    Ok(sent) if sent > 0 => sent,
                    Ok(_) | Err(_) => {
                        to.peer = Peer::Gone;
                        return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                    }
                };
                self.forwarder.sent(sent);
                self.midway = !self.forwarder.ready(buffer).is_empty();
                self.unflushed = true;
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut to.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        if self.forwarder.is_empty()
            && let Some(buffer) = self.buffer.take()
        {
            give_back(buffer);
        }
        Poll::Ready(Ok(()))
    }

    /// What the sender sends, made ready.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
    ) -> Poll<Result<(), Ending>> {
        self.held_up = !from.keeps_up();
        if self.held_up {
            return Poll::Pending;
        }
        if from.inbox.is_empty() {
            ready!(from.stream.poll_ready(cx));
        }
        let mut buffer = self.buffer.take().unwrap_or_else(take_buffer);
        let read = self.poll_fill(cx, from, &mut buffer);
        let made = match read {
            Poll::Ready(Ok(())) => Poll::Ready(self.process(from, &mut buffer)),
            nothing => nothing,
        };
        if self.forwarder.is_empty() {
            give_back(buffer);
        } else {
            self.buffer = Some(buffer);
        }
        made
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        buffer: &mut [u8],
    ) -> Poll<Result<(), Ending>> {
        let room = self.forwarder.room(buffer);
        let read = if from.inbox.is_empty() {
            ready!(from.poll_read(cx, room))?
        } else {
            // What came before there was anybody to pass it on to.
            let early = from.inbox.len().min(room.len());
            for (place, byte) in room.iter_mut().zip(from.inbox.drain(..early)) {
                *place = byte;
            }
            early
        };
        self.forwarder.filled(read);
        Poll::Ready(Ok(()))
    }

    fn process(&mut self, from: &mut Socket, buffer: &mut [u8]) -> Result<(), Ending> {
        let Self { forwarder, meter, messages, bytes, .. } = self;
        let Socket { outbox, peer, .. } = from;
        let processed = forwarder.process(buffer, |event| match event {
            Sent::Piece { length, first, last } => {
                meter.handle_piece(length, first)?;
                if length == 0 && !last {
                    meter.handle_control()?;
                }
                *messages = messages.saturating_add(last.into());
                *bytes = bytes.saturating_add(length);
                Ok(())
            }
            Sent::Ping(payload) => {
                meter.handle_control()?;
                outbox.push(Opcode::Pong, true, payload);
                Ok(())
            }
            Sent::Pong => Ok(meter.handle_control()?),
            Sent::Close(code) => {
                *peer = Peer::Left(code);
                Err(Stop(Ending::PeerLeft))
            }
        });
        processed.map_err(|Stop(ending)| {
            if *peer == Peer::There {
                *peer = Peer::Garbled;
            }
            ending
        })
    }

    /// Gives the sockets back what they need for their end: the receiver the rest of a frame that
    /// it has begun to get, the sender whoever finds its last word.
    pub(crate) fn leave(self, from: &mut Socket, to: &mut Socket) {
        if let Some(buffer) = &self.buffer {
            from.inbox.extend_from_slice(self.forwarder.raw(buffer));
            let rest = self.forwarder.ready(buffer);
            if self.midway {
                to.outbox.push_first(rest);
            } else {
                to.outbox.push_last(rest);
            }
        }
        from.reader = self.forwarder.into_reader();
    }
}
