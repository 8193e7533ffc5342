//! The membership records of a circle as signed objects: what is taken from the store, and who has
//! which keys.

use std::collections::{BTreeMap, BTreeSet};

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::CryptoProvider;

use crate::{
    CircleError, DeviceId, Introduction, MalformedObject, MemberKind, Membership, MembershipChange,
    MembershipRecord, ObjectHash,
    keys::{DeviceKeys, NEW, PublicKeys},
    object::{DEPTH, Label, Signed, device, hash, list, set, write_all},
};

/// How many records a new one may stand on, and how many devices it may add or remove.
const MOST: usize = 256;

/// What becomes of an object that came from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is kept, from now on or already.
    Taken,
    /// Something that it stands on is not here.
    Waits,
    /// It is nothing of this circle, or not signed by whom it says.
    Refused,
}

/// Who belongs to a circle, and the records that say so.
#[derive(Debug)]
pub(crate) struct Roster {
    circle: ObjectHash,
    graph: Membership,
    objects: BTreeMap<ObjectHash, Vec<u8>>,
    known: BTreeMap<DeviceId, (PublicKeys, MemberKind)>,
    /// What follows from the graph, found once for each record.
    members: BTreeSet<DeviceId>,
    out: BTreeSet<DeviceId>,
    removals: BTreeMap<ObjectHash, BTreeSet<DeviceId>>,
}

impl Roster {
    pub(crate) fn new(circle: ObjectHash) -> Self {
        Self {
            circle,
            graph: Membership::default(),
            objects: BTreeMap::new(),
            known: BTreeMap::new(),
            members: BTreeSet::new(),
            out: BTreeSet::new(),
            removals: BTreeMap::new(),
        }
    }

    pub(crate) const fn graph(&self) -> &Membership {
        &self.graph
    }

    pub(crate) const fn members(&self) -> &BTreeSet<DeviceId> {
        &self.members
    }

    pub(crate) const fn out(&self) -> &BTreeSet<DeviceId> {
        &self.out
    }

    pub(crate) const fn removals(&self) -> &BTreeMap<ObjectHash, BTreeSet<DeviceId>> {
        &self.removals
    }

    /// The keys of whoever was ever added.
    pub(crate) fn keys(&self, device: DeviceId) -> Option<&PublicKeys> {
        self.known.get(&device).map(|(keys, _)| keys)
    }

    pub(crate) fn kind(&self, device: DeviceId) -> Option<MemberKind> {
        self.known.get(&device).map(|(_, kind)| *kind)
    }

    /// The records as they are in the store, in the order of their names.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (ObjectHash, &[u8])> {
        self.objects.iter().map(|(hash, bytes)| (*hash, bytes.as_slice()))
    }

    pub(crate) fn bytes(&self, hash: ObjectHash) -> Option<&[u8]> {
        self.objects.get(&hash).map(Vec::as_slice)
    }

    pub(crate) fn has(&self, hash: ObjectHash) -> bool {
        self.objects.contains_key(&hash)
    }

    /// Signs a record that stands on all that is here.
    pub(crate) fn write(
        &self,
        keys: &DeviceKeys,
        change: &WrittenChange<'_>,
    ) -> Result<Vec<u8>, CircleError> {
        let first = self.objects.is_empty();
        let circle = if first { NEW } else { self.circle };
        let mut body = Writer::new();
        body.map(|map| {
            if !first {
                map.entry(1, |value| value.bytes(&circle.0));
            }
            let heads = self.graph.heads();
            map.entry(2, |value| write_all(value, heads.iter().map(|head| &head.0)));
            map.entry(3, |value| value.bytes(&keys.id().0));
            match change {
                WrittenChange::Add(added) => map.entry(4, |value| {
                    value.array(|array| {
                        added.iter().for_each(|one| array.item(|item| one.write(item)));
                    });
                }),
                WrittenChange::Remove(removed) => map.entry(5, |value| {
                    write_all(value, removed.iter().map(|device| &device.0));
                }),
            }
        });
        Ok(Signed::write(keys, Label::Membership, circle, &body.into_vec())?)
    }

    /// Takes a record from the store: R4 and R5 rest on none being here before its past is.
    pub(crate) fn take(&mut self, crypto: &CryptoProvider, bytes: &[u8]) -> Verdict {
        let name = ObjectHash::of(crypto, bytes);
        if self.objects.contains_key(&name) {
            return Verdict::Taken;
        }
        let Ok(signed) = Signed::read(bytes) else { return Verdict::Refused };
        let Ok(record) = ReadRecord::read(signed.body) else { return Verdict::Refused };
        let first = record.heads.is_empty();
        let circle = if first { NEW } else { self.circle };
        if first != (name == self.circle) || first != record.circle.is_none() {
            return Verdict::Refused;
        }
        if record.circle.is_some_and(|circle| circle != self.circle) {
            return Verdict::Refused;
        }
        if record.heads.iter().any(|head| !self.objects.contains_key(head)) {
            return Verdict::Waits;
        }
        let in_itself = || {
            let mut added = record.added.iter().flatten();
            added.find(|one| first && one.id(crypto) == record.author).map(|one| one.keys)
        };
        let Some(author) = self.keys(record.author).copied().or_else(in_itself) else {
            return Verdict::Refused;
        };
        let consents = record.added.iter().flatten();
        if !signed.is_by(crypto, &author, Label::Membership, circle)
            || !consents.clone().all(|one| one.is_for(crypto, circle, record.author))
        {
            return Verdict::Refused;
        }
        self.known.extend(consents.map(|one| (one.id(crypto), (one.keys, one.kind))));
        let change = match record.added {
            Some(added) => MembershipChange::Add(added.iter().map(|one| one.id(crypto)).collect()),
            None => MembershipChange::Remove(record.removed),
        };
        let record = MembershipRecord { heads: record.heads, author: record.author, change };
        self.graph.insert(name, record);
        self.objects.insert(name, bytes.to_vec());
        self.members = self.graph.members(self.circle);
        self.out = self.graph.out(self.circle);
        self.removals = self.graph.removals(self.circle);
        Verdict::Taken
    }
}

