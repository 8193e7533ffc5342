#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod failure;
mod session;
mod tunnel;

pub use failure::JoiningFailure;
pub use session::{JoiningEvent, JoiningEvents, JoiningSession};
pub use towline_sync::{
    JoinedCircle, Joining, JoiningConfig, JoiningError, JoiningQuestion, JoiningSummary,
};
