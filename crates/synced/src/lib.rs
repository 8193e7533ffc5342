#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod device;
mod error;
mod here;
mod merging;
mod passkey;
mod store;
mod telling;

pub use error::SyncedError;
pub use store::{SyncedStore, SyncedTurn};
