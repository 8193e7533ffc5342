//! What the person is asked, and what they may answer.

mod names;
mod sentences;
#[cfg(test)]
mod tests;

use std::fmt;

use towline_ctap::{Permissions, Rp, RpId, RpIdHash, SampleStatus, TemplateId, User};
use zeroize::Zeroizing;

use crate::Template;

pub use names::AccountName;

/// A question to the person. Its `Display` form is a sentence that a simple dialog can show.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// A touch or a click: [`Answer::Approve`] or [`Answer::Deny`].
    ConfirmPresence {
        /// The reason, for the person to agree to.
        purpose: Purpose,
    },
    /// The screen lock, a fingerprint, a face: [`Answer::Verified`], [`Answer::NotVerified`] for a
    /// failed attempt, or [`Answer::Deny`].
    VerifyUser {
        /// The reason, for the person to agree to.
        purpose: Purpose,
        /// How many attempts there are, with this one.
        attempts_left: u8,
        /// Whether the last attempt failed.
        failed_before: bool,
    },
    /// Which of several accounts to sign in with: [`Answer::Account`] or [`Answer::Deny`].
    ChooseAccount {
        /// The relying party that is signed in to.
        rp_id: RpId,
        /// The accounts, newest first.
        accounts: Vec<User>,
    },
    /// A site asks for a passkey and there is none for it here: the person is told so.
    /// [`Answer::Approve`] says that they have seen it, and lets the site know; [`Answer::Deny`],
    /// or no answer, tells the site no more than a refusal.
    NothingToUse {
        /// The relying party that asks for a passkey.
        rp_id: RpId,
    },
    /// One more sample of the finger that is being enrolled: [`Answer::Sample`], good or not, until
    /// the sensor has all that it needs; then [`Answer::Enrolled`]. With one sample left a good one
    /// can only be that. [`Answer::Deny`] ends the enrolment. When nobody touches the sensor in
    /// time, the question is withdrawn, and the enrolment goes on.
    EnrollFingerprint {
        /// Names the finger. Another one than before means that a new enrolment begins, and an
        /// unfinished one is over.
        template: TemplateId,
        /// How many good samples there are to be at most, with this one.
        samples_left: u8,
    },
    /// A command of the vendor (vendorPrototype of authenticatorConfig) that the config lists, sent
    /// by a platform that may configure: the embedder carries it out, asking the person or not, and
    /// says [`Answer::Approve`] when that is done, or [`Answer::Deny`].
    VendorCommand {
        /// Which (`vendorCommandId`).
        command: u64,
        /// Its parameters, as one encoded CBOR map, the command's number among them.
        params: Vec<u8>,
    },
}

/// What a vendor's command carries is not shown.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfirmPresence { purpose } => write!(f, "ConfirmPresence({purpose:?})"),
            Self::VerifyUser { purpose, attempts_left, failed_before } => f
                .debug_struct("VerifyUser")
                .field("purpose", purpose)
                .field("attempts_left", attempts_left)
                .field("failed_before", failed_before)
                .finish(),
            Self::ChooseAccount { rp_id, accounts } => {
                write!(f, "ChooseAccount({rp_id:?}, {accounts:?})")
            }
            Self::NothingToUse { rp_id } => write!(f, "NothingToUse({rp_id:?})"),
            Self::EnrollFingerprint { template, samples_left } => {
                write!(f, "EnrollFingerprint({template:?}, {samples_left})")
            }
            Self::VendorCommand { command, params } => {
                write!(f, "VendorCommand({command}, {} bytes)", params.len())
            }
        }
    }
}

impl Question {
    /// What a yes answers, and nothing but a yes: [`Answer::Approve`] to
    /// [`Question::ConfirmPresence`] and [`Question::NothingToUse`]. `None` for whatever a yes is
    /// no proof of: that the person was verified, which account they chose, what a sensor saw, that
    /// a command was carried out.
    #[must_use]
    pub const fn agreement(&self) -> Option<Answer> {
        match self {
            Self::ConfirmPresence { .. } | Self::NothingToUse { .. } => Some(Answer::Approve),
            Self::VerifyUser { .. }
            | Self::ChooseAccount { .. }
            | Self::EnrollFingerprint { .. }
            | Self::VendorCommand { .. } => None,
        }
    }

