//! What the tests of this workspace share, and nobody else needs.
//!
//! - [`rig`] is an authenticator with a person who is a closure and a clock that is moved by hand;
//!   with it come the requests of a platform, and stores, keys and randomness that are slow or fail
//!   when told to.
//! - [`hex`] reads the digits of vectors.
//! - [`swtpm`] is a TPM in software, where it is installed.
//! - [`ForeignServer`] is a server of other authors that keeps objects, where it is installed.
//! - [`Directory`] is a place for files that goes with the test, [`Log`] a log that is read.
//! - `Disk`, behind the feature `disk`, is storage of a store that fails when it is told to.
//! - `hid`, behind the feature of that name, is a client of a security key at a socket.
//! - `relay`, behind the feature of that name, is a real relay on loopback.
//!
//! A piece belongs here when the tests of two crates need it. What one crate's tests need alone
//! stays with them. Randomness that is scripted, and keys that cost nothing, are in
//! `towline-crypto-test`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, what is not as it should be is a panic"
)]

mod directory;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "hid")]
pub mod hid;
mod log;
#[cfg(feature = "relay")]
pub mod relay;
pub mod rig;
mod servers;
pub mod swtpm;

#[cfg(feature = "disk")]
pub use self::disk::Disk;
pub use self::{directory::Directory, log::Log, servers::ForeignServer};

/// The bytes that these digits stand for.
#[must_use]
pub fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2), "{digits}");
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
