//! What the store in memory holds, and how it changes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
    ops::Bound,
};

use towline_ctap::{CredentialId, Rp, RpId, UserHandle};
use zeroize::Zeroizing;

use super::{
    index::{Index, NO_SLOT, at},
    reserve_an_eighth,
};
use crate::{
    Became, Capacity, Change, Counter, Credential, Cursor, Feed, FeedCursor, Gathered, KeyHandle,
    MemoryFeed, Page, Query, Record, RelyingParties, Replaces, StoreError, UnixTime,
    credential::{Keys, Wiped},
};

/// How many credentials there can be where nobody sets a limit: a number that every client can
/// hold.
const MOST: usize = 0x7fff_ffff;

/// Credentials in slots, which keep their numbers, and three ways to find a slot: by credential id,
/// by account, and by RP ID in the order in which the credentials came. Each is kept as
/// [`Credential::to_bytes`].
#[derive(Default)]
pub(super) struct Content<S = RandomState> {
    slots: Vec<Option<Entry>>,
    /// The slots without an entry.
    free: Vec<u32>,
    ids: Index<S>,
    /// By RP ID and user handle; the discoverable ones only.
    accounts: Index<S>,
    /// Those with discoverable credentials.
    parties: BTreeMap<Box<[u8]>, Party>,
    records: HashMap<Record, Zeroizing<Vec<u8>>>,
    /// The global signature counter.
    counter: u32,
    /// The age of the credential that came last.
    newest: u64,
    discoverable: usize,
    limit: Option<usize>,
    feed: MemoryFeed,
}

struct Entry {
    /// The credential, in the newest of its forms.
    bytes: Wiped,
    /// Its place in the order in which credentials came; never given out again.
    age: u64,
    counter: u32,
    /// When it signed last, if that is later than what the bytes say.
    used: Option<UnixTime>,
}

/// The discoverable credentials of one RP ID.
#[derive(Default)]
struct Party {
    /// Their slots, oldest first.
    slots: Vec<u32>,
    /// How many of them show themselves without user verification.
    open: u32,
}

/// A commit under way.
#[derive(Default)]
struct Made {
    /// How to take it back.
    undo: Vec<Undo>,
    gathered: Gathered,
}

/// How to take back one step of a commit.
enum Undo {
    Take(u32),
    Put(Entry),
    Replace(u32, Wiped),
    Record(Record, Option<Zeroizing<Vec<u8>>>),
}

