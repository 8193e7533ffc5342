//! AES-256, and AES-128, on single blocks.

use towline_crypto::CryptoProvider;

use crate::hex::array;

/// FIPS 197 appendix C.3.
pub fn fips_197_known_answer(provider: &CryptoProvider) {
    let key = provider
        .aes256
        .key(&array("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
    let (clear, encrypted) =
        (array("00112233445566778899aabbccddeeff"), array("8ea2b7ca516745bfeafc49904b496089"));
    let mut block = clear;
    key.encrypt(&mut block);
    assert_eq!(block, encrypted);
    key.decrypt(&mut block);
    assert_eq!(block, clear);
}

/// FIPS 197 appendix C.1.
pub fn fips_197_known_answer_with_128_bits(provider: &CryptoProvider) {
    let key = provider.aes128.key(&array("000102030405060708090a0b0c0d0e0f"));
    let (clear, encrypted) =
        (array("00112233445566778899aabbccddeeff"), array("69c4e0d86a7b0430d8cdb78070b4c55a"));
    let mut block = clear;
    key.encrypt(&mut block);
    assert_eq!(block, encrypted);
    key.decrypt(&mut block);
    assert_eq!(block, clear);
}

/// One expanded key serves any number of blocks, both ways.
pub fn decryption_undoes_encryption(provider: &CryptoProvider) {
    let key = provider.aes256.key(&[0x5a; 32]);
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..=255 {
        let mut block = [n; 16];
        key.encrypt(&mut block);
        assert_ne!(block, [n; 16]);
        assert!(seen.insert(block));
        key.decrypt(&mut block);
        assert_eq!(block, [n; 16]);
    }
}
