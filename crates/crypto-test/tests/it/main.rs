//! The suite: who passes it, and whom it catches.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod broken;
mod rustcrypto;
