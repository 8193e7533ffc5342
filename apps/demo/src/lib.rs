#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod account;
mod assets;
mod board;
mod browser;
mod built_in;
mod config;
mod demo;
mod desk;
mod devices;
mod door;
mod handset;
mod html;
mod joining;
mod memory;
mod moving;
mod pair;
mod relay;
mod screen;
mod shelf;
mod texts;
mod timing;
mod tour;
mod wires;

pub use config::{DemoConfig, DemoError};
pub use demo::{Demo, DemoEvent, DemoStop};
pub use timing::{Timed, TimedStep};
