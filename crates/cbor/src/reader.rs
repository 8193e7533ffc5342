//! The borrowing pull reader.

use alloc::{borrow::Cow, string::String};
use core::{cmp::Ordering, fmt};

use crate::{
    Error, ErrorKind, Kind,
    head::{self, Head},
    text::check_text,
};

/// Reads exactly one item that fills `bytes`.
///
/// `max_depth` is how deep maps and arrays may nest; [`crate::CTAP_DEPTH`] for CTAP messages. What
/// `read` leaves unread is checked all the same.
///
/// # Errors
/// What `read` returns, or the rule that the bytes break.
pub fn decode<'a, T, E: From<Error>>(
    bytes: &'a [u8],
    max_depth: u8,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, E>,
) -> Result<T, E> {
    let mut reader = Reader::new(bytes, max_depth);
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// A key of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// An integer that fits.
    Int(i64),
    /// A text string.
    Text(&'a str),
    /// Any other key, as its encoding.
    Other(&'a [u8]),
}

/// A key of a map as it is compared with the known ones: a text as its bytes, so that
/// `Member::Text(b"id")` is a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member<'a> {
    /// An integer that fits.
    Int(i64),
    /// The bytes of a text string. They are UTF-8.
    Text(&'a [u8]),
    /// Any other key, as its encoding.
    Other(&'a [u8]),
}

impl From<i64> for Key<'_> {
    #[inline]
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Key<'a> {
    #[inline]
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

/// Reads one item from borrowed bytes, strictly and without allocating.
///
/// Each method reads the next item or fails and stays before it, so that the caller may look at it
/// in another way. Inside [`Reader::array`] and [`Reader::map`] there is exactly one item to read
/// for each element or value.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// How many more levels of maps and arrays are allowed.
    depth: u8,
    /// Whether the one item that may be read at this place is still unread.
    pending: bool,
}

/// What is read names people and carries secrets: only where the reader is.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} of {} bytes)", self.position, self.bytes.len())
    }
}

