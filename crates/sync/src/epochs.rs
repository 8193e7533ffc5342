//! Epochs: the keys that all is sealed under, and who has them.

use std::collections::{BTreeMap, BTreeSet};

use towline_cbor::{Member, Reader, Writer, decode};
use towline_crypto::{CryptoProvider, Secret, constant_time_eq};

use crate::{
    CircleError, DeviceId, MalformedObject, ObjectHash, StoreName, hpke,
    keys::DeviceKeys,
    object::{DEPTH, Label, Signed, device, hash, list, set, short_hash, write_all},
    roster::{Roster, Verdict},
};

/// How many records an epoch may stand on, and how many members it may be wrapped for.
const MOST: usize = 256;
/// A wrapped key: an encapsulated key, the key, a tag.
const WRAPPED: usize = 65 + 32 + 16;

/// An epoch: 16 bytes that follow from all that it is but its wraps, the key included. So nobody
/// can be handed another key for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EpochId(pub(crate) [u8; 16]);

impl EpochId {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, MalformedObject> {
        Ok(Self(*reader.byte_array()?))
    }

    fn of(
        crypto: &CryptoProvider,
        circle: ObjectHash,
        author: DeviceId,
        heads: &BTreeSet<ObjectHash>,
        key: &Secret<32>,
    ) -> Self {
        let heads: Vec<u8> = heads.iter().flat_map(|head| head.0).collect();
        let label = b"towline sync 1 epoch id\0".as_slice();
        Self(short_hash(crypto, &[label, &circle.0, &author.0, key.expose(), &heads]))
    }
}

#[derive(Debug)]
struct Epoch {
    author: DeviceId,
    heads: BTreeSet<ObjectHash>,
    wraps: BTreeMap<DeviceId, Vec<u8>>,
    name: ObjectHash,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Wrap {
    epoch: EpochId,
    author: DeviceId,
    member: DeviceId,
    bytes: Vec<u8>,
}

/// The epochs of which all is here that they stand on (R4), and the keys of those that were wrapped
/// for this device.
#[derive(Debug)]
pub(crate) struct Epochs {
    circle: ObjectHash,
    epochs: BTreeMap<EpochId, Epoch>,
    wraps: BTreeMap<ObjectHash, Wrap>,
    keys: BTreeMap<EpochId, Secret<32>>,
}

impl Epochs {
    pub(crate) const fn new(circle: ObjectHash) -> Self {
        Self { circle, epochs: BTreeMap::new(), wraps: BTreeMap::new(), keys: BTreeMap::new() }
    }

    pub(crate) fn key(&self, epoch: EpochId) -> Option<&Secret<32>> {
        self.keys.get(&epoch)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (EpochId, &Secret<32>)> {
        self.keys.iter().map(|(epoch, key)| (*epoch, key))
    }

    /// All that is kept here, as it is in the store.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (StoreName, &[u8])> {
        let epochs = self.epochs.values();
        let epochs = epochs.map(|epoch| (StoreName::Epoch(epoch.name), epoch.bytes.as_slice()));
        let wraps = self.wraps.iter();
        epochs.chain(wraps.map(|(name, wrap)| (StoreName::Wrap(*name), wrap.bytes.as_slice())))
    }

    pub(crate) fn has(&self, name: StoreName) -> bool {
        match name {
            StoreName::Epoch(hash) => self.epochs.values().any(|epoch| epoch.name == hash),
            StoreName::Wrap(hash) => self.wraps.contains_key(&hash),
            _ => false,
        }
    }

    /// The records that the author of an epoch knew.
    pub(crate) fn past(&self, epoch: EpochId, roster: &Roster) -> Option<BTreeSet<ObjectHash>> {
        roster.graph().past(&self.epochs.get(&epoch)?.heads)
    }

    /// R3: what to write under: of the epochs whose author is a member and knew of every removal
    /// that is known here, the one with the longest past, then the greater id.
    pub(crate) fn choose(&self, roster: &Roster) -> Option<EpochId> {
        let usable = self.keys.keys().filter_map(|id| {
            let epoch = self.epochs.get(id)?;
            let past = roster.graph().past(&epoch.heads)?;
            let knew = roster.removals().keys().all(|removal| past.contains(removal));
            (knew && roster.members().contains(&epoch.author)).then_some((past.len(), *id))
        });
        usable.max().map(|(_, id)| id)
    }

