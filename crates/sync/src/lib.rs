#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod membership;
mod state;

pub use clock::{DeviceId, FromTheFuture, HybridClock, Stamp};
pub use membership::{Membership, MembershipChange, MembershipRecord, RecordHash};
pub use state::{Kept, State, Tag};
