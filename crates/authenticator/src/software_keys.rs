//! Keys in software: the private key is the handle.

use std::fmt;

use towline_crypto::{CryptoProvider, Error, SigningKey};
use towline_ctap::{CosePublicKey, algorithm};

use crate::{Custody, KeyError, KeyHandle, KeyStore, NewKey, Work};

/// How many loaded keys are kept.
const CACHED: usize = 16;

/// Keys that the [`CryptoProvider`] makes and loads: of all of its algorithms whose keys have a
/// form in COSE here (those of [`CosePublicKey::from_plain`]).
///
/// It answers at once, but for the making of RSA keys, which takes up to seconds and is a job
/// ([`Work::Later`]).
///
/// What the first use of a loaded key costs is its provider's affair: no more than any other use,
/// or as much as several signatures. So the keys used last (16 at most) stay loaded; they are wiped
/// when they go.
pub struct SoftwareKeys {
    provider: CryptoProvider,
    /// The key used last comes last.
    loaded: Vec<(KeyHandle, Box<dyn SigningKey>)>,
}

impl SoftwareKeys {
    /// Keys by this provider.
    #[must_use]
    pub const fn new(provider: CryptoProvider) -> Self {
        Self { provider, loaded: Vec::new() }
    }

    /// The key, loaded if it is not yet.
    fn load(&mut self, handle: &KeyHandle) -> Result<&dyn SigningKey, KeyError> {
        let known = |(loaded, _): &(KeyHandle, _)| {
            loaded.algorithm() == handle.algorithm()
                && towline_crypto::constant_time_eq(loaded.expose(), handle.expose())
        };
        match self.loaded.iter().position(known) {
            Some(index) if index.saturating_add(1) == self.loaded.len() => {}
            Some(index) => {
                let entry = self.loaded.remove(index);
                self.loaded.push(entry);
            }
            None => {
                let algorithm = handle.algorithm();
                let implementation =
                    self.provider.signature(algorithm).ok_or(KeyError::Unsupported(algorithm))?;
                let key = implementation.load(handle.expose()).map_err(failed)?;
                self.keep(handle.clone(), key);
            }
        }
        let (_, key) = self.loaded.last().ok_or(KeyError::InvalidKey)?;
        Ok(&**key)
    }

    fn keep(&mut self, handle: KeyHandle, key: Box<dyn SigningKey>) {
        if self.loaded.len() >= CACHED {
            self.loaded.remove(0);
        }
        self.loaded.push((handle, key));
    }
}

impl KeyStore for SoftwareKeys {
    fn algorithms(&self) -> Vec<i64> {
        let all = self.provider.signatures.iter().map(|known| known.cose_algorithm());
        all.filter(|algorithm| CosePublicKey::has_plain_form(*algorithm)).collect()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        if takes_long(algorithm) {
            let provider = self.provider.clone();
            return Work::later(move || make(&provider, algorithm).map(|(new, _)| new));
        }
        let made = make(&self.provider, algorithm).map(|(new, key)| {
            self.keep(new.handle.clone(), key);
            new
        });
        made.into()
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.load(key).and_then(|key| key.sign(parts).map_err(failed)).into()
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        let algorithm = key.algorithm();
        let loaded = self.load(key);
        let public = loaded.and_then(|key| {
            CosePublicKey::from_plain(algorithm, key.public_key())
                .ok_or(KeyError::Unsupported(algorithm))
        });
        public.into()
    }

    fn custody(&self, _: &KeyHandle) -> Custody {
        Custody::Handle
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.loaded.retain(|(loaded, _)| loaded != key);
        Work::ready(())
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.loaded.clear();
        Work::ready(())
    }
}

impl fmt::Debug for SoftwareKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKeys({} loaded)", self.loaded.len())
    }
}

/// Whether it takes long to make a key of this algorithm: the search for the primes of RSA is a
/// matter of chance.
const fn takes_long(algorithm: i64) -> bool {
    algorithm == algorithm::RS256
}

/// A new key pair, and the loaded key.
fn make(
    provider: &CryptoProvider,
    algorithm: i64,
) -> Result<(NewKey, Box<dyn SigningKey>), KeyError> {
    let unsupported = || KeyError::Unsupported(algorithm);
    let implementation = provider.signature(algorithm).ok_or_else(unsupported)?;
    let key = implementation.generate(&*provider.random).map_err(failed)?;
    let public_key =
        CosePublicKey::from_plain(algorithm, key.public_key()).ok_or_else(unsupported)?;
    let material = key.private_bytes().map_err(failed)?;
    let handle = KeyHandle::of(algorithm, &material);
    Ok((NewKey { handle, public_key }, key))
}

fn failed(error: Error) -> KeyError {
    match error {
        Error::InvalidPrivateKey => KeyError::InvalidKey,
        error => KeyError::Unavailable(error.to_string()),
    }
}
