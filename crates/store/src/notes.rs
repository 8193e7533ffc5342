//! When passkeys signed last: noted in memory, and written with the next change or when the store
//! is closed. A crash loses no more than that.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use towline_authenticator::{Credential, UnixTime};
use towline_ctap::CredentialId;

/// The notes that are not written yet.
#[derive(Default)]
pub(crate) struct Notes(Mutex<BTreeMap<CredentialId, UnixTime>>);

impl Notes {
    pub(crate) fn note(&self, id: &CredentialId, at: UnixTime) {
        self.lock().insert(id.clone(), at);
    }

    /// Tells what is noted of it.
    pub(crate) fn add_to(&self, credential: &mut Credential) {
        if let Some(at) = self.lock().get(&credential.id) {
            credential.used = Some(*at);
        }
    }

    /// What is to be written now. Whoever can't write it gives it back.
    pub(crate) fn take(&self) -> BTreeMap<CredentialId, UnixTime> {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn put_back(&self, notes: BTreeMap<CredentialId, UnixTime>) {
        let mut kept = self.lock();
        for (id, at) in notes {
            kept.entry(id).or_insert(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CredentialId, UnixTime>> {
        // Nothing is left half done under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
