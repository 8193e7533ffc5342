#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod door;
mod endpoint;
mod listener;
mod plug;
#[cfg(unix)]
mod unix;

pub use door::{Door, DoorError};
pub use endpoint::{Endpoint, EndpointError};
