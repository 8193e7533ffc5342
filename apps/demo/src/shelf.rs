//! The passkeys of a phone, for what is done to them beside ceremonies.

use towline::ctap::CredentialId;
use towline_store::Store;
use towline_virtual::{
    Passkey, VirtualAuthenticator,
    authenticator::{Change, Credential, CredentialStore as _, Replaces, StoreError, Work},
};

/// How many passkeys are read at a time.
const AT_A_TIME: usize = 64;

/// Where a phone has its passkeys. A clone is the same place.
#[derive(Clone)]
pub(crate) enum Shelf {
    /// In memory, for this phone alone.
    Own(VirtualAuthenticator),
    /// In a store that a circle keeps up with.
    Synced(Store),
}

impl Shelf {
    /// All of them, oldest first. A store that can't be read has none to show.
    pub(crate) fn passkeys(&self) -> Vec<Passkey> {
        let mut store = match self {
            Self::Own(phone) => return phone.passkeys(),
            Self::Synced(store) => store.clone(),
        };
        let (mut passkeys, mut after) = (Vec::new(), None);
        loop {
            let page = tried(store.all(after, AT_A_TIME)).unwrap_or_default();
            passkeys.extend(page.credentials.into_iter().map(|credential| Passkey {
                sign_count: None,
                backed_up: credential.backed_up,
                credential,
            }));
            match page.end {
                Some(end) => after = Some(end),
                None => break,
            }
        }
        passkeys.reverse();
        passkeys
    }

    /// The passkey with this id.
    pub(crate) fn passkey(&self, id: &CredentialId) -> Option<Credential> {
        match self {
            Self::Own(phone) => phone.passkey(id).map(|passkey| passkey.credential),
            Self::Synced(store) => tried(store.clone().lookup(id)).flatten(),
        }
    }

    /// Adds one that is nowhere else as far as is known. Whether that was done.
    pub(crate) fn add(&self, credential: Credential) -> bool {
        match self {
            Self::Own(phone) => {
                phone.add(Passkey { credential, sign_count: None, backed_up: false }).is_ok()
            }
            Self::Synced(store) => {
                let (credential, replaces) = (Box::new(credential), Replaces::Nothing);
                tried(store.clone().commit(vec![Change::Save { credential, replaces }])).is_some()
            }
        }
    }

    /// Deletes all of them.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        match self {
            Self::Own(phone) => phone.remove_all(),
            Self::Synced(store) => return done(store.clone().clear()),
        }
        Ok(())
    }
}

/// What came of it. It is done here and now: all stores are in memory.
fn done<T>(work: Work<T, StoreError>) -> Result<T, StoreError> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

/// The same, if it succeeds. What fails is told to whoever reads the program's log.
fn tried<T>(work: Work<T, StoreError>) -> Option<T> {
    done(work).inspect_err(|error| tracing::warn!(%error, "a store of passkeys fails")).ok()
}

/// One to have on a shelf.
#[cfg(test)]
pub(crate) fn passkey(number: u8) -> Credential {
    use towline::{
        crypto::zeroize::Zeroizing,
        ctap::{RpId, User, UserHandle},
    };
    use towline_virtual::authenticator::KeyHandle;
    let id = CredentialId::new(&[number; 32]).unwrap();
    let user = User { id: UserHandle::new(&[number]).unwrap(), name: None, display_name: None };
    let key = KeyHandle::new(-7, Zeroizing::new([number; 32].into()));
    Credential {
        discoverable: true,
        backup_eligible: true,
        ..Credential::new(id, RpId::new("example.org").unwrap(), user, key)
    }
}
