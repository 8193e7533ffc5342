//! A store in memory, for tests, demos and short-lived authenticators.
//!
//! A discoverable credential costs some 300 bytes, most of them its own content: it is kept as
//! bytes in a slot of a table (`content`), and the indexes refer to it by the number of the slot
//! (`index`).

mod content;
mod index;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

use self::content::Content;
use crate::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor, KeyHandle,
    Page, Query, Record, RelyingParties, StoreError, UnixTime, Work,
};

/// A store in memory. A clone is a handle to the same store, to inspect it or to give it to a
/// second authenticator after the first ("restart").
#[derive(Clone, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
}

impl MemoryStore {
    /// An empty store with room for as many credentials as clients can count, which is
    /// 2,147,483,647.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store for at most `limit` credentials.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { content: Arc::new(Mutex::new(Content::with_limit(limit))) }
    }

    /// How many credentials there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All credentials, oldest first.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        self.lock().credentials()
    }

    /// A copy of the credential with this id, discoverable or not.
    #[must_use]
    pub fn credential(&self, id: &CredentialId) -> Option<Credential> {
        self.lock().credential(id)
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // Every change is made as a whole under the lock by code that does not panic: the content
        // is sound.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} credentials)", self.len())
    }
}

impl CredentialStore for MemoryStore {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        Work::ready(self.lock().find(rp_id, ids))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        Work::ready(self.lock().page(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        Work::ready(self.lock().credential(id))
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        Work::ready(self.lock().all(after, limit))
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.lock().used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        Work::ready(self.lock().relying_parties(after, limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        Work::ready(self.lock().account(rp_id, user))
    }

    fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        Work::ready(self.lock().account_keys(rp_id, user))
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        Work::ready(self.lock().changes(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.lock().commit(changes).into()
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.lock().count(&counter).into()
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Work::ready(self.lock().record(record))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        Work::ready(self.lock().capacity())
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        self.lock().clear();
        Work::ready(())
    }
}

/// Room for one more. A list that doubles its room when it is full wastes a quarter of it on
/// average; one that adds an eighth wastes a sixteenth.
fn reserve_an_eighth<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(8));
    }
}
