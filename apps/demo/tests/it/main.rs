//! The demonstration, over real sockets: a person who looks at the page and presses its buttons.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod door;
mod person;
mod sync;
mod tour;
mod twice;
mod wrong;
