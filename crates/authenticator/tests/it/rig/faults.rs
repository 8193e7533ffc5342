//! Stores, keys and randomness that fail when told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Custody, Feed, FeedCursor,
    KeyError, KeyHandle, KeyStore, MemoryStore, NewKey, Page, Query, Record, RelyingParties,
    SoftwareKeys, StoreError, UnixTime, Work,
};
use towline_crypto::{CryptoProvider, Error, Random};
use towline_ctap::{CosePublicKey, CredentialId, RpId, UserHandle};
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

    fn keys(&self) -> Result<(), KeyError> {
        if self.blows() { Err(KeyError::Unavailable("told to".into())) } else { Ok(()) }
    }
}

pub struct FragileStore(pub MemoryStore, pub Fuse);

macro_rules! or_fail {
    ($self:ident, $call:expr) => {
        match $self.1.store() {
            Ok(()) => $call,
            Err(error) => Work::failed(error),
        }
    };
}

impl CredentialStore for FragileStore {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        or_fail!(self, self.0.find(rp_id, ids))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        or_fail!(self, self.0.discoverable(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        or_fail!(self, self.0.lookup(id))
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        or_fail!(self, self.0.all(after, limit))
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.0.used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        or_fail!(self, self.0.relying_parties(after, limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        or_fail!(self, self.0.account(rp_id, user))
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        or_fail!(self, self.0.changes(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        or_fail!(self, self.0.commit(changes))
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        or_fail!(self, self.0.count(counter))
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        or_fail!(self, self.0.record(record))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        or_fail!(self, self.0.capacity())
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        or_fail!(self, self.0.clear())
    }
}

pub struct FragileKeys(pub SoftwareKeys, pub Fuse);

impl KeyStore for FragileKeys {
    fn algorithms(&self) -> Vec<i64> {
        self.0.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        match self.1.keys() {
            Ok(()) => self.0.generate(algorithm),
            Err(error) => Work::failed(error),
        }
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        match self.1.keys() {
            Ok(()) => self.0.sign(key, parts),
            Err(error) => Work::failed(error),
        }
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        match self.1.keys() {
            Ok(()) => self.0.public_key(key),
            Err(error) => Work::failed(error),
        }
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.0.custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.0.forget(key)
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.0.clear()
    }
}

/// The randomness of a provider, until the fuse blows.
pub struct FragileRandom(pub Arc<dyn Random>, pub Fuse);

impl Random for FragileRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        if self.1.blows() { Err(Error::Random) } else { self.0.fill(buffer) }
    }
}

pub fn fragile_provider(fuse: &Fuse) -> CryptoProvider {
    let provider = towline_crypto::rustcrypto::provider();
    CryptoProvider {
        random: Arc::new(FragileRandom(provider.random.clone(), fuse.clone())),
        ..provider
    }
}
