//! The decimal form of bytes in a QR code: seven bytes at a time as a zero-padded little-endian
//! number, which QR's numeric mode stores well (CTAP 2.3, hybrid transports).

use std::fmt::Write as _;

/// Bytes in a full chunk.
const CHUNK: usize = 7;
/// How many digits a chunk of 0 to 7 bytes takes.
const WIDTHS: [usize; 8] = [0, 3, 5, 8, 10, 13, 15, 17];
/// Digits of a full chunk.
const FULL: usize = 17;

/// Why digits were refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A character that is not one of `0` to `9`.
    #[error("it contains a character that is not a digit")]
    NonDigit,
    /// No number of bytes gives this many digits.
    #[error("digits are missing, or there are too many")]
    BadLength,
    /// A group of digits stands for a number that is too large for its bytes.
    #[error("a group of digits is out of range")]
    OutOfRange,
}

/// The digits of the bytes; none for no bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().div_ceil(CHUNK).saturating_mul(FULL));
    for chunk in bytes.chunks(CHUNK) {
        let mut number = [0; 8];
        number.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        let (number, width) = (u64::from_le_bytes(number), width(chunk.len()));
        // Writing to a string can't fail.
        let _ = write!(digits, "{number:0width$}");
    }
    digits
}

/// The bytes of the digits.
///
/// # Errors
/// [`Error::NonDigit`] for any other character, [`Error::BadLength`] for a length that [`encode`]
/// never gives, and [`Error::OutOfRange`], looked for in this order.
pub fn decode(digits: &str) -> Result<Vec<u8>, Error> {
    let digits = digits.as_bytes();
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::NonDigit);
    }
    let rest = digits.len().checked_rem(FULL).unwrap_or_default();
    if !WIDTHS.contains(&rest) {
        return Err(Error::BadLength);
    }
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(FULL).saturating_mul(CHUNK));
    for group in digits.chunks(FULL) {
        let count =
            WIDTHS.iter().position(|width| *width == group.len()).ok_or(Error::BadLength)?;
        // 17 digits are below 2^57, so that nothing saturates.
        let number = group.iter().fold(0_u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
        });
        let number = number.to_le_bytes();
        let (kept, beyond) = number.split_at_checked(count).ok_or(Error::BadLength)?;
        if beyond.iter().any(|byte| *byte != 0) {
            return Err(Error::OutOfRange);
        }
        bytes.extend_from_slice(kept);
    }
    Ok(bytes)
}

fn width(bytes: usize) -> usize {
    WIDTHS.get(bytes).copied().unwrap_or(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_final_full_chunk_is_padded_too() {
        assert_eq!(encode(&[0; 14]).len(), 34);
        assert_eq!(decode(&encode(&[0; 14])).unwrap(), [0; 14]);
    }

    #[test]
    fn signs_and_spaces_are_not_digits() {
        for text in ["+12", "-12", " 12", "1 2", "١٢٣"] {
            assert_eq!(decode(text), Err(Error::NonDigit), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_the_same(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn what_decodes_encodes_to_the_same(digits in "[0-9]{0,60}") {
            if let Ok(bytes) = decode(&digits) {
                prop_assert_eq!(encode(&bytes), digits);
            }
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = decode(&text);
        }
    }
}
