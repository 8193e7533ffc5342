//! The portable provider, built on the RustCrypto crates: P-256, SHA-2, HMAC, HKDF, AES, CBC, GCM, and the operating
//! system's randomness.

mod aes256;
mod curve;
mod ecdh;
mod es256;
mod hash;

use alloc::sync::Arc;

use crate::{CryptoProvider, Error, Random};

/// The portable provider. Signatures: ES256 (COSE -7), with RFC 6979 nonces.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        random: Arc::new(SystemRandom),
        sha256: &hash::Sha256,
        hmac: &hash::Hmac,
        hkdf: &hash::Hkdf,
        aes256: &aes256::Aes256,
        aes256_cbc: &aes256::Aes256Cbc,
        aead: &aes256::Aes256Gcm,
        ecdh: &ecdh::Ecdh,
        signatures: &[&es256::Es256],
    }
}

/// The operating system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(buffer).map_err(|_| Error::Random)
    }
}