/// What a record that is written here does.
pub(crate) enum WrittenChange<'a> {
    Add(&'a [Introduction]),
    Remove(&'a BTreeSet<DeviceId>),
}

/// A record as its author wrote it.
struct ReadRecord {
    circle: Option<ObjectHash>,
    heads: BTreeSet<ObjectHash>,
    author: DeviceId,
    added: Option<Vec<Introduction>>,
    removed: BTreeSet<DeviceId>,
}

impl ReadRecord {
    fn read(body: &[u8]) -> Result<Self, MalformedObject> {
        let (mut circle, mut heads, mut author) = (None, None, None);
        let (mut added, mut removed) = (None, None);
        decode(body, DEPTH, |reader| {
            reader.members(|member, value| {
                match member {
                    Member::Int(1) => circle = Some(hash(value)?),
                    Member::Int(2) => heads = Some(set(value, MOST, hash)?),
                    Member::Int(3) => author = Some(device(value)?),
                    Member::Int(4) => added = Some(list(value, MOST, Introduction::read)?),
                    Member::Int(5) => removed = Some(set(value, MOST, device)?),
                    _ => return Err(MalformedObject),
                }
                Ok(())
            })
        })?;
        // Exactly one of the two.
        if added.is_some() == removed.is_some() {
            return Err(MalformedObject);
        }
        Ok(Self {
            circle,
            heads: heads.ok_or(MalformedObject)?,
            author: author.ok_or(MalformedObject)?,
            added,
            removed: removed.unwrap_or_default(),
        })
    }
}

impl Introduction {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(|array| {
            array.item(|item| item.bytes(&self.keys.signing));
            array.item(|item| item.bytes(&self.keys.agreement));
            array.item(|item| item.bool(self.kind == MemberKind::Paper));
            array.item(|item| item.bytes(&self.consent));
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, MalformedObject> {
        let (mut keys, mut paper, mut consent) = (Vec::new(), None, None);
        let mut place = 0_u8;
        reader.array(|item| {
            match place {
                0 | 1 => keys.push(*item.byte_array()?),
                2 => paper = Some(item.bool()?),
                3 => consent = Some(item.bytes()?.to_vec()),
                _ => return Err(MalformedObject),
            }
            place = place.saturating_add(1);
            Ok(())
        })?;
        let [signing, agreement] = *keys else { return Err(MalformedObject) };
        let kind =
            if paper.ok_or(MalformedObject)? { MemberKind::Paper } else { MemberKind::Device };
        let keys = PublicKeys { signing, agreement };
        Ok(Self { keys, kind, consent: consent.ok_or(MalformedObject)? })
    }
}
