//! The provider with ring passes the whole suite.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use towline_crypto::{CryptoProvider, rustcrypto};
use towline_crypto_ring::provider;
use towline_crypto_test::SeededRandom;

towline_crypto_test::register!(towline_crypto_ring::provider());

fn algorithms(provider: &CryptoProvider) -> Vec<i64> {
    provider.signatures.iter().map(|algorithm| algorithm.cose_algorithm()).collect()
}

#[test]
fn it_lists_what_the_portable_provider_lists() {
    assert_eq!(algorithms(&provider()), algorithms(&rustcrypto::provider()));
    assert_eq!(algorithms(&provider())[..3], [-7, -8, -35]);
}

#[test]
fn the_first_signature_of_a_loaded_key_is_the_portable_providers_and_later_ones_are_rings() {
    for algorithm in [-7, -35] {
        let portable = rustcrypto::provider().signature(algorithm).unwrap();
        let key = portable.generate(&SeededRandom::new(1)).unwrap();
        let deterministic = key.sign(&[b"message"]).unwrap();

        let ours = provider().signature(algorithm).unwrap();
        let loaded = ours.load(&key.private_bytes().unwrap()).unwrap();
        let signatures = [(); 3].map(|()| loaded.sign(&[b"message"]).unwrap());
        assert_eq!(signatures[0], deterministic);
        assert_ne!(signatures[1], deterministic);
        assert_ne!(signatures[1], signatures[2]);
        for signature in signatures {
            assert_eq!(portable.verify(key.public_key(), b"message", &signature), Ok(()));
        }
    }
}

#[test]
fn a_new_key_signs_with_ring_at_once() {
    for algorithm in [-7, -35] {
        let ours = provider().signature(algorithm).unwrap();
        let key = ours.generate(&SeededRandom::new(1)).unwrap();
        assert_ne!(key.sign(&[b"message"]).unwrap(), key.sign(&[b"message"]).unwrap());
    }
}
