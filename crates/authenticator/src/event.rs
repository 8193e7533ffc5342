//! What happened, for the person to learn.

use std::time::Duration;

use towline_ctap::{Rp, RpId, User};

use crate::Fingerprint;

/// What happened, for the person or the log.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A passkey was made.
    Created {
        /// The relying party that it is for.
        rp: Rp,
        /// The account that it signs in to.
        user: User,
        /// Whether it took the place of an earlier one for the same account.
        replaced: bool,
    },
    /// A passkey was refused because there is one already, of this account or another, beside which
    /// the site wants none.
    AlreadyRegistered {
        /// The relying party that asked for another one.
        rp: Rp,
        /// The account of the one that there is; not known of one that is not stored.
        user: Option<User>,
    },
    /// A passkey was used.
    Used {
        /// The relying party that was signed in to.
        rp_id: RpId,
        /// The account, where it is known: not of a credential that is not stored.
        user: Option<User>,
    },
    /// There were too many failed verifications: once when that happens, and once for each request
    /// that is refused for it. Clients learn of it by the status that is also for PINs,
    /// CTAP2_ERR_PIN_BLOCKED; nothing has to be reset where it says how long to wait.
    VerificationLocked {
        /// How long until the next try; `None`: until something else unlocks it.
        wait: Option<Duration>,
    },
    /// A PIN was set, or changed.
    PinChanged,
    /// There were too many wrong PINs.
    PinBlocked {
        /// Whether the authenticator only has to be plugged in again; otherwise nothing but a reset
        /// helps.
        until_power_up: bool,
    },
    /// A passkey was deleted by somebody who may manage them.
    Removed {
        /// For whom it was.
        rp_id: RpId,
        /// The account that it signed in to.
        user: User,
    },
    /// A passkey was given other names.
    Renamed {
        /// The relying party that it is for.
        rp_id: RpId,
        /// The account, as it is called now.
        user: User,
    },
    /// A fingerprint was enrolled and stored.
    FingerprintEnrolled(Fingerprint),
    /// A fingerprint was deleted: a sensor that keeps its template can forget it. After
    /// [`Event::Reset`] that is so for all.
    FingerprintRemoved(Fingerprint),
    /// Everything was deleted.
    Reset,
}
