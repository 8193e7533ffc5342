//! Padding, frames, and the messages in them.

use towline_hybrid::{
    internal::frame::{self, Opener, Sealer},
    internal::message::{self, Features, Message, PostHandshake},
    internal::secrets::TrafficKey,
};

use super::*;

fn key(row: &Value) -> TrafficKey {
    TrafficKey::new(secret(row, "key"))
}

fn sequence(row: &Value) -> u32 {
    u32::try_from(number(row, "seq")).unwrap()
}

fn open(row: &Value) -> Result<Vec<u8>, frame::Error> {
    Opener::starting_at(&provider(), &key(row), sequence(row)).open(bytes(row, "frame"))
}

#[test]
fn messages_are_padded() {
    for row in rows("padding") {
        let mut message = bytes(row, "message");
        frame::pad(&mut message);
        assert_eq!(message, bytes(row, "padded"));
        frame::unpad(&mut message).unwrap();
        assert_eq!(message, bytes(row, "message"));
    }
}

#[test]
fn frames_are_sealed_and_opened() {
    for row in rows("transport") {
        let mut sealer = Sealer::starting_at(&provider(), &key(row), sequence(row));
        assert_eq!(sealer.seal(bytes(row, "message")).unwrap(), bytes(row, "frame"));
        assert_eq!(open(row).unwrap(), bytes(row, "message"));
    }
    for row in rows("noise") {
        for (direction, key) in [("c2a", "key_i2r"), ("a2c", "key_r2i")] {
            let key = TrafficKey::new(secret(row, key));
            let mut sealer = Sealer::new(&provider(), &key);
            let mut opener = Opener::new(&provider(), &key);
            let frames = row["transport"].as_array().unwrap().iter();
            for frame in frames.filter(|frame| text(frame, "dir") == direction) {
                assert_eq!(sealer.seal(bytes(frame, "message")).unwrap(), bytes(frame, "frame"));
                assert_eq!(opener.open(bytes(frame, "frame")).unwrap(), bytes(frame, "message"));
            }
        }
    }
}

#[test]
fn sloppy_but_real_padding_is_accepted() {
    for row in rows("transport_lenient") {
        assert_eq!(open(row).as_ref(), Ok(&bytes(row, "message")), "{row}");
    }
}

#[test]
fn bad_frames_are_refused_with_the_right_error() {
    for row in rows("transport_reject") {
        let name = match open(row).unwrap_err() {
            frame::Error::Authentication => "bad_tag",
            frame::Error::Empty => "empty_plaintext",
            frame::Error::Padding => "bad_padding",
            other => panic!("{other:?}"),
        };
        assert_eq!(name, text(row, "error"), "{row}");
    }
}

/// Phones older than the standard seal and pad in another way, which is not spoken here.
#[test]
fn the_construction_before_the_standard_is_refused() {
    for row in rows("legacy/transport") {
        assert_eq!(open(row), Err(frame::Error::Authentication), "{row}");
    }
    for row in rows("legacy/padded_map") {
        assert!(PostHandshake::decode(&bytes(row, "map")).is_ok(), "{row}");
        assert!(PostHandshake::decode(&bytes(row, "padded")).is_err(), "{row}");
    }
}

#[test]
fn the_last_number_is_used_once_and_none_after_it() {
    let row = &rows("transport")[0];
    let mut sealer = Sealer::starting_at(&provider(), &key(row), frame::MAX_COUNTER);
    let mut opener = Opener::starting_at(&provider(), &key(row), frame::MAX_COUNTER);
    let last = sealer.seal(vec![1]).unwrap();
    assert_eq!(sealer.seal(vec![1]), Err(frame::Error::Exhausted));
    assert_eq!(opener.open(last.clone()).unwrap(), [1]);
    assert_eq!(opener.open(last), Err(frame::Error::Exhausted));
}

#[test]
fn one_mebibyte_is_the_limit_both_ways() {
    let row = &rows("transport")[0];
    let mut sealer = Sealer::new(&provider(), &key(row));
    let longest = sealer.seal(vec![1; frame::MAX_MESSAGE]).unwrap();
    assert!(longest.len() <= frame::MAX_FRAME);
    assert_eq!(sealer.seal(vec![1; frame::MAX_MESSAGE + 1]), Err(frame::Error::TooLong));
    let mut opener = Opener::new(&provider(), &key(row));
    assert_eq!(opener.open(vec![0; frame::MAX_FRAME + 1]), Err(frame::Error::TooLong));
    assert_eq!(opener.open(longest).unwrap().len(), frame::MAX_MESSAGE);
}

#[test]
fn the_first_message_is_read_and_written() {
    for row in rows("post_handshake") {
        let decoded = PostHandshake::decode(&bytes(row, "message")).unwrap();
        let get_info = row["get_info"].as_str().map(hex);
        assert_eq!(decoded.get_info, get_info, "{row}");
        let listed: Option<Vec<_>> = row["features"]
            .as_array()
            .map(|list| list.iter().map(|f| f.as_str().unwrap()).collect());
        let expected = listed.as_ref().map_or(Features::CTAP, |listed| Features {
            ctap: listed.contains(&"ctap"),
            digital_credentials: listed.contains(&"dc"),
            circle: listed.contains(&"towline-circle"),
        });
        assert_eq!(decoded.features, expected, "{row}");
        assert_eq!(decoded.linking, None);
        if matches!(text(row, "name"), "ctap feature" | "ctap and dc" | "dc only") {
            assert_eq!(decoded.encode(), bytes(row, "message"));
        }
        assert_eq!(PostHandshake::decode(&decoded.encode()), Ok(decoded));
        let mut padded = bytes(row, "message");
        frame::pad(&mut padded);
        assert_eq!(padded, bytes(row, "padded"));
    }
}

#[test]
fn updates_are_written_and_read() {
    for row in rows("update") {
        let linking = row["linking"].as_str().map(hex);
        let payload = message::write_update(linking.as_deref()).unwrap();
        assert_eq!(payload, bytes(row, "payload"), "{row}");
        assert_eq!(message::read_update(&payload).unwrap(), linking);
        let mut padded = Message::Update(payload).encode();
        frame::pad(&mut padded);
        assert_eq!(padded, bytes(row, "padded"));
    }
}
