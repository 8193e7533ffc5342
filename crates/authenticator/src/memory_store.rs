//! A store in memory, for tests, demos and short-lived authenticators.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use towline_ctap::{CredentialId, Rp, RpId, UserHandle, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

use crate::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Page, Query, Record,
    RelyingParties, StoreError, Work,
};

/// A store in memory. A clone is a handle to the same store, to inspect it or to give it to a second authenticator after
/// the first ("restart").
#[derive(Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

impl MemoryStore {
    /// An empty store without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store for at most `limit` credentials.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        let inner = Inner { limit: Some(limit), ..Inner::default() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// How many credentials there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All credentials, oldest first.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        self.lock().entries.values().map(|entry| entry.credential.clone()).collect()
    }

    /// One credential.
    #[must_use]
    pub fn credential(&self, id: &CredentialId) -> Option<Credential> {
        self.lock().get(id).map(|entry| entry.credential.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made as a whole under the lock by code that does not panic: the content is sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} credentials)", self.len())
    }
}

impl CredentialStore for MemoryStore {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        let inner = self.lock();
        let here = ids.iter().filter_map(|id| inner.get(id));
        let ours = here.filter(|entry| entry.credential.rp_id == *rp_id);
        Work::ready(ours.map(|entry| entry.credential.clone()).collect())
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        Work::ready(self.lock().page(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        Work::ready(self.lock().get(id).map(|entry| entry.credential.clone()))
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        let inner = self.lock();
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let newest = |party: &Party| {
            let (place, _) = party.all.last_key_value()?;
            let credential = &inner.entries.get(place)?.credential;
            Some(Rp { id: credential.rp_id.clone(), name: credential.rp_name.clone() })
        };
        let parties = inner.parties.range::<RpId, _>(from).filter_map(|(_, party)| newest(party));
        let parties = parties.take(limit).collect();
        Work::ready(RelyingParties { total: inner.parties.len(), parties })
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Option<Credential>, StoreError> {
        let inner = self.lock();
        let place = inner.parties.get(rp_id).and_then(|party| party.accounts.get(user));
        let entry = place.and_then(|place| inner.entries.get(place));
        Work::ready(entry.map(|entry| entry.credential.clone()))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.lock().commit(changes).into()
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        let mut inner = self.lock();
        let value = match &counter {
            Counter::Global => Some(&mut inner.counter),
            Counter::Of(id) => inner.get_mut(id).map(|entry| &mut entry.counter),
        };
        let Some(value) = value else { return Work::failed(StoreError::NotFound) };
        *value = value.saturating_add(1);
        Work::ready(*value)
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Work::ready(self.lock().records.get(&record).cloned())
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        let inner = self.lock();
        let remaining = inner.limit.map(|limit| limit.saturating_sub(inner.entries.len()));
        let discoverable = inner.entries.len().saturating_sub(inner.listed_only);
        Work::ready(Capacity { discoverable, remaining })
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        let mut inner = self.lock();
        *inner = Inner {
            limit: inner.limit,
            counter: inner.counter,
            newest: inner.newest,
            ..Inner::default()
        };
        Work::ready(())
    }
}

/// Credentials by their place in the order in which they came, and two indexes into that.
#[derive(Default)]
struct Inner {
    entries: BTreeMap<u64, Entry>,
    ids: HashMap<CredentialId, u64>,
    parties: BTreeMap<RpId, Party>,
    records: HashMap<Record, Zeroizing<Vec<u8>>>,
    /// The global signature counter.
    counter: u32,
    /// The place of the credential that came last.
    newest: u64,
    /// How many credentials are not discoverable.
    listed_only: usize,
    limit: Option<usize>,
}

struct Entry {
    credential: Credential,
    counter: u32,
}

/// The discoverable credentials of one RP ID.
#[derive(Default)]
struct Party {
    /// All, oldest first.
    all: BTreeMap<u64, CredentialProtectionPolicy>,
    /// How many of them show themselves without user verification.
    open: usize,
    accounts: HashMap<UserHandle, u64>,
}

impl Inner {
    fn get(&self, id: &CredentialId) -> Option<&Entry> {
        self.ids.get(id).and_then(|place| self.entries.get(place))
    }

    fn get_mut(&mut self, id: &CredentialId) -> Option<&mut Entry> {
        self.ids.get(id).and_then(|place| self.entries.get_mut(place))
    }

    fn page(&self, query: &Query) -> Page {
        let Some(party) = self.parties.get(&query.rp_id) else { return Page::default() };
        let before = query.after.map_or(u64::MAX, |Cursor(place)| place);
        let shown =
            party.all.range(..before).rev().filter(|(_, level)| query.verified || open(**level));
        let mut page = Page {
            total: if query.verified { party.all.len() } else { party.open },
            ..Page::default()
        };
        for (place, _) in shown.take(query.limit) {
            if let Some(entry) = self.entries.get(place) {
                page.credentials.push(entry.credential.clone());
                page.end = Some(Cursor(*place));
            }
        }
        page
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        // What can go wrong is known before anything is changed.
        let mut count = self.entries.len();
        for change in &changes {
            match change {
                Change::Save { credential, replaces } => {
                    let freed = replaces.as_ref().is_some_and(|id| self.ids.contains_key(id));
                    if !freed && self.same_account(credential).is_none() {
                        count = count.saturating_add(1);
                    }
                }
                Change::Remove(id) if self.ids.contains_key(id) => count = count.saturating_sub(1),
                Change::Rename { id, .. } if !self.ids.contains_key(id) => {
                    return Err(StoreError::NotFound);
                }
                _ => {}
            }
        }
        if count > self.entries.len() && self.limit.is_some_and(|limit| count > limit) {
            return Err(StoreError::Full);
        }
        for change in changes {
            match change {
                Change::Save { credential, replaces } => {
                    if let Some(id) = replaces {
                        self.remove(&id);
                    }
                    if let Some(id) = self.same_account(&credential) {
                        self.remove(&id);
                    }
                    self.remove(&credential.id);
                    self.insert(*credential);
                }
                Change::Remove(id) => self.remove(&id),
                Change::Rename { id, user } => {
                    if let Some(entry) = self.get_mut(&id) {
                        entry.credential.user.name = user.name;
                        entry.credential.user.display_name = user.display_name;
                    }
                }
                Change::Record { record, value: Some(value) } => {
                    self.records.insert(record, value);
                }
                Change::Record { record, value: None } => {
                    self.records.remove(&record);
                }
            }
        }
        Ok(())
    }

    /// The discoverable credential for the same account as this one.
    fn same_account(&self, credential: &Credential) -> Option<CredentialId> {
        let party = self.parties.get(&credential.rp_id).filter(|_| credential.discoverable)?;
        let entry = self.entries.get(party.accounts.get(&credential.user.id)?)?;
        Some(entry.credential.id.clone())
    }

    fn insert(&mut self, credential: Credential) {
        self.newest = self.newest.saturating_add(1);
        self.ids.insert(credential.id.clone(), self.newest);
        if credential.discoverable {
            let party = self.parties.entry(credential.rp_id.clone()).or_default();
            party.all.insert(self.newest, credential.protection);
            party.accounts.insert(credential.user.id.clone(), self.newest);
            if open(credential.protection) {
                party.open = party.open.saturating_add(1);
            }
        } else {
            self.listed_only = self.listed_only.saturating_add(1);
        }
        self.entries.insert(self.newest, Entry { credential, counter: 0 });
    }

    fn remove(&mut self, id: &CredentialId) {
        let Some(place) = self.ids.remove(id) else { return };
        let Some(Entry { credential, .. }) = self.entries.remove(&place) else { return };
        if !credential.discoverable {
            self.listed_only = self.listed_only.saturating_sub(1);
            return;
        }
        let Some(party) = self.parties.get_mut(&credential.rp_id) else { return };
        party.all.remove(&place);
        if open(credential.protection) {
            party.open = party.open.saturating_sub(1);
        }
        if party.accounts.get(&credential.user.id) == Some(&place) {
            party.accounts.remove(&credential.user.id);
        }
        if party.all.is_empty() {
            self.parties.remove(&credential.rp_id);
        }
    }
}

/// Whether a credential shows itself without user verification and without being named.
fn open(level: CredentialProtectionPolicy) -> bool {
    level == CredentialProtectionPolicy::UserVerificationOptional
}
