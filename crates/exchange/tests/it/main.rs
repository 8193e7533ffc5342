//! What the library promises, through its public interface alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod courtesies;
mod documents;
mod every_byte;
mod hostile;
mod moves;
mod parts;
