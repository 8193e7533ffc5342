//! What the reader takes and what it refuses.

use super::*;
use crate::{CTAP_DEPTH, Writer};

fn refusal(bytes: &[u8]) -> ErrorKind {
    decode(bytes, CTAP_DEPTH, Reader::skip).unwrap_err().kind()
}

#[test]
fn every_rule_of_the_encoding_is_enforced() {
    use ErrorKind::*;
    let cases: &[(&[u8], ErrorKind)] = &[
        (&[], UnexpectedEnd),
        (&[0x18], UnexpectedEnd),
        (&[0x19, 0x01], UnexpectedEnd),
        (&[0x1a, 0, 1, 0], UnexpectedEnd),
        (&[0x1b, 0, 0, 0, 1, 0, 0, 0], UnexpectedEnd),
        (&[0x18, 0x17], NotShortest),
        (&[0x19, 0x00, 0xff], NotShortest),
        (&[0x1a, 0, 0, 0xff, 0xff], NotShortest),
        (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], NotShortest),
        (&[0x38, 0x17], NotShortest),
        (&[0x58, 0x01, 0xaa], NotShortest),
        (&[0x78, 0x01, b'a'], NotShortest),
        (&[0x98, 0x01, 0x00], NotShortest),
        (&[0xb8, 0x01, 0x00, 0x00], NotShortest),
        (&[0x1c], Reserved),
        (&[0x1e], Reserved),
        (&[0xfc], Reserved),
        (&[0xf8, 0x14], Reserved),
        (&[0xf8, 0x1f], Reserved),
        (&[0x5f, 0x41, 0xaa, 0xff], Indefinite),
        (&[0x7f, 0xff], Indefinite),
        (&[0x9f, 0xff], Indefinite),
        (&[0xbf, 0xff], Indefinite),
        (&[0xff], Indefinite),
        (&[0xc0, 0x60], Tag),
        (&[0xd8, 0x20, 0x60], Tag),
        (&[0x42, 0xaa], UnexpectedEnd),
        (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], UnexpectedEnd),
        (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], UnexpectedEnd),
        (&[0x62, 0xc3, 0x28], Utf8),
        (&[0x63, 0xed, 0xa0, 0x80], Utf8),
        (&[0xa2, 0x01, 0x00, 0x01, 0x00], DuplicateKey),
        (&[0xa2, 0x02, 0x00, 0x01, 0x00], Unsorted),
        (&[0xa2, 0x20, 0x00, 0x01, 0x00], Unsorted),
        (&[0xa2, 0x61, b'a', 0x00, 0x01, 0x00], Unsorted),
        (&[0xa2, 0x62, b'a', b'a', 0x00, 0x61, b'b', 0x00], Unsorted),
        (&[0xa1, 0x01], UnexpectedEnd),
        (&[0x00, 0x00], TrailingBytes),
        (&[0x81, 0x81, 0x81, 0x81, 0x80], TooDeep),
        (&[0xa1, 0x81, 0x81, 0x81, 0x80, 0x00], TooDeep),
    ];
    for (bytes, kind) in cases {
        assert_eq!(refusal(bytes), *kind, "{bytes:02x?}");
    }
}

#[test]
fn minus_one_comes_after_one_hundred() {
    let bytes = [0xa2, 0x18, 100, 0x00, 0x20, 0x00];
    assert_eq!(decode(&bytes, CTAP_DEPTH, Reader::skip), Ok(()));
}

#[test]
fn floats_of_every_width_and_simple_values_are_skipped() {
    for bytes in [
        &[0xf9, 0x3c, 0x00][..],
        &[0xfa, 0x3f, 0x80, 0, 0],
        &[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        &[0xf7],
        &[0xf0],
        &[0xf8, 0x20],
    ] {
        assert_eq!(decode(bytes, CTAP_DEPTH, Reader::skip), Ok(()), "{bytes:02x?}");
    }
}

#[test]
fn another_type_is_told_from_malformed_bytes() {
    let error = decode(&[0x61, b'a'], CTAP_DEPTH, Reader::uint).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedType { expected: Kind::Uint, found: Kind::Text });
    assert!(error.is_type_mismatch());
    assert!(!decode(&[0x61], CTAP_DEPTH, Reader::text).unwrap_err().is_type_mismatch());
}

