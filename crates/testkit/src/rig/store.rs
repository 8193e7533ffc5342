//! A store, and randomness, that fail when told to, and a store that never answers at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor, KeyError,
    MemoryStore, Page, Query, Record, RelyingParties, StoreError, UnixTime, Work,
};
use towline_crypto::{CryptoProvider, Error, Random, rustcrypto};
use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

/// Counts the operations of all that share it, and lets one of them fail.
#[derive(Clone, Default)]
pub struct Fuse {
    used: Arc<AtomicUsize>,
    fails_at: Arc<Mutex<Option<usize>>>,
    full: Arc<AtomicBool>,
}

impl Fuse {
    /// The operation at this place, from 0, fails, counted from now on.
    pub fn blow_at(&self, operation: Option<usize>) {
        self.used.store(0, Ordering::Relaxed);
        *self.fails_at.lock().unwrap() = operation;
    }

    /// Whether what fails of a store fails for want of room.
    pub fn blow_as_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// How many operations there were since [`Fuse::blow_at`].
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn blows(&self) -> bool {
        let operation = self.used.fetch_add(1, Ordering::Relaxed);
        *self.fails_at.lock().unwrap() == Some(operation)
    }

    fn store(&self) -> Result<(), StoreError> {
        match (self.blows(), self.full.load(Ordering::Relaxed)) {
            (false, _) => Ok(()),
            (true, false) => Err(StoreError::Unavailable("told to".into())),
            (true, true) => Err(StoreError::Full),
        }
    }

    pub(super) fn keys(&self) -> Result<(), KeyError> {
        if self.blows() { Err(KeyError::Unavailable("told to".into())) } else { Ok(()) }
    }
}

/// A store in memory that fails, or answers late. Writes land whenever their jobs are run; so none
/// may begin while another is under way, which is a panic.
#[derive(Clone)]
pub struct RiggedStore {
    memory: MemoryStore,
    fuse: Fuse,
    late: bool,
    writing: Arc<AtomicBool>,
}

/// Over when the job has run, or never will.
struct UnderWay(Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl RiggedStore {
    /// One that fails when the fuse blows.
    #[must_use]
    pub fn fragile(memory: MemoryStore, fuse: &Fuse) -> Self {
        Self { memory, fuse: fuse.clone(), late: false, writing: Arc::default() }
    }

    /// One that never answers at once.
    #[must_use]
    pub fn slow(memory: MemoryStore) -> Self {
        Self { late: true, ..Self::fragile(memory, &Fuse::default()) }
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut MemoryStore) -> Work<T, StoreError> + Send + 'static,
    ) -> Work<T, StoreError> {
        let mut store = self.memory.clone();
        match self.fuse.store() {
            Err(error) => Work::failed(error),
            Ok(()) if self.late => Work::later(move || done(read(&mut store))),
            Ok(()) => read(&mut store),
        }
    }

    fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut MemoryStore) -> Work<T, StoreError> + Send + 'static,
    ) -> Work<T, StoreError> {
        let before = self.writing.swap(true, Ordering::Relaxed);
        assert!(!before, "a write begins while another is under way");
        let under_way = UnderWay(self.writing.clone());
        self.read(move |store| {
            let written = write(store);
            drop(under_way);
            written
        })
    }
}

/// The result, after what takes time was done here and now.
pub fn done<T, E>(work: Work<T, E>) -> Result<T, E> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

impl CredentialStore for RiggedStore {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        let (rp_id, ids) = (rp_id.clone(), ids.to_vec());
        self.read(move |store| store.find(&rp_id, &ids))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        let query = query.clone();
        self.read(move |store| store.discoverable(&query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        let id = id.clone();
        self.read(move |store| store.lookup(&id))
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        self.read(move |store| store.all(after, limit))
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.memory.used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        let after = after.cloned();
        self.read(move |store| store.relying_parties(after.as_ref(), limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        let (rp_id, user) = (rp_id.clone(), user.clone());
        self.read(move |store| store.account(&rp_id, &user))
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        self.read(move |store| store.changes(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.write(|store| store.commit(changes))
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.write(|store| store.count(counter))
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read(move |store| store.record(record))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.read(CredentialStore::capacity)
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        self.write(CredentialStore::clear)
    }
}

/// The randomness of a provider, until the fuse blows.
struct FragileRandom(Arc<dyn Random>, Fuse);

impl Random for FragileRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        if self.1.blows() { Err(Error::Random) } else { self.0.fill(buffer) }
    }
}

/// The portable provider, whose randomness fails when the fuse blows.
#[must_use]
pub fn fragile_provider(fuse: &Fuse) -> CryptoProvider {
    let provider = rustcrypto::provider();
    let random = Arc::new(FragileRandom(provider.random.clone(), fuse.clone()));
    CryptoProvider { random, ..provider }
}
