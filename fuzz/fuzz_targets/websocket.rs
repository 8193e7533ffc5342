//! What a client sends to the relay, of any content: what is passed on is what another implementation reads from the same
//! bytes, however they are cut, and as whole frames.
#![no_main]

use std::io::{Cursor, Read, Result, Write};

use libfuzzer_sys::fuzz_target;
use towline_websocket::{Event, Forwarder, Violation};
use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

const LIMIT: usize = 1000;

/// Bytes to read; what is written is dropped.
struct Stream(Cursor<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The binary messages in it.
fn messages(bytes: &[u8], role: Role) -> Vec<Vec<u8>> {
    let config = WebSocketConfig::default();
    let config = config.max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let stream = Stream(Cursor::new(bytes.to_vec()));
    let mut socket = WebSocket::from_raw_socket(stream, role, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Binary(message)) => messages.push(message.to_vec()),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            _ => return messages,
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

/// What the other client is sent, and how many messages it was said to have.
fn forwarded(mut bytes: &[u8], buffer: usize, cut: usize) -> (Vec<u8>, usize) {
    let (mut buffer, mut forwarder) = (vec![0; buffer], Forwarder::new(LIMIT));
    let (mut sent, mut count) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let room = forwarder.room(&mut buffer);
        let part = room.len().min(bytes.len()).min(cut);
        assert_ne!(part, 0, "a buffer that is full has something to send");
        room[..part].copy_from_slice(&bytes[..part]);
        bytes = &bytes[part..];
        forwarder.filled(part);
        let over = forwarder.process(&mut buffer, |event| match event {
            Event::Piece { length, last, .. } => {
                assert!(length <= LIMIT);
                count += usize::from(last);
                Ok(())
            }
            Event::Ping(payload) => {
                assert!(payload.len() <= 125);
                Ok(())
            }
            Event::Pong => Ok(()),
            Event::Close(_) => Err(Over::Left),
        });
        let ready = forwarder.ready(&buffer).to_vec();
        forwarder.sent(ready.len());
        sent.extend(ready);
        if over.is_err() {
            break;
        }
    }
    (sent, count)
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let expected = messages(bytes, Role::Server);
    for (buffer, cut) in [(Forwarder::SMALLEST, usize::from(cut).max(1)), (4096, usize::MAX)] {
        let (sent, count) = forwarded(bytes, buffer, cut);
        assert_eq!(messages(&sent, Role::Client), expected);
        assert_eq!(count, expected.len());
    }
});
