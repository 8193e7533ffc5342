#![doc = include_str!("../README.md")]
//! # The two halves
//!
//! [`Reader`] takes bytes apart and [`Writer`] puts them together; [`decode`] reads one item and
//! checks that nothing follows it.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![no_std]

extern crate alloc;

mod error;
mod head;
mod reader;
mod text;
mod writer;

pub use error::{Error, ErrorKind, Kind};
pub use reader::{Key, Member, Reader, decode};
pub use writer::{ArrayWriter, MapWriter, Writer};

/// How deep maps and arrays may nest in a CTAP message (CTAP 2.3 §8).
pub const CTAP_DEPTH: u8 = 4;
