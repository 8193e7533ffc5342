//! The store as ceremonies use it. What reads is [`Work`], which may be given up at any time; what
//! writes is a [`Write`], which only those waits take that hold back everybody else until it is
//! done.

use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

use crate::{
    Capacity, Change, Counter, Credential, CredentialStore, KeyHandle, Page, Query, Record,
    RelyingParties, StoreError, UnixTime, Work,
};

/// Work that changes what is stored. Once it has begun, it may land at any time, whoever waits for
/// it: nothing else begins before it has reported.
#[must_use = "a write that nobody waits for may land after a later one"]
pub(crate) struct Write<T, E>(Work<T, E>);

impl<T, E> Write<T, E> {
    /// Of something beside the store: keys, or what compares PINs.
    pub(crate) const fn of(work: Work<T, E>) -> Self {
        Self(work)
    }

    /// For the waits for writes only.
    pub(crate) fn into_work(self) -> Work<T, E> {
        self.0
    }
}

/// The store, whose writes can't be forgotten: each comes back as a [`Write`].
pub(crate) struct Stored(Box<dyn CredentialStore>);

impl Stored {
    pub(crate) fn new(store: impl CredentialStore + 'static) -> Self {
        Self(Box::new(store))
    }

    pub(crate) fn find(
        &mut self,
        rp_id: &RpId,
        ids: &[CredentialId],
    ) -> Work<Vec<Credential>, StoreError> {
        self.0.find(rp_id, ids)
    }

    pub(crate) fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        self.0.discoverable(query)
    }

    pub(crate) fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        self.0.lookup(id)
    }

    pub(crate) fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.0.relying_parties(after, limit)
    }

    pub(crate) fn account_keys(
        &mut self,
        rp_id: &RpId,
        user: &UserHandle,
    ) -> Work<Vec<KeyHandle>, StoreError> {
        self.0.account_keys(rp_id, user)
    }

    pub(crate) fn record(
        &mut self,
        record: Record,
    ) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.0.record(record)
    }

    /// A note, which the store may write whenever it likes: it changes nothing that a ceremony
    /// depends on.
    pub(crate) fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.0.used(id, at);
    }

    pub(crate) fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.0.capacity()
    }

    pub(crate) fn commit(&mut self, changes: Vec<Change>) -> Write<(), StoreError> {
        Write(self.0.commit(changes))
    }

    pub(crate) fn count(&mut self, counter: Counter) -> Write<u32, StoreError> {
        Write(self.0.count(counter))
    }

    pub(crate) fn clear(&mut self) -> Write<(), StoreError> {
        Write(self.0.clear())
    }
}
