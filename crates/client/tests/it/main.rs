//! The client: what a site says, what the authenticator is asked, what the site gets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod any_bytes;
mod authenticator;
mod channel;
mod interop;
mod lists;
mod long_lists;
mod odd_options;
mod origins;
mod pins;
mod prf;
mod registration;
mod scripted;
mod sign_in;
mod site_options;
