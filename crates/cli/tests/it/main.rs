//! The built program: exit codes and JSON events.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod any_site;
mod consent;
mod copies;
mod damage;
mod fake_phone;
mod importing;
mod interrupted;
mod journey;
mod key;
mod key_settings;
mod keys;
mod linked;
#[cfg(target_os = "linux")]
mod many_in_tpm;
mod mishaps;
mod moving;
mod program;
mod relay;
mod relay_file;
mod rp;
#[cfg(feature = "stores")]
mod servers;
mod single;
mod sync;
#[cfg(target_os = "linux")]
mod terminal;
mod tpm;
mod virtual_device;
mod virtual_mcp;
mod virtual_serve;
mod ways;
mod world;
