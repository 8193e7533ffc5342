#![doc = include_str!("../README.md")]
//! # The best of both
//!
//! On inputs as short as towline's, the portable provider hashes in half the time:
//! `towline-crypto-fastest` takes each primitive from where it is fastest.
//!
//! # Building
//!
//! The C library is compiled from source that comes with the crate; on the usual platforms that
//! takes a C compiler and nothing else, for a minute or two (`aws-lc-sys` lists the platforms where
//! CMake is needed as well).
//!
//! # Randomness
//!
//! Where the source that is handed in is the operating system's
//! ([`is_system`](towline_crypto::Random::is_system)), keys for P-256 and P-384 come from AWS-LC's
//! own generator, which the operating system seeds: that takes one multiplication of the base
//! point, and two where AWS-LC is given a scalar. From any other source they follow as with every
//! provider. RS256 keys, and the nonces of ECDSA, come from AWS-LC's generator in any case: two
//! signatures of one message differ.
//!
//! # Cost of a key
//!
//! A P-256 or P-384 key is loaded without computing its public half; that, and AWS-LC's own check
//! of the pair, come with the first use, at about the cost of a signature. Making an RS256 key
//! takes a tenth of a second, and many times that when it is unlucky: not for a loop that must
//! answer in between.
//!
//! # What is not wiped
//!
//! AWS-LC wipes all that it frees. What the compiler copies to the stack on the way, such as an
//! expanded AES key that moves into its box, is out of reach.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod aes256;
mod curve;
mod ecdh;
mod ecdsa;
mod ed25519;
mod hash;
mod oaep;
mod rs256;

use std::sync::Arc;

use aws_lc_rs::rand::SecureRandom;
use towline_crypto::{CryptoProvider, Error, Random, SignatureAlgorithm};

pub use oaep::encrypt_oaep_sha256;

/// Everything by AWS-LC. Signatures: ES256 (COSE -7), Ed25519 (-8), ES384 (-35), RS256 (-257).
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

static SIGNATURES: &[&dyn SignatureAlgorithm] =
    &[&ecdsa::ES256, &ed25519::Ed25519, &ecdsa::ES384, &rs256::Rs256];

/// AWS-LC's generator, which is seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        aws_lc_rs::rand::SystemRandom::new().fill(buffer).map_err(|_| Error::Random)
    }

    fn is_system(&self) -> bool {
        true
    }
}

/// What AWS-LC refuses only when it can't allocate memory.
///
/// The interface it serves has no error for that, as Rust's own allocations have none.
fn allocated<T, E>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(_) => unreachable!("AWS-LC is out of memory"),
    }
}
