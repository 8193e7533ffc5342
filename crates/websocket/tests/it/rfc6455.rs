//! The standard's own examples, and what it forbids.

use towline_websocket::{
    Forwarder, FrameEvent, FrameReader, Head, Opcode, Parsed, Violation, close_payload, frame,
};

/// A client's frame, with a mask.
fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn step(bytes: &[u8]) -> Result<Option<(usize, Parsed)>, Violation> {
    FrameReader::new(1 << 20).step(&mut bytes.to_vec(), false)
}

#[test]
fn the_standards_examples_of_frames() {
    // RFC 6455 §5.7: a masked pong that says "Hello", byte for byte (there it is a text message).
    let mut hello = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(client(0x8a, b"Hello"), hello);
    assert_eq!(FrameReader::new(0).step(&mut hello, false), Ok(Some((11, Parsed::Pong))));
    assert_eq!(&hello[6..], b"Hello");
    // The same bytes as a ping, and the unmasked pong that answers it.
    let mut ping = client(0x89, b"Hello");
    assert_eq!(FrameReader::new(0).step(&mut ping, false), Ok(Some((11, Parsed::Ping(6..11)))));
    let mut pong = Vec::new();
    frame(&mut pong, Opcode::Pong, true, &ping[6..11]);
    assert_eq!(pong, [0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    // 256 bytes and 64 KiB of binary data, unmasked.
    assert_eq!(Head::new(Opcode::Binary, true, 256).as_bytes(), [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(
        Head::new(Opcode::Binary, true, 65_536).as_bytes(),
        [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
    );
}

#[test]
fn lengths_at_every_border() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let payload = vec![0x5a; length];
        let bytes = client(0x82, &payload);
        let (taken, step) = step(&bytes).unwrap().unwrap();
        assert_eq!(taken, bytes.len());
        let head = bytes.len() - length;
        assert_eq!(step, Parsed::Piece { payload: head..bytes.len(), first: true, last: true });
        // The server's head is shorter by the mask.
        assert_eq!(Head::new(Opcode::Binary, true, length).as_bytes().len() + 4, head);
        // One byte short of it is nothing yet.
        let short = FrameReader::new(1 << 20).step(&mut bytes[..bytes.len() - 1].to_vec(), false);
        assert_eq!(short, Ok(None));
    }
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_read() {
    let bytes = [0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7];
    let piece = Parsed::Piece { payload: 14..15, first: true, last: true };
    assert_eq!(step(&bytes), Ok(Some((15, piece))));
    let ping = [0x89, 0xfe, 0, 1, 0, 0, 0, 0, 7];
    assert_eq!(step(&ping), Ok(Some((9, Parsed::Ping(8..9)))));
}

#[test]
fn what_a_client_must_not_send() {
    let cases: [(&[u8], Violation); 16] = [
        (&[0xc2], Violation::Reserved),
        (&[0xa2], Violation::Reserved),
        (&[0x92], Violation::Reserved),
        (&[0x83], Violation::UnknownOpcode),
        (&[0x8b], Violation::UnknownOpcode),
        (&[0x82, 0x01], Violation::Unmasked),
        (&[0x09], Violation::FragmentedControl),
        (&[0x08], Violation::FragmentedControl),
        (&[0x89, 0xfe, 0, 126], Violation::LongControl),
        (&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Violation::LengthOutOfRange),
        (&client(0x81, b""), Violation::Text),
        (&client(0x80, b"x"), Violation::NothingToContinue),
        (&client(0x88, &[3]), Violation::Close),
        (&client(0x88, &[3, 0xed]), Violation::Close), // 1005
        (&client(0x88, &[0, 1]), Violation::Close),
        (&client(0x88, &[3, 0xe8, 0xff]), Violation::Close),
    ];
    for (bytes, violation) in cases {
        assert_eq!(step(bytes), Err(violation), "{bytes:02x?}");
    }
}

#[test]
fn close_frames_that_say_something_or_nothing() {
    assert_eq!(step(&client(0x88, b"")), Ok(Some((6, Parsed::Close(None)))));
    for code in [1000, 1001, 1011, 3000, 4999_u16] {
        let payload = close_payload(code, "bye");
        assert_eq!(step(&client(0x88, &payload)), Ok(Some((11, Parsed::Close(Some(code))))));
    }
    for code in [999, 1004, 1006, 1015, 2999, 5000_u16] {
        assert_eq!(step(&client(0x88, &code.to_be_bytes())), Err(Violation::Close), "{code}");
    }
}

#[test]
fn a_reason_that_does_not_fit_is_cut_between_characters() {
    let payload = close_payload(1000, &"ä".repeat(100));
    assert_eq!(payload.len(), 2 + 122);
    assert!(std::str::from_utf8(&payload[2..]).is_ok());
    assert_eq!(close_payload(1000, &"a".repeat(200)).len(), 125);
    assert_eq!(close_payload(1000, "").len(), 2);
}

#[test]
fn a_message_may_have_as_many_bytes_as_the_limit_in_one_frame_or_in_fragments() {
    let mut reader = FrameReader::new(10);
    assert_eq!(reader.step(&mut client(0x82, &[0; 11]), false), Err(Violation::TooLong));
    let mut reader = FrameReader::new(10);
    assert!(reader.step(&mut client(0x02, &[0; 6]), false).is_ok());
    assert!(reader.step(&mut client(0x00, &[0; 4]), false).is_ok());
    // The head alone says that it will be too long.
    assert_eq!(reader.step(&mut client(0x80, &[0; 1])[..6], false), Err(Violation::TooLong));
    let mut reader = FrameReader::new(10);
    assert_eq!(
        reader.step(&mut [0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], false),
        Err(Violation::TooLong)
    );
}

#[test]
fn a_message_within_a_message_is_refused_and_a_ping_is_not() {
    let mut reader = FrameReader::new(100);
    assert!(reader.step(&mut client(0x02, b"ab"), false).is_ok());
    assert_eq!(reader.step(&mut client(0x89, b"?"), false), Ok(Some((7, Parsed::Ping(6..7)))));
    assert_eq!(reader.step(&mut client(0x82, b"cd"), false), Err(Violation::Interleaved));
    // Neither is one after an empty first fragment: the message is under way.
    let mut reader = FrameReader::new(100);
    assert!(reader.step(&mut client(0x02, b""), false).is_ok());
    assert_eq!(reader.step(&mut client(0x82, b"cd"), false), Err(Violation::Interleaved));
}

/// What a forwarder with such a buffer sends for these bytes, which come in parts.
fn forward(buffer: usize, bytes: &[u8], part: usize) -> Vec<u8> {
    let mut buffer = vec![0; buffer];
    let (mut forwarder, mut out) = (Forwarder::new(1 << 20), Vec::new());
    for mut part in bytes.chunks(part) {
        while !part.is_empty() {
            let room = forwarder.room(&mut buffer);
            let fits = room.len().min(part.len());
            assert_ne!(fits, 0, "a full buffer is never stuck");
            room[..fits].copy_from_slice(&part[..fits]);
            part = &part[fits..];
            forwarder.filled(fits);
            forwarder.process(&mut buffer, |_| Ok::<_, Violation>(())).unwrap();
            let ready = forwarder.ready(&buffer).to_vec();
            forwarder.sent(ready.len());
            out.extend(ready);
        }
    }
    assert!(forwarder.is_empty());
    out
}

#[test]
fn frames_that_come_together_go_on_together() {
    let bytes = [client(0x82, b"one"), client(0x89, b"?"), client(0x82, b"two")].concat();
    let expected = b"\x82\x03one\x82\x03two";
    for part in 1..=bytes.len() {
        assert_eq!(forward(Forwarder::SMALLEST, &bytes, part), expected, "{part}");
    }
}

#[test]
fn fragments_stay_fragments_and_empty_ones_are_left_out() {
    let bytes = [
        client(0x02, b""),
        client(0x00, b"ab"),
        client(0x00, b""),
        client(0x00, b"c"),
        client(0x80, b""),
        client(0x82, b""),
    ];
    assert_eq!(forward(4096, &bytes.concat(), 4096), b"\x02\x02ab\x00\x01c\x80\x00\x82\x00");
}

#[test]
fn a_frame_that_fits_goes_on_whole_and_a_longer_one_in_pieces() {
    let payload: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let bytes = client(0x82, &payload);
    for part in [1, 7, 400, 2000] {
        let whole = forward(1024, &bytes, part);
        assert_eq!(whole[..4], [0x82, 0x7e, 0x03, 0xe8]);
        assert_eq!(whole[4..], payload);
        let mut pieces = forward(300, &bytes, part);
        let (mut found, mut first) = (Vec::new(), true);
        while !pieces.is_empty() {
            assert_eq!(pieces[0] & 0x0f, if first { 2 } else { 0 });
            let (length, head) = match pieces[1] {
                126 => (usize::from(u16::from_be_bytes([pieces[2], pieces[3]])), 4),
                short => (usize::from(short), 2),
            };
            found.extend_from_slice(&pieces[head..head + length]);
            assert_eq!(pieces[0] & 0x80 != 0, pieces.len() == head + length);
            pieces.drain(..head + length);
            first = false;
        }
        assert_eq!(found, payload);
    }
}

#[test]
fn what_came_before_an_objection_is_ready_and_nothing_after_it() {
    let bytes = [client(0x82, b"one"), client(0x82, b"two"), client(0x82, b"six")].concat();
    let (mut buffer, mut forwarder) = (vec![0; 1024], Forwarder::new(100));
    forwarder.room(&mut buffer)[..bytes.len()].copy_from_slice(&bytes);
    forwarder.filled(bytes.len());
    let mut seen = 0;
    let objection = forwarder.process(&mut buffer, |event| {
        seen += 1;
        assert_eq!(event, FrameEvent::Piece { length: 3, first: true, last: true });
        if seen == 2 { Err(Violation::TooLong) } else { Ok(()) }
    });
    assert_eq!(objection, Err(Violation::TooLong));
    assert_eq!(forwarder.ready(&buffer), b"\x82\x03one");
}

#[test]
fn what_is_left_to_send_leaves_no_room() {
    let (mut buffer, mut forwarder) = (vec![0; 1024], Forwarder::new(100));
    let bytes = client(0x82, b"one");
    forwarder.room(&mut buffer)[..bytes.len()].copy_from_slice(&bytes);
    forwarder.filled(bytes.len());
    forwarder.process(&mut buffer, |_| Ok::<_, Violation>(())).unwrap();
    forwarder.sent(2);
    assert!(forwarder.room(&mut buffer).is_empty());
    assert_eq!(forwarder.ready(&buffer), b"one");
    assert!(!forwarder.is_empty());
    forwarder.sent(3);
    assert!(forwarder.is_empty());
    assert_eq!(forwarder.room(&mut buffer).len(), 1014);
}
