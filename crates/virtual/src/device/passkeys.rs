//! The passkeys that a virtual authenticator has, as a test sees and changes them.

use towline_authenticator::{KeyStore, SoftwareKeys, StoreError, Work};
use towline_ctap::CredentialId;

use super::VirtualAuthenticator;
use crate::{Passkey, Snapshot, SyncedSet};

impl VirtualAuthenticator {
    /// All passkeys, oldest first. What U2F makes is not among them: it is its own key handle.
    #[must_use]
    pub fn passkeys(&self) -> Vec<Passkey> {
        self.0.shelf.passkeys()
    }

    /// The passkey with this id.
    #[must_use]
    pub fn passkey(&self, id: &CredentialId) -> Option<Passkey> {
        self.0.shelf.passkey(id)
    }

    /// Adds a passkey, as the newest, in the place of one with the same id. Others of its account
    /// stay.
    ///
    /// # Errors
    /// [`PasskeyError`] where its key can't be used, or there is no room.
    pub fn add(&self, passkey: Passkey) -> Result<(), PasskeyError> {
        self.check_key(&passkey)?;
        Ok(self.0.shelf.add(passkey)?)
    }

    /// Changes whatever is kept of a passkey: its counter, its flags, its names.
    ///
    /// # Errors
    /// [`PasskeyError`] where there is none with this id, or its new key can't be used.
    pub fn change(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Passkey),
    ) -> Result<(), PasskeyError> {
        let mut passkey = self.passkey(id).ok_or(PasskeyError::Unknown)?;
        change(&mut passkey);
        self.check_key(&passkey)?;
        let changed = self.0.shelf.change(id, |it| *it = passkey);
        Ok(changed.ok_or(PasskeyError::Unknown)??)
    }

    /// Removes the passkey with this id; whether there was one.
    #[must_use]
    pub fn remove(&self, id: &CredentialId) -> bool {
        self.0.shelf.remove(id)
    }

    /// Removes all passkeys. PIN and settings stay.
    pub fn remove_all(&self) {
        for passkey in self.passkeys() {
            let _was_there = self.remove(passkey.id());
        }
    }

    /// From now on all passkeys are backed up that may be (BS), or none, those of which something
    /// else was said as well. Those that may not be (BE 0: the presets of keys) stay as they are.
    /// Another authenticator that shares the set has flags of its own.
    pub fn set_backed_up(&self, backed_up: bool) {
        self.machine().set_backed_up(backed_up);
        self.0.shelf.set_backed_up(backed_up);
    }

    /// The passkeys as a set that another authenticator may share:
    /// [`Builder::synced_with`](crate::Builder::synced_with).
    #[must_use]
    pub fn synced_set(&self) -> SyncedSet {
        self.0.shelf.set().clone()
    }

    /// The signature of this passkey over the parts, one after the other, in the form that WebAuthn
    /// wants; `None` where there is no such passkey.
    #[must_use]
    pub fn sign(&self, id: &CredentialId, parts: &[&[u8]]) -> Option<Vec<u8>> {
        let passkey = self.passkey(id)?;
        match SoftwareKeys::new(self.0.provider.clone()).sign(&passkey.credential.key, parts) {
            Work::Done(signature) => signature.ok(),
            Work::Later(run) => run().ok(),
        }
    }

    /// Everything that is kept now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shelf = &self.0.shelf;
        Snapshot { passkeys: shelf.passkeys(), records: shelf.records(), counter: shelf.counter() }
    }

    /// Goes back to a snapshot. It is as if the authenticator had been plugged in since; what is
    /// under way ends.
    ///
    /// # Errors
    /// [`PasskeyError`] where there is less room than there was.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), PasskeyError> {
        let Snapshot { passkeys, records, counter } = snapshot.clone();
        let mut machine = self.machine();
        self.0.shelf.replace(passkeys)?;
        self.0.shelf.set_records(records);
        self.0.shelf.set_counter(counter);
        // It was put together from the same before.
        machine.restart(&self.0.provider).map_err(|_| PasskeyError::Unknown)
    }

    fn check_key(&self, passkey: &Passkey) -> Result<(), PasskeyError> {
        let key = passkey.key();
        let algorithm = self.0.provider.signature(key.algorithm());
        let algorithm = algorithm.ok_or(PasskeyError::Algorithm(key.algorithm()))?;
        let loaded = algorithm.load(key.handle().expose()).map_err(|_| PasskeyError::Key)?;
        // Some are checked when they are used first.
        loaded.sign(&[b"a test"]).map(|_| ()).map_err(|_| PasskeyError::Key)
    }
}

/// Why a passkey can't be added, or changed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// There is no passkey with this id.
    #[error("there is no passkey with this id")]
    Unknown,
    /// The authenticator's provider does not have this COSE algorithm.
    #[error("the provider of this authenticator does not have the algorithm {0}")]
    Algorithm(i64),
    /// The key is none of its algorithm.
    #[error("this is no private key of its algorithm")]
    Key,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}
