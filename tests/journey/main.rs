//! The steps of the journey on real sockets: a relying party over HTTP, a relay over TLS, QR codes
//! as pixels. Only Bluetooth is simulated.
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

mod attestation;
mod cancelling;
mod digital_credentials;
mod linked;
mod moving;
mod phone;
mod pins;
mod rung_again;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod this_device;
