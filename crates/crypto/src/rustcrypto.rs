//! The portable provider, built on the RustCrypto crates: P-256, P-384, Ed25519, SHA-2, HMAC, HKDF,
//! AES, CBC, GCM, and the operating system's randomness.

mod aes256;
mod curve;
mod ecdh;
mod ed25519;
mod es256;
mod es384;
mod hash;
#[cfg(feature = "ml-dsa")]
mod ml_dsa;

use alloc::sync::Arc;

use crate::{CryptoProvider, Error, Random, SignatureAlgorithm};

/// The portable provider.
///
/// Signatures: ES256 (COSE -7) and ES384 (-35) with RFC 6979 nonces, and Ed25519 (-8). With the
/// feature `ml-dsa` also ML-DSA-44 (-48) and ML-DSA-65 (-49), without randomness too; of these only
/// the 32-byte seed is a private key.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        random: Arc::new(SystemRandom),
        sha256: &hash::Sha256,
        hmac: &hash::Hmac,
        hkdf: &hash::Hkdf,
        aes256: &aes256::Aes256,
        aes128: &aes256::Aes128,
        aes256_cbc: &aes256::Aes256Cbc,
        aead: &aes256::Aes256Gcm,
        ecdh: &ecdh::Ecdh,
        signatures: SIGNATURES,
    }
}

static SIGNATURES: &[&dyn SignatureAlgorithm] = &[
    &es256::Es256,
    &ed25519::Ed25519,
    &es384::Es384,
    #[cfg(feature = "ml-dsa")]
    &ml_dsa::ML_DSA_44,
    #[cfg(feature = "ml-dsa")]
    &ml_dsa::ML_DSA_65,
];

/// The operating system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(buffer).map_err(|_| Error::Random)
    }

    fn is_system(&self) -> bool {
        true
    }
}
