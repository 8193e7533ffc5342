//! One client's frames become frames for another, where they lie.

use std::ops::Range;

use crate::frame::{Head, Opcode, Violation};
use crate::reader::{FrameReader, Parsed};

/// What a client sent, as whoever counts wants to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameEvent<'bytes> {
    /// Some of a binary message. It is passed on if this is approved of.
    Piece {
        /// How many bytes it has.
        length: usize,
        /// Whether the message begins here.
        first: bool,
        /// Whether the message ends here.
        last: bool,
    },
    /// A ping, which wants a pong with the same payload, of 125 bytes at most. It is not passed on.
    Ping(&'bytes [u8]),
    /// A pong. It is not passed on.
    Pong,
    /// The client leaves, with this code.
    Close(Option<u16>),
}

/// One direction between two clients. A frame that does not fit goes on in fragments, as an
/// intermediary may cut it (RFC 6455 §5.4).
///
/// It works in a buffer that the caller keeps: the same, unchanged, for as long as
/// [`is_empty`](Self::is_empty) is false, and any other after that. Such a buffer has at least
/// [`Forwarder::SMALLEST`] bytes.
#[derive(Debug)]
pub struct Forwarder {
    reader: FrameReader,
    /// The receiver was sent the start of a message, and is to be sent more of it.
    begun: bool,
    /// Frames for the receiver.
    ready: Range<usize>,
    /// What has not been made sense of yet.
    raw: Range<usize>,
}

impl Forwarder {
    /// The smallest buffer, in bytes: the longest control frame, which is never taken in parts, and
    /// room before it.
    pub const SMALLEST: usize = 256;

    /// Room before what is read, for the head of a frame that begins with the middle of another.
    const HEADROOM: usize = Head::LONGEST;

    /// Between two clients that have not sent anything, with messages of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self::resume(FrameReader::new(limit), false)
    }

    /// The same after `reader` has read some. `begun` says that the receiver was sent some of the
    /// message under way.
    #[must_use]
    pub const fn resume(reader: FrameReader, begun: bool) -> Self {
        Self { reader, begun, ready: 0..0, raw: Self::HEADROOM..Self::HEADROOM }
    }

    /// Whether the buffer holds nothing, and may be another one next time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.raw.is_empty()
    }

    /// Where to put what the sender sends; then [`filled`](Self::filled) and
    /// [`process`](Self::process). Send what is [`ready`](Self::ready) first: there is no room
    /// before.
    pub fn room<'buffer>(&mut self, buffer: &'buffer mut [u8]) -> &'buffer mut [u8] {
        if !self.ready.is_empty() {
            return &mut [];
        }
        if self.raw.start > Self::HEADROOM {
            let end = Self::HEADROOM.saturating_add(self.raw.len());
            if self.raw.end <= buffer.len() {
                buffer.copy_within(self.raw.clone(), Self::HEADROOM);
            }
            self.raw = Self::HEADROOM..end;
        }
        buffer.get_mut(self.raw.end..).unwrap_or_default()
    }

    /// So many bytes are in the room now.
    pub const fn filled(&mut self, more: usize) {
        self.raw.end = self.raw.end.saturating_add(more);
    }

    /// Makes frames of what is there, for as long as `judge` approves.
    ///
    /// # Errors
    /// What `judge` objects to, or what the sender did wrong. What came before is ready to be sent;
    /// nothing follows.
    pub fn process<E: From<Violation>>(
        &mut self,
        buffer: &mut [u8],
        mut judge: impl FnMut(FrameEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let full = self.raw.start == Self::HEADROOM && self.raw.end >= buffer.len();
            let raw = buffer.get_mut(self.raw.clone()).unwrap_or_default();
            let Some((taken, step)) = self.reader.step(raw, full)? else { return Ok(()) };
            match step {
                Parsed::Piece { payload, first, last } => {
                    judge(FrameEvent::Piece { length: payload.len(), first, last })?;
                    let start = self.raw.start;
                    let payload =
                        payload.start.saturating_add(start)..payload.end.saturating_add(start);
                    // An empty fragment says nothing, unless it says that the message is over.
                    if last || !payload.is_empty() {
                        self.pass_on(buffer, payload, last);
                    }
                }
                Parsed::Ping(payload) => {
                    judge(FrameEvent::Ping(raw.get(payload).unwrap_or_default()))?
                }
                Parsed::Pong => judge(FrameEvent::Pong)?,
                Parsed::Close(code) => judge(FrameEvent::Close(code))?,
            }
            self.raw.start = self.raw.start.saturating_add(taken);
        }
    }

    /// A frame with this payload, right after the last one that is ready.
    fn pass_on(&mut self, buffer: &mut [u8], payload: Range<usize>, last: bool) {
        let opcode = if self.begun { Opcode::Continuation } else { Opcode::Binary };
        let head = Head::new(opcode, last, payload.len());
        let head = head.as_bytes();
        // The head is never longer than the client's, which had a mask, or than the room before all
        // of it.
        let start = if self.ready.is_empty() {
            payload.start.saturating_sub(head.len())
        } else {
            self.ready.end
        };
        let body = start.saturating_add(head.len());
        let end = body.saturating_add(payload.len());
        if body != payload.start {
            buffer.copy_within(payload, body);
        }
        if let Some(place) = buffer.get_mut(start..body) {
            place.copy_from_slice(head);
        }
        self.ready = if self.ready.is_empty() { start..end } else { self.ready.start..end };
        self.begun = !last;
    }

    /// Whole frames for the receiver, or what is left of them.
    #[must_use]
    pub fn ready<'buffer>(&self, buffer: &'buffer [u8]) -> &'buffer [u8] {
        buffer.get(self.ready.clone()).unwrap_or_default()
    }

    /// What came and has not been made sense of yet.
    #[must_use]
    pub fn raw<'buffer>(&self, buffer: &'buffer [u8]) -> &'buffer [u8] {
        buffer.get(self.raw.clone()).unwrap_or_default()
    }

    /// Whoever reads on, after what was [`raw`](Self::raw).
    #[must_use]
    pub const fn into_reader(self) -> FrameReader {
        self.reader
    }

    /// So many bytes of what was ready are sent.
    pub fn sent(&mut self, bytes: usize) {
        self.ready.start = self.ready.start.saturating_add(bytes).min(self.ready.end);
        if self.is_empty() {
            self.raw = Self::HEADROOM..Self::HEADROOM;
        }
    }
}
