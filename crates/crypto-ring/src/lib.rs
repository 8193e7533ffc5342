#![doc = include_str!("../README.md")]
//! # What ring does, and what it does not
//!
//! | | by | why |
//! | --- | --- | --- |
//! | ES256: signing and verifying | ring | a fifth of the time |
//! | AES-256-GCM | ring | three quarters of the time for 64 bytes, less than half for a KiB |
//! | ES256: making keys from the system's randomness | ring | a fifth of the time |
//! | making keys from other randomness | `towline_crypto::rustcrypto` | ring takes no randomness but its own |
//! | ECDH | `towline_crypto::rustcrypto` | ring's keys are for one use and can't be loaded |
//! | Ed25519, ES384 | `towline_crypto::rustcrypto` | ring is no faster; it takes longer to sign |
//! | SHA-256, HMAC, HKDF | `towline_crypto::rustcrypto` | ring is slower on inputs as short as towline's |
//! | AES-256-CBC, single AES blocks | `towline_crypto::rustcrypto` | ring has neither |
//!
//! ring wants the public half of a key and checks that it fits, which costs about as much as a
//! signature by ring, and to compute that half costs several of them. So a key that was loaded
//! makes its first signature with the portable provider, and ring's form of it is prepared for the
//! second. A new key, whose public half is known, signs with ring at once. A signature
//! that ring refuses is checked by the portable provider as well, which tells an unusable public
//! key from a wrong signature.
//!
//! # Nonces
//!
//! Signatures by ring have nonces from the operating system's randomness, hashed together with the
//! private key and the message; [`CryptoProvider::random`] is not asked, since ring takes no other
//! source. The first signature of a loaded key has an RFC 6979 nonce. Both are safe for one and the
//! same key; but two signatures of one message differ.
//!
//! # What is not wiped
//!
//! ring does not wipe keys when they are dropped, nor the structure in which it hands out a new
//! one. Where that matters more than speed without a second C library, use `towline-crypto-aws-lc`,
//! which does, or take the portable provider.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod aead;
mod es256;

use std::sync::LazyLock;

use towline_crypto::{CryptoProvider, SignatureAlgorithm, rustcrypto};

/// The portable provider with what ring does faster: ES256 (COSE -7) and AES-256-GCM.
///
/// Its signature algorithms are those of the portable provider, in the same order.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider { aead: &aead::Aes256Gcm, signatures: &SIGNATURES, ..rustcrypto::provider() }
}

static SIGNATURES: LazyLock<Vec<&dyn SignatureAlgorithm>> = LazyLock::new(|| {
    let faster = |portable: &&'static dyn SignatureAlgorithm| -> &'static dyn SignatureAlgorithm {
        match portable.cose_algorithm() {
            -7 => &es256::Es256,
            _ => *portable,
        }
    };
    rustcrypto::provider().signatures.iter().map(faster).collect()
});
