//! The facade: one authenticator, used as an application uses it.
#![cfg(feature = "local")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod attestation;
mod slow_work;
mod unlocking;
mod used_before;