    /// The answer of a person who is simulated: agrees to everything, is always verified, takes the
    /// first account, which is the newest, and has a finger that the sensor always knows. For tests
    /// and demos; whoever uses it outside of them has to say that verification is simulated, since
    /// a site takes it for a person who was verified.
    #[must_use]
    pub fn simulated_agreement(&self) -> Answer {
        match self {
            Self::ConfirmPresence { .. }
            | Self::NothingToUse { .. }
            | Self::VendorCommand { .. } => Answer::Approve,
            Self::VerifyUser { .. } => Answer::Verified,
            Self::ChooseAccount { .. } => Answer::Account(0),
            Self::EnrollFingerprint { template, samples_left: 0 | 1 } => {
                // Of a finger that nobody has there is nothing to be kept but its name.
                Answer::Enrolled(Template::new(Zeroizing::new(template.as_bytes().into())))
            }
            Self::EnrollFingerprint { .. } => Answer::Sample(SampleStatus::Good),
        }
    }
}

/// What a confirmation is for.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A passkey is to be made.
    Create {
        /// The relying party that wants it.
        rp: Rp,
        /// The account that it will sign in to.
        user: User,
        /// Whether it takes the place of the passkey that there is for this account.
        replaces: bool,
    },
    /// A passkey was to be made, but there is one already that the site does not want a second one
    /// beside; the answer only tells the site so.
    AlreadyRegistered {
        /// The relying party that asks.
        rp: Rp,
        /// The account that was to be registered.
        user: User,
        /// The account of the passkey that there is, often another one; not known of one that is
        /// not stored.
        holder: Option<User>,
    },
    /// A passkey is to be used.
    Use {
        /// The relying party that is signed in to.
        rp_id: RpId,
        /// The account, where there is only one to choose from.
        user: Option<User>,
    },
    /// The person shows which of several authenticators they want to use. Browsers ask this, too,
    /// where the site wants what this one can't do.
    SelectDevice {
        /// For whom, where the client says so.
        rp_id: Option<RpId>,
    },
    /// The site learns which model of authenticator this is; a refusal only keeps that from it.
    Attest {
        /// The relying party that learns it.
        rp: Rp,
    },
    /// The site learns which one device this is, so that it can tell it from all others; a refusal
    /// only keeps that from it.
    Identify {
        /// The relying party that learns it.
        rp: Rp,
    },
    /// A website that speaks the older protocol U2F, and does not say which one it is, is to be
    /// registered.
    RegisterU2f {
        /// The hash of its name.
        application: RpIdHash,
        /// Whether the site learns which model of authenticator this is.
        tells_model: bool,
    },
    /// Such a website wants a sign-in.
    UseU2f {
        /// The hash of its name.
        application: RpIdHash,
    },
    /// Whoever holds the client is to be let in: it gets a PIN/UV token.
    Authorize {
        /// For whom; `None`: for anybody.
        rp_id: Option<RpId>,
        /// All that the token permits.
        permissions: Permissions,
    },
    /// Everything is to be deleted.
    Reset {
        /// Whether only a touch of 5 s or more is a yes.
        long_touch: bool,
    },
}

/// What the person answered.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes: the touch or click happened.
    Approve,
    /// The person refuses.
    Deny,
    /// The person was verified.
    Verified,
    /// One attempt to verify the person failed.
    NotVerified,
    /// The account at this index of [`Question::ChooseAccount`], from 0.
    Account(usize),
    /// What became of one sample of [`Question::EnrollFingerprint`]. A bad one is no error.
    Sample(SampleStatus),
    /// The last sample was good, too: what the sensor wants kept of the finger.
    Enrolled(Template),
}

/// Why an answer was not taken. The state is as before.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No such question is open: it was answered, withdrawn or never asked.
    #[error("no question with this token is open")]
    UnknownToken,
    /// The question is of another kind, or has no such account; it stays open.
    #[error("the question can't be answered so")]
    DoesNotFit,
}
