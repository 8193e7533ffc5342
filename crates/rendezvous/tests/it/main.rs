//! Nodes of one service, phones and computers on a bus that fails in every way.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod flood;
mod model;
mod simulation;
