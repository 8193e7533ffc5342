//! Masks of what clients send (RFC 6455 §5.3).

/// Takes a mask off, or puts it on.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // In words, so that the compiler makes vector instructions of it.
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// The mask of what follows after `passed` bytes.
pub(crate) fn after(mut mask: [u8; 4], passed: usize) -> [u8; 4] {
    mask.rotate_left(passed % 4);
    mask
}

#[cfg(test)]
mod tests {
    use super::{after, unmask};

    #[test]
    fn every_length_byte_by_byte() {
        let mask = [1, 2, 4, 8];
        for length in 0..40 {
            let mut payload = vec![0x50; length];
            unmask(&mut payload, mask);
            for (place, byte) in payload.iter().enumerate() {
                assert_eq!(*byte, 0x50 ^ mask[place % 4], "{place} of {length}");
            }
        }
    }

    #[test]
    fn a_payload_in_two_parts() {
        for first in 0..9 {
            let (mask, mut whole) = ([3, 5, 7, 9], [0; 20]);
            let mut parts = whole;
            unmask(&mut whole, mask);
            let (start, end) = parts.split_at_mut(first);
            unmask(start, mask);
            unmask(end, after(mask, first));
            assert_eq!(parts, whole);
        }
    }
}
