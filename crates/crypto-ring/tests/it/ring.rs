//! The provider with ring passes the whole suite.

use towline_crypto::{CryptoProvider, SignatureAlgorithm, rustcrypto};
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
    let portable = rustcrypto::provider().signature(-7).unwrap();
    let key = portable.generate(&SeededRandom::new(1)).unwrap();
    let deterministic = key.sign(&[b"message"]).unwrap();

    let loaded = es256().load(&key.private_bytes().unwrap()).unwrap();
    let signatures = [(); 3].map(|()| loaded.sign(&[b"message"]).unwrap());
    assert_eq!(signatures[0], deterministic);
    assert_ne!(signatures[1], deterministic);
    assert_ne!(signatures[1], signatures[2]);
    for signature in signatures {
        assert_eq!(portable.verify(key.public_key(), b"message", &signature), Ok(()));
    }
}

#[test]
fn a_new_key_and_one_whose_public_half_is_known_sign_with_ring_at_once() {
    let key = es256().generate(&SeededRandom::new(1)).unwrap();
    assert_ne!(key.sign(&[b"message"]).unwrap(), key.sign(&[b"message"]).unwrap());
    let [one, other] = [(); 2].map(|()| {
        let loaded = es256().load(&key.private_bytes().unwrap()).unwrap();
        assert_eq!(loaded.public_key(), key.public_key());
        loaded.sign(&[b"message"]).unwrap()
    });
    assert_ne!(one, other);
}

fn es256() -> &'static dyn SignatureAlgorithm {
    provider().signature(-7).unwrap()
}
