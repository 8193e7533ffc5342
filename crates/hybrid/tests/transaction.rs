//! Whole transactions with both roles in memory: a clock moved by hand, a lossy air, a lossy
//! tunnel, people who change their minds, and peers that break the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

#[path = "transaction/adverts.rs"]
mod adverts;
#[path = "transaction/arbitrary.rs"]
mod arbitrary;
#[path = "transaction/digital_credentials.rs"]
mod digital_credentials;
#[path = "transaction/linking.rs"]
mod linking;
#[path = "transaction/lossy.rs"]
mod lossy;
#[path = "transaction/pair.rs"]
mod pair;
#[path = "transaction/peers.rs"]
mod peers;
#[path = "transaction/people.rs"]
mod people;
#[path = "transaction/ringing.rs"]
mod ringing;
