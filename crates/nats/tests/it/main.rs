//! Relays on a real `nats-server`. They need that program, and run in `.ci/run cluster`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod server;
mod service;
