#![cfg_attr(target_os = "linux", doc = include_str!("../README.md"))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(target_os = "linux")]
pub mod hidraw;
mod key;
mod wire;

pub use key::{HidFailure, KeyChannel};
pub use wire::{StreamWire, Wire};
