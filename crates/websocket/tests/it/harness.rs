//! A client's bytes through our forwarder and through another implementation. The fuzz target
//! `websocket` uses it, too.
#![allow(unreachable_pub)]

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use towline_websocket::{Forwarder, FrameEvent, Violation};

/// The longest message, in bytes.
pub const LIMIT: usize = 4096;

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

/// Binary messages up to the end, or to what is not one; and whether the end was one that the
/// client announced.
pub fn tungstenite(bytes: Vec<u8>, role: Role) -> (Vec<Vec<u8>>, bool) {
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
pub fn ours(bytes: &[u8], cuts: &[usize], buffer: usize) -> (Vec<u8>, usize, bool) {
    let (mut buffer, mut forwarder) = (vec![0; buffer], Forwarder::new(LIMIT));
    let (mut sent, mut messages, mut rest) = (Vec::new(), 0, bytes);
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let room = forwarder.room(&mut buffer);
        let part = room.len().min(rest.len()).min(*cuts.next().unwrap());
        assert_ne!(part, 0, "a buffer that is full has something to send");
        room[..part].copy_from_slice(&rest[..part]);
        rest = &rest[part..];
        forwarder.filled(part);
        let over = forwarder.process(&mut buffer, |event| match event {
            FrameEvent::Piece { length, last, .. } => {
                assert!(length <= LIMIT);
                messages += usize::from(last);
                Ok(())
            }
            FrameEvent::Ping(payload) => {
                assert!(payload.len() <= 125);
                Ok(())
            }
            FrameEvent::Pong => Ok(()),
            FrameEvent::Close(_) => Err(Over::Left),
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