impl<'a> Reader<'a> {
    /// A reader of one item; `max_depth` as in [`decode`].
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8], max_depth: u8) -> Self {
        Self { bytes, position: 0, depth: max_depth, pending: true }
    }

    /// What the next item is.
    ///
    /// # Errors
    /// The item's head is missing or not allowed.
    #[inline]
    pub fn kind(&self) -> Result<Kind, Error> {
        self.head().map(|head| head.kind)
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// The next item is of another type or malformed.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Error> {
        let head = self.expect(Kind::Uint)?;
        self.consume(head.size);
        Ok(head.argument)
    }

    /// An integer of either sign. Other types are reported as "expected an unsigned integer".
    ///
    /// # Errors
    /// The next item is of another type, malformed, or beyond 64 bits with sign
    /// ([`ErrorKind::IntegerRange`]).
    #[inline]
    pub fn int(&mut self) -> Result<i64, Error> {
        let head = self.head()?;
        let magnitude =
            i64::try_from(head.argument).map_err(|_| self.fail(ErrorKind::IntegerRange));
        let value = match head.kind {
            Kind::Uint => magnitude?,
            Kind::Nint => !magnitude?, // -1 - n
            found => return Err(self.mismatch(Kind::Uint, found)),
        };
        self.consume(head.size);
        Ok(value)
    }

    /// A byte string.
    ///
    /// # Errors
    /// The next item is of another type or malformed.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        self.string(Kind::Bytes)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// The next item is of another type, malformed, or of another length ([`ErrorKind::Length`]).
    #[inline]
    pub fn byte_array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (start, pending) = (self.position, self.pending);
        let bytes = self.string(Kind::Bytes)?;
        bytes.try_into().map_err(|_| {
            (self.position, self.pending) = (start, pending);
            self.fail(ErrorKind::Length)
        })
    }

    /// A text string.
    ///
    /// # Errors
    /// The next item is of another type, malformed, or not UTF-8.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Error> {
        let (start, pending) = (self.position, self.pending);
        let bytes = self.string(Kind::Text)?;
        core::str::from_utf8(bytes).map_err(|_| {
            (self.position, self.pending) = (start, pending);
            self.fail(ErrorKind::Utf8)
        })
    }

    /// Whether the next item, a text string, is this one.
    ///
    /// # Errors
    /// The next item is of another type, malformed, or not UTF-8.
    #[inline]
    pub fn text_is(&mut self, expected: &str) -> Result<bool, Error> {
        let (start, pending) = (self.position, self.pending);
        let bytes = self.string(Kind::Text)?;
        if bytes == expected.as_bytes() {
            return Ok(true);
        }
        check_text(bytes).map(|()| false).map_err(|kind| {
            (self.position, self.pending) = (start, pending);
            self.fail(kind)
        })
    }

    /// A text string whose bytes may not be UTF-8, with U+FFFD in place of what is not: for names
    /// that the other side cut in the middle of a character.
    ///
    /// # Errors
    /// The next item is of another type or malformed.
    pub fn text_lossy(&mut self) -> Result<Cow<'a, str>, Error> {
        self.string(Kind::Text).map(String::from_utf8_lossy)
    }

    /// A boolean.
    ///
    /// # Errors
    /// The next item is of another type or malformed.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, Error> {
        let head = self.expect(Kind::Bool)?;
        self.consume(head.size);
        Ok(head.argument == head::TRUE)
    }

    /// `null`.
    ///
    /// # Errors
    /// The next item is of another type or malformed.
    pub fn null(&mut self) -> Result<(), Error> {
        let head = self.expect(Kind::Null)?;
        self.consume(head.size);
        Ok(())
    }

    /// Checks the next item, whatever it is, and goes past it.
    ///
    /// # Errors
    /// The item is malformed.
    pub fn skip(&mut self) -> Result<(), Error> {
        let head = self.head()?;
        match head.kind {
            Kind::Bytes => self.string(Kind::Bytes).map(drop),
            Kind::Text => self.text_is("").map(drop),
            Kind::Array => self.array(|_| Ok(())),
            Kind::Map => self.members(|_, _| Ok(())),
            _ => {
                self.consume(head.size);
                Ok(())
            }
        }
    }

    /// Checks the next item and returns its encoding.
    ///
    /// # Errors
    /// The item is malformed.
    pub fn raw(&mut self) -> Result<&'a [u8], Error> {
        let start = self.position;
        self.skip()?;
        self.bytes.get(start..self.position).ok_or(self.fail(ErrorKind::UnexpectedEnd))
    }

    /// An array: `each` is called once for every element, with the reader before it. What `each`
    /// does not read is checked and skipped.
    ///
    /// # Errors
    /// What `each` returns, or the rule that the bytes break.
    #[inline]
    pub fn array<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.enter(Kind::Array)?;
        for _ in 0..count {
            self.pending = true;
            each(self)?;
            self.skip_unread()?;
        }
        self.leave();
        Ok(())
    }

    /// A map: `each` is called once for every entry, with the key and the reader before the value.
    /// What `each` does not read is checked and skipped.
    ///
    /// # Errors
    /// What `each` returns, or the rule that the bytes break.
    #[inline]
    pub fn map<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(Key<'a>, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.members(|member, value| {
            let key = match member {
                Member::Int(number) => Key::Int(number),
                Member::Text(bytes) => {
                    let text = core::str::from_utf8(bytes);
                    Key::Text(text.map_err(|_| value.fail(ErrorKind::Utf8))?)
                }
                Member::Other(encoded) => Key::Other(encoded),
            };
            each(key, value)
        })
    }

    /// A map of which the keys are known: as [`Self::map`], but text in keys is compared, not kept.
    ///
    /// # Errors
    /// What `each` returns, or the rule that the bytes break.
    #[inline]
    pub fn members<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(Member<'a>, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.enter(Kind::Map)?;
        let mut previous: &[u8] = &[];
        for _ in 0..count {
            self.pending = true;
            let start = self.position;
            let key = self.member()?;
            let encoded = self.bytes.get(start..self.position).unwrap_or_default();
            match canonical_order(previous, encoded) {
                Ordering::Less => previous = encoded,
                Ordering::Equal => return Err(Error::new(ErrorKind::DuplicateKey, start).into()),
                Ordering::Greater => return Err(Error::new(ErrorKind::Unsorted, start).into()),
            }
            self.pending = true;
            each(key, self)?;
            self.skip_unread()?;
        }
        self.leave();
        Ok(())
    }

    /// A map in a form that nearly all of its kind have: the bytes `before`, one item without
    /// others in it, and the bytes `after`. `None`, with nothing read, where it is in any other
    /// form, or `read` fails: then it is read as [`Self::members`] reads maps.
    ///
    /// Nothing is checked of the bytes that are given, which have to be canonical.
    #[inline]
    pub fn framed<T>(
        &mut self,
        before: &[u8],
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
        after: &[u8],
    ) -> Option<T> {
        let (start, pending) = (self.position, self.pending);
        if !pending || self.depth == 0 {
            return None;
        }
        let value = self.pass(before).and_then(|()| read(self).ok());
        let value = value.filter(|_| self.pass(after).is_some());
        if value.is_none() {
            (self.position, self.pending) = (start, pending);
        }
        value
    }

    /// Goes past these bytes, if they come next.
    #[inline]
    fn pass(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.position.checked_add(bytes.len())?;
        let next = self.bytes.get(self.position..end)?;
        (next == bytes).then(|| self.position = end)
    }

    /// Ends the reading: checks what is left of the one item, and that nothing stands after it.
    ///
    /// # Errors
    /// The rest is malformed, or there are bytes after the item.
    #[inline]
    pub fn finish(mut self) -> Result<(), Error> {
        self.skip_unread()?;
        if self.position == self.bytes.len() {
            Ok(())
        } else {
            Err(self.fail(ErrorKind::TrailingBytes))
        }
    }

    #[inline]
    fn member(&mut self) -> Result<Member<'a>, Error> {
        let head = self.head()?;
        match (head.kind, i64::try_from(head.argument)) {
            (Kind::Text, _) => {
                let start = self.position;
                let bytes = self.content(head)?;
                check_text(bytes).map_err(|kind| Error::new(kind, start))?;
                Ok(Member::Text(bytes))
            }
            (Kind::Uint, Ok(value)) => {
                self.consume(head.size);
                Ok(Member::Int(value))
            }
            (Kind::Nint, Ok(magnitude)) => {
                self.consume(head.size);
                Ok(Member::Int(!magnitude)) // -1 - n
            }
            _ => self.raw().map(Member::Other),
        }
    }

    #[inline]
    fn string(&mut self, kind: Kind) -> Result<&'a [u8], Error> {
        let head = self.expect(kind)?;
        self.content(head)
    }

    /// The content of the string whose head comes next.
    #[inline]
    fn content(&mut self, head: Head) -> Result<&'a [u8], Error> {
        let end = self.fail(ErrorKind::UnexpectedEnd);
        let length = usize::try_from(head.argument).map_err(|_| end)?;
        let start = self.position.checked_add(head.size).ok_or(end)?;
        let stop = start.checked_add(length).ok_or(end)?;
        let content = self.bytes.get(start..stop).ok_or(end)?;
        self.position = stop;
        self.pending = false;
        Ok(content)
    }

    /// Goes past the head of a map or array and returns how many entries or elements it says to
    /// have.
    #[inline]
    fn enter(&mut self, kind: Kind) -> Result<u64, Error> {
        let head = self.expect(kind)?;
        let depth = self.depth.checked_sub(1).ok_or(self.fail(ErrorKind::TooDeep))?;
        self.consume(head.size);
        self.depth = depth;
        Ok(head.argument)
    }

    #[inline]
    fn leave(&mut self) {
        self.depth = self.depth.saturating_add(1);
        self.pending = false;
    }

    #[inline]
    fn skip_unread(&mut self) -> Result<(), Error> {
        if self.pending { self.skip() } else { Ok(()) }
    }

    #[inline]
    fn head(&self) -> Result<Head, Error> {
        if !self.pending {
            return Err(self.fail(ErrorKind::NoItem));
        }
        match self.bytes.get(self.position).and_then(|first| Head::of_one_byte(*first)) {
            Some(head) => Ok(head),
            None => Head::read(self.bytes.get(self.position..).unwrap_or_default(), self.position),
        }
    }

    #[inline]
    fn expect(&self, expected: Kind) -> Result<Head, Error> {
        let head = self.head()?;
        if head.kind == expected { Ok(head) } else { Err(self.mismatch(expected, head.kind)) }
    }

    /// Goes past a head that [`Reader::head`] has just read, so the position stays within the
    /// input.
    #[inline]
    fn consume(&mut self, size: usize) {
        self.position = self.position.saturating_add(size);
        self.pending = false;
    }

    #[inline]
    const fn mismatch(&self, expected: Kind, found: Kind) -> Error {
        self.fail(ErrorKind::UnexpectedType { expected, found })
    }

    #[inline]
    const fn fail(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.position)
    }
}

/// The order of map keys by their encodings: major type, then length, then bytes (CTAP 2.3 §8).
///
/// For the integers, strings and simple values that keys are made of in shortest form this is the
/// bytewise order; for composite keys the length decides first.
#[inline]
pub(crate) fn canonical_order(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first(), b.first()) {
        // Of integers and strings in shortest form the first byte has the major type and, as far as
        // it goes, the length.
        (Some(a), Some(b)) if a != b && *a.max(b) < head::ARRAY << 5 => a.cmp(b),
        _ => order_by_length(a, b),
    }
}

fn order_by_length(a: &[u8], b: &[u8]) -> Ordering {
    let major = |key: &[u8]| key.first().map(|first| first >> 5);
    major(a).cmp(&major(b)).then_with(|| a.len().cmp(&b.len())).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests;
