//! A store whose older copies are noticed.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor, KeyHandle,
    Page, Query, Record, RelyingParties, StoreError, UnixTime, Work,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

use crate::{counter::TpmCounter, error::Error, worker::Worker};

/// A store with a counter in a TPM, by which an older copy of it is noticed, put in its place with
/// all that is beside it.
///
/// The TPM counts up at each change of what there is: passkeys, the PIN, settings, and at a reset.
/// It does not at a signature, nor for tries of a PIN: its memory wears out, and a PIN has its own
/// count there ([`TpmPin`](crate::TpmPin)). The store has the next number before the TPM counts,
/// in the same write as the change. Whatever stops in between is finished when it is opened next.
pub struct CountedStore<S> {
    store: S,
    worker: Worker,
    state: Arc<Mutex<State>>,
}

struct State {
    counter: TpmCounter,
    /// The TPM has not counted up to it yet.
    behind: bool,
}

/// Why a store with a counter can't be opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum CountedStoreError {
    /// The TPM has counted further than the store: this is not the store that it has seen last.
    #[error(
        "this is an older copy of the store: {missed} later changes are missing, such as passkeys \
         that were made or removed since; put the newest file in its place"
    )]
    Older {
        /// How many changes the TPM has counted that the store doesn't know.
        missed: u64,
    },
    /// The TPM doesn't have the counter.
    #[error(
        "the TPM does not have the counter of this store, by which older copies of it are noticed: \
         this is another TPM, or it was cleared, or somebody has removed it"
    )]
    NoCounter,
    /// What the store says of its counter is nothing that was written.
    #[error("what the store says of its counter in the TPM is damaged")]
    Damaged,
    /// The TPM failed.
    #[error(transparent)]
    Tpm(#[from] Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S> fmt::Debug for CountedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountedStore")
    }
}

fn done<T>(work: Work<T, StoreError>) -> Result<T, StoreError> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

/// What the store has of its counter.
fn kept(store: &mut impl CredentialStore) -> Result<Option<TpmCounter>, CountedStoreError> {
    let kept = done(store.record(Record::StoreCounter))?;
    let kept = kept.map(|it| TpmCounter::decode(&it)).transpose();
    kept.map_err(|_| CountedStoreError::Damaged)
}

/// Whether the store has the number of the TPM, or the next.
fn vetted(counter: &TpmCounter, worker: &Worker) -> Result<(), CountedStoreError> {
    let shown = counter.shown(worker)?.ok_or(CountedStoreError::NoCounter)?;
    match shown.checked_sub(counter.value) {
        Some(0) => Ok(()),
        Some(missed) => Err(CountedStoreError::Older { missed }),
        None if shown.checked_add(1) == Some(counter.value) => Ok(()),
        // No counter goes back: it is not this one.
        None => Err(CountedStoreError::NoCounter),
    }
}

fn record(counter: &TpmCounter) -> Change {
    Change::Record { record: Record::StoreCounter, value: Some(counter.encode()) }
}

