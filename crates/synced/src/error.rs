//! Why a store can't take part in its circle.

use towline_authenticator::StoreError;
use towline_store::Error;
use towline_sync::CircleError;

/// Why a store can't take part in its circle now. What was not done is done at the next turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncedError {
    /// The store of this device can't be read or written.
    #[error(transparent)]
    Kept(#[from] Error),
    /// Its passkeys can't be read.
    #[error(transparent)]
    Passkeys(#[from] StoreError),
    /// The circle refused, or what is kept of it is not what was written.
    #[error(transparent)]
    Circle(#[from] CircleError),
    /// What is kept of this device is not what was written.
    #[error(
        "what this device is in its circle can't be read; remove it on another device, and join again"
    )]
    Device,
    /// Where the circle's objects are takes more than 16 KiB to say.
    #[error("the address of the circle's objects is longer than 16 KiB")]
    Address,
}
