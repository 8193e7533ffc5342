//! The plain form of an RSA public key: `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).

use alloc::vec::Vec;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// The modulus and the exponent, big-endian without leading zeros, of exactly one structure in DER.
pub(crate) fn read(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (members, rest) = take(der, SEQUENCE)?;
    let (modulus, after) = take(members, INTEGER)?;
    let (exponent, end) = take(after, INTEGER)?;
    let whole = rest.is_empty() && end.is_empty();
    Some((positive(modulus)?, positive(exponent)?)).filter(|_| whole)
}

/// The inverse of [`read`].
pub(crate) fn write(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let mut members = Vec::new();
    for number in [modulus, exponent] {
        // A first bit that is set would make the number negative.
        let sign: &[u8] = if *number.first()? < 0x80 { &[] } else { &[0] };
        put(&mut members, INTEGER, &[sign, number].concat())?;
    }
    let mut der = Vec::new();
    put(&mut der, SEQUENCE, &members)?;
    Some(der)
}

/// The content of an element with this tag, and what follows it.
fn take(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let shortest = match first {
        0x81 => 0x80,
        0x82 => 0x100,
        _ => 0,
    };
    if tag != expected || length < shortest {
        return None;
    }
    rest.split_at_checked(length)
}

fn put(der: &mut Vec<u8>, tag: u8, content: &[u8]) -> Option<()> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    match length {
        0..=0x7f => der.extend([tag, low]),
        0x80..=0xff => der.extend([tag, 0x81, low]),
        _ => der.extend([tag, 0x82, high, low]),
    }
    der.extend_from_slice(content);
    Some(())
}

/// The bytes of a positive INTEGER in its shortest form.
fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] => Some(rest).filter(|rest| rest.first().is_some_and(|byte| *byte >= 0x80)),
        [0x01..=0x7f, ..] => Some(content),
        _ => None,
    }
}
