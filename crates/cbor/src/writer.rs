//! The writer: whatever is asked of it, what comes out is canonical.

use alloc::vec::Vec;
use core::{cmp::Ordering, fmt, ops::Range};

use crate::{
    head,
    reader::{Key, Reader, canonical_order},
};

/// Writes one item, or several one after the other, in canonical form.
#[derive(Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// What is written names people and carries secrets: only its length.
impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.bytes.len())
    }
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// An empty writer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Goes on after what is already there, a command or status byte, say.
    #[must_use]
    pub const fn from_vec(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// All that was written.
    #[must_use]
    #[inline]
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// An unsigned integer.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        self.head(head::UINT, value);
    }

    /// An integer of either sign.
    #[inline(always)]
    pub fn int(&mut self, value: i64) {
        // Nearly all are keys of maps, known when this is compiled: then this is all that is left.
        match u8::try_from(value) {
            Ok(short @ 0..=23) => self.bytes.push(short),
            _ => self.longer_int(value),
        }
    }

    fn longer_int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(head::UINT, value),
            Err(_) => self.head(head::NINT, (!value).unsigned_abs()), // -1 - n
        }
    }

    /// A byte string.
    #[inline]
    pub fn bytes(&mut self, value: &[u8]) {
        self.length(head::BYTES, value.len());
        self.bytes.extend_from_slice(value);
    }

    /// The head of a byte string, after which its bytes come: for one that is too long to copy.
    pub fn bytes_head(&mut self, length: usize) {
        self.length(head::BYTES, length);
    }

    /// A text string.
    #[inline]
    pub fn text(&mut self, value: &str) {
        self.length(head::TEXT, value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// Appends `true` or `false`.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.head(head::SIMPLE, if value { head::TRUE } else { head::FALSE });
    }

    /// Appends `null`.
    pub fn null(&mut self) {
        self.head(head::SIMPLE, head::NULL);
    }

    /// One item that is encoded already, canonically: what [`crate::Reader::raw`] gave or a
    /// `Writer` made.
    #[inline]
    pub fn raw(&mut self, item: &[u8]) {
        self.bytes.extend_from_slice(item);
    }

    /// An array, its elements added by `build`.
    #[inline]
    pub fn array(&mut self, build: impl FnOnce(&mut ArrayWriter<'_>)) {
        let head = self.begin();
        let mut array = ArrayWriter { writer: self, count: 0 };
        build(&mut array);
        let count = array.count;
        self.end(head, head::ARRAY, count);
    }

    /// A map, its entries added by `build` in any order: they come out sorted.
    #[inline]
    pub fn map(&mut self, build: impl FnOnce(&mut MapWriter<'_>)) {
        let head = self.begin();
        let start = self.bytes.len();
        let mut map = MapWriter {
            writer: self,
            start,
            count: 0,
            last: start..start,
            last_integer: None,
            sorted: true,
        };
        build(&mut map);
        let count = map.sort();
        self.end(head, head::MAP, count);
    }

    #[inline]
    fn length(&mut self, major: u8, length: usize) {
        // A length in memory always fits 64 bits.
        self.head(major, u64::try_from(length).unwrap_or(u64::MAX));
    }

    #[inline]
    fn head(&mut self, major: u8, argument: u64) {
        match u8::try_from(argument) {
            Ok(short @ 0..=23) => self.bytes.push(major << 5 | short),
            Ok(byte) => self.bytes.extend_from_slice(&[major << 5 | 24, byte]),
            Err(_) => {
                let (buffer, size) = encode_head(major, argument);
                self.bytes.extend_from_slice(buffer.get(..size).unwrap_or_default());
            }
        }
    }

    /// Leaves room for the head of a map or array: one byte, which is mostly enough. Returns where
    /// it is.
    #[inline]
    fn begin(&mut self) -> usize {
        let head = self.bytes.len();
        self.bytes.push(0);
        head
    }

    /// Writes the head of a map or array before its content, now that the count is known.
    #[inline]
    fn end(&mut self, head: usize, major: u8, count: usize) {
        if let (Ok(short @ 0..=23), Some(place)) = (u8::try_from(count), self.bytes.get_mut(head)) {
            *place = major << 5 | short;
            return;
        }
        self.insert_head(head, major, count);
    }

    /// Makes room for a longer head.
    #[cold]
    fn insert_head(&mut self, head: usize, major: u8, count: usize) {
        let (buffer, size) = encode_head(major, u64::try_from(count).unwrap_or(u64::MAX));
        let encoded = buffer.get(..size).unwrap_or_default();
        self.bytes.splice(head..=head, encoded.iter().copied());
    }
}

/// The shortest head, and how many bytes of the buffer it takes.
fn encode_head(major: u8, argument: u64) -> ([u8; 9], usize) {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = argument.to_be_bytes();
    let m = major << 5;
    match argument {
        0..=23 => ([m | b7, 0, 0, 0, 0, 0, 0, 0, 0], 1),
        24..=0xff => ([m | 24, b7, 0, 0, 0, 0, 0, 0, 0], 2),
        0x100..=0xffff => ([m | 25, b6, b7, 0, 0, 0, 0, 0, 0], 3),
        0x1_0000..=0xffff_ffff => ([m | 26, b4, b5, b6, b7, 0, 0, 0, 0], 5),
        _ => ([m | 27, b0, b1, b2, b3, b4, b5, b6, b7], 9),
    }
}

/// Adds the elements of an array.
#[derive(Debug)]
pub struct ArrayWriter<'w> {
    writer: &'w mut Writer,
    count: usize,
}

impl ArrayWriter<'_> {
    /// One element. `write` writes exactly one item.
    #[inline]
    pub fn item(&mut self, write: impl FnOnce(&mut Writer)) {
        write(self.writer);
        self.count = self.count.saturating_add(1);
    }
}

