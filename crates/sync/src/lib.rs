#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod circle;
mod clock;
mod content;
mod epochs;
mod hpke;
mod joining;
mod keys;
mod membership;
mod object;
mod paper;
mod roster;
mod sealed;
mod state;
mod verbs;

pub use circle::{
    Circle, CircleConfig, CircleError, CircleRow, Moment, SyncNotice, SyncOutput, SyncToken,
};
pub use clock::{DeviceId, FromTheFuture, HybridClock, Stamp};
pub use content::Content;
pub use joining::{
    JoinedCircle, Joining, JoiningConfig, JoiningError, JoiningOutput, JoiningQuestion,
    JoiningSide, JoiningStep, JoiningSummary,
};
pub use keys::{DeviceKeys, Introduction, MemberKind};
pub use membership::{Membership, MembershipChange, MembershipRecord};
pub use object::{ForeignName, MalformedObject, ObjectHash, StoreName};
pub use paper::{PaperKey, PaperKeyError};
pub use state::{Register, State, Tag};
pub use verbs::CircleStore;