#[test]
fn a_refused_item_can_be_read_in_another_way() {
    let mut reader = Reader::new(&[0x43, 1, 2, 3], CTAP_DEPTH);
    assert!(reader.uint().is_err());
    assert_eq!(reader.byte_array::<4>().unwrap_err().kind(), ErrorKind::Length);
    assert_eq!(reader.byte_array::<3>(), Ok(&[1, 2, 3]));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn reading_two_items_where_there_is_one_is_refused() {
    let error = decode(&[0x82, 0x01, 0x02], CTAP_DEPTH, |r| {
        r.array(|element| {
            element.uint()?;
            element.uint().map(drop)
        })
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NoItem);
}

#[test]
fn integers_reach_both_ends_of_their_range() {
    for value in [0, 23, 24, 255, 256, 65_535, 65_536, i64::MAX, -1, -24, -25, -256, -257, i64::MIN]
    {
        let mut writer = Writer::new();
        writer.int(value);
        assert_eq!(decode(&writer.into_vec(), CTAP_DEPTH, Reader::int), Ok(value));
    }
    let too_small = [0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decode(&too_small, 0, Reader::int).unwrap_err().kind(), ErrorKind::IntegerRange);
}

#[test]
fn integer_keys_beyond_64_bits_with_sign_are_kept_as_they_stand() {
    let bytes = [0xa1, 0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x00];
    let mut seen = 0;
    decode(&bytes, CTAP_DEPTH, |r| {
        r.map(|key, _| {
            assert_eq!(key, Key::Other(&bytes[1..10]));
            seen += 1;
            Ok::<(), Error>(())
        })
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn the_writer_sorts_and_the_last_of_equal_keys_wins() {
    let mut writer = Writer::new();
    writer.map(|map| {
        map.entry("b", |w| w.uint(1));
        map.entry(-1, |w| w.uint(2));
        map.entry("aa", |w| w.uint(3));
        map.entry(100, |w| w.uint(4));
        map.entry("b", |w| w.bool(true));
        map.entry(2, |w| w.null());
    });
    assert_eq!(
        writer.into_vec(),
        [0xa5, 0x02, 0xf6, 0x18, 100, 0x04, 0x20, 0x02, 0x61, b'b', 0xf5, 0x62, b'a', b'a', 0x03]
    );
}

#[test]
fn a_map_of_many_entries_gets_a_longer_head() {
    let mut writer = Writer::from_vec(alloc::vec![0x00]);
    writer.map(|map| {
        for key in (0..300).rev() {
            map.entry(key, |w| w.array(|a| a.item(|w| w.int(key))));
        }
    });
    let bytes = writer.into_vec();
    let mut next = 0;
    decode(&bytes[1..], CTAP_DEPTH, |r| {
        r.map(|key, value| {
            assert_eq!(key, Key::Int(next));
            next += 1;
            value.array(|element| element.int().map(|n| assert_eq!(Key::Int(n), key)))
        })
    })
    .unwrap();
    assert_eq!(next, 300);
}

#[test]
fn raw_returns_the_very_bytes_of_an_item() {
    let bytes = [0xa1, 0x01, 0x82, 0x02, 0x03];
    decode(&bytes, CTAP_DEPTH, |r| {
        r.map(|_, value| value.raw().map(|raw| assert_eq!(raw, [0x82, 0x02, 0x03])))
    })
    .unwrap();
}

/// `{"id": bytes, "type": "key"}`, read as framed, and as what comes after it in a list.
fn framed(bytes: &[u8], max_depth: u8) -> Result<(Option<&[u8]>, u64), Error> {
    decode(bytes, max_depth, |reader: &mut Reader<'_>| {
        let (mut id, mut number) = (None, 0);
        reader.array(|element| {
            match element.framed(b"\xa2\x62id", Reader::bytes, b"\x64type\x63key") {
                Some(bytes) => id = Some(bytes),
                None => number = element.uint().unwrap_or_default(),
            }
            Ok::<(), Error>(())
        })?;
        Ok((id, number))
    })
}

#[test]
fn a_framed_map_is_read_or_left_as_it_was() {
    let whole = b"\x82\xa2\x62id\x42\x01\x02\x64type\x63key\x07";
    assert_eq!(framed(whole, 2), Ok((Some(&[1, 2][..]), 7)));
    // Any other form is for somebody else to read, who finds all of it.
    let others: [&[u8]; 4] = [
        b"\x82\xa2\x62ie\x42\x01\x02\x64type\x63key\x07",
        b"\x82\xa2\x62id\x62ab\x64type\x63key\x07",
        b"\x82\xa2\x62id\x42\x01\x02\x64type\x63kex\x07",
        b"\x82\xa3\x62id\x42\x01\x02\x64type\x63key\x65flags\x01\x07",
    ];
    for other in others {
        assert_eq!(framed(other, 2), Ok((None, 7)), "{other:02x?}");
    }
    for end in 0..whole.len() {
        assert_eq!(framed(&whole[..end], 2).unwrap_err().kind(), ErrorKind::UnexpectedEnd);
    }
    assert_eq!(framed(whole, 1).unwrap_err().kind(), ErrorKind::TooDeep);
    let mut reader = Reader::new(b"\xa2\x62id\x41\x01\x64type\x63key", 1);
    assert!(reader.framed(b"\xa2\x62id", Reader::bytes, b"\x64type\x63key").is_some());
    assert!(reader.framed(b"", Reader::bytes, b"").is_none(), "there was one item");
}
