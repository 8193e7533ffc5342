//! CTAP2 canonical CBOR, strictly: what CTAP 2.3 §8 ("Message Encoding") allows, and nothing else.
//!
//! [`Reader`] borrows its input, allocates nothing and goes over the bytes once. It refuses
//! integers and lengths that are not in their shortest form, unsorted or repeated map keys,
//! indefinite lengths, tags, text that is not UTF-8, bytes after the item, and more nesting than
//! the caller allows. [`Writer`] can't emit any of these.
//!
//! ```
//! use towline_cbor::{CTAP_DEPTH, Error, Key, Writer, decode};
//!
//! let mut writer = Writer::new();
//! writer.map(|map| {
//!     map.entry("id", |w| w.text("example.org")); // order does not matter: keys are sorted
//!     map.entry(2, |w| w.bytes(&[0xab; 4]));
//! });
//! let bytes = writer.into_vec();
//!
//! let mut id = None;
//! decode(&bytes, CTAP_DEPTH, |reader| {
//!     reader.map(|key, value| {
//!         if key == Key::Text("id") {
//!             id = Some(value.text()?);
//!         }
//!         Ok::<(), Error>(()) // whatever was not read is checked and skipped
//!     })
//! })?;
//! assert_eq!(id, Some("example.org"));
//! # Ok::<(), Error>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![no_std]

extern crate alloc;

mod error;
mod head;
mod reader;
mod writer;

pub use error::{Error, ErrorKind, Kind};
pub use reader::{Key, Reader, decode};
pub use writer::{ArrayWriter, MapWriter, Writer};

/// How deep maps and arrays may nest in a CTAP message (CTAP 2.3 §8).
pub const CTAP_DEPTH: u8 = 4;
