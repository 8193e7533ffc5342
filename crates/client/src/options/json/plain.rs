//! Where a text stops to stand for itself.

/// Where the first byte is that ends a text, begins an escape, or may not stand in a text. Eight
/// bytes are looked at together.
pub(super) fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut before: usize = 0;
    for word in words {
        let ends = ends_in(u64::from_le_bytes(*word));
        if ends != 0 {
            return Some(before.saturating_add(usize::try_from(ends.trailing_zeros() / 8).ok()?));
        }
        before = before.saturating_add(8);
    }
    let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(before.saturating_add(place))
}

/// Marks the first of the eight bytes that is such a byte, by its top bit; of those above it
/// nothing is said.
const fn ends_in(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x8080_8080_8080_8080;
    const QUOTES: u64 = 0x2222_2222_2222_2222;
    const BACKSLASHES: u64 = 0x5c5c_5c5c_5c5c_5c5c;
    const SPACES: u64 = 0x2020_2020_2020_2020;
    let (quotes, backslashes) = (word ^ QUOTES, word ^ BACKSLASHES);
    let quotes = quotes.wrapping_sub(EACH) & !quotes;
    let backslashes = backslashes.wrapping_sub(EACH) & !backslashes;
    (quotes | backslashes | (word.wrapping_sub(SPACES) & !word)) & TOP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_text_is_found_wherever_it_is() {
        for length in 0..20 {
            let plain = vec![b'a'; length];
            assert_eq!(end_of_plain(&plain), None);
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = plain.clone();
                    bytes[place] = byte;
                    let ends = matches!(byte, b'"' | b'\\' | 0..0x20);
                    assert_eq!(end_of_plain(&bytes), ends.then_some(place), "{byte} at {place}");
                }
            }
        }
    }
}
