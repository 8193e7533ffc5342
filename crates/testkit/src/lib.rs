//! What the tests of this workspace share, and nobody else needs.
//!
//! - [`rig`] is an authenticator with a person who is a closure and a clock that is moved by hand;
//!   with it come the requests of a platform, and stores, keys and randomness that are slow or fail
//!   when told to.
//! - [`Directory`] is a place for files that goes with the test, [`Log`] a log that is read.
//! - `relay`, behind the feature of that name, is a real relay on loopback.
//!
//! A piece belongs here when the tests of two crates need it. What one crate's tests need alone
//! stays with them. Randomness that is scripted, and keys that cost nothing, are in
//! `towline-crypto-test`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, what is not as it should be is a panic"
)]

mod directory;
mod log;
#[cfg(feature = "relay")]
pub mod relay;
pub mod rig;

pub use self::{directory::Directory, log::Log};
