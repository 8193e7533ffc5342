//! CTAP as bytes: what is read, what is refused, what is written; and CTAPHID below it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod any_bytes;
mod extensions;
mod get_info;
mod hid;
mod names;
mod requests;
mod responses;
mod token_commands;
mod u2f;
mod value;
