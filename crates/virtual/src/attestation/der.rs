//! DER (X.690), as far as certificates and key descriptions need it: elements are only written.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

const INTEGER: u8 = 0x02;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// The class of tags that mean something in their context, constructed.
const CONTEXT: u8 = 0xa0;

/// The parts, one after the other, under a tag of one byte.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    under(&[tag], &parts.concat())
}

/// The parts under a context-specific tag, explicitly: `[702] EXPLICIT`.
pub(super) fn explicit(number: u64, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    match u8::try_from(number) {
        Ok(small @ 0..=30) => under(&[CONTEXT | small], &content),
        _ => under(&[&[CONTEXT | 0x1f], &base_128(number)[..]].concat(), &content),
    }
}

/// An object identifier from its arcs.
pub(super) fn oid(arcs: &[u64]) -> Vec<u8> {
    let (first, rest) = match arcs {
        [first, second, rest @ ..] => (first.saturating_mul(40).saturating_add(*second), rest),
        _ => (0, &[][..]),
    };
    let arcs = std::iter::once(first).chain(rest.iter().copied());
    under(&[OBJECT_IDENTIFIER], &arcs.flat_map(base_128).collect::<Vec<u8>>())
}

/// A number that is not negative, from its big-endian bytes.
pub(super) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let sign = digits.first().is_none_or(|first| *first > 0x7f);
    under(&[INTEGER], &[if sign { &[0][..] } else { &[] }, &digits].concat())
}

/// A small number that is not negative.
pub(super) fn number(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// The absent value, which says that something holds.
pub(super) fn null() -> Vec<u8> {
    under(&[NULL], &[])
}

/// Whole bytes as a bit string.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes])
}

fn under(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match (&length[..], u8::try_from(length.len())) {
        ([], _) => vec![0],
        ([short @ 0..=0x7f], _) => vec![*short],
        (_, Ok(count)) => [&[0x80 | count], &length[..]].concat(),
        (_, Err(_)) => vec![0x80],
    };
    [tag, &head, content].concat()
}

/// Seven bits a byte, the highest bit on all but the last.
fn base_128(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = value;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        bytes.push(if bytes.is_empty() { low } else { 0x80 | low });
        rest >>= 7;
        if rest == 0 {
            bytes.reverse();
            return bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_tags_and_numbers_are_as_short_as_they_can_be() {
        assert_eq!(element(OCTET_STRING, &[]), [4, 0]);
        assert_eq!(element(OCTET_STRING, &[&[7; 127]])[..2], [4, 0x7f]);
        assert_eq!(element(OCTET_STRING, &[&[7; 128]])[..3], [4, 0x81, 0x80]);
        assert_eq!(element(OCTET_STRING, &[&[7; 300]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(explicit(1, &[&null()]), [0xa1, 2, 5, 0]);
        assert_eq!(explicit(702, &[&number(0)]), [0xbf, 0x85, 0x3e, 3, 2, 1, 0]);
        assert_eq!(number(0x80), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0, 5]), [2, 1, 5]);
        assert_eq!(oid(&[1, 2, 840, 10045, 2, 1]), b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01");
        assert_eq!(oid(&[2, 23, 133, 8, 3]), b"\x06\x05\x67\x81\x05\x08\x03");
    }
}
