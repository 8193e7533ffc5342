//! The provider with graviola passes the whole suite. Where the processor is not one for graviola,
//! there is no such provider, and the suite is passed by what the README takes instead.

use towline_crypto::{CryptoProvider, Error, SignatureAlgorithm, rustcrypto};
use towline_crypto_graviola::{es256_pair, is_supported};
use towline_crypto_test::SeededRandom;

towline_crypto_test::register!(provider());

fn provider() -> CryptoProvider {
    let provider = towline_crypto_graviola::provider();
    assert_eq!(provider.is_some(), is_supported());
    provider.unwrap_or_else(rustcrypto::provider)
}

fn algorithms(provider: &CryptoProvider) -> Vec<i64> {
    provider.signatures.iter().map(|algorithm| algorithm.cose_algorithm()).collect()
}

#[test]
fn it_lists_what_the_portable_provider_lists() {
    assert_eq!(algorithms(&provider()), algorithms(&rustcrypto::provider()));
    assert_eq!(algorithms(&provider())[..3], [-7, -8, -35]);
}

#[test]
fn keys_follow_from_a_seed_and_are_those_of_the_portable_provider() {
    let key = |algorithm: &dyn SignatureAlgorithm| {
        let key = algorithm.generate(&SeededRandom::new(1)).unwrap();
        (key.public_key().to_vec(), key.private_bytes().unwrap().to_vec())
    };
    let (ours, portable) = (provider(), rustcrypto::provider());
    assert_eq!(key(ours.signature(-7).unwrap()), key(portable.signature(-7).unwrap()));
    let pair = |ecdh: &dyn towline_crypto::Ecdh| {
        let key = ecdh.generate(&SeededRandom::new(1)).unwrap();
        (*key.public_key(), key.scalar().unwrap())
    };
    assert_eq!(pair(ours.ecdh), pair(portable.ecdh));
}

#[test]
fn a_pair_signs_and_tells_the_public_half_that_it_was_given() {
    let portable = rustcrypto::provider().signature(-7).unwrap();
    let key = portable.generate(&SeededRandom::new(1)).unwrap();
    let (private, public) = (key.private_bytes().unwrap(), key.public_key().try_into().unwrap());
    if !is_supported() {
        assert_eq!(es256_pair(&private, public).map(drop), Err(Error::Unsupported));
        return;
    }
    let pair = es256_pair(&private, public).unwrap();
    assert_eq!((pair.public_key(), pair.private_bytes().unwrap()), (&public[..], private));
    let [one, other] = [(); 2].map(|()| pair.sign(&[b"mess", b"age"]).unwrap());
    assert_ne!(one, other, "the nonces have randomness in them");
    for signature in [one, other] {
        assert_eq!(portable.verify(&public, b"message", &signature), Ok(()));
    }
    assert_eq!(es256_pair(&[0; 32], public).map(drop), Err(Error::InvalidPrivateKey));
    assert_eq!(es256_pair(&[1; 33], public).map(drop), Err(Error::InvalidPrivateKey));
}
