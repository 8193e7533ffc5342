//! A store and a key store that never answer at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Custody, Feed, FeedCursor,
    KeyError, KeyHandle, KeyStore, MemoryStore, NewKey, Page, Query, Record, RelyingParties,
    SoftwareKeys, StoreError, UnixTime, Work,
};
use towline_ctap::{CosePublicKey, CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

/// Writes land whenever their jobs are run; so none may begin while another is under way.
#[derive(Clone)]
pub struct SlowStore {
    memory: MemoryStore,
    writing: Arc<AtomicBool>,
}

impl SlowStore {
    pub fn new(memory: MemoryStore) -> Self {
        Self { memory, writing: Arc::default() }
    }

    fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut MemoryStore) -> Work<T, StoreError> + Send + 'static,
    ) -> Work<T, StoreError> {
        let before = self.writing.swap(true, Ordering::Relaxed);
        assert!(!before, "a write begins while another is under way");
        let (mut store, under_way) = (self.memory.clone(), UnderWay(self.writing.clone()));
        later(move || {
            let written = write(&mut store);
            drop(under_way);
            written
        })
    }
}

/// Over when the job has run, or never will.
struct UnderWay(Arc<AtomicBool>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn later<T: Send + 'static, E: Send + 'static>(
    run: impl FnOnce() -> Work<T, E> + Send + 'static,
) -> Work<T, E> {
    Work::later(|| match run() {
        Work::Done(result) => result,
        Work::Later(_) => unreachable!("the memory answers at once"),
    })
}

impl CredentialStore for SlowStore {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        let (mut store, rp_id, ids) = (self.memory.clone(), rp_id.clone(), ids.to_vec());
        later(move || store.find(&rp_id, &ids))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        let (mut store, query) = (self.memory.clone(), query.clone());
        later(move || store.discoverable(&query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        let (mut store, id) = (self.memory.clone(), id.clone());
        later(move || store.lookup(&id))
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        let mut store = self.memory.clone();
        later(move || store.all(after, limit))
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.memory.used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        let (mut store, after) = (self.memory.clone(), after.cloned());
        later(move || store.relying_parties(after.as_ref(), limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        let (mut store, rp_id, user) = (self.memory.clone(), rp_id.clone(), user.clone());
        later(move || store.account(&rp_id, &user))
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        let mut store = self.memory.clone();
        later(move || store.changes(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.write(|store| store.commit(changes))
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.write(|store| store.count(counter))
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut store = self.memory.clone();
        later(move || store.record(record))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        let mut store = self.memory.clone();
        later(move || store.capacity())
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        self.write(CredentialStore::clear)
    }
}

/// Keeps count of the keys that are of use, as a TPM with little room would.
#[derive(Clone)]
pub struct SlowKeys {
    keys: Arc<Mutex<SoftwareKeys>>,
    pub alive: Arc<Mutex<Vec<KeyHandle>>>,
    pub signatures: Arc<Mutex<usize>>,
}

impl SlowKeys {
    pub fn new(provider: towline_crypto::CryptoProvider) -> Self {
        Self {
            keys: Arc::new(Mutex::new(SoftwareKeys::new(provider))),
            alive: Arc::default(),
            signatures: Arc::default(),
        }
    }

    pub fn alive(&self) -> usize {
        self.alive.lock().unwrap().len()
    }

    pub fn signatures(&self) -> usize {
        *self.signatures.lock().unwrap()
    }
}

impl KeyStore for SlowKeys {
    fn algorithms(&self) -> Vec<i64> {
        self.keys.lock().unwrap().algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let this = self.clone();
        Work::later(move || match this.keys.lock().unwrap().generate(algorithm) {
            Work::Done(Ok(key)) => {
                this.alive.lock().unwrap().push(key.handle.clone());
                Ok(key)
            }
            Work::Done(Err(error)) => Err(error),
            Work::Later(_) => unreachable!("software answers at once"),
        })
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        let (this, key, message) = (self.clone(), key.clone(), parts.concat());
        later(move || {
            *this.signatures.lock().unwrap() += 1;
            this.keys.lock().unwrap().sign(&key, &[&message])
        })
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        let (this, key) = (self.clone(), key.clone());
        later(move || this.keys.lock().unwrap().public_key(&key))
    }

    fn custody(&self, _: &KeyHandle) -> Custody {
        Custody::Handle
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.alive.lock().unwrap().retain(|alive| alive != key);
        Work::ready(())
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        let this = self.clone();
        later(move || {
            this.alive.lock().unwrap().clear();
            this.keys.lock().unwrap().clear()
        })
    }
}