impl<S: BuildHasher + Default> Content<S> {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len().saturating_sub(self.free.len())
    }

    /// All credentials, oldest first.
    pub(super) fn credentials(&self) -> Vec<Credential> {
        let mut entries: Vec<&Entry> = self.slots.iter().flatten().collect();
        entries.sort_unstable_by_key(|entry| entry.age);
        entries.into_iter().filter_map(Entry::credential).collect()
    }

    pub(super) fn credential(&self, id: &CredentialId) -> Option<Credential> {
        self.entry(self.slot(id)?)?.credential()
    }

    pub(super) fn find(&self, rp_id: &RpId, ids: &[CredentialId]) -> Vec<Credential> {
        let bytes = rp_id.as_str().as_bytes();
        let here = ids.iter().filter_map(|id| self.slot_where(id, |keys| keys.rp_id == bytes));
        here.filter_map(|slot| self.entry(slot)?.credential_of(Some(rp_id))).collect()
    }

    pub(super) fn account(&self, rp_id: &RpId, user: &UserHandle) -> Vec<Credential> {
        let slots = self.account_slots(rp_id, user);
        let mut entries: Vec<&Entry> =
            slots.into_iter().filter_map(|slot| self.entry(slot)).collect();
        entries.sort_unstable_by_key(|entry| Reverse(entry.age));
        entries.into_iter().filter_map(|entry| entry.credential_of(Some(rp_id))).collect()
    }

    pub(super) fn account_keys(&self, rp_id: &RpId, user: &UserHandle) -> Vec<KeyHandle> {
        let slots = self.account_slots(rp_id, user);
        let mut entries: Vec<&Entry> =
            slots.into_iter().filter_map(|slot| self.entry(slot)).collect();
        entries.sort_unstable_by_key(|entry| Reverse(entry.age));
        entries.into_iter().filter_map(|entry| Credential::key(&entry.bytes)).collect()
    }

    pub(super) fn changes(&self, after: Option<FeedCursor>, limit: usize) -> Feed {
        self.feed.since(after, limit)
    }

    pub(super) fn page(&self, query: &Query) -> Page {
        let Some(party) = self.parties.get(query.rp_id.as_str().as_bytes()) else {
            return Page::default();
        };
        let mut page = Page {
            total: if query.verified { party.slots.len() } else { at(party.open) },
            ..Page::default()
        };
        let before = query.after.map_or(u64::MAX, |Cursor(age)| age);
        let end = place(&self.slots, &party.slots, before);
        let older = party.slots.get(..end).unwrap_or_default().iter().rev();
        let entries = older.filter_map(|slot| self.entry(*slot));
        page.credentials.reserve_exact(query.limit.min(end));
        for entry in entries.filter(|entry| query.verified || entry.is_open()).take(query.limit) {
            page.credentials.extend(entry.credential_of(Some(&query.rp_id)));
            page.end = Some(Cursor(entry.age));
        }
        page
    }

    /// All credentials, newest first.
    pub(super) fn all(&self, after: Option<Cursor>, limit: usize) -> Page {
        let mut entries: Vec<&Entry> = self.slots.iter().flatten().collect();
        entries.sort_unstable_by_key(|entry| Reverse(entry.age));
        let before = after.map_or(u64::MAX, |Cursor(age)| age);
        let mut page = Page { total: entries.len(), ..Page::default() };
        for entry in entries.into_iter().filter(|entry| entry.age < before).take(limit) {
            page.credentials.extend(entry.credential());
            page.end = Some(Cursor(entry.age));
        }
        page
    }

    pub(super) fn used(&mut self, id: &CredentialId, at: UnixTime) {
        if let Some(entry) = self.slot(id).and_then(|slot| self.entry_mut(slot)) {
            entry.used = Some(at);
        }
    }

    pub(super) fn relying_parties(&self, after: Option<&RpId>, limit: usize) -> RelyingParties {
        let from =
            after.map_or(Bound::Unbounded, |rp_id| Bound::Excluded(rp_id.as_str().as_bytes()));
        let newest = |party: &Party| {
            let credential = self.entry(*party.slots.last()?)?.credential()?;
            Some(Rp { id: credential.rp_id, name: credential.rp_name })
        };
        let parties = self.parties.range::<[u8], _>((from, Bound::Unbounded));
        let parties = parties.filter_map(|(_, party)| newest(party)).take(limit).collect();
        RelyingParties { total: self.parties.len(), parties }
    }

    pub(super) fn count(&mut self, counter: &Counter) -> Result<u32, StoreError> {
        let value = match counter {
            Counter::Global => &mut self.counter,
            Counter::Of(id) => {
                let slot = self.slot(id).ok_or(StoreError::NotFound)?;
                &mut self.entry_mut(slot).ok_or(StoreError::NotFound)?.counter
            }
        };
        *value = value.saturating_add(1);
        Ok(*value)
    }

    pub(super) fn record(&self, record: Record) -> Option<Zeroizing<Vec<u8>>> {
        self.records.get(&record).cloned()
    }

    pub(super) fn capacity(&self) -> Capacity {
        let remaining = self.limit.unwrap_or(MOST).saturating_sub(self.len());
        Capacity { discoverable: self.discoverable, remaining: Some(remaining) }
    }

    pub(super) fn clear(&mut self) {
        let (limit, counter, newest) = (self.limit, self.counter, self.newest);
        // As is the feed, which begins anew with it.
        *self = Self { limit, counter, newest, ..Self::default() };
    }

    /// Makes the changes one after the other; if one can't be made, takes back those before.
    pub(super) fn commit(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut made = Made::default();
        let mut done = changes.into_iter().try_for_each(|change| self.make(change, &mut made));
        if self.len() > self.limit.unwrap_or(MOST) {
            done = done.and(Err(StoreError::Full));
        }
        match done {
            Ok(()) => {
                self.feed.add(made.gathered);
                made.undo.into_iter().for_each(|step| self.drop_step(step));
            }
            Err(_) => made.undo.into_iter().rev().for_each(|step| self.take_back(step)),
        }
        done
    }

    fn make(&mut self, change: Change, made: &mut Made) -> Result<(), StoreError> {
        match change {
            Change::Save { credential, replaces } => self.save(&credential, replaces, made)?,
            Change::Remove(id) => {
                if let Some(slot) = self.slot(&id) {
                    self.remove(slot, made);
                }
            }
            Change::Rename { id, user, at } => {
                self.change(&id, made, |credential| credential.rename(user, at))?;
            }
            Change::SetExtensionData { id, data, at } => {
                self.change(&id, made, |credential| credential.set_extension_data(data, at))?;
            }
            Change::Record { record, value } => {
                made.undo.push(Undo::Record(record, self.write(record, value)));
            }
            Change::NewRecord { record, value } => {
                if !self.records.contains_key(&record) {
                    made.undo.push(Undo::Record(record, self.write(record, Some(value))));
                }
            }
        }
        Ok(())
    }

    fn save(
        &mut self,
        credential: &Credential,
        replaces: Replaces,
        made: &mut Made,
    ) -> Result<(), StoreError> {
        let mut gone = Vec::new();
        if credential.discoverable && replaces != Replaces::Nothing {
            gone = self.account_slots(&credential.rp_id, &credential.user.id);
        }
        if replaces == Replaces::AccountAndAlgorithm {
            gone.retain(|slot| {
                let there = self.entry(*slot).and_then(Entry::credential);
                there.is_some_and(|there| replaces.takes_place(credential, &there))
            });
        }
        for slot in gone {
            self.remove(slot, made);
        }
        if let Some(slot) = self.slot(&credential.id) {
            self.remove(slot, made);
        }
        self.newest = self.newest.saturating_add(1);
        let entry = Entry {
            bytes: Wiped::from(credential.to_bytes()),
            age: self.newest,
            counter: 0,
            used: None,
        };
        made.undo.push(Undo::Take(self.put(entry).ok_or(StoreError::Full)?));
        made.gathered.note(&credential.id, Became::Made);
        Ok(())
    }

    fn remove(&mut self, slot: u32, made: &mut Made) {
        if let Some(entry) = self.take(slot) {
            let id = entry.keys().and_then(|keys| CredentialId::new(keys.id).ok());
            if let Some(id) = id {
                made.gathered.note(&id, Became::Removed);
            }
            made.undo.push(Undo::Put(entry));
        }
    }

    fn change(
        &mut self,
        id: &CredentialId,
        made: &mut Made,
        change: impl FnOnce(&mut Credential),
    ) -> Result<(), StoreError> {
        let slot = self.slot(id).ok_or(StoreError::NotFound)?;
        let changed = self.entry(slot).and_then(|entry| entry.changed(change));
        let before = self.replace(slot, changed.ok_or(StoreError::NotFound)?);
        made.undo.extend(before.map(|before| Undo::Replace(slot, before)));
        made.gathered.note(id, Became::Changed);
        Ok(())
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Take(slot) => {
                if let Some(entry) = self.take(slot) {
                    self.drop_entry(&entry);
                }
            }
            Undo::Put(entry) => drop(self.put(entry)),
            Undo::Replace(slot, before) => drop(self.replace(slot, before)),
            Undo::Record(record, before) => drop(self.write(record, before)),
        }
    }

    /// The commit was made: this will not be taken back.
    fn drop_step(&mut self, step: Undo) {
        if let Undo::Put(entry) = step {
            self.drop_entry(&entry);
        }
    }

    /// An entry that was taken does not come back: its relying party goes where this was its last.
    fn drop_entry(&mut self, entry: &Entry) {
        let Some(keys) = entry.keys() else { return };
        if self.parties.get(keys.rp_id).is_some_and(|party| party.slots.is_empty()) {
            self.parties.remove(keys.rp_id);
        }
    }

    /// Puts an entry into a free slot and the indexes; `None` if there can't be any more slots.
    fn put(&mut self, entry: Entry) -> Option<u32> {
        let keys = entry.keys()?;
        let slot = self.free.pop().or_else(|| self.new_slot())?;
        self.ids.insert(&[keys.id], slot);
        if keys.discoverable {
            self.accounts.insert(&[keys.rp_id, keys.user], slot);
            self.discoverable = self.discoverable.saturating_add(1);
            // A new one goes to the end; one that comes back goes to where it was.
            let known = self.parties.get_mut(keys.rp_id);
            let party = match known {
                Some(party) => party,
                None => self.parties.entry(keys.rp_id.into()).or_default(),
            };
            party.slots.insert(place(&self.slots, &party.slots, entry.age), slot);
            party.open = party.open.saturating_add(keys.open.into());
        }
        *self.slots.get_mut(at(slot))? = Some(entry);
        Some(slot)
    }

    fn new_slot(&mut self) -> Option<u32> {
        let slot = u32::try_from(self.slots.len()).ok().filter(|slot| *slot != NO_SLOT)?;
        reserve_an_eighth(&mut self.slots);
        self.slots.push(None);
        Some(slot)
    }

    /// Takes an entry out of its slot and the indexes. Its relying party stays, if only for what
    /// comes in its place, until [`Self::drop_entry`].
    fn take(&mut self, slot: u32) -> Option<Entry> {
        let entry = self.slots.get(at(slot))?.as_ref()?;
        let keys = entry.keys()?;
        self.ids.remove(slot);
        if keys.discoverable {
            self.accounts.remove(slot);
            self.discoverable = self.discoverable.saturating_sub(1);
            let party = self.parties.get_mut(keys.rp_id)?;
            let place = place(&self.slots, &party.slots, entry.age);
            party.slots.remove(place);
            party.open = party.open.saturating_sub(keys.open.into());
        }
        self.free.push(slot);
        self.slots.get_mut(at(slot))?.take()
    }

    /// Puts another form of the same credential in its place, and gives back what was there.
    fn replace(&mut self, slot: u32, bytes: Wiped) -> Option<Wiped> {
        Some(std::mem::replace(&mut self.entry_mut(slot)?.bytes, bytes))
    }

    fn write(
        &mut self,
        record: Record,
        value: Option<Zeroizing<Vec<u8>>>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        match value {
            Some(value) => self.records.insert(record, value),
            None => self.records.remove(&record),
        }
    }

    fn slot(&self, id: &CredentialId) -> Option<u32> {
        self.slot_where(id, |_| true)
    }

    /// The slot of the credential with this id, if its keys are such.
    fn slot_where(&self, id: &CredentialId, are_such: impl Fn(&Keys<'_>) -> bool) -> Option<u32> {
        let id = id.as_bytes();
        self.ids.find(&[id], |slot| {
            let keys = self.entry(slot).and_then(Entry::keys);
            keys.is_some_and(|keys| keys.id == id && are_such(&keys))
        })
    }

    fn account_slots(&self, rp_id: &RpId, user: &UserHandle) -> Vec<u32> {
        let (rp_id, user) = (rp_id.as_str().as_bytes(), user.as_bytes());
        let mut slots = Vec::new();
        // Never the one that is looked for: so it goes through all of them.
        let _ = self.accounts.find(&[rp_id, user], |slot| {
            let keys = self.entry(slot).and_then(Entry::keys);
            if keys.is_some_and(|keys| keys.rp_id == rp_id && keys.user == user) {
                slots.push(slot);
            }
            false
        });
        slots
    }

    fn entry(&self, slot: u32) -> Option<&Entry> {
        self.slots.get(at(slot))?.as_ref()
    }

    fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(at(slot))?.as_mut()
    }
}

/// Where a credential of this age is, or belongs, among slots that stand from the oldest to the
/// newest.
fn place(entries: &[Option<Entry>], slots: &[u32], age: u64) -> usize {
    let entry = |slot: &u32| entries.get(at(*slot)).and_then(Option::as_ref);
    slots.partition_point(|slot| entry(slot).is_some_and(|entry| entry.age < age))
}

impl Entry {
    fn credential(&self) -> Option<Credential> {
        self.credential_of(None)
    }

    /// The same, most likely of this relying party.
    fn credential_of(&self, rp_id: Option<&RpId>) -> Option<Credential> {
        let mut credential = Credential::read(&self.bytes, rp_id).ok()?;
        credential.used = self.used.or(credential.used);
        Some(credential)
    }

    fn keys(&self) -> Option<Keys<'_>> {
        Credential::keys(&self.bytes)
    }

    fn is_open(&self) -> bool {
        self.keys().is_some_and(|keys| keys.open)
    }

    fn changed(&self, change: impl FnOnce(&mut Credential)) -> Option<Wiped> {
        let mut credential = self.credential()?;
        change(&mut credential);
        Some(Wiped::from(credential.to_bytes()))
    }
}
