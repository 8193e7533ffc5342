//! What the records of a circle hold, and the one form of a state in bytes.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::zeroize::Zeroizing;

use crate::{
    MalformedObject, Register, Stamp, State, Tag,
    object::{DEPTH, list},
    sealed::ROOM,
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
/// What a tag takes at most beside what is fixed, a register beside what is written there, and what
/// a burial takes.
const BESIDE: usize = 67;
const REGISTER: usize = 32;
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
            let into = found.entry(part(kept_size(kept))).or_default();
            into.records.insert(*key, kept.clone());
        }
        for tag in &self.buried {
            found.entry(part(BURIED)).or_default().buried.insert(*tag);
        }
        found.values().map(Self::to_bytes).collect()
    }

    /// A little more than [`Self::to_bytes`] takes and what seals it adds, so that no copy stays
    /// behind where a vector has grown, and a large one need not grow.
    pub(crate) fn size(&self) -> usize {
        let size = self.records.values().map(kept_size).fold(ROOM, usize::saturating_add);
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
        if state.is_consistent() { Ok(state) } else { Err(MalformedObject) }
    }
}

impl Records {
    /// A record under all its living tags, if it lives.
    pub(crate) fn record_to_bytes(&self, record: [u8; 16]) -> Option<Zeroizing<Vec<u8>>> {
        let size =
            self.tags(record).map(|(_, kept)| kept_size(kept)).reduce(usize::saturating_add)?;
        let mut writer = Writer::with_capacity(size.saturating_add(4));
        writer.array(|array| {
            for ((record, tag), kept) in self.tags(record) {
                array.item(|item| write_kept(item, record, *tag, kept));
            }
        });
        Some(Zeroizing::new(writer.into_vec()))
    }

    /// Takes what [`Self::record_to_bytes`] gave of this record.
    pub(crate) fn take_record_of(
        &mut self,
        record: [u8; 16],
        bytes: &[u8],
    ) -> Result<(), MalformedObject> {
        let kept = decode(bytes, DEPTH, |reader| list(reader, MOST, read_kept))?;
        let of_it = kept.iter().all(|((of, _), _)| *of == record);
        if kept.is_empty() || !of_it || !kept.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(MalformedObject);
        }
        self.records.extend(kept);
        Ok(())
    }

    /// Nothing lives under these few tags any more. The records that did.
    pub(crate) fn forget_tags(&mut self, tags: &[Tag]) -> BTreeSet<[u8; 16]> {
        let mut gone = BTreeSet::new();
        self.records.retain(|(record, tag), _| {
            let lives = !tags.contains(tag);
            if !lives {
                gone.insert(*record);
            }
            lives
        });
        gone
    }

    /// Nothing lives under a tag that is buried. The records that did.
    pub(crate) fn forget_what_is_buried(&mut self) -> BTreeSet<[u8; 16]> {
        let mut gone = BTreeSet::new();
        let buried = &self.buried;
        self.records.retain(|(record, tag), _| {
            let lives = !buried.contains(tag);
            if !lives {
                gone.insert(*record);
            }
            lives
        });
        gone
    }

    /// Whether no living tag is a buried one.
    pub(crate) fn is_consistent(&self) -> bool {
        !self.records.keys().any(|(_, tag)| self.buried.contains(tag))
    }
}

/// A little more than [`write_kept`] takes.
fn kept_size(kept: &Kept<Content, Content>) -> usize {
    let written = kept.written.iter().map(|(_, (_, value))| value.expose().len());
    let written = written.map(|length| length.saturating_add(REGISTER));
    let fixed = kept.fixed.expose().len().saturating_add(BESIDE);
    written.fold(fixed, usize::saturating_add)
}

/// Record, tag, when it was made, what is fixed, then each register: number, when, what.
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
