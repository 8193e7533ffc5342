#![doc = include_str!("../README.md")]
//! # Randomness
//!
//! Random bytes are the operating system's. New keys for P-256 and P-384 come from AWS-LC's
//! generator, which the operating system seeds, as long as [`CryptoProvider::random`] is the
//! system's ([`Random::is_system`](towline_crypto::Random::is_system)); from any other source they
//! follow as with every provider. RS256 keys come from AWS-LC's generator in any case. So do the
//! nonces of ES384; those of ES256 follow from key, message and 16 random bytes of the operating
//! system's (RFC 6979 §3.6), or come from AWS-LC's generator where the processor is none for
//! graviola. Two signatures of one message differ. Where signatures must be repeatable, take those
//! of the portable provider: they have RFC 6979 nonces alone.
//!
//! # What is not wiped
//!
//! As with the providers that this one is made of: AWS-LC wipes what it frees, graviola and the
//! portable provider what they drop.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod es256;

use std::sync::LazyLock;

use towline_crypto::{CryptoProvider, SignatureAlgorithm, rustcrypto};

/// Each primitive from where it is fastest.
///
/// Signatures: those of AWS-LC (ES256, Ed25519, ES384, RS256), where ES256 keys sign by graviola if
/// the processor can, and those that only the portable provider has (ML-DSA, with its feature).
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
    if let Some(signs_by_graviola) = es256::signs_by_graviola() {
        for algorithm in algorithms.iter_mut().filter(|known| known.cose_algorithm() == es256::COSE)
        {
            *algorithm = signs_by_graviola;
        }
    }
    for portable in rustcrypto::provider().signatures {
        let cose = portable.cose_algorithm();
        if algorithms.iter().all(|known| known.cose_algorithm() != cose) {
            algorithms.push(*portable);
        }
    }
    algorithms
});
