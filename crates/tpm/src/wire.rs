//! Numbers and buffers as TPMs write them: big-endian, with a length of two bytes in front of
//! what varies (TPM 2.0 Part 2 §10.4).

use zeroize::Zeroizing;

/// What is wrong with bytes that a TPM, a file or a server gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Unreadable(pub &'static str);

/// Reads from the front of what is left.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads these bytes, and calls them so in errors.
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// The error about these bytes.
    pub(crate) const fn malformed(&self) -> Unreadable {
        Unreadable(self.what)
    }

    /// An array of bytes; [`Unreadable`] where fewer are left.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(self.malformed())?;
        self.rest = rest;
        Ok(*array)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Unreadable`] at the end.
    pub(crate) fn u8(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of two bytes.
    ///
    /// # Errors
    /// [`Unreadable`] where fewer are left.
    pub(crate) fn u16(&mut self) -> Result<u16, Unreadable> {
        self.array().map(u16::from_be_bytes)
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// [`Unreadable`] where fewer are left.
    pub(crate) fn u32(&mut self) -> Result<u32, Unreadable> {
        self.array().map(u32::from_be_bytes)
    }

    /// As many bytes as are asked for.
    ///
    /// # Errors
    /// [`Unreadable`] where fewer are left.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(self.malformed())?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A buffer with its length in front (`TPM2B`), of at most so many bytes.
    ///
    /// # Errors
    /// [`Unreadable`] where it is longer, or than what is left.
    pub(crate) fn sized(&mut self, most: usize) -> Result<&'a [u8], Unreadable> {
        let length = usize::from(self.u16()?);
        if length > most {
            return Err(self.malformed());
        }
        self.bytes(length)
    }

    /// All that is left.
    pub(crate) const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// Whether nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`Unreadable`] where something is.
    pub(crate) const fn end(&self) -> Result<(), Unreadable> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }
}

/// Writes numbers and buffers, and is wiped: parameters may be secret.
#[derive(Debug, Default)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// With room for most commands, so that growing leaves few copies of secrets behind.
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(1024)))
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A buffer with its length in front. What is too long for that is cut off, length and all: no
    /// TPM takes a command of 64 KiB.
    pub(crate) fn sized(self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let bytes = bytes.get(..usize::from(length)).unwrap_or(bytes);
        self.u16(length).raw(bytes)
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}
