//! Heads of frames (RFC 6455 §5.2), and what is wrong with a client's.

/// What a frame is (RFC 6455 §5.2, §11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message under way.
    Continuation,
    /// The start of a text message, or all of it.
    Text,
    /// The start of a binary message, or all of it.
    Binary,
    /// The end, and why.
    Close,
    /// A question whether the peer is there.
    Ping,
    /// Its answer, or one without a question.
    Pong,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xa => Some(Self::Pong),
            _ => None,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What a client must not send. The connection is over: close code 1003 for text, 1009 for what is
/// too long, 1002 for all else (RFC 6455 §7.4.1).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit is set, and no extension was agreed upon (RFC 6455 §5.2).
    #[error("a reserved bit is set")]
    Reserved,
    /// An opcode that is not defined.
    #[error("an unknown opcode")]
    UnknownOpcode,
    /// Clients mask every frame (RFC 6455 §5.1).
    #[error("a frame without a mask")]
    Unmasked,
    /// The highest bit of a length is zero (RFC 6455 §5.2).
    #[error("a length beyond 63 bits")]
    LengthOutOfRange,
    /// Control frames are never in fragments (RFC 6455 §5.5).
    #[error("a control frame in fragments")]
    FragmentedControl,
    /// Control frames have 125 bytes at most (RFC 6455 §5.5).
    #[error("a control frame of more than 125 bytes")]
    LongControl,
    /// Something to continue, and no message under way.
    #[error("a continuation of no message")]
    NothingToContinue,
    /// A new message before the end of the one under way.
    #[error("a message within a message")]
    Interleaved,
    /// Text: a tunnel carries binary messages only.
    #[error("a text message")]
    Text,
    /// A longer message than is granted.
    #[error("a message over the limit")]
    TooLong,
    /// A close frame with half a code, one that may not be sent, or a reason that is not UTF-8 (RFC
    /// 6455 §5.5.1, §7.4).
    #[error("a close frame that says nothing valid")]
    Close,
}

/// The head of a client's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientHead {
    pub(crate) opcode: Opcode,
    pub(crate) fin: bool,
    pub(crate) mask: [u8; 4],
    /// Bytes of payload.
    pub(crate) payload: usize,
    /// Bytes of the head itself, 6 to 14.
    pub(crate) size: usize,
}

impl ClientHead {
    /// The longest, in bytes.
    pub(crate) const LONGEST: usize = 14;

    /// `None` if more of it is to come.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Violation::Reserved);
        }
        let fin = first & 0x80 != 0;
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::UnknownOpcode)?;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }
        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        if second & 0x80 == 0 {
            return Err(Violation::Unmasked);
        }
        let (length, rest, size) = match second & 0x7f {
            126 => match rest.split_first_chunk::<2>() {
                Some((length, rest)) => (u16::from_be_bytes(*length).into(), rest, 8),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest, Self::LONGEST),
                None => return Ok(None),
            },
            short => (short.into(), rest, 6),
        };
        if length > u64::MAX >> 1 {
            return Err(Violation::LengthOutOfRange);
        }
        if opcode.is_control() && length > 125 {
            return Err(Violation::LongControl);
        }
        let Some(mask) = rest.first_chunk::<4>() else { return Ok(None) };
        let payload = usize::try_from(length).map_err(|_| Violation::TooLong)?;
        Ok(Some(Self { opcode, fin, mask: *mask, payload, size }))
    }
}

/// The head of a frame from a server, which has no mask: 2, 4 or 10 bytes (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; Self::LONGEST],
    size: usize,
}

impl Head {
    /// The longest, in bytes.
    pub const LONGEST: usize = 10;

    /// The head before so many bytes of payload, the length in as few bytes as it takes. `fin` for
    /// the last frame of its message.
    #[must_use]
    pub fn new(opcode: Opcode, fin: bool, payload: usize) -> Self {
        let first = opcode.bits() | if fin { 0x80 } else { 0 };
        let mut bytes = [0; Self::LONGEST];
        let (short, size) = match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short @ 0..126), _) => (short, 2),
            (_, Ok(length)) => {
                let [a, b] = length.to_be_bytes();
                bytes = [0, 0, a, b, 0, 0, 0, 0, 0, 0];
                (126, 4)
            }
            _ => {
                // No length of a buffer has more than 64 bits.
                let [a, b, c, d, e, f, g, h] =
                    u64::try_from(payload).unwrap_or(u64::MAX).to_be_bytes();
                bytes = [0, 0, a, b, c, d, e, f, g, h];
                (127, Self::LONGEST)
            }
        };
        let [one, two, ..] = &mut bytes;
        (*one, *two) = (first, short);
        Self { bytes, size }
    }

    /// The encoded head, of 2, 4 or 10 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }
}

/// A frame of a server, appended to `out`. `fin` for the last frame of its message. Control frames
/// are always whole, and have 125 bytes of payload at most (RFC 6455 §5.5): that is up to the
/// caller.
pub fn frame(out: &mut Vec<u8>, opcode: Opcode, fin: bool, payload: &[u8]) {
    let head = Head::new(opcode, fin, payload.len());
    out.reserve(head.size.saturating_add(payload.len()));
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(payload);
}

/// What is left of a control frame's 125 bytes beside the code.
const LONGEST_REASON: usize = 123;

/// What a close frame carries (RFC 6455 §5.5.1): a code, and a reason of at most 123 bytes; what is
/// longer is cut between two characters. The code is the caller's: one of §7.4.1.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let fits = reason.char_indices().map(|(start, next)| start.saturating_add(next.len_utf8()));
    let length = fits.take_while(|end| *end <= LONGEST_REASON).last().unwrap_or_default();
    let reason = reason.as_bytes().get(..length).unwrap_or_default();
    [code.to_be_bytes().as_slice(), reason].concat()
}

/// The code in a client's close frame; `None` if it gave none.
pub(crate) fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk::<2>().ok_or(Violation::Close)?;
    let code = u16::from_be_bytes(*code);
    // RFC 6455 §7.4.1 and IANA's registry: 1004 has no meaning, 1005, 1006 and 1015 are never sent.
    let valid = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    if !valid || std::str::from_utf8(reason).is_err() {
        return Err(Violation::Close);
    }
    Ok(Some(code))
}
