#![doc = include_str!("../README.md")]
//! # The parts
//!
//! A [`FrameReader`] finds frames in what a client sent. A [`Forwarder`] turns them into frames for
//! another client, in the same buffer: it takes the mask off and writes a shorter head before the
//! payload. What is sent always ends with a whole frame.
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

pub use forward::{Forwarder, FrameEvent};
pub use frame::{Head, Opcode, Violation, close_payload, frame};
pub use handshake::{VERSION, accept};
pub use reader::{FrameReader, Parsed};
