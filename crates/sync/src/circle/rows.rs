//! What a device keeps of its circle, in rows: a change writes those that it is about, and the
//! head, which has all that is small.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use towline_cbor::{Writer, decode};
use towline_crypto::{CryptoProvider, Secret, zeroize::Zeroizing};

use super::{Circle, CircleConfig, CircleError, Moment, SyncToken, writing::Outgoing};
use crate::{
    Content, DeviceId, MalformedObject, ObjectHash, State, StoreName, Tag,
    epochs::EpochId,
    keys::DeviceKeys,
    object::{DEPTH, set, write_all},
};

/// How many records a device that is out may have read.
const MOST: usize = 1 << 20;
/// How much of an object on its way is in one row.
const PART: usize = 64 << 10;

/// One row of what a device keeps of its circle.
#[derive(Clone, PartialEq, Eq)]
pub struct CircleRow {
    /// Which one it is: at most 17 bytes, from which a passkey can be guessed. That of the head is
    /// empty.
    pub key: Vec<u8>,
    /// What is kept there from now on, secrets included; `None` if nothing is.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

/// It tells lengths and nothing else.
impl fmt::Debug for CircleRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_ref().map(|value| value.len());
        write!(f, "CircleRow({}, {value:?} bytes)", self.key.len())
    }
}

/// What a row is about. They are read in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Head,
    /// A signed object, as all that follow up to the keys of epochs: there for ever.
    Membership(ObjectHash),
    Epoch(ObjectHash),
    Wrap(ObjectHash),
    Key(EpochId),
    /// What a device that is out can have read.
    Exposed(DeviceId),
    /// A record under all its living tags.
    Record([u8; 16]),
    Buried(Tag),
    /// No head of this device has what was changed last in this record.
    Pending([u8; 16]),
    /// An object in the outbox: by its place there, its name, and then what it is made of.
    Outgoing(u64, u64),
}

impl Row {
    fn key(self) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Head => return Vec::new(),
            Self::Membership(hash) => (1, hash.0),
            Self::Epoch(hash) => (2, hash.0),
            Self::Wrap(hash) => (3, hash.0),
            Self::Key(epoch) => (4, epoch.0),
            Self::Exposed(device) => (5, device.0),
            Self::Record(record) => (6, record),
            Self::Buried(tag) => (7, tag.0),
            Self::Pending(record) => (8, record),
            Self::Outgoing(place, part) => {
                return [&[9][..], &place.to_be_bytes(), &part.to_be_bytes()].concat();
            }
        };
        [&[kind][..], &id].concat()
    }

    fn read(key: &[u8]) -> Result<Self, MalformedObject> {
        let Some((kind, id)) = key.split_first() else { return Ok(Self::Head) };
        let id = <[u8; 16]>::try_from(id).map_err(|_| MalformedObject)?;
        Ok(match kind {
            1 => Self::Membership(ObjectHash(id)),
            2 => Self::Epoch(ObjectHash(id)),
            3 => Self::Wrap(ObjectHash(id)),
            4 => Self::Key(EpochId(id)),
            5 => Self::Exposed(DeviceId(id)),
            6 => Self::Record(id),
            7 => Self::Buried(Tag(id)),
            8 => Self::Pending(id),
            9 => {
                let both = u128::from_be_bytes(id);
                let number = |bits: u128| u64::try_from(bits).map_err(|_| MalformedObject);
                Self::Outgoing(number(both >> 64)?, number(both & u128::from(u64::MAX))?)
            }
            _ => return Err(MalformedObject),
        })
    }
}

/// What was changed since it was kept.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// Each with the last token before the change: it is kept when a later one is.
    rows: BTreeMap<Row, u64>,
    /// What is there for ever and was given out.
    given_out: BTreeSet<Row>,
}

impl Circle {
    pub(super) fn mark(&mut self, row: Row) {
        self.unsaved.rows.insert(row, self.last_token);
    }

    pub(super) fn mark_all(&mut self, rows: impl IntoIterator<Item = Row>) {
        let token = self.last_token;
        self.unsaved.rows.extend(rows.into_iter().map(|row| (row, token)));
    }

