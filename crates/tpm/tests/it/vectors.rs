//! `tests/vectors/tpm.json`: made with swtpm 0.7.1 and throw-away keys.

use serde_json::Value;
use towline_crypto::CryptoProvider;
use towline_crypto_test::ScriptedRandom;

pub(crate) fn vectors() -> Value {
    let file = include_str!("../../../../tests/vectors/tpm.json");
    serde_json::from_str(file).expect("JSON")
}

/// Bytes from hex digits.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a string");
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).expect("hex")).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("a byte")).collect()
}

/// A provider whose randomness is given.
pub(crate) fn scripted(random: Vec<Vec<u8>>) -> CryptoProvider {
    let random = std::sync::Arc::new(ScriptedRandom::new(random));
    CryptoProvider { random, ..towline_crypto::rustcrypto::provider() }
}

pub(crate) fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}
