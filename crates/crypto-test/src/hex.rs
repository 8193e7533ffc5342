//! Hexadecimal in test data.

use serde::{Deserialize, Deserializer, de::Error};

/// The bytes that the digits stand for; spaces and line ends are skipped.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of hexadecimal digits");
    digits
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("hexadecimal digits")
        })
        .collect()
}

/// The same for an array.
pub(crate) fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().expect("as many bytes as the test says")
}

/// A byte string in a vector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        if digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(hex(&digits)))
        } else {
            Err(D::Error::custom("not hexadecimal"))
        }
    }
}
