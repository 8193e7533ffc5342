//! Keys in software that fail when told to, or come late, and are counted.

use std::sync::{Arc, Mutex, mpsc::Receiver};

use towline_authenticator::{Custody, KeyError, KeyHandle, KeyStore, NewKey, SoftwareKeys, Work};
use towline_crypto::CryptoProvider;
use towline_ctap::CosePublicKey;

use super::store::{Fuse, done};

/// Keeps count of the keys that are of use, as a TPM with little room would, and of the signatures.
#[derive(Clone)]
pub struct RiggedKeys {
    keys: Arc<Mutex<SoftwareKeys>>,
    fuse: Fuse,
    late: bool,
    held: Arc<Mutex<Option<Receiver<()>>>>,
    alive: Arc<Mutex<Vec<KeyHandle>>>,
    signatures: Arc<Mutex<usize>>,
}

impl RiggedKeys {
    /// Keys that do as they should.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        Self {
            keys: Arc::new(Mutex::new(SoftwareKeys::new(provider))),
            fuse: Fuse::default(),
            late: false,
            held: Arc::default(),
            alive: Arc::default(),
            signatures: Arc::default(),
        }
    }

    /// Keys whose operations fail when the fuse blows.
    #[must_use]
    pub fn fragile(provider: CryptoProvider, fuse: &Fuse) -> Self {
        Self { fuse: fuse.clone(), ..Self::new(provider) }
    }

    /// Keys that never come at once.
    #[must_use]
    pub fn slow(provider: CryptoProvider) -> Self {
        Self { late: true, ..Self::new(provider) }
    }

    /// Keys of which the first is made only when it is released.
    #[must_use]
    pub fn stuck(provider: CryptoProvider, release: Receiver<()>) -> Self {
        Self { held: Arc::new(Mutex::new(Some(release))), ..Self::slow(provider) }
    }

    /// How many keys were made and not forgotten.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.alive.lock().unwrap().len()
    }

    /// How many signatures were made.
    #[must_use]
    pub fn signatures(&self) -> usize {
        *self.signatures.lock().unwrap()
    }

    fn work<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Self) -> Result<T, KeyError> + Send + 'static,
    ) -> Work<T, KeyError> {
        if let Err(error) = self.fuse.keys() {
            return Work::failed(error);
        }
        let this = self.clone();
        let run = move || run(&this);
        if self.late { Work::later(run) } else { Work::Done(run()) }
    }
}

impl KeyStore for RiggedKeys {
    fn algorithms(&self) -> Vec<i64> {
        self.keys.lock().unwrap().algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let held = self.held.lock().unwrap().take();
        self.work(move |this| {
            let made = done(this.keys.lock().unwrap().generate(algorithm))?;
            if let Some(release) = held {
                release.recv().unwrap();
            }
            this.alive.lock().unwrap().push(made.handle.clone());
            Ok(made)
        })
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        let (key, message) = (key.clone(), parts.concat());
        self.work(move |this| {
            *this.signatures.lock().unwrap() += 1;
            done(this.keys.lock().unwrap().sign(&key, &[&message]))
        })
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        let key = key.clone();
        self.work(move |this| done(this.keys.lock().unwrap().public_key(&key)))
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.keys.lock().unwrap().custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.alive.lock().unwrap().retain(|alive| alive != key);
        self.keys.lock().unwrap().forget(key)
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        let this = self.clone();
        let clear = move || {
            this.alive.lock().unwrap().clear();
            done(this.keys.lock().unwrap().clear())
        };
        if self.late { Work::later(clear) } else { Work::Done(clear()) }
    }
}
