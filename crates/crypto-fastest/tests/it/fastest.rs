//! The provider that takes each primitive from another library passes the whole suite.

use towline_crypto::{SignatureAlgorithm, rustcrypto};
use towline_crypto_fastest::provider;
use towline_crypto_test::SeededRandom;

towline_crypto_test::register!(towline_crypto_fastest::provider());

#[test]
fn it_has_every_algorithm_of_the_others() {
    let listed: Vec<i64> = provider().signatures.iter().map(|a| a.cose_algorithm()).collect();
    assert_eq!(listed[..4], [-7, -8, -35, -257]);
    for portable in rustcrypto::provider().signatures {
        assert!(listed.contains(&portable.cose_algorithm()));
    }
}

/// What stands in tests is repeated to the last byte.
#[test]
fn keys_follow_from_a_seed_and_are_those_of_the_portable_provider() {
    let portable = rustcrypto::provider();
    for cose in [-7, -8, -35] {
        let key = |algorithm: &dyn SignatureAlgorithm| {
            let key = algorithm.generate(&SeededRandom::new(1)).unwrap();
            (key.public_key().to_vec(), key.private_bytes().unwrap().to_vec())
        };
        let made = key(provider().signature(cose).unwrap());
        assert_eq!(made, key(provider().signature(cose).unwrap()), "{cose}");
        assert_eq!(made, key(portable.signature(cose).unwrap()), "{cose}");
    }
    let pair = |ecdh: &dyn towline_crypto::Ecdh| {
        let key = ecdh.generate(&SeededRandom::new(1)).unwrap();
        (*key.public_key(), key.scalar().unwrap())
    };
    assert_eq!(pair(provider().ecdh), pair(portable.ecdh));
}

#[test]
fn keys_from_the_systems_randomness_differ_and_load_again() {
    let provider = provider();
    assert!(provider.random.is_system());
    for cose in [-7, -35] {
        let algorithm = provider.signature(cose).unwrap();
        let [one, other] = [(); 2].map(|()| algorithm.generate(&*provider.random).unwrap());
        assert_ne!(one.public_key(), other.public_key());
        let loaded = algorithm.load(&one.private_bytes().unwrap()).unwrap();
        assert_eq!(loaded.public_key(), one.public_key());
    }
    let key = provider.ecdh.generate(&*provider.random).unwrap();
    let loaded = provider.ecdh.load(&key.scalar().unwrap()).unwrap();
    assert_eq!(loaded.public_key(), key.public_key());
}

#[test]
fn a_key_that_was_made_and_one_that_was_loaded_sign_for_the_same_public_half() {
    let (ours, portable) = (provider(), rustcrypto::provider());
    let (es256, judge) = (ours.signature(-7).unwrap(), portable.signature(-7).unwrap());
    let made = es256.generate(&*ours.random).unwrap();
    let loaded = es256.load(&made.private_bytes().unwrap()).unwrap();
    for key in [&made, &loaded] {
        let [one, other] = [(); 2].map(|()| key.sign(&[b"mess", b"age"]).unwrap());
        assert_ne!(one, other, "the nonces have randomness in them");
        for signature in [one, other] {
            assert_eq!(judge.verify(made.public_key(), b"message", &signature), Ok(()));
        }
    }
    assert_eq!(loaded.public_key(), made.public_key());
}
