//! What else can have the key of a store: the keyring of the system, or something that seals it.

use std::fmt;

use towline_crypto::Secret;

/// Where a system keeps its user's secrets, behind the user's login: the Secret Service of a
/// desktop, say.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// The key of this name; none if it is not there.
    ///
    /// # Errors
    /// A sentence: it is locked, or not to be reached.
    fn get(&self, name: &str) -> Result<Option<Secret<32>>, String>;

    /// Keeps a key under a name that is not in use.
    ///
    /// # Errors
    /// As above; the key is not kept then.
    fn set(&self, name: &str, key: &Secret<32>) -> Result<(), String>;

    /// Removes a key that opens nothing, since what it was made for could not be made.
    ///
    /// # Errors
    /// As above; the key stays then.
    fn remove(&self, name: &str) -> Result<(), String>;
}

/// Something that seals keys so that nothing else opens them: a TPM, say.
pub trait KeySealer: fmt::Debug + Send + Sync {
    /// The key in a form that only this opens.
    ///
    /// # Errors
    /// A sentence: it is not there, or refuses.
    fn seal(&self, key: &Secret<32>) -> Result<Vec<u8>, String>;

    /// The key that was sealed.
    ///
    /// # Errors
    /// As above; it is another one, say.
    fn unseal(&self, sealed: &[u8]) -> Result<Secret<32>, String>;
}

/// The system's own: the Secret Service on Linux, the keychain on macOS, the credential manager on
/// Windows.
#[cfg(feature = "keyring")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemKeyring;

/// What the entries are filed under.
#[cfg(feature = "keyring")]
const SERVICE: &str = "towline";

#[cfg(feature = "keyring")]
impl SystemKeyring {
    /// Off the runtime of the caller: on some systems it brings one of its own, and these don't
    /// nest.
    fn ask<T: Send + 'static>(
        name: &str,
        ask: impl FnOnce(&keyring::v1::Entry) -> Result<T, keyring::v1::Error> + Send + 'static,
    ) -> Result<T, keyring::v1::Error> {
        let name = name.to_owned();
        let asked = std::thread::spawn(move || ask(&keyring::v1::Entry::new(SERVICE, &name)?));
        let failed = |_| keyring::v1::Error::Invalid("keyring".into(), "it failed".into());
        asked.join().map_err(failed)?
    }
}

#[cfg(feature = "keyring")]
impl Keyring for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<Secret<32>>, String> {
        match Self::ask(name, |entry| entry.get_secret().map(zeroize::Zeroizing::new)) {
            Ok(key) => Secret::from_slice(&key)
                .map(Some)
                .map_err(|_| "the entry is not 32 bytes long".to_owned()),
            Err(keyring::v1::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, name: &str, key: &Secret<32>) -> Result<(), String> {
        let key = key.clone();
        Self::ask(name, move |entry| entry.set_secret(key.expose()))
            .map_err(|error| error.to_string())
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        Self::ask(name, keyring::v1::Entry::delete_credential).map_err(|error| error.to_string())
    }
}
