//! Whatever a client sends, and however it is cut: what is passed on is what another implementation reads.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use towline_websocket::{Event, Forwarder, Violation};

const LIMIT: usize = 4096;

/// Bytes to read; what is written is dropped.
struct Stream(Cursor<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Binary messages up to the end, or to what is not one; and whether the end was one that the client announced.
fn tungstenite(bytes: Vec<u8>, role: Role) -> (Vec<Vec<u8>>, bool) {
    let config =
        WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Stream(Cursor::new(bytes)), role, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Binary(message)) => messages.push(message.to_vec()),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(_)) => return (messages, true),
            Ok(Message::Text(_)) | Err(_) => return (messages, false),
        }
    }
}

enum Over {
    Left,
    Violated,
}

impl From<Violation> for Over {
    fn from(_: Violation) -> Self {
        Self::Violated
    }
}

/// The same by ours: what another client is sent, what was counted, and whether the client left.
fn ours(bytes: &[u8], cuts: &[usize], buffer: usize) -> (Vec<u8>, usize, bool) {
    let (mut buffer, mut forwarder) = (vec![0; buffer], Forwarder::new(LIMIT));
    let (mut sent, mut messages, mut rest) = (Vec::new(), 0, bytes);
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let room = forwarder.room(&mut buffer);
        let part = room.len().min(rest.len()).min(*cuts.next().unwrap());
        room[..part].copy_from_slice(&rest[..part]);
        rest = &rest[part..];
        forwarder.filled(part);
        let over = forwarder.process(&mut buffer, |event| match event {
            Event::Piece { last, .. } => {
                messages += usize::from(last);
                Ok(())
            }
            Event::Ping(payload) => {
                assert!(payload.len() <= 125);
                Ok(())
            }
            Event::Pong => Ok(()),
            Event::Close(_) => Err(Over::Left),
        });
        let ready = forwarder.ready(&buffer).len();
        // Not all at once, as sockets do.
        for bytes in [ready / 3, ready - ready / 3] {
            sent.extend_from_slice(&forwarder.ready(&buffer)[..bytes]);
            forwarder.sent(bytes);
        }
        if let Err(over) = over {
            return (sent, messages, matches!(over, Over::Left));
        }
    }
    (sent, messages, false)
}

/// Frames as clients send them, and sometimes as they must not.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => Just(0x82_u8),
        4 => Just(0x02),
        4 => Just(0x00),
        4 => Just(0x80),
        2 => Just(0x89),
        1 => Just(0x8a),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let length = prop_oneof![6 => 0..200_usize, 2 => 200..1500_usize, 1 => 4000..4200_usize];
    let frame =
        (first, length, any::<[u8; 4]>(), any::<u8>()).prop_map(|(first, length, mask, fill)| {
            let length = if first & 0x08 != 0 { length % 126 } else { length };
            let mut frame = vec![first];
            match u8::try_from(length) {
                Ok(short @ 0..126) => frame.push(0x80 | short),
                _ => {
                    frame.push(0x80 | 126);
                    frame.extend(u16::try_from(length).unwrap().to_be_bytes());
                }
            }
            frame.extend(mask);
            let payload =
                (0..length).map(|place| fill.wrapping_add(u8::try_from(place % 251).unwrap()));
            let mut payload: Vec<u8> = payload.collect();
            if first == 0x88 {
                payload.truncate(0);
                frame[1] = 0x80;
            }
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            frame
        });
    prop::collection::vec(frame, 1..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn what_is_passed_on_is_what_was_sent(
        bytes in frames(),
        cuts in prop::collection::vec(1..600_usize, 1..5),
        buffer in 256..2000_usize,
    ) {
        let (expected, left) = tungstenite(bytes.clone(), Role::Server);
        let (sent, counted, ours_left) = ours(&bytes, &cuts, buffer);
        let (found, _) = tungstenite(sent, Role::Client);
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(counted, expected.len());
        prop_assert_eq!(ours_left, left);
    }

    #[test]
    fn garbage_never_panics_and_is_judged_the_same_however_it_is_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(1..20_usize, 1..5),
    ) {
        let [cut, whole] = [(cuts.as_slice(), 256), (&[usize::MAX], 4096)].map(|(cuts, buffer)| {
            let (sent, counted, left) = ours(&bytes, cuts, buffer);
            (tungstenite(sent, Role::Client).0, counted, left)
        });
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn the_oracle_itself_reads_what_it_should() {
    assert_eq!(tungstenite(vec![0x82, 0x01, 7], Role::Client), (vec![vec![7]], false));
}
