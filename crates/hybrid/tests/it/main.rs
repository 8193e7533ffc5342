//! The machines of both roles and of the relay, in memory, and known answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod listening;
mod transaction;
mod vectors;
