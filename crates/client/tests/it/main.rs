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
mod capabilities;
mod channel;
mod interop;
mod key_extensions;
mod lists;
mod long_lists;
mod mediation;
mod odd_options;
mod origins;
mod pins;
mod prf;
mod registration;
mod related_origins;
mod scripted;
mod sign_in;
mod signal_delivery;
mod signals;
mod site_options;
mod u2f;
