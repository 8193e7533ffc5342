//! The relay on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod announced;
#[cfg(target_os = "linux")]
mod attacks;
mod frames;
#[cfg(feature = "kept")]
mod kept;
mod leaving;
mod logs;
mod nodes;
mod operator;
mod requests;
mod ringing;
mod support;
mod tls;
mod tls_faults;
mod tunnels;
