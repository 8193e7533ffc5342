//! The provider by AWS-LC passes the whole suite.

use towline_crypto::Error;
use towline_crypto_aws_lc::provider;
use towline_crypto_test::SeededRandom;

towline_crypto_test::register!(towline_crypto_aws_lc::provider());

#[test]
fn the_algorithms_it_lists_are_these() {
    let listed: Vec<i64> = provider().signatures.iter().map(|a| a.cose_algorithm()).collect();
    assert_eq!(listed, [-7, -8, -35, -257]);
}

#[test]
fn nonces_differ_from_signature_to_signature() {
    for algorithm in [-7, -35] {
        let key = provider().signature(algorithm).unwrap().generate(&SeededRandom::new(1)).unwrap();
        assert_ne!(key.sign(&[b"message"]).unwrap(), key.sign(&[b"message"]).unwrap());
    }
}

#[test]
fn an_rsa_key_that_is_not_exactly_one_pkcs_8_structure_is_refused() {
    let rs256 = provider().signature(-257).unwrap();
    let key = rs256.generate(&SeededRandom::new(1)).unwrap();
    let stored = key.private_bytes().unwrap();
    assert!(rs256.load(&stored).is_ok());
    // RSAPrivateKey, what PKCS #8 wraps, begins after 26 bytes.
    assert_eq!(rs256.load(&stored[26..]).err(), Some(Error::InvalidPrivateKey));
    for index in [30, 200, 700, stored.len() - 1] {
        let mut wrong = stored.to_vec();
        wrong[index] ^= 1;
        assert_eq!(rs256.load(&wrong).err(), Some(Error::InvalidPrivateKey), "byte {index}");
    }
}
