//! Where a virtual authenticator keeps its passkeys: the store in memory, with counters and backup
//! flags that a test may change, and with passkeys that several authenticators share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor, KeyHandle,
    MemoryStore, Page, Query, Record, RelyingParties, Replaces, StoreError, UnixTime, Work,
};
use towline_crypto::zeroize::Zeroizing;
use towline_ctap::{CredentialId, RpId, UserHandle};

use crate::{Passkey, handle};

/// How many counters of passkeys that are gone may be kept.
const SPARE: usize = 64;

/// Passkeys that several authenticators have in common, as a sync service keeps them. A clone is
/// the same set. PINs and settings stay with each authenticator.
#[derive(Clone)]
pub struct SyncedSet(Arc<Mutex<Set>>);

struct Set {
    credentials: MemoryStore,
    limit: Option<usize>,
    /// How often each has signed.
    counters: BTreeMap<CredentialId, u32>,
    /// Those of which is said whether they are backed up, whatever holds for all others.
    backed_up: BTreeMap<CredentialId, bool>,
}

/// The store of one virtual authenticator. A clone is the same store.
#[derive(Clone)]
pub(crate) struct Shelf {
    set: SyncedSet,
    own: Arc<Mutex<Own>>,
    /// Whether new passkeys count their signatures.
    counts: bool,
}

struct Own {
    records: Records,
    /// The counter of what is not stored, as U2F makes it.
    counter: u32,
    /// Whether passkeys are backed up of which nothing else is said.
    backed_up: bool,
}

/// What an authenticator keeps for itself.
pub(crate) type Records = Vec<(Record, Zeroizing<Vec<u8>>)>;

impl SyncedSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(None)
    }

    fn with_limit(limit: Option<usize>) -> Self {
        Self(Arc::new(Mutex::new(Set::empty(limit))))
    }

    /// How many passkeys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().credentials.len()
    }

    /// All of them, oldest first. Those of which nobody has said otherwise are not backed up here:
    /// that is for each authenticator to say.
    #[must_use]
    pub fn passkeys(&self) -> Vec<Passkey> {
        let set = self.lock();
        let credentials = set.credentials.credentials().into_iter();
        credentials.map(|credential| set.passkey(credential, false)).collect()
    }

    /// Removes all of them.
    pub fn clear(&self) {
        // Replacing by nothing has nothing that could fail.
        let _always_done = self.lock().replace(Vec::new());
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        // Every change is made as a whole under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SyncedSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SyncedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncedSet({} passkeys)", self.len())
    }
}

impl Set {
    fn passkey(&self, credential: Credential, backed_up: bool) -> Passkey {
        let count = self.counters.get(&credential.id).copied().unwrap_or(0);
        let sign_count = (!credential.never_counts).then_some(count);
        let backed_up = self.backed_up.get(&credential.id).copied().unwrap_or(backed_up);
        let backed_up = backed_up && credential.backup_eligible;
        Passkey { credential, sign_count, backed_up }
    }

    fn save(&mut self, passkey: Passkey) -> Result<(), StoreError> {
        let Passkey { mut credential, sign_count, backed_up } = passkey;
        credential.never_counts = sign_count.is_none();
        let id = credential.id.clone();
        // A test may put several beside one another for an account.
        let replaces = Replaces::Nothing;
        let new = Change::Save { credential: Box::new(credential), replaces };
        done(self.credentials.commit(vec![new]))?;
        self.counters.insert(id.clone(), sign_count.unwrap_or(0));
        self.backed_up.insert(id, backed_up);
        Ok(())
    }

    fn empty(limit: Option<usize>) -> Self {
        let credentials = limit.map_or_else(MemoryStore::new, MemoryStore::with_limit);
        Self { credentials, limit, counters: BTreeMap::new(), backed_up: BTreeMap::new() }
    }

