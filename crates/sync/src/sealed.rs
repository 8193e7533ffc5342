//! What is sealed under an epoch: segments, which carry a part of the state or all of it, and
//! heads, which say of which segments the word of a device is made up.

use std::collections::{BTreeMap, BTreeSet};

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::{CryptoProvider, Secret, zeroize::Zeroizing};

use crate::{
    DeviceId, MalformedObject, ObjectHash,
    epochs::EpochId,
    object::{DEPTH, device, hash, list, set, write_all},
};

/// How many records the writer of an object may have known that nothing follows.
const MOST_HEADS: usize = 256;
/// How many segments a head may name.
const MOST_SEGMENTS: usize = 16;
/// How many devices a head may have seen.
const MOST_SEEN: usize = 256;

/// What a sealed object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedKind {
    /// Some of the state: what its writer changed.
    Delta,
    /// All of the state.
    Snapshot,
    Head,
}

impl SealedKind {
    const fn number(self) -> u64 {
        match self {
            Self::Delta => 0,
            Self::Snapshot => 1,
            Self::Head => 2,
        }
    }

    /// To what length it is padded, in bytes: who looks at the store learns no more of how much
    /// there is. What is in a head can be counted in the store anyway.
    const fn padding(self) -> usize {
        match self {
            Self::Delta => 256,
            Self::Snapshot => 4096,
            Self::Head => 1,
        }
    }
}

/// What is to be seen of a sealed object, and is authenticated with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: SealedKind,
    pub(crate) device: DeviceId,
    pub(crate) epoch: EpochId,
    /// The membership that its writer knew.
    pub(crate) heads: BTreeSet<ObjectHash>,
    pub(crate) number: u64,
}

/// A sealed object that is taken apart: an array of header, nonce, and what is sealed.
pub(crate) struct Sealed<'a> {
    pub(crate) header: Header,
    /// The header as it stands there.
    written: &'a [u8],
    nonce: &'a [u8; 12],
    sealed: &'a [u8],
}

impl Header {
    fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |value| value.uint(self.kind.number()));
            map.entry(2, |value| value.bytes(&self.device.0));
            map.entry(3, |value| value.bytes(&self.epoch.0));
            map.entry(4, |value| write_all(value, self.heads.iter().map(|head| &head.0)));
            map.entry(5, |value| value.uint(self.number));
        });
        writer.into_vec()
    }

    fn read(bytes: &[u8]) -> Result<Self, MalformedObject> {
        let (mut kind, mut from, mut epoch) = (None, None, None);
        let (mut heads, mut number) = (None, None);
        decode(bytes, DEPTH, |reader| {
            reader.members(|member, value| {
                match member {
                    Member::Int(1) => {
                        kind = Some(match value.uint()? {
                            0 => SealedKind::Delta,
                            1 => SealedKind::Snapshot,
                            2 => SealedKind::Head,
                            _ => return Err(MalformedObject),
                        });
                    }
                    Member::Int(2) => from = Some(device(value)?),
                    Member::Int(3) => epoch = Some(EpochId::read(value)?),
                    Member::Int(4) => heads = Some(set(value, MOST_HEADS, hash)?),
                    Member::Int(5) => number = Some(value.uint()?),
                    _ => return Err(MalformedObject),
                }
                Ok(())
            })
        })?;
        Ok(Self {
            kind: kind.ok_or(MalformedObject)?,
            device: from.ok_or(MalformedObject)?,
            epoch: epoch.ok_or(MalformedObject)?,
            heads: heads.ok_or(MalformedObject)?,
            number: number.ok_or(MalformedObject)?,
        })
    }

    /// Seals under the key of the epoch that it names. What is sealed is wiped, or becomes what
    /// hides it.
    pub(crate) fn seal(
        &self,
        crypto: &CryptoProvider,
        circle: ObjectHash,
        key: &Secret<32>,
        plain: Zeroizing<Vec<u8>>,
    ) -> Result<Vec<u8>, towline_crypto::Error> {
        let (header, nonce) = (self.write(), crypto.random.bytes::<12>()?);
        let key = object_key(crypto, key, self.device)?;
        let mut sealed = padded(plain, self.kind.padding());
        crypto.aead.key(key.expose()).seal(&nonce, &beside(circle, &header), &mut sealed)?;
        let mut before = Writer::new();
        before.array(|array| {
            array.item(|item| item.bytes(&header));
            array.item(|item| item.bytes(&nonce));
            array.item(|item| item.bytes_head(sealed.len()));
        });
        // Nothing of it is secret any more. In place, so that a large one is not there twice.
        let mut object = std::mem::take(&mut *sealed);
        object.splice(0..0, before.into_vec());
        Ok(object)
    }
}

impl<'a> Sealed<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MalformedObject> {
        let parts = decode(bytes, DEPTH, |reader| list(reader, 3, |item| Ok(item.bytes()?)))?;
        let [written, nonce, sealed] = *parts else { return Err(MalformedObject) };
        let nonce = nonce.try_into().map_err(|_| MalformedObject)?;
        Ok(Self { header: Header::read(written)?, written, nonce, sealed })
    }

    /// Opens it by the key of its epoch; nothing if it was not sealed as it stands there.
    pub(crate) fn open(
        &self,
        crypto: &CryptoProvider,
        circle: ObjectHash,
        key: &Secret<32>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = object_key(crypto, key, self.header.device).ok()?;
        let mut plain = Zeroizing::new(self.sealed.to_vec());
        let beside = beside(circle, self.written);
        crypto.aead.key(key.expose()).open(self.nonce, &beside, &mut plain).ok()?;
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        if plain.get(end) != Some(&PAD) {
            return None;
        }
        plain.truncate(end);
        Some(plain)
    }
}

