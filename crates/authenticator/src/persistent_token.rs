//! The persistent token, and how it seals what only its holders can read (CTAP 2.3 §6.4,
//! §6.5.2.3).

use std::sync::{Arc, OnceLock};

use towline_crypto::{BlockKey, CryptoProvider, Error, Secret};

/// The token, and the two keys that follow from it: each getInfo needs both, so they stay, once
/// they were derived, as long as the token does.
#[derive(Clone)]
pub(crate) struct PersistentToken {
    secret: Secret<32>,
    keys: OnceLock<SealingKeys>,
}

/// What seals the members of getInfo.
#[derive(Clone)]
pub(crate) struct SealingKeys {
    pub(crate) identifier: SealingKey,
    pub(crate) store_state: SealingKey,
}

/// What seals one of them.
#[derive(Clone)]
pub(crate) struct SealingKey(Arc<dyn BlockKey>);

impl PersistentToken {
    pub(crate) const fn new(secret: Secret<32>) -> Self {
        Self { secret, keys: OnceLock::new() }
    }

    pub(crate) const fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    pub(crate) fn keys(&self, provider: &CryptoProvider) -> Result<&SealingKeys, Error> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let derived = |purpose: &[u8]| {
            let key = Secret::<16>::try_init(|key| {
                provider.hkdf.derive(&[0; 32], self.secret.expose(), purpose, key)
            })?;
            Ok(SealingKey(provider.aes128.key(key.expose()).into()))
        };
        let identifier = derived(b"encIdentifier")?;
        let store_state = derived(b"encCredStoreState")?;
        Ok(self.keys.get_or_init(|| SealingKeys { identifier, store_state }))
    }
}

impl SealingKey {
    /// The IV, which must be fresh, then the one block in AES-128-CBC.
    pub(crate) fn seal(&self, iv: &[u8; 16], block: &[u8; 16]) -> [u8; 32] {
        let mut sealed = *block;
        sealed.iter_mut().zip(iv).for_each(|(byte, iv)| *byte ^= iv);
        self.0.encrypt(&mut sealed);
        let mut both = [0; 32];
        let (front, back) = both.split_at_mut(16);
        front.copy_from_slice(iv);
        back.copy_from_slice(&sealed);
        both
    }
}