    /// What is there for ever is found, whoever has brought it.
    pub(super) fn mark_what_is_new(&mut self) {
        let there = self.for_ever().filter(|row| !self.unsaved.given_out.contains(row));
        let there: Vec<_> = there.collect();
        self.unsaved.given_out.extend(&there);
        self.mark_all(there);
    }

    pub(super) fn unmark(&mut self, durable: SyncToken) {
        self.unsaved.rows.retain(|_, after| *after >= durable.0);
    }

    fn for_ever(&self) -> impl Iterator<Item = Row> {
        let membership = self.roster.objects().map(|(hash, _)| Row::Membership(hash));
        let epochs = self.epochs.objects().map(|(name, _)| match name {
            StoreName::Wrap(_) => Row::Wrap(name.hash()),
            _ => Row::Epoch(name.hash()),
        });
        let keys = self.epochs.keys().map(|(epoch, _)| Row::Key(epoch));
        membership.chain(epochs).chain(keys)
    }

    /// All but the head, and what is there for ever.
    pub(super) fn changing_rows(&self) -> Vec<Row> {
        let exposed = self.exposed.keys().map(|device| Row::Exposed(*device));
        let records = self.state.records().map(Row::Record);
        let buried = self.state.buried.iter().map(|tag| Row::Buried(*tag));
        let pending = self.pending.records().map(Row::Pending);
        let outgoing = self.outbox.iter().flat_map(Outgoing::rows);
        exposed.chain(records).chain(buried).chain(pending).chain(outgoing).collect()
    }

    /// The rows that are others now than those that were kept, one by one: all of them are kept
    /// together, or none.
    pub fn unsaved(&self) -> impl Iterator<Item = CircleRow> {
        let changed = self.unsaved.rows.keys().copied();
        let rows = [Row::Head].into_iter().chain(changed);
        rows.map(|row| CircleRow { key: row.key(), value: self.row(row) })
    }

    #[cfg(test)]
    pub(super) fn all_rows(&self) -> BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>> {
        let rows = [Row::Head].into_iter().chain(self.for_ever()).chain(self.changing_rows());
        rows.filter_map(|row| Some((row.key(), self.row(row)?))).collect()
    }

