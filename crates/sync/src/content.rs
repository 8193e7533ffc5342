//! What the records of a circle hold, and the one form of a state in bytes.

use std::{cmp::Ordering, collections::BTreeMap, fmt, sync::Arc};

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::zeroize::Zeroizing;

use crate::{
    MalformedObject, Register, Stamp, State, Tag,
    object::{DEPTH, list},
    state::{Kept, Written},
};

/// Bytes that the circle carries and does not look into: a passkey's key and seeds, its names.
/// Shared by all who hold it, wiped when nobody does.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Arc<Zeroizing<Vec<u8>>>);

impl Content {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Decides alike on all devices where two claim the same place. It takes a time that depends on the
/// bytes, of which both are the person's own.
impl Ord for Content {
    fn cmp(&self, other: &Self) -> Ordering {
        self.expose().cmp(other.expose())
    }
}

impl PartialOrd for Content {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.expose().len())
    }
}

/// How many records, tags of one, or burials a state may have.
const MOST: usize = 1 << 20;
/// What a tag takes beside its content, at most, and a burial.
const BESIDE: usize = 160;
const BURIED: usize = 17;

type Records = State<Content, Content>;

impl Records {
    /// The state in bytes: canonical CBOR, so that equal states are equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(self.size());
        self.write_to(&mut writer);
        Zeroizing::new(writer.into_vec())
    }

    /// The same in so many parts of about the same size, or fewer, which are one again once all of
    /// them are merged.
    pub(crate) fn to_parts(&self, parts: usize) -> Vec<Zeroizing<Vec<u8>>> {
        if parts < 2 || self.is_empty() {
            return vec![self.to_bytes()];
        }
        let most = self.size().div_ceil(parts);
        let mut found: BTreeMap<usize, Self> = BTreeMap::new();
        let mut before = 0_usize;
        let mut part = |size: usize| {
            // Where its middle is: what is larger than two parts has one of its own.
            let middle = before.saturating_add(size / 2);
            before = before.saturating_add(size);
            middle.checked_div(most).unwrap_or_default()
        };
        for (key, kept) in &self.records {
            let into = found.entry(part(size(kept))).or_default();
            into.records.insert(*key, kept.clone());
        }
        for tag in &self.buried {
            found.entry(part(BURIED)).or_default().buried.insert(*tag);
        }
        found.values().map(Self::to_bytes).collect()
    }

    /// More than [`Self::to_bytes`] takes, so that no copy stays behind where a vector has grown.
    pub(crate) fn size(&self) -> usize {
        let size = self.records.values().map(size).fold(64_usize, usize::saturating_add);
        size.saturating_add(self.buried.len().saturating_mul(BURIED))
    }

    pub(crate) fn write_to(&self, writer: &mut Writer) {
        writer.map(|map| {
            map.entry(1, |value| {
                value.array(|array| {
                    for ((record, tag), kept) in &self.records {
                        array.item(|item| write_kept(item, record, *tag, kept));
                    }
                });
            });
            map.entry(2, |value| {
                value.array(|array| {
                    self.buried.iter().for_each(|tag| array.item(|item| item.bytes(&tag.0)));
                });
            });
        });
    }

    /// Reads what [`Self::to_bytes`] gave.
    ///
    /// # Errors
    /// [`MalformedObject`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedObject> {
        decode(bytes, DEPTH, Self::read)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, MalformedObject> {
        let mut state = Self::default();
        reader.members(|member, value| {
            match member {
                Member::Int(1) => {
                    let kept = list(value, MOST, read_kept)?;
                    if !kept.is_sorted_by(|(one, _), (next, _)| one < next) {
                        return Err(MalformedObject);
                    }
                    state.records = kept.into_iter().collect();
                }
                Member::Int(2) => {
                    let tag = |item: &mut Reader<'_>| Ok(Tag(*item.byte_array()?));
                    state.buried = crate::object::set(value, MOST, tag)?;
                }
                _ => return Err(MalformedObject),
            }
            Ok(())
        })?;
        if state.records.keys().any(|(_, tag)| state.buried.contains(tag)) {
            return Err(MalformedObject);
        }
        Ok(state)
    }
}

/// Record, tag, when it was made, what is fixed, then each register: number, when, what.
/// More than one tag of a record takes in bytes.
fn size(kept: &Kept<Content, Content>) -> usize {
    let written = kept.written.iter().map(|(_, (_, value))| value.expose().len());
    written.fold(kept.fixed.expose().len(), usize::saturating_add).saturating_add(BESIDE)
}

fn write_kept(writer: &mut Writer, record: &[u8; 16], tag: Tag, kept: &Kept<Content, Content>) {
    writer.array(|array| {
        array.item(|item| item.bytes(record));
        array.item(|item| item.bytes(&tag.0));
        array.item(|item| write_stamp(item, kept.made));
        array.item(|item| item.bytes(kept.fixed.expose()));
        for (register, (at, value)) in kept.written.iter() {
            array.item(|item| item.uint(register.number()));
            array.item(|item| write_stamp(item, *at));
            array.item(|item| item.bytes(value.expose()));
        }
    });
}

impl Register {
    const fn number(self) -> u64 {
        match self {
            Self::Names => 0,
            Self::LargeBlob => 1,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MalformedObject> {
        match reader.uint()? {
            0 => Ok(Self::Names),
            1 => Ok(Self::LargeBlob),
            _ => Err(MalformedObject),
        }
    }
}

fn write_stamp(writer: &mut Writer, stamp: Stamp) {
    let time = stamp.time.to_be_bytes();
    writer.bytes(&[time.as_slice(), &stamp.device.0].concat());
}

fn read_stamp(reader: &mut Reader<'_>) -> Result<Stamp, MalformedObject> {
    let (time, id) = reader.byte_array::<24>()?.split_first_chunk::<8>().ok_or(MalformedObject)?;
    let id = id.try_into().map_err(|_| MalformedObject)?;
    Ok(Stamp { time: u64::from_be_bytes(*time), device: crate::DeviceId(id) })
}

type ReadKept = (([u8; 16], Tag), Kept<Content, Content>);

fn read_kept(reader: &mut Reader<'_>) -> Result<ReadKept, MalformedObject> {
    let (mut record, mut tag, mut made, mut fixed) = (None, None, None, None);
    let (mut register, mut at) = (None, None);
    let mut written = Written::default();
    let mut place = 0_u8;
    reader.array(|item| {
        match place {
            0 => record = Some(*item.byte_array()?),
            1 => tag = Some(Tag(*item.byte_array()?)),
            2 => made = Some(read_stamp(item)?),
            3 => fixed = Some(Content::new(item.bytes()?.to_vec())),
            // Three for each register, in their order.
            4 | 7 => {
                let next = Register::read(item)?;
                if register.replace(next).is_some_and(|last| last >= next) {
                    return Err(MalformedObject);
                }
            }
            5 | 8 => at = Some(read_stamp(item)?),
            6 | 9 => {
                let value = Content::new(item.bytes()?.to_vec());
                let at = at.take().ok_or(MalformedObject)?;
                written.set(register.ok_or(MalformedObject)?, (at, value));
            }
            _ => return Err(MalformedObject),
        }
        place = place.saturating_add(1);
        Ok(())
    })?;
    if !matches!(place, 7 | 10) {
        return Err(MalformedObject);
    }
    let kept =
        Kept { made: made.ok_or(MalformedObject)?, fixed: fixed.ok_or(MalformedObject)?, written };
    Ok(((record.ok_or(MalformedObject)?, tag.ok_or(MalformedObject)?), kept))
}
