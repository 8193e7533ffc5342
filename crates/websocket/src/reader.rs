//! Frames as a client sends them, one step at a time.

use std::ops::Range;

use crate::frame::{ClientHead, Opcode, Violation, close_code};
use crate::mask;

/// What one step found. Ranges are places in the bytes that were read, without their mask now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// Some of a binary message.
    Piece {
        /// Where the bytes lie.
        payload: Range<usize>,
        /// Whether the message begins here.
        first: bool,
        /// Whether the message ends here.
        last: bool,
    },
    /// A ping, which wants a pong with the same payload, of 125 bytes at most (RFC 6455 §5.5.2).
    Ping(Range<usize>),
    /// A pong. Nothing is to be done about it.
    Pong,
    /// The client leaves, with this code. Nothing follows.
    Close(Option<u16>),
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    None,
    /// Frames with so many bytes were announced, and it goes on.
    UnderWay(usize),
}

/// A frame of which only the beginning was there.
#[derive(Debug, Clone, Copy)]
struct Rest {
    left: usize,
    mask: [u8; 4],
    fin: bool,
}

/// Reads what one client sends (RFC 6455 §5): frames with masks, messages in fragments, control
/// frames between them.
#[derive(Debug)]
pub struct FrameReader {
    limit: usize,
    message: Message,
    rest: Option<Rest>,
}

impl FrameReader {
    /// A reader of messages of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, message: Message::None, rest: None }
    }

    /// From the next frame on, messages may have as many bytes as this.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// One step, and how many bytes it took from the start of `bytes`; nothing if more has to come
    /// first. `full` says that no more can come before some are taken: then the beginning of a
    /// longer frame is a step as well.
    ///
    /// # Errors
    /// What the client did wrong. After that, what it sends means nothing.
    pub fn step(
        &mut self,
        bytes: &mut [u8],
        full: bool,
    ) -> Result<Option<(usize, Parsed)>, Violation> {
        if let Some(rest) = self.rest {
            return Ok(self.go_on(bytes, 0, rest, full, false));
        }
        let Some(head) = ClientHead::parse(bytes)? else { return Ok(None) };
        match head.opcode {
            Opcode::Text => Err(Violation::Text),
            Opcode::Binary if self.message != Message::None => Err(Violation::Interleaved),
            Opcode::Binary => self.begin(bytes, head, full, 0),
            Opcode::Continuation => match self.message {
                Message::None => Err(Violation::NothingToContinue),
                Message::UnderWay(length) => self.begin(bytes, head, full, length),
            },
            Opcode::Close | Opcode::Ping | Opcode::Pong => control(bytes, head),
        }
    }

    /// A data frame, after `length` bytes of its message.
    fn begin(
        &mut self,
        bytes: &mut [u8],
        head: ClientHead,
        full: bool,
        length: usize,
    ) -> Result<Option<(usize, Parsed)>, Violation> {
        let length = length.checked_add(head.payload).filter(|length| *length <= self.limit);
        let length = length.ok_or(Violation::TooLong)?;
        let rest = Rest { left: head.payload, mask: head.mask, fin: head.fin };
        let first = head.opcode == Opcode::Binary;
        let step = self.go_on(bytes, head.size, rest, full, first);
        if step.is_some() && (self.rest.is_some() || !head.fin) {
            self.message = Message::UnderWay(length);
        }
        Ok(step)
    }

    /// What there is of a data frame's payload from `start` on, if that is worth a step.
    fn go_on(
        &mut self,
        bytes: &mut [u8],
        start: usize,
        rest: Rest,
        full: bool,
        first: bool,
    ) -> Option<(usize, Parsed)> {
        let payload = bytes.get_mut(start..).unwrap_or_default();
        let here = payload.len().min(rest.left);
        if here < rest.left && (!full || here == 0) {
            return None;
        }
        mask::unmask(payload.get_mut(..here).unwrap_or_default(), rest.mask);
        let left = rest.left.saturating_sub(here);
        let last = rest.fin && left == 0;
        self.rest = (left > 0).then(|| Rest { left, mask: mask::after(rest.mask, here), ..rest });
        if last {
            self.message = Message::None;
        }
        let end = start.saturating_add(here);
        Some((end, Parsed::Piece { payload: start..end, first, last }))
    }
}

/// A control frame, which is never taken in parts.
fn control(bytes: &mut [u8], head: ClientHead) -> Result<Option<(usize, Parsed)>, Violation> {
    let end = head.size.saturating_add(head.payload);
    let Some(payload) = bytes.get_mut(head.size..end) else { return Ok(None) };
    mask::unmask(payload, head.mask);
    let step = match head.opcode {
        Opcode::Close => Parsed::Close(close_code(payload)?),
        Opcode::Ping => Parsed::Ping(head.size..end),
        _ => Parsed::Pong,
    };
    Ok(Some((end, step)))
}
