//! Every rule of the standard has its test, and every feature its line in the matrix: checked by
//! reading the sources.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod matrix;
mod presets;
mod sources;
mod steps;
