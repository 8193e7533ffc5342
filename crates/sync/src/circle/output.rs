//! What the machine is told and what it says.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{DeviceId, MalformedObject, StoreName};

/// What can be chosen for a device's part in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircleConfig {
    /// How long to wait between two looks at the store.
    pub period: Duration,
    /// How long something has to be missing before the person is told. Tools that carry a folder
    /// show older listings for a while.
    pub patience: Duration,
}

impl Default for CircleConfig {
    /// A look each 30 seconds; 10 minutes of patience.
    fn default() -> Self {
        Self { period: Duration::from_secs(30), patience: Duration::from_secs(600) }
    }
}

/// A point in time, by two clocks: deadlines go by the first, and the second, which may be wrong,
/// is what changes are dated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that never goes back.
    pub instant: Instant,
    /// Milliseconds of Unix time, by the clock on the wall.
    pub wall_clock: u64,
}

/// Binds an answer to what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncToken(pub(super) u64);

/// What has to be done, for the store below the circle's name or on this device.
#[derive(Clone, PartialEq, Eq)]
pub enum SyncOutput {
    /// List all names in the store; answered by [`crate::Circle::handle_listing`].
    List {
        /// Names this listing.
        token: SyncToken,
    },
    /// Read an object; answered by [`crate::Circle::handle_object`].
    Get {
        /// Names this reading.
        token: SyncToken,
        /// The object that was listed.
        name: StoreName,
    },
    /// Write an object if there is none of its name: others see it whole or not at all. Answered by
    /// [`crate::Circle::handle_stored`] once it is there, whoever wrote it.
    Put {
        /// Names this writing.
        token: SyncToken,
        /// The name that the object has, which follows from its bytes.
        name: StoreName,
        /// The sealed or signed object. It may be as long as all passkeys together, so that it is
        /// shared.
        bytes: Arc<Vec<u8>>,
    },
    /// Delete an object; answered by [`crate::Circle::handle_stored`] once it is gone.
    Delete {
        /// Names this deletion.
        token: SyncToken,
        /// An object of this device that newer ones have replaced.
        name: StoreName,
    },
    /// Keep the rows that [`crate::Circle::unsaved`] gives, in one commit with the passkeys that
    /// they are about; answered by [`crate::Circle::handle_saved`] once they are durable. Until
    /// then nothing that they have is sent. All rows together are what [`crate::Circle::restore`]
    /// goes on from.
    Save {
        /// Names this saving.
        token: SyncToken,
    },
    /// These records are others now than they were, or gone: see [`crate::Circle::state`].
    Changed(BTreeSet<[u8; 16]>),
    /// Something that the person should know.
    Notice(SyncNotice),
}

/// Objects are sealed or signed, and still show who writes what: lengths only.
impl fmt::Debug for SyncOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { token } => write!(f, "List({})", token.0),
            Self::Get { token, name } => write!(f, "Get({}, {name})", token.0),
            Self::Put { token, name, bytes } => {
                write!(f, "Put({}, {name}, {} bytes)", token.0, bytes.len())
            }
            Self::Delete { token, name } => write!(f, "Delete({}, {name})", token.0),
            Self::Save { token } => write!(f, "Save({})", token.0),
            Self::Changed(records) => write!(f, "Changed({} records)", records.len()),
            Self::Notice(notice) => write!(f, "Notice({notice:?})"),
        }
    }
}

/// What a person should know of the store or of the circle. Each is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncNotice {
    /// The store has no longer what it had: the head of this number, or part of it.
    WentBack {
        /// The device that had written it, possibly this one.
        device: DeviceId,
        /// The number of the newest head of that device that was there.
        number: u64,
    },
    /// The store does not show what another device has seen there.
    Withheld {
        /// The device whose head is missing.
        device: DeviceId,
        /// The number of that head.
        number: u64,
    },
    /// There are two that have the keys of one device: a copy of it runs, or ran.
    TwoOf {
        /// The device of which there are two.
        device: DeviceId,
        /// The number that both of them gave to a head.
        number: u64,
    },
    /// An object is not what its name says, and has not been for some time, or is not by whom it
    /// says.
    Invented(StoreName),
    /// Nothing can be sealed here, since the cryptography fails: changes stay on this device.
    NotSealed,
    /// The store does not take all that this device has to say, however small it is made. That
    /// stays on this device.
    NotTaken,
    /// This device was removed from the circle. It keeps what it has and neither reads nor writes
    /// any more.
    Removed,
}

impl fmt::Display for SyncNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WentBack { device, number } => {
                write!(f, "the store went back: change {number} of {device:?} is gone")
            }
            Self::Withheld { device, number } => {
                write!(f, "the store withholds change {number} of {device:?}")
            }
            Self::TwoOf { device, number } => {
                write!(f, "there are two of {device:?}: both wrote change {number}")
            }
            Self::Invented(name) => write!(f, "{name} is none of the circle's objects"),
            Self::NotSealed => f.write_str("changes stay on this device: they can't be sealed"),
            Self::NotTaken => f.write_str("the store does not take all of this device's changes"),
            Self::Removed => f.write_str("this device was removed from the circle"),
        }
    }
}

/// Why something can't be done in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CircleError {
    /// The cryptography refused, or has no randomness.
    #[error("the cryptography of the circle failed")]
    Crypto(#[from] towline_crypto::Error),
    /// A record or a welcome is not one.
    #[error(transparent)]
    Malformed(#[from] MalformedObject),
    /// This device does not belong to the circle, or does no longer.
    #[error("this device is no member of the circle")]
    NoMember,
    /// Whoever should be added was removed before, and removal is for ever: it comes back with new
    /// keys only.
    #[error("this device was removed from the circle; it comes back with new keys only")]
    WasRemoved,
    /// Whoever should be added did not agree to be added here, or agreed to something else.
    #[error("the new member did not agree to be added to this circle by this device")]
    NoConsent,
}
