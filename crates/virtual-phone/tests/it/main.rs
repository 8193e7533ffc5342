//! Fake phones and fake computers, as tests of sites, browsers and phone applications use them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod broken_computers;
mod broken_phones;
mod fakes_meet;
#[cfg(feature = "picture")]
mod pictures;
