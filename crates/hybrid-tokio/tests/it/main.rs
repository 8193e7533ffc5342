//! Both roles on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod journey;
mod listening;
mod networks;
mod services;
mod silence;
mod support;
