#![doc = include_str!("../README.md")]
//! # Randomness
//!
//! Random bytes are the operating system's. New keys for P-256 and P-384 come from AWS-LC's
//! generator, which the operating system seeds, as long as [`CryptoProvider::random`] is the
//! system's ([`Random::is_system`](towline_crypto::Random::is_system)); from any other source they
//! follow as with every provider. RS256 keys and the nonces of ECDSA come from AWS-LC's generator
//! in any case, so that two signatures of one message differ. Where signatures must be repeatable,
//! take those of the portable provider: they have RFC 6979 nonces.
//!
//! # What is not wiped
//!
//! As with the two providers that this one is made of: AWS-LC wipes what it frees, and the portable
//! provider what it drops.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::sync::LazyLock;

use towline_crypto::{CryptoProvider, SignatureAlgorithm, rustcrypto};

/// Each primitive from where it is fastest.
///
/// Signatures: those of AWS-LC (ES256, Ed25519, ES384, RS256), and those that only the portable
/// provider has (ML-DSA, with its feature).
#[must_use]
pub fn provider() -> CryptoProvider {
    let aws_lc = towline_crypto_aws_lc::provider();
    CryptoProvider {
        ecdh: aws_lc.ecdh,
        aead: aws_lc.aead,
        signatures: &SIGNATURES,
        ..rustcrypto::provider()
    }
}

static SIGNATURES: LazyLock<Vec<&dyn SignatureAlgorithm>> = LazyLock::new(|| {
    let mut algorithms = towline_crypto_aws_lc::provider().signatures.to_vec();
    for portable in rustcrypto::provider().signatures {
        let cose = portable.cose_algorithm();
        if algorithms.iter().all(|known| known.cose_algorithm() != cose) {
            algorithms.push(*portable);
        }
    }
    algorithms
});
