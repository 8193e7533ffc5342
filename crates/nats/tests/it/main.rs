//! Relays on a bus. `service` needs a real `nats-server`, and runs in `.ci/run cluster`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod fake;
mod memory;
mod server;
mod service;
mod trust;