    /// Puts these in the place of all that there are.
    fn replace(&mut self, passkeys: Vec<Passkey>) -> Result<(), StoreError> {
        let mut new = Self::empty(self.limit);
        passkeys.into_iter().try_for_each(|passkey| new.save(passkey))?;
        *self = new;
        Ok(())
    }

    /// Puts a passkey in the place of one, of which all others say nothing that they have not said
    /// before.
    fn change(&mut self, before: &Passkey, after: Passkey) -> Result<(), StoreError> {
        let flags = |it: &Passkey| (it.credential.backup_eligible, it.backed_up);
        let is_said = self.backed_up.contains_key(before.id()) || flags(before) != flags(&after);
        let mut new = Self::empty(self.limit);
        for credential in self.credentials.credentials() {
            let (now, said) = if credential.id == *before.id() {
                (after.clone(), is_said)
            } else {
                let said = self.backed_up.contains_key(&credential.id);
                (self.passkey(credential, false), said)
            };
            let id = now.id().clone();
            new.save(now)?;
            if !said {
                new.backed_up.remove(&id);
            }
        }
        *self = new;
        Ok(())
    }
}

impl Own {
    /// Writes a record, or removes it; a new one only if there is none.
    fn write(&mut self, change: Change) {
        let (record, value) = match change {
            Change::Record { record, value } => (record, value),
            Change::NewRecord { record, value } => {
                if self.records.iter().any(|(of, _)| *of == record) {
                    return;
                }
                (record, Some(value))
            }
            _ => return,
        };
        self.records.retain(|(of, _)| *of != record);
        self.records.extend(value.map(|value| (record, value)));
        self.records.sort_by_key(|(of, _)| *of);
    }
}

impl Shelf {
    pub(crate) fn new(
        set: Option<SyncedSet>,
        limit: Option<usize>,
        counts: bool,
        backed_up: bool,
    ) -> Self {
        let set = set.unwrap_or_else(|| SyncedSet::with_limit(limit));
        let own = Own { records: Records::new(), counter: 0, backed_up };
        Self { set, own: Arc::new(Mutex::new(own)), counts }
    }

    pub(crate) const fn set(&self) -> &SyncedSet {
        &self.set
    }

    /// All passkeys, oldest first.
    pub(crate) fn passkeys(&self) -> Vec<Passkey> {
        let default = self.own().backed_up;
        let set = self.set.lock();
        let credentials = set.credentials.credentials().into_iter();
        credentials.map(|credential| set.passkey(credential, default)).collect()
    }

    pub(crate) fn passkey(&self, id: &CredentialId) -> Option<Passkey> {
        let default = self.own().backed_up;
        let set = self.set.lock();
        set.credentials.credential(id).map(|credential| set.passkey(credential, default))
    }

    /// Adds a passkey, as the newest.
    pub(crate) fn add(&self, passkey: Passkey) -> Result<(), StoreError> {
        self.set.lock().save(passkey)
    }

