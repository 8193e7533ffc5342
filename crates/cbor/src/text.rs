//! Whether bytes are text.

use crate::ErrorKind;

/// Whether bytes are text. Mostly they are ASCII, which is sooner seen.
#[inline]
pub(crate) fn check_text(bytes: &[u8]) -> Result<(), ErrorKind> {
    if is_ascii(bytes) || core::str::from_utf8(bytes).is_ok() {
        Ok(())
    } else {
        Err(ErrorKind::Utf8)
    }
}

/// Texts here are short, for which this is sooner done than the method of slices: a few words of
/// bytes, of which the last may lie over the one before.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const NO_ASCII: u64 = 0x8080_8080_8080_8080;
    let all = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(last), ..) => {
            let (words, _) = bytes.as_chunks();
            let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
            words.iter().map(word).fold(word(last), |all, word| all | word)
        }
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last))
        }
        _ => bytes.iter().fold(0, |all, byte| all | u64::from(*byte)),
    };
    all & NO_ASCII == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_found_wherever_it_is() {
        for length in 0..40 {
            let mut bytes = alloc::vec![b'a'; length];
            assert_eq!(check_text(&bytes), Ok(()));
            for place in 0..length {
                bytes[place] = 0x80;
                assert_eq!(check_text(&bytes), Err(ErrorKind::Utf8), "{place} of {length}");
                bytes[place] = b'a';
                if let Some(two) = bytes.get_mut(place..place + 2) {
                    two.copy_from_slice("é".as_bytes());
                }
                assert_eq!(check_text(&bytes), Ok(()), "{place} of {length}");
                bytes.fill(b'a');
            }
        }
    }
}
