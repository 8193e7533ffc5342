//! The server's half of the WebSocket protocol (RFC 6455), for a relay that passes binary messages
//! on where they lie.
//!
//! Bytes in, bytes out: there is no socket here, no task and no clock. A [`Reader`] finds frames in
//! what a client sent. A [`Forwarder`] turns them into frames for another client, in the same
//! buffer: it takes the mask off and writes a shorter head before the payload. A frame that is
//! longer than the buffer goes on in pieces, as fragments, so that a message of any length takes no
//! more memory than the buffer has, and what is sent always ends with a whole frame.
//!
//! ```
//! use towline_websocket::{Event, Forwarder, Violation};
//!
//! let mut buffer = [0; 1024];
//! let mut forwarder = Forwarder::new(1 << 20);
//!
//! // "Hi", masked, as one client sent it.
//! let sent = [0x82, 0x82, 0xa1, 0xb2, 0xc3, 0xd4, b'H' ^ 0xa1, b'i' ^ 0xb2];
//! forwarder.room(&mut buffer)[..sent.len()].copy_from_slice(&sent);
//! forwarder.filled(sent.len());
//!
//! let mut messages = 0;
//! forwarder.process(&mut buffer, |event| {
//!     if let Event::Piece { last: true, .. } = event {
//!         messages += 1;
//!     }
//!     Ok::<_, Violation>(())
//! })?;
//!
//! // As the other client reads it.
//! assert_eq!(forwarder.ready(&buffer), [0x82, 0x02, b'H', b'i']);
//! assert_eq!(messages, 1);
//! forwarder.sent(4);
//! assert!(forwarder.is_empty());
//! # Ok::<_, Violation>(())
//! ```
//!
//! What a client must not do is a [`Violation`]: frames without a mask, reserved bits, unknown
//! opcodes, control frames that are long or in fragments, messages within messages, messages over
//! the limit, close codes that don't exist, and text, which a tunnel does not carry. Lengths that
//! take more bytes than they need are read, and written as they should be.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod forward;
mod frame;
mod handshake;
mod mask;
mod reader;

pub use forward::{Event, Forwarder};
pub use frame::{Head, Opcode, Violation, close_payload, frame};
pub use handshake::{VERSION, accept};
pub use reader::{Reader, Step};