/// Begins the padding; zeros follow.
const PAD: u8 = 0x80;

/// What padding, a tag and a header take at most, nearly always.
pub(crate) const ROOM: usize = 6 << 10;

/// Padded, and with room for the tag. In place where there is room, so that a large state is not
/// there twice.
fn padded(mut plain: Zeroizing<Vec<u8>>, to: usize) -> Zeroizing<Vec<u8>> {
    let length = plain.len().saturating_add(1).next_multiple_of(to);
    if plain.capacity() < length.saturating_add(16) {
        // Nothing is left behind where a vector has grown: the smaller one is wiped.
        let mut larger = Zeroizing::new(Vec::with_capacity(length.saturating_add(ROOM)));
        larger.extend_from_slice(&plain);
        plain = larger;
    }
    plain.push(PAD);
    plain.resize(length, 0);
    plain
}

fn beside(circle: ObjectHash, header: &[u8]) -> Vec<u8> {
    [b"towline sync 1 sealed\0".as_slice(), &circle.0, header].concat()
}

/// A key for what one device seals, so that nonces need to differ on that device only.
fn object_key(
    crypto: &CryptoProvider,
    epoch: &Secret<32>,
    by: DeviceId,
) -> Result<Secret<32>, towline_crypto::Error> {
    let info = [b"towline sync 1 segment\0".as_slice(), &by.0].concat();
    Secret::try_init(|out| crypto.hkdf.derive(&[], epoch.expose(), &info, out))
}

/// A segment as a head names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) hash: ObjectHash,
    /// Its length in the store, in bytes.
    pub(crate) size: u64,
}

impl Part {
    pub(crate) fn write(self, writer: &mut Writer) {
        writer.bytes(&[self.hash.0.as_slice(), &self.size.to_be_bytes()].concat());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, MalformedObject> {
        let (hash, size) = reader.byte_array::<24>()?.split_first_chunk().ok_or(MalformedObject)?;
        let size = size.try_into().map_err(|_| MalformedObject)?;
        Ok(Self { hash: ObjectHash(*hash), size: u64::from_be_bytes(size) })
    }
}

/// The newest head of a device that somebody has merged whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) hash: ObjectHash,
}

/// What is sealed in a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inner {
    /// A snapshot and the deltas after it.
    pub(crate) segments: Vec<Part>,
    pub(crate) seen: BTreeMap<DeviceId, Seen>,
    /// When it was written, by its writer's own clock, in milliseconds of Unix time.
    pub(crate) time: u64,
}

impl Inner {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |value| {
                value.array(|array| {
                    self.segments.iter().for_each(|part| array.item(|item| part.write(item)));
                });
            });
            map.entry(2, |value| write_seen(value, &self.seen));
            map.entry(3, |value| value.uint(self.time));
        });
        writer.into_vec()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, MalformedObject> {
        let (mut segments, mut seen, mut time) = (None, None, None);
        decode(bytes, DEPTH, |reader| {
            reader.members(|member, value| {
                match member {
                    Member::Int(1) => segments = Some(list(value, MOST_SEGMENTS, Part::read)?),
                    Member::Int(2) => seen = Some(read_seen(value, MOST_SEEN)?),
                    Member::Int(3) => time = Some(value.uint()?),
                    _ => return Err(MalformedObject),
                }
                Ok(())
            })
        })?;
        Ok(Self {
            segments: segments.ok_or(MalformedObject)?,
            seen: seen.ok_or(MalformedObject)?,
            time: time.ok_or(MalformedObject)?,
        })
    }
}

pub(crate) fn write_seen(writer: &mut Writer, seen: &BTreeMap<DeviceId, Seen>) {
    writer.array(|array| {
        for (id, newest) in seen {
            let number = newest.number.to_be_bytes();
            let entry = [id.0.as_slice(), &newest.hash.0, &number].concat();
            array.item(|item| item.bytes(&entry));
        }
    });
}

pub(crate) fn read_seen(
    reader: &mut Reader<'_>,
    most: usize,
) -> Result<BTreeMap<DeviceId, Seen>, MalformedObject> {
    let entries = set(reader, most, |item| {
        let (id, rest) =
            item.byte_array::<40>()?.split_first_chunk::<16>().ok_or(MalformedObject)?;
        let (hash, number) = rest.split_first_chunk::<16>().ok_or(MalformedObject)?;
        let number = u64::from_be_bytes(number.try_into().map_err(|_| MalformedObject)?);
        Ok((DeviceId(*id), Seen { number, hash: ObjectHash(*hash) }))
    })?;
    let (count, seen) = (entries.len(), entries.into_iter().collect::<BTreeMap<_, _>>());
    if seen.len() == count { Ok(seen) } else { Err(MalformedObject) }
}