    fn row(&self, row: Row) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = match row {
            Row::Head => return Some(self.head()),
            Row::Record(record) => return self.state.record_to_bytes(record),
            Row::Membership(hash) => self.roster.bytes(hash)?.to_vec(),
            Row::Epoch(hash) => self.epochs.bytes(StoreName::Epoch(hash))?,
            Row::Wrap(hash) => self.epochs.bytes(StoreName::Wrap(hash))?,
            Row::Key(epoch) => self.epochs.key(epoch)?.expose().to_vec(),
            Row::Exposed(device) => {
                let mut writer = Writer::new();
                write_all(&mut writer, self.exposed.get(&device)?.iter());
                writer.into_vec()
            }
            Row::Buried(tag) => self.state.buried.contains(&tag).then(Vec::new)?,
            Row::Pending(record) => self.pending.fixed(record).map(|_| Vec::new())?,
            Row::Outgoing(place, part) => {
                self.outbox.iter().find(|outgoing| outgoing.place == place)?.part(part)?
            }
        };
        Some(Zeroizing::new(bytes))
    }

    /// Goes on from the rows that were kept, in whatever order they come. A head alone may be the
    /// record that earlier versions kept, which has all of it: the next [`Self::unsaved`] gives the
    /// rows.
    ///
    /// # Errors
    /// [`CircleError::Malformed`] where they are none, not all of them, or those of another device.
    pub fn restore<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        crypto: CryptoProvider,
        config: CircleConfig,
        keys: DeviceKeys,
        rows: impl IntoIterator<Item = (K, V)>,
        now: Moment,
    ) -> Result<Self, CircleError> {
        let (mut state, mut others) = (State::default(), BTreeMap::new());
        for (key, value) in rows {
            let value = value.as_ref();
            match Row::read(key.as_ref())? {
                Row::Record(record) => state.take_record_of(record, value)?,
                Row::Buried(_) | Row::Pending(_) if !value.is_empty() => {
                    return Err(MalformedObject.into());
                }
                Row::Buried(tag) => {
                    state.buried.insert(tag);
                }
                row => {
                    others.insert(row, Zeroizing::new(value.to_vec()));
                }
            }
        }
        let head = others.remove(&Row::Head).ok_or(MalformedObject)?;
        let (mut this, owner) = Self::read(crypto, config, keys, &head, now)?;
        if owner != Some(this.device()) {
            return Err(MalformedObject.into());
        }
        // What is kept is durable, and so is what is in the outbox.
        (this.last_token, this.durable) = (1, 1);
        if others.is_empty() {
            if !state.is_empty() || this.roster.objects().next().is_none() {
                return Err(MalformedObject.into());
            }
            this.mark_all(this.changing_rows());
        } else {
            this.read_rows(state, others)?;
            this.changed = false;
        }
        Ok(this)
    }

    fn read_rows(
        &mut self,
        state: State<Content, Content>,
        rows: BTreeMap<Row, Zeroizing<Vec<u8>>>,
    ) -> Result<(), MalformedObject> {
        self.state = state;
        // A member that lies may have put one tag on two records.
        let gone = self.state.forget_what_is_buried();
        self.mark_all(gone.into_iter().map(Row::Record));
        let membership = rows.iter().filter(|(row, _)| matches!(row, Row::Membership(_)));
        self.read_membership(membership.map(|(_, bytes)| bytes.as_slice()).collect())?;
        for (row, value) in rows {
            match row {
                Row::Head | Row::Record(_) | Row::Buried(_) | Row::Membership(_) => {}
                Row::Epoch(_) => self.read_epoch(false, &value)?,
                Row::Wrap(_) => self.read_epoch(true, &value)?,
                Row::Key(epoch) => {
                    let key = Secret::from_slice(&value).map_err(|_| MalformedObject)?;
                    self.epochs.learn(&self.crypto, epoch, key);
                }
                Row::Exposed(device) => {
                    let records = decode(&value, DEPTH, |reader| {
                        set(reader, MOST, |item| Ok(*item.byte_array::<16>()?))
                    })?;
                    self.exposed.insert(device, records);
                }
                Row::Pending(record) => {
                    // What others have written there since goes out with it, which does no harm.
                    self.pending.take_record(record, &self.state);
                    self.pending.fixed(record).ok_or(MalformedObject)?;
                }
                Row::Outgoing(place, 0) => {
                    let name = str::from_utf8(&value).ok().and_then(|name| name.parse().ok());
                    let name = name.ok_or(MalformedObject)?;
                    self.outbox.push_back(Outgoing {
                        name,
                        bytes: Arc::default(),
                        after: 0,
                        place,
                    });
                }
                Row::Outgoing(place, _) => {
                    let last = self.outbox.back_mut().filter(|last| last.place == place);
                    Arc::make_mut(&mut last.ok_or(MalformedObject)?.bytes).extend(&*value);
                }
            }
        }
        let whole = |outgoing: &Outgoing| {
            ObjectHash::of(&self.crypto, &outgoing.bytes) == outgoing.name.hash()
        };
        if !self.outbox.iter().all(whole) {
            return Err(MalformedObject);
        }
        self.unsaved.given_out = self.for_ever().collect();
        Ok(())
    }
}

impl Outgoing {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> + use<> {
        let (place, parts) = (self.place, self.bytes.len().div_ceil(PART));
        let parts = 0..=u64::try_from(parts).unwrap_or(u64::MAX);
        parts.map(move |part| Row::Outgoing(place, part))
    }

    fn part(&self, part: u64) -> Option<Vec<u8>> {
        match usize::try_from(part).ok()?.checked_sub(1) {
            None => Some(self.name.to_string().into_bytes()),
            Some(part) => self.bytes.chunks(PART).nth(part).map(<[u8]>::to_vec),
        }
    }
}
