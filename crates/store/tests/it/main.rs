//! The store against a model, against storage that fails, and against whoever changes its file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod damage;
mod failing;
mod files;
mod formats;
mod model;
mod support;