    /// A new epoch for all members, on all that is known here.
    pub(crate) fn create(
        &mut self,
        crypto: &CryptoProvider,
        roster: &Roster,
        keys: &DeviceKeys,
    ) -> Result<(EpochId, StoreName), CircleError> {
        let key = crypto.random.secret::<32>()?;
        let (author, heads) = (keys.id(), roster.graph().heads());
        let id = EpochId::of(crypto, self.circle, author, &heads, &key);
        let mut wraps = BTreeMap::new();
        for member in roster.members() {
            wraps.insert(*member, self.wrap_key(crypto, roster, id, *member, &key)?);
        }
        let mut body = Writer::new();
        body.map(|map| {
            map.entry(1, |value| value.bytes(&id.0));
            map.entry(2, |value| value.bytes(&author.0));
            map.entry(3, |value| write_all(value, heads.iter().map(|head| &head.0)));
            map.entry(4, |value| {
                value.array(|array| {
                    for (member, wrapped) in &wraps {
                        array.item(|item| item.bytes(&[member.0.as_slice(), wrapped].concat()));
                    }
                });
            });
        });
        let bytes = Signed::write(keys, Label::Epoch, self.circle, &body.into_vec())?;
        let name = ObjectHash::of(crypto, &bytes);
        self.epochs.insert(id, Epoch { author, heads, wraps, name, bytes });
        self.keys.insert(id, key);
        Ok((id, StoreName::Epoch(name)))
    }

    pub(crate) fn bytes(&self, name: StoreName) -> Option<Vec<u8>> {
        self.objects().find(|(other, _)| *other == name).map(|(_, bytes)| bytes.to_vec())
    }

    /// R19: the members that have no wrap of a key that is here, by any member.
    pub(crate) fn unwrapped(&self, roster: &Roster) -> Vec<(EpochId, DeviceId)> {
        let mut found = Vec::new();
        for id in self.keys.keys() {
            let Some(epoch) = self.epochs.get(id) else { continue };
            let by_member = |author| roster.members().contains(author);
            let in_epoch = by_member(&epoch.author).then_some(epoch.wraps.keys());
            let mut have: BTreeSet<_> = in_epoch.into_iter().flatten().collect();
            let wraps = self.wraps.values().filter(|wrap| wrap.epoch == *id);
            have.extend(wraps.filter(|wrap| by_member(&wrap.author)).map(|wrap| &wrap.member));
            let lack = roster.members().iter().filter(|member| !have.contains(member));
            found.extend(lack.map(|member| (*id, *member)));
        }
        found
    }

    /// Wraps a key that is here for one more member.
    pub(crate) fn wrap(
        &mut self,
        crypto: &CryptoProvider,
        roster: &Roster,
        keys: &DeviceKeys,
        (epoch, member): (EpochId, DeviceId),
    ) -> Result<StoreName, CircleError> {
        let key = self.keys.get(&epoch).ok_or(CircleError::NoMember)?;
        let wrapped = self.wrap_key(crypto, roster, epoch, member, key)?;
        let mut body = Writer::new();
        body.map(|map| {
            map.entry(1, |value| value.bytes(&epoch.0));
            map.entry(2, |value| value.bytes(&keys.id().0));
            map.entry(3, |value| value.bytes(&member.0));
            map.entry(4, |value| value.bytes(&wrapped));
        });
        let bytes = Signed::write(keys, Label::Wrap, self.circle, &body.into_vec())?;
        let name = ObjectHash::of(crypto, &bytes);
        self.wraps.insert(name, Wrap { epoch, author: keys.id(), member, bytes });
        Ok(StoreName::Wrap(name))
    }

    fn wrap_key(
        &self,
        crypto: &CryptoProvider,
        roster: &Roster,
        epoch: EpochId,
        member: DeviceId,
        key: &Secret<32>,
    ) -> Result<Vec<u8>, CircleError> {
        let public = roster.keys(member).ok_or(CircleError::NoMember)?;
        let public = crypto.ecdh.public_key(&public.agreement)?;
        Ok(hpke::seal(crypto, &public, &self.info(epoch, member), key.expose())?)
    }

    fn info(&self, epoch: EpochId, member: DeviceId) -> Vec<u8> {
        [b"towline sync 1 wrap\0".as_slice(), &self.circle.0, &epoch.0, &member.0].concat()
    }

    /// Takes an epoch from the store.
    pub(crate) fn take(
        &mut self,
        crypto: &CryptoProvider,
        roster: &Roster,
        keys: &DeviceKeys,
        bytes: &[u8],
    ) -> Verdict {
        let Ok(signed) = Signed::read(bytes) else { return Verdict::Refused };
        let Ok((id, author, heads, wraps)) = read_epoch(signed.body) else {
            return Verdict::Refused;
        };
        if self.epochs.contains_key(&id) {
            return Verdict::Taken;
        }
        if heads.is_empty() {
            return Verdict::Refused;
        }
        // R4: all the membership that it stands on.
        if heads.iter().any(|head| !roster.has(*head)) {
            return Verdict::Waits;
        }
        let Some(by) = roster.keys(author) else { return Verdict::Refused };
        if !signed.is_by(crypto, by, Label::Epoch, self.circle) {
            return Verdict::Refused;
        }
        let mine = wraps.get(&keys.id()).cloned();
        let name = ObjectHash::of(crypto, bytes);
        let bytes = bytes.to_vec();
        self.epochs.insert(id, Epoch { author, heads, wraps, name, bytes });
        if let Some(wrapped) = mine {
            self.unwrap(crypto, keys, id, &wrapped);
        }
        Verdict::Taken
    }

