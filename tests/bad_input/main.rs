//! Bad input over real sockets: tunnel services, peers and authenticators that do not do what they
//! should. Each ends in a typed error at the right party, in time, with the radio and the sockets
//! released.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs,
    unreachable_pub,
    dead_code
)]

mod authenticators;
mod linked;
mod meddler;
mod messages;
mod services;
mod silence;
#[path = "../support/mod.rs"]
mod support;