/// Integers as keys are ordered by this: those that are not negative come first, then the smaller
/// argument.
#[inline]
const fn integer_order(key: i64) -> (bool, i64) {
    if key < 0 { (true, !key) } else { (false, key) }
}

/// Adds the entries of a map.
#[derive(Debug)]
pub struct MapWriter<'w> {
    writer: &'w mut Writer,
    /// Where the entries start.
    start: usize,
    count: usize,
    /// Where the key of the last entry is, and which, if it is an integer.
    last: Range<usize>,
    last_integer: Option<i64>,
    /// Whether the keys have come in order so far, as they mostly do.
    sorted: bool,
}

impl MapWriter<'_> {
    /// One entry. `write` writes exactly one item. An entry whose key was there before takes its
    /// place.
    #[inline]
    pub fn entry<'k>(&mut self, key: impl Into<Key<'k>>, write: impl FnOnce(&mut Writer)) {
        let start = self.writer.bytes.len();
        let integer = match key.into() {
            Key::Int(value) => {
                self.writer.int(value);
                Some(value)
            }
            Key::Text(value) => {
                self.writer.text(value);
                None
            }
            Key::Other(encoded) => {
                self.writer.raw(encoded);
                None
            }
        };
        let key = start..self.writer.bytes.len();
        let encoded = |key: &Range<usize>| self.writer.bytes.get(key.clone()).unwrap_or_default();
        self.sorted &= match (self.last_integer, integer) {
            (Some(last), Some(next)) => integer_order(last) < integer_order(next),
            _ if self.count == 0 => true,
            _ => canonical_order(encoded(&self.last), encoded(&key)) == Ordering::Less,
        };
        (self.last, self.last_integer) = (key, integer);
        self.count = self.count.saturating_add(1);
        write(self.writer);
    }

    /// One entry, if there is a value for it.
    #[inline]
    pub fn optional<'k, T>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: Option<T>,
        write: impl FnOnce(&mut Writer, T),
    ) {
        if let Some(value) = value {
            self.entry(key, |w| write(w, value));
        }
    }

    /// Brings the entries in order where they are not, and returns how many there are.
    #[inline]
    fn sort(self) -> usize {
        if self.sorted { self.count } else { self.sort_entries() }
    }

    #[cold]
    fn sort_entries(self) -> usize {
        let content = self.writer.bytes.split_off(self.start);
        let mut entries = Vec::with_capacity(self.count);
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            let (key, after_key) = split_item(rest);
            let (_, after_value) = split_item(after_key);
            let length = rest.len().saturating_sub(after_value.len());
            entries.push((key, rest.get(..length).unwrap_or_default()));
            rest = after_value;
        }
        // Of equal keys the last written comes first, and the others go.
        entries.reverse();
        entries.sort_by(|(a, _), (b, _)| canonical_order(a, b));
        entries.dedup_by(|(a, _), (b, _)| a == b);
        entries.iter().for_each(|(_, entry)| self.writer.bytes.extend_from_slice(entry));
        entries.len()
    }
}

/// The first item, which this writer has written, and what follows it.
fn split_item(bytes: &[u8]) -> (&[u8], &[u8]) {
    let item = Reader::new(bytes, u8::MAX).raw().unwrap_or(bytes);
    bytes.split_at_checked(item.len()).unwrap_or((bytes, &[]))
}
