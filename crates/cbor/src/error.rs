//! Why bytes were refused.

use core::fmt;

/// What kind of item stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Unsigned integer (major type 0).
    Uint,
    /// Negative integer (major type 1).
    Nint,
    /// Byte string (major type 2).
    Bytes,
    /// Text string (major type 3).
    Text,
    /// Array (major type 4).
    Array,
    /// Map (major type 5).
    Map,
    /// `true` or `false`.
    Bool,
    /// The simple value `null`.
    Null,
    /// The simple value `undefined`.
    Undefined,
    /// A simple value without a meaning of its own.
    Simple,
    /// A floating-point number of any width.
    Float,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uint => "an unsigned integer",
            Self::Nint => "a negative integer",
            Self::Bytes => "a byte string",
            Self::Text => "a text string",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Bool => "a boolean",
            Self::Null => "null",
            Self::Undefined => "undefined",
            Self::Simple => "a simple value",
            Self::Float => "a floating-point number",
        })
    }
}

/// The rule that was broken.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input ends inside an item.
    UnexpectedEnd,
    /// An integer or a length is not in its shortest form.
    NotShortest,
    /// An indefinite length, or a stray "break".
    Indefinite,
    /// Reserved additional information (28 to 30), or a simple value in a form that is not allowed.
    Reserved,
    /// A tag (major type 6).
    Tag,
    /// A map key that does not come after the one before it.
    Unsorted,
    /// A map key that was there before.
    DuplicateKey,
    /// Text that is not UTF-8.
    Utf8,
    /// More nesting than the caller allows.
    TooDeep,
    /// Bytes after the item.
    TrailingBytes,
    /// Well-formed, but of another type than the reader wanted.
    UnexpectedType {
        /// What the reader wanted.
        expected: Kind,
        /// The type that stands there instead.
        found: Kind,
    },
    /// An integer of the right type, but beyond what the reader can hold.
    IntegerRange,
    /// A byte string of another length than the reader wanted.
    Length,
    /// The reading code asked for more items than there are at this place.
    NoItem,
}

/// Why bytes were refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The rule that was broken.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where in the input, in bytes from its start.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the bytes are well-formed and canonical as far as they were read, but say something
    /// of another type than was wanted. CTAP answers these with `CTAP2_ERR_CBOR_UNEXPECTED_TYPE`
    /// (0x11), all others with `CTAP2_ERR_INVALID_CBOR` (0x12).
    #[must_use]
    pub const fn is_type_mismatch(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::UnexpectedType { .. }
                | ErrorKind::IntegerRange
                | ErrorKind::Length
                | ErrorKind::NoItem
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::UnexpectedEnd => f.write_str("the CBOR ends inside an item")?,
            ErrorKind::NotShortest => {
                f.write_str("an integer or length is not in its shortest form")?
            }
            ErrorKind::Indefinite => f.write_str("an indefinite length is not allowed")?,
            ErrorKind::Reserved => f.write_str("a reserved encoding")?,
            ErrorKind::Tag => f.write_str("tags are not allowed")?,
            ErrorKind::Unsorted => f.write_str("map keys are not sorted")?,
            ErrorKind::DuplicateKey => f.write_str("a map key is repeated")?,
            ErrorKind::Utf8 => f.write_str("text is not UTF-8")?,
            ErrorKind::TooDeep => f.write_str("maps and arrays are nested too deeply")?,
            ErrorKind::TrailingBytes => f.write_str("there are bytes after the item")?,
            ErrorKind::UnexpectedType { expected, found } => {
                write!(f, "expected {expected}, found {found}")?
            }
            ErrorKind::IntegerRange => f.write_str("an integer is out of range")?,
            ErrorKind::Length => f.write_str("a byte string has the wrong length")?,
            ErrorKind::NoItem => f.write_str("there is no further item here")?,
        }
        write!(f, " (at byte {})", self.offset)
    }
}

impl core::error::Error for Error {}
