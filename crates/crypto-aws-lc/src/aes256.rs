//! AES: single blocks with both lengths of key, and CBC and GCM with 256 bits.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{
        AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
        UnboundCipherKey,
    },
    iv::FixedLength,
};
use std::sync::OnceLock;
use towline_crypto::{AeadKey, BlockKey, Error, Secret};
use zeroize::Zeroize;

use crate::allocated;

pub(crate) struct Aes256;

impl towline_crypto::Aes256 for Aes256 {
    fn key(&self, key: &[u8; 32]) -> Box<dyn BlockKey> {
        Box::new(Block {
            key: Secret::new(*key),
            encrypting: OnceLock::new(),
            decrypting: OnceLock::new(),
        })
    }
}

pub(crate) struct Aes128;

impl towline_crypto::Aes128 for Aes128 {
    fn key(&self, key: &[u8; 16]) -> Box<dyn BlockKey> {
        Box::new(Block {
            key: Secret::new(*key),
            encrypting: OnceLock::new(),
            decrypting: OnceLock::new(),
        })
    }
}

/// A key that is expanded for a direction when it is first used for it: an advert is either sealed
/// or opened.
struct Block<const N: usize> {
    key: Secret<N>,
    encrypting: OnceLock<Box<EncryptingKey>>,
    decrypting: OnceLock<Box<DecryptingKey>>,
}

impl<const N: usize> BlockKey for Block<N> {
    fn encrypt(&self, block: &mut [u8; 16]) {
        let key = self.encrypting.get_or_init(|| {
            Box::new(allocated(unbound(self.key.expose()).and_then(EncryptingKey::ecb)))
        });
        allocated(key.less_safe_encrypt(block, EncryptionContext::None));
    }

    fn decrypt(&self, block: &mut [u8; 16]) {
        let key = self.decrypting.get_or_init(|| {
            Box::new(allocated(unbound(self.key.expose()).and_then(DecryptingKey::ecb)))
        });
        allocated(key.decrypt(block, DecryptionContext::None));
    }
}

fn unbound(key: &[u8]) -> Result<UnboundCipherKey, aws_lc_rs::error::Unspecified> {
    UnboundCipherKey::new(if key.len() == 16 { &AES_128 } else { &AES_256 }, key)
}

pub(crate) struct Aes256Cbc;

impl towline_crypto::Aes256Cbc for Aes256Cbc {
    fn encrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        whole_blocks(data)?;
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        let key = allocated(unbound(key).and_then(EncryptingKey::cbc));
        key.less_safe_encrypt(data, context).map(|_| ()).map_err(|_| Error::Length)
    }

    fn decrypt(&self, key: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
        whole_blocks(data)?;
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let key = allocated(unbound(key).and_then(DecryptingKey::cbc));
        key.decrypt(data, context).map(|_| ()).map_err(|_| Error::Length)
    }
}

fn whole_blocks(data: &[u8]) -> Result<(), Error> {
    if data.len().is_multiple_of(16) { Ok(()) } else { Err(Error::Length) }
}

pub(crate) struct Aes256Gcm;

impl towline_crypto::Aead for Aes256Gcm {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        Box::new(GcmKey(LessSafeKey::new(allocated(UnboundKey::new(&AES_256_GCM, key)))))
    }
}

struct GcmKey(LessSafeKey);

impl AeadKey for GcmKey {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(aad), data).map_err(|_| Error::Length)
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut Vec<u8>) -> Result<(), Error> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match self.0.open_in_place(nonce, Aad::from(aad), data).map(|message| message.len()) {
            Ok(length) => {
                data.truncate(length);
                Ok(())
            }
            Err(_) => {
                // AWS-LC decrypts while it authenticates, so the buffer is spoilt.
                data.zeroize();
                Err(Error::Authentication)
            }
        }
    }
}
