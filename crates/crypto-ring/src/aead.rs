//! AES-256-GCM by ring.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use towline_crypto::{AeadKey, Error, rustcrypto};
use zeroize::Zeroize;

pub(crate) struct Aes256Gcm;

impl towline_crypto::Aead for Aes256Gcm {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        match UnboundKey::new(&AES_256_GCM, key) {
            Ok(key) => Box::new(Key(LessSafeKey::new(key))),
            // ring refuses keys of another length only, which the type excludes.
            Err(ring::error::Unspecified) => rustcrypto::provider().aead.key(key),
        }
    }
}

struct Key(LessSafeKey);

impl AeadKey for Key {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), data)
            .map_err(|_| Error::Length)
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match self.0.open_in_place(nonce, Aad::from(aad), data).map(|message| message.len()) {
            Ok(length) => {
                data.truncate(length);
                Ok(())
            }
            Err(_) => {
                // ring decrypts while it authenticates, so the buffer is spoilt.
                data.zeroize();
                Err(Error::Authentication)
            }
        }
    }
}
