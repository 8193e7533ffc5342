//! The first bytes of an item: major type and argument (RFC 8949 §3).

use crate::{Error, ErrorKind, Kind};

pub(crate) const UINT: u8 = 0;
pub(crate) const NINT: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const TAG: u8 = 6;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const FALSE: u64 = 20;
pub(crate) const TRUE: u64 = 21;
pub(crate) const NULL: u64 = 22;
pub(crate) const UNDEFINED: u64 = 23;

/// A checked head.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// The integer, the length, the simple value or the bits of the float.
    pub(crate) argument: u64,
    /// How many bytes the head takes: 1, 2, 3, 5 or 9.
    pub(crate) size: usize,
}

impl Head {
    /// The head that most items have: a small integer, a short string, a map or array of a few, a
    /// boolean.
    #[inline]
    pub(crate) fn of_one_byte(first: u8) -> Option<Self> {
        let argument = first & 0x1f;
        let kind = match first >> 5 {
            UINT => Kind::Uint,
            NINT => Kind::Nint,
            BYTES => Kind::Bytes,
            TEXT => Kind::Text,
            ARRAY => Kind::Array,
            MAP => Kind::Map,
            SIMPLE if matches!(argument, 20 | 21) => Kind::Bool,
            _ => return None,
        };
        (argument < 24).then(|| Self { kind, argument: argument.into(), size: 1 })
    }

    /// Reads the head at the start of `input`, which begins at `offset` of the whole.
    pub(crate) fn read(input: &[u8], offset: usize) -> Result<Self, Error> {
        let fail = |kind| Error::new(kind, offset);
        let (&first, rest) = input.split_first().ok_or(fail(ErrorKind::UnexpectedEnd))?;
        let (major, info) = (first >> 5, first & 0x1f);
        let end = fail(ErrorKind::UnexpectedEnd);
        let (argument, size, smallest) = match info {
            0..=23 => (u64::from(info), 1, 0),
            24 => (u64::from(*rest.first().ok_or(end)?), 2, 24),
            25 => (u64::from(u16::from_be_bytes(*rest.first_chunk().ok_or(end)?)), 3, 1 << 8),
            26 => (u64::from(u32::from_be_bytes(*rest.first_chunk().ok_or(end)?)), 5, 1 << 16),
            27 => (u64::from_be_bytes(*rest.first_chunk().ok_or(end)?), 9, 1 << 32),
            31 => return Err(fail(ErrorKind::Indefinite)),
            _ => return Err(fail(ErrorKind::Reserved)),
        };
        let kind = match major {
            UINT => Kind::Uint,
            NINT => Kind::Nint,
            BYTES => Kind::Bytes,
            TEXT => Kind::Text,
            ARRAY => Kind::Array,
            MAP => Kind::Map,
            TAG => return Err(fail(ErrorKind::Tag)),
            _ => {
                return Self::simple_or_float(info, argument, size)
                    .ok_or(fail(ErrorKind::Reserved));
            }
        };
        if argument < smallest {
            return Err(fail(ErrorKind::NotShortest));
        }
        Ok(Self { kind, argument, size })
    }

    /// Major type 7. Floats keep the width they were given (CTAP 2.3 §8); a simple value in two
    /// bytes is 32 or more.
    fn simple_or_float(info: u8, argument: u64, size: usize) -> Option<Self> {
        let kind = match (info, argument) {
            (25..=27, _) => Kind::Float,
            (24, 0..32) => return None,
            (_, FALSE | TRUE) => Kind::Bool,
            (_, NULL) => Kind::Null,
            (_, UNDEFINED) => Kind::Undefined,
            _ => Kind::Simple,
        };
        Some(Self { kind, argument, size })
    }
}