    /// Takes one more wrap from the store.
    pub(crate) fn take_wrap(
        &mut self,
        crypto: &CryptoProvider,
        roster: &Roster,
        keys: &DeviceKeys,
        bytes: &[u8],
    ) -> Verdict {
        let Ok(signed) = Signed::read(bytes) else { return Verdict::Refused };
        let Ok((epoch, author, member, wrapped)) = read_wrap(signed.body) else {
            return Verdict::Refused;
        };
        if !self.epochs.contains_key(&epoch) {
            return Verdict::Waits;
        }
        let Some(by) = roster.keys(author) else { return Verdict::Waits };
        if !signed.is_by(crypto, by, Label::Wrap, self.circle) {
            return Verdict::Refused;
        }
        if member == keys.id() {
            self.unwrap(crypto, keys, epoch, wrapped);
        }
        let bytes = bytes.to_vec();
        let name = ObjectHash::of(crypto, &bytes);
        self.wraps.insert(name, Wrap { epoch, author, member, bytes });
        Verdict::Taken
    }

    /// What is wrapped badly is as if it were not wrapped: somebody else may do it well.
    fn unwrap(&mut self, crypto: &CryptoProvider, keys: &DeviceKeys, id: EpochId, wrapped: &[u8]) {
        let opened = hpke::open(crypto, keys.agreement(), &self.info(id, keys.id()), wrapped);
        let key = opened.and_then(|opened| Secret::from_slice(&opened));
        if let Ok(key) = key {
            self.learn(crypto, id, key);
        }
    }

    /// Takes a key from a sponsor, or from what was kept here, if it is that of the epoch.
    pub(crate) fn learn(&mut self, crypto: &CryptoProvider, id: EpochId, key: Secret<32>) {
        let Some(epoch) = self.epochs.get(&id) else { return };
        let expected = EpochId::of(crypto, self.circle, epoch.author, &epoch.heads, &key);
        if constant_time_eq(&expected.0, &id.0) {
            self.keys.insert(id, key);
        }
    }
}

type ReadEpoch = (EpochId, DeviceId, BTreeSet<ObjectHash>, BTreeMap<DeviceId, Vec<u8>>);

fn read_epoch(body: &[u8]) -> Result<ReadEpoch, MalformedObject> {
    let (mut id, mut author, mut heads, mut wraps) = (None, None, None, None);
    decode(body, DEPTH, |reader| {
        reader.members(|member, value| {
            match member {
                Member::Int(1) => id = Some(EpochId::read(value)?),
                Member::Int(2) => author = Some(device(value)?),
                Member::Int(3) => heads = Some(set(value, MOST, hash)?),
                Member::Int(4) => wraps = Some(list(value, MOST, wrapped)?),
                _ => return Err(MalformedObject),
            }
            Ok(())
        })
    })?;
    let wraps = wraps.ok_or(MalformedObject)?.into_iter().collect();
    Ok((
        id.ok_or(MalformedObject)?,
        author.ok_or(MalformedObject)?,
        heads.ok_or(MalformedObject)?,
        wraps,
    ))
}

/// A member and the key that is wrapped for it, in one byte string.
fn wrapped(reader: &mut Reader<'_>) -> Result<(DeviceId, Vec<u8>), MalformedObject> {
    let (member, wrapped) = reader.bytes()?.split_first_chunk::<16>().ok_or(MalformedObject)?;
    if wrapped.len() != WRAPPED {
        return Err(MalformedObject);
    }
    Ok((DeviceId(*member), wrapped.to_vec()))
}

fn read_wrap(body: &[u8]) -> Result<(EpochId, DeviceId, DeviceId, &[u8]), MalformedObject> {
    let (mut epoch, mut author, mut member, mut wrapped) = (None, None, None, None);
    decode(body, DEPTH, |reader| {
        reader.members(|key, value| {
            match key {
                Member::Int(1) => epoch = Some(EpochId::read(value)?),
                Member::Int(2) => author = Some(device(value)?),
                Member::Int(3) => member = Some(device(value)?),
                Member::Int(4) => wrapped = Some(value.byte_array::<WRAPPED>()?.as_slice()),
                _ => return Err(MalformedObject),
            }
            Ok(())
        })
    })?;
    let author = author.ok_or(MalformedObject)?;
    Ok((
        epoch.ok_or(MalformedObject)?,
        author,
        member.ok_or(MalformedObject)?,
        wrapped.ok_or(MalformedObject)?,
    ))
}