    /// Changes a passkey where it is; `None` where there is no such passkey.
    pub(crate) fn change(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Passkey),
    ) -> Option<Result<(), StoreError>> {
        let default = self.own().backed_up;
        let mut set = self.set.lock();
        let before = set.passkey(set.credentials.credential(id)?, default);
        let mut after = before.clone();
        change(&mut after);
        Some(set.change(&before, after))
    }

    pub(crate) fn remove(&self, id: &CredentialId) -> bool {
        let there = self.passkey(id).is_some();
        let gone = done(self.clone().commit(vec![Change::Remove(id.clone())]));
        there && gone.is_ok()
    }

    pub(crate) fn replace(&self, passkeys: Vec<Passkey>) -> Result<(), StoreError> {
        self.set.lock().replace(passkeys)
    }

    pub(crate) fn records(&self) -> Records {
        self.own().records.clone()
    }

    pub(crate) fn set_records(&self, records: Records) {
        self.own().records = records;
    }

    pub(crate) fn counter(&self) -> u32 {
        self.own().counter
    }

    pub(crate) fn set_counter(&self, counter: u32) {
        self.own().counter = counter;
    }

    /// From now on all passkeys are backed up that may be, or none.
    pub(crate) fn set_backed_up(&self, backed_up: bool) {
        self.own().backed_up = backed_up;
        self.set.lock().backed_up.clear();
    }

    /// Whether this passkey is backed up, if anything is said of it.
    pub(crate) fn backed_up(&self, id: &CredentialId) -> Option<bool> {
        self.set.lock().backed_up.get(id).copied()
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of a commit is about passkeys.
    fn commit_passkeys(&self, mut changes: Vec<Change>) -> Result<(), StoreError> {
        let mut set = self.set.lock();
        let Set { credentials, counters, backed_up, .. } = &mut *set;
        let mut anew = Vec::new();
        for change in &mut changes {
            match change {
                Change::Save { credential, .. } => {
                    handle::unname(credential);
                    credential.never_counts |= !self.counts;
                    anew.push(credential.id.clone());
                }
                Change::Remove(id) => anew.push(id.clone()),
                _ => {}
            }
        }
        done(credentials.commit(changes))?;
        for id in anew {
            counters.remove(&id);
            backed_up.remove(&id);
        }
        // Others may have given way to new ones.
        let most = credentials.len().saturating_add(SPARE);
        if counters.len() > most {
            counters.retain(|id, _| credentials.credential(id).is_some());
        }
        if backed_up.len() > most {
            backed_up.retain(|id, _| credentials.credential(id).is_some());
        }
        Ok(())
    }
}

impl CredentialStore for Shelf {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        let found = self.set.lock().credentials.find(rp_id, ids);
        named(found, |found| found.iter_mut().for_each(handle::name))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        let page = self.set.lock().credentials.discoverable(query);
        named(page, |page| page.credentials.iter_mut().for_each(handle::name))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        let found = self.set.lock().credentials.lookup(id);
        named(found, |found| found.iter_mut().for_each(handle::name))
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        self.set.lock().credentials.all(after, limit)
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.set.lock().credentials.used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.set.lock().credentials.relying_parties(after, limit)
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        self.set.lock().credentials.account(rp_id, user)
    }

    fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        self.set.lock().credentials.account_keys(rp_id, user)
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        self.set.lock().credentials.changes(after, limit)
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        let is_own =
            |change: &Change| matches!(change, Change::Record { .. } | Change::NewRecord { .. });
        let (own, shared): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(is_own);
        // Records always find room, so that both are written, or none.
        let shared = if shared.is_empty() { Ok(()) } else { self.commit_passkeys(shared) };
        shared.map(|()| own.into_iter().for_each(|change| self.own().write(change))).into()
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        let up = |counter: &mut u32| {
            *counter = counter.saturating_add(1);
            *counter
        };
        match counter {
            Counter::Global => Work::ready(up(&mut self.own().counter)),
            Counter::Of(id) => {
                let mut set = self.set.lock();
                if set.credentials.credential(&id).is_none() {
                    return Work::failed(StoreError::NotFound);
                }
                Work::ready(up(set.counters.entry(id).or_default()))
            }
        }
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let own = self.own();
        let found = own.records.iter().find(|(of, _)| *of == record);
        Work::ready(found.map(|(_, value)| value.clone()))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.set.lock().credentials.capacity()
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        let mut set = self.set.lock();
        set.counters.clear();
        set.backed_up.clear();
        self.own().records.clear();
        set.credentials.clear()
    }
}

/// What was found, with handles that say whose they are.
fn named<T>(found: Work<T, StoreError>, name: impl FnOnce(&mut T)) -> Work<T, StoreError> {
    done(found)
        .map(|mut found| {
            name(&mut found);
            found
        })
        .into()
}

/// The result of an operation in memory, which is always there at once.
fn done<T>(work: Work<T, StoreError>) -> Result<T, StoreError> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}
