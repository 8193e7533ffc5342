//! The secrets of an open store, which others take the place of when everything is sealed anew.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use towline_crypto::{CryptoProvider, Secret};

use crate::{Error, key_source::LockedRoot, seal::Keys};

/// The secrets of a store.
#[derive(Clone)]
pub(crate) struct Secrets {
    pub(crate) keys: Arc<Keys>,
    pub(crate) root: Secret<32>,
    /// How the root key is locked, and what it is locked with, so that another can be locked in the
    /// same way.
    pub(crate) locked: LockedRoot,
    pub(crate) wrapping: Secret<32>,
}

impl Secrets {
    pub(crate) fn new(
        provider: &CryptoProvider,
        root: Secret<32>,
        locked: LockedRoot,
        wrapping: Secret<32>,
    ) -> Result<Self, Error> {
        Ok(Self { keys: Arc::new(Keys::derive(provider, &root)?), root, locked, wrapping })
    }

    /// A new root key under the lock that there is.
    pub(crate) fn renewed(&self, provider: &CryptoProvider) -> Result<Self, Error> {
        let root = provider.random.secret::<32>()?;
        let locked = self.locked.lock_again(provider, &self.wrapping, &root)?;
        Self::new(provider, root, locked, self.wrapping.clone())
    }
}

/// Where the secrets are.
pub(crate) struct Ring(RwLock<Secrets>);

impl Ring {
    pub(crate) const fn new(secrets: Secrets) -> Self {
        Self(RwLock::new(secrets))
    }

    /// As they are while this is held: a view that is begun meanwhile is opened by them.
    pub(crate) fn hold(&self) -> RwLockReadGuard<'_, Secrets> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a change of them.
    pub(crate) fn change(&self) -> RwLockWriteGuard<'_, Secrets> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
