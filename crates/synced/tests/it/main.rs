//! Stores of a circle, with its objects between them in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod crashes;
mod passkeys_travel;
mod rows;
mod support;
