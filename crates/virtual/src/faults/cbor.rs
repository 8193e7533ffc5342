//! Maps of CBOR as lists of encoded members, so that they can be put together wrongly.

use towline_cbor::{Key, Reader, Writer, decode};

/// Deep enough for all that an authenticator says.
const DEPTH: u8 = 16;

/// Major types (RFC 8949 §3.1).
pub(super) const BYTES: u8 = 2;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;

/// A map: its members in order, key and value each as encoded.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Map(pub(super) Vec<(Vec<u8>, Vec<u8>)>);

impl Map {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut members = Vec::new();
        decode(bytes, DEPTH, |reader| {
            reader.map(|name, value| {
                members.push((key(name), value.raw()?.to_vec()));
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .ok()?;
        Some(Self(members))
    }

    pub(super) fn get<'k>(&self, name: impl Into<Key<'k>>) -> Option<&[u8]> {
        let name = key(name.into());
        self.0.iter().find(|(of, _)| *of == name).map(|(_, value)| &value[..])
    }

    /// The content of a byte string.
    pub(super) fn bytes<'k>(&self, name: impl Into<Key<'k>>) -> Option<Vec<u8>> {
        let read = decode(self.get(name)?, DEPTH, |it| it.bytes().map(<[u8]>::to_vec));
        read.ok()
    }

    pub(super) fn has<'k>(&self, name: impl Into<Key<'k>>) -> bool {
        self.get(name).is_some()
    }

    /// Puts this in, in its canonical place, or in the place of what was there.
    pub(super) fn set<'k>(&mut self, name: impl Into<Key<'k>>, value: Vec<u8>) {
        let name = key(name.into());
        match self.0.iter_mut().find(|(of, _)| *of == name) {
            Some((_, old)) => *old = value,
            None => {
                self.0.push((name, value));
                // By major type, then length, then bytes: CTAP 2.3 §8.
                self.0.sort_by_key(|(name, _)| {
                    let major = name.first().map_or(0, |first| first >> 5);
                    (major, name.len(), name.clone())
                });
            }
        }
    }

    pub(super) fn remove<'k>(&mut self, name: impl Into<Key<'k>>) {
        let name = key(name.into());
        self.0.retain(|(of, _)| *of != name);
    }

    pub(super) fn write(&self) -> Vec<u8> {
        [head(MAP, self.0.len()), self.members()].concat()
    }

    /// The members without the head.
    pub(super) fn members(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(name, value)| [&name[..], value]).flatten().copied().collect()
    }
}

fn key(name: Key<'_>) -> Vec<u8> {
    match name {
        Key::Int(number) => int(number),
        Key::Text(name) => text(name),
        Key::Other(encoded) => encoded.to_vec(),
    }
}

/// The first item, as encoded, and what follows it.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = Reader::new(bytes, DEPTH).raw().ok()?;
    Some((first, bytes.get(first.len()..)?))
}

/// The head of an item, as short as it can be.
pub(super) fn head(major: u8, argument: usize) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.uint(u64::try_from(argument).unwrap_or(u64::MAX));
    let mut head = writer.into_vec();
    if let Some(first) = head.first_mut() {
        *first |= major << 5;
    }
    head
}

pub(super) fn int(value: i64) -> Vec<u8> {
    encoded(|writer| writer.int(value))
}

pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    encoded(|writer| writer.bytes(value))
}

pub(super) fn text(value: &str) -> Vec<u8> {
    encoded(|writer| writer.text(value))
}

pub(super) fn bool(value: bool) -> Vec<u8> {
    encoded(|writer| writer.bool(value))
}

fn encoded(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer);
    writer.into_vec()
}
