//! Keys in software: the private key is the handle.

use std::fmt;

use towline_crypto::{CryptoProvider, Error, SigningKey};
use towline_ctap::{CosePublicKey, algorithm};
use zeroize::Zeroizing;

use crate::{KeyError, KeyHandle, KeyStore, NewKey, Work};

/// How many loaded keys are kept.
const CACHED: usize = 16;

/// Keys that the [`CryptoProvider`] makes and loads.
///
/// What the first use of a loaded key costs is its provider's affair: no more than any other use, or as much as several
/// signatures. So the keys used last (16 at most) stay loaded; they are wiped when they go.
pub struct SoftwareKeys {
    provider: CryptoProvider,
    /// The key used last comes last.
    loaded: Vec<(KeyHandle, Box<dyn SigningKey>)>,
}

impl SoftwareKeys {
    /// Keys by this provider, of all of its algorithms that have a COSE key form here.
    #[must_use]
    pub const fn new(provider: CryptoProvider) -> Self {
        Self { provider, loaded: Vec::new() }
    }

    fn make(&mut self, algorithm: i64) -> Result<NewKey, KeyError> {
        let implementation =
            self.provider.signature(algorithm).ok_or(KeyError::Unsupported(algorithm))?;
        let key = implementation.generate(&*self.provider.random).map_err(failed)?;
        let public_key =
            cose_key(algorithm, key.public_key()).ok_or(KeyError::Unsupported(algorithm))?;
        let material = key.private_bytes().map_err(failed)?;
        let handle = KeyHandle::new(algorithm, Zeroizing::new(material.as_slice().into()));
        self.keep(handle.clone(), key);
        Ok(NewKey { handle, public_key })
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
        all.filter(|algorithm| is_supported(*algorithm)).collect()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        self.make(algorithm).into()
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.load(key).and_then(|key| key.sign(parts).map_err(failed)).into()
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        let algorithm = key.algorithm();
        let loaded = self.load(key);
        let public = loaded.and_then(|key| {
            cose_key(algorithm, key.public_key()).ok_or(KeyError::Unsupported(algorithm))
        });
        public.into()
    }

    fn forget(&mut self, key: &KeyHandle) {
        self.loaded.retain(|(loaded, _)| loaded != key);
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

const fn is_supported(algorithm: i64) -> bool {
    matches!(algorithm, algorithm::ES256 | algorithm::ESP256 | algorithm::EDDSA | algorithm::ES384)
}

/// COSE's numbers of curves.
const P384: i64 = 2;
const ED25519: i64 = 6;

/// The COSE form of a public key in its algorithm's plain form.
fn cose_key(alg: i64, public: &[u8]) -> Option<CosePublicKey> {
    if !is_supported(alg) {
        return None;
    }
    match alg {
        algorithm::EDDSA => Some(CosePublicKey::Okp { alg, curve: ED25519, x: public.into() }),
        algorithm::ES384 => {
            let (x, y) = public.strip_prefix(&[4])?.split_at_checked(48)?;
            Some(CosePublicKey::Ec2 { alg, curve: P384, x: x.into(), y: y.into() })
        }
        _ => {
            let (x, y) = public.strip_prefix(&[4])?.split_first_chunk()?;
            Some(CosePublicKey::P256 { alg, x: *x, y: y.try_into().ok()? })
        }
    }
}

fn failed(error: Error) -> KeyError {
    match error {
        Error::InvalidPrivateKey => KeyError::InvalidKey,
        error => KeyError::Unavailable(error.to_string()),
    }
}