impl<S: CredentialStore> CountedStore<S> {
    /// Whether a store has a counter. Blocks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_counted(store: &mut S) -> Result<bool, StoreError> {
        Ok(done(store.record(Record::StoreCounter))?.is_some())
    }

    /// Vets a store by its counter, and changes nothing. Blocks.
    ///
    /// # Errors
    /// [`CountedStoreError`], where it would not be opened.
    pub fn look(store: &mut S, worker: &Worker) -> Result<(), CountedStoreError> {
        match kept(store)? {
            Some(counter) if counter.value > 0 => vetted(&counter, worker),
            _ => Ok(()),
        }
    }

    /// Opens a store that was vetted by its counter, or that gets one now. Blocks.
    ///
    /// # Errors
    /// [`CountedStoreError`].
    pub fn open(
        mut store: S,
        worker: Worker,
        provider: &CryptoProvider,
    ) -> Result<Self, CountedStoreError> {
        let counter = match kept(&mut store)? {
            None => Self::begin(&mut store, TpmCounter::new(&worker, provider)?, &worker)?,
            Some(counter) if counter.value == 0 => Self::begin(&mut store, counter, &worker)?,
            Some(counter) => {
                vetted(&counter, &worker)?;
                counter.catch_up(&worker)?;
                counter
            }
        };
        let state = Arc::new(Mutex::new(State { counter, behind: false }));
        Ok(Self { store, worker, state })
    }

    /// Takes this copy for the present one, whatever the TPM has seen: it gets a new counter, and
    /// newer copies have none any more. Blocks.
    ///
    /// # Errors
    /// [`CountedStoreError`].
    pub fn accept(
        mut store: S,
        worker: Worker,
        provider: &CryptoProvider,
    ) -> Result<Self, CountedStoreError> {
        if let Some(kept) = done(store.record(Record::StoreCounter))?
            && let Ok(before) = TpmCounter::decode(&kept)
        {
            before.remove(&worker)?;
        }
        done(store.commit(vec![Change::Record { record: Record::StoreCounter, value: None }]))?;
        Self::open(store, worker, provider)
    }

    /// The store knows of the counter before it is in the TPM, so that none is left there that
    /// nobody knows.
    fn begin(
        store: &mut S,
        counter: TpmCounter,
        worker: &Worker,
    ) -> Result<TpmCounter, CountedStoreError> {
        done(store.commit(vec![record(&counter)]))?;
        let counter = counter.begin(worker)?;
        done(store.commit(vec![record(&counter)]))?;
        Ok(counter)
    }

    /// The number that the store has after the next change.
    fn next(&self) -> TpmCounter {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counter = state.counter.clone();
        if !state.behind {
            counter.value = counter.value.saturating_add(1);
        }
        counter
    }

    /// What is to happen once the store has this number.
    fn written(&self, counter: TpmCounter) -> impl FnOnce() -> Result<(), Error> + Send + 'static {
        let (worker, state) = (self.worker.clone(), Arc::clone(&self.state));
        move || {
            let counted = counter.catch_up(&worker);
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            *state = State { counter, behind: counted.is_err() };
            counted
        }
    }
}

/// Whether an older copy would miss something that matters.
fn matters(change: &Change) -> bool {
    let (Change::Record { record, .. } | Change::NewRecord { record, .. }) = change else {
        return true;
    };
    !matches!(record, Record::PinRetries | Record::UvRetries | Record::UnneededKeys)
}

impl<S: CredentialStore> CredentialStore for CountedStore<S> {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        self.store.find(rp_id, ids)
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        self.store.discoverable(query)
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        self.store.lookup(id)
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        self.store.all(after, limit)
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.store.used(id, at);
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.store.relying_parties(after, limit)
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        self.store.account(rp_id, user)
    }

    fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        self.store.account_keys(rp_id, user)
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        self.store.changes(after, limit)
    }

    fn commit(&mut self, mut changes: Vec<Change>) -> Work<(), StoreError> {
        if !changes.iter().any(matters) {
            return self.store.commit(changes);
        }
        let next = self.next();
        changes.push(record(&next));
        let committed = self.store.commit(changes);
        let written = self.written(next);
        Work::later(move || {
            done(committed)?;
            // The change is made. What the TPM has missed it is told with the next one.
            if let Err(error) = written() {
                tracing::warn!(%error, "the TPM has not counted a change of the store");
            }
            Ok(())
        })
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.store.count(counter)
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.store.record(record)
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.store.capacity()
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        let next = self.next();
        let counted = self.store.commit(vec![record(&next)]);
        let cleared = self.store.clear();
        // The counter goes on, so that no copy from before the reset is taken for a present one.
        let kept = self.store.commit(vec![record(&next)]);
        let written = self.written(next);
        Work::later(move || {
            done(counted)?;
            written().map_err(|error| StoreError::Unavailable(error.to_string()))?;
            done(cleared)?;
            done(kept)
        })
    }
}
