//! The store against a model, against storage that fails, and against whoever changes its file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod backup;
mod circles;
mod damage;
mod failing;
mod files;
mod flips;
mod formats;
mod full_disk;
mod keyring;
#[cfg(feature = "links")]
mod links;
mod lives;
mod model;
mod rights;
mod stores;
mod support;
