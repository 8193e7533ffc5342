//! Why there is no result: who misbehaved or refused, and what the person can do.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use towline_ctap::{Malformed, ResponseError, Status};

/// Why the user can't be verified, and what helps.
const NO_VERIFICATION: &str = "the site requires a screen lock, fingerprint or PIN, and this \
    authenticator has none set up that can be used here; set one up or use another";

/// Why a ceremony gave no result.
///
/// `Display` is a sentence for the person, [`Error::name`] the name of the exception that a browser
/// would throw.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The options are not the JSON that WebAuthn L3 §5.1.8 or §5.1.9 describes.
    #[error("the site sent options that can't be used: {0}")]
    Options(String),
    /// A member of the options should be base64url and is not.
    #[error("the site sent options that can't be used: {0} is not base64url")]
    Encoding(&'static str),
    /// A member of the options has a value that is not allowed.
    #[error("the site sent options that can't be used: {0} has a length that is not allowed")]
    Length(&'static str),
    /// The origin is not one that may use WebAuthn.
    #[error("passkeys can't be used from {origin}: {reason}")]
    Origin {
        /// The origin as it was given.
        origin: String,
        /// What is wrong with it.
        reason: OriginProblem,
    },
    /// The RP ID is not a domain name in its canonical form.
    #[error("the site names the RP ID \"{0}\", which is not a domain name in lower-case ASCII")]
    InvalidRpId(String),
    /// The RP ID is a public suffix, which anyone may have a name under.
    #[error("the site names the RP ID \"{0}\", which is shared by many sites")]
    PublicSuffix(String),
    /// The RP ID belongs to another site, which may list this one in its `/.well-known/webauthn`
    /// (WebAuthn L3 §5.11): fetch that and try again with [`crate::Caller::related`].
    #[error(
        "{origin} may not use passkeys of \"{rp_id}\": that is another site, which does not list it in https://{rp_id}/.well-known/webauthn"
    )]
    RelatedOrigin {
        /// The RP ID that was asked for.
        rp_id: String,
        /// The origin that asked.
        origin: String,
    },
    /// `prf` has values for single credentials, at a creation or without a list of credentials.
    #[error(
        "the site sent options that can't be used: prf.evalByCredential is for passkeys of a list"
    )]
    PrfUnlisted,
    /// `prf` has a value for a credential that is not in the list.
    #[error(
        "the site sent options that can't be used: a key of prf.evalByCredential is not in allowCredentials"
    )]
    PrfCredential,
    /// `largeBlob` with what belongs to the other ceremony, with both `read` and `write`, or with
    /// `write` and no list of exactly one credential.
    #[error(
        "the site sent options that can't be used: largeBlob has members that exclude each other"
    )]
    LargeBlobInput,
    /// `appid` at a creation, or `appidExclude` at a sign-in.
    #[error("the site sent options that can't be used: appid belongs to the other ceremony")]
    AppIdMisplaced,
    /// `appid` or `appidExclude` is no address of the site's own.
    #[error("the site names the AppID \"{0}\", which is not its own")]
    AppId(String),
    /// The authenticator can't keep a blob with a passkey, and the site requires it.
    #[error(
        "this authenticator can't keep what the site wants to store with the passkey; use another"
    )]
    LargeBlobUnsupported,
    /// A sign-in that nobody may notice (`mediation: "silent"`) can't be had with a passkey. This
    /// is no exception in a browser: there the call resolves with `null`.
    #[error("the site wants to sign in without anybody's doing, which passkeys can't")]
    Silent,
    /// `uiMode: "immediate"` with `mediation: "conditional"`: at once, and when somebody wants to.
    #[error(
        "the site sent options that can't be used: immediate and conditional exclude each other"
    )]
    MediationConflict,
    /// `uiMode: "immediate"` with a list of credentials, which could tell sites who is there.
    #[error("the site asks for an immediate sign-in with certain passkeys; that is not allowed")]
    NotImmediate,
    /// A conditional creation where nobody has signed in by other means a moment ago, or on an
    /// authenticator that is not part of this device.
    #[error(
        "a passkey is not made here without being asked for; ask for one in the site's settings"
    )]
    NotConditional,
    /// None of the types of key that the site accepts exists.
    #[error("the site accepts no type of key that exists")]
    NoSupportedKeyType,
    /// The site wants the other kind of authenticator: built in, or not.
    #[error("the site asks for another kind of authenticator than this one; choose another")]
    WrongAttachment,
    /// The authenticator can't store discoverable credentials, and the site requires one.
    #[error(
        "this authenticator can't store passkeys that sign in without a user name; use another"
    )]
    DiscoverableUnsupported,
    /// The authenticator can't verify the user, and the site requires it of a new credential.
    #[error("{}", NO_VERIFICATION)]
    UserVerificationUnavailable,
    /// The authenticator can't verify the user, and the site requires it to sign in: to a site,
    /// nothing that would do.
    #[error("{}", NO_VERIFICATION)]
    CannotSignInVerified,
    /// The site insists on a protection of the credential that the authenticator does not know.
    #[error(
        "this authenticator can't protect the passkey in the way that the site insists on; use another"
    )]
    ProtectionUnsupported,
    /// What a site signals can't be carried out: the authenticator does not let others change its
    /// passkeys (CTAP 2.3 §6.8).
    #[error("this authenticator does not let its passkeys be changed from here")]
    ManagementUnsupported,
    /// The authenticator lets those alone change its passkeys who verify the person, for which
    /// nothing is set up that could be used here.
    #[error(
        "this authenticator lets its passkeys be changed with a PIN or a fingerprint only, and has none that can be used here"
    )]
    ManagementUnverified,
    /// The authenticator already holds a credential that the site excluded.
    #[error(
        "this authenticator already holds a passkey for the site; sign in with it, or use another"
    )]
    AlreadyRegistered,
    /// The authenticator holds none of the credentials that would do.
    #[error("this authenticator holds no passkey for the site; use another")]
    NoCredentials,
    /// Too many attempts at the screen lock, fingerprint or face of the authenticator have failed
    /// in a row. There is nothing to reset: it opens again by itself, or when the device is
    /// unlocked in another way.
    #[error("too many attempts to unlock this device failed; {}", try_again(.wait))]
    VerificationLocked {
        /// How long it lasts, where that is known: to an authenticator in this process, not through
        /// a channel.
        wait: Option<Duration>,
    },
    /// The authenticator refused or failed.
    #[error("{0}")]
    Refused(Status),
    /// Nothing came in time.
    #[error("the operation was not finished within {} seconds; try again", .0.as_secs())]
    TimedOut(Duration),
    /// The person called it off.
    #[error("the operation was cancelled")]
    Cancelled,
    /// The site called it off, by its AbortSignal.
    #[error("the site called the operation off")]
    Aborted,
    /// The authenticator answered something that the standard does not allow; nothing of it was
    /// used.
    #[error("the authenticator misbehaved: {0}")]
    Misbehaved(Misbehaviour),
    /// A cryptographic operation, or the source of random numbers, failed on this computer.
    #[error("cryptography failed on this computer")]
    Cryptography,
    /// The way to the authenticator broke.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl Error {
    /// The name of the DOMException, or of the error class, that WebAuthn L3 gives this.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Options(_) | Self::Length(_) => "TypeError",
            Self::Encoding(_) => "EncodingError",
            Self::Origin { .. }
            | Self::InvalidRpId(_)
            | Self::PublicSuffix(_)
            | Self::AppId(_)
            | Self::RelatedOrigin { .. } => "SecurityError",
            Self::PrfCredential => "SyntaxError",
            Self::PrfUnlisted
            | Self::MediationConflict
            | Self::LargeBlobInput
            | Self::AppIdMisplaced
            | Self::NoSupportedKeyType
            | Self::Refused(Status::UnsupportedAlgorithm) => "NotSupportedError",
            Self::DiscoverableUnsupported | Self::UserVerificationUnavailable => "ConstraintError",
            Self::AlreadyRegistered => "InvalidStateError",
            Self::Aborted => "AbortError",
            Self::Misbehaved(_) | Self::Cryptography => "UnknownError",
            Self::Silent
            | Self::LargeBlobUnsupported
            | Self::NotImmediate
            | Self::NotConditional
            | Self::WrongAttachment
            | Self::CannotSignInVerified
            | Self::Cancelled
            | Self::ProtectionUnsupported
            | Self::ManagementUnsupported
            | Self::ManagementUnverified
            | Self::NoCredentials
            | Self::VerificationLocked { .. }
            | Self::Refused(_)
            | Self::TimedOut(_)
            | Self::Channel(_) => "NotAllowedError",
        }
    }

    /// What a response without a result means.
    pub(crate) const fn from_response(error: ResponseError) -> Self {
        match error {
            ResponseError::Status(Status::CredentialExcluded) => Self::AlreadyRegistered,
            ResponseError::Status(Status::NoCredentials) => Self::NoCredentials,
            // To a creation or a sign-in, this is about built-in verification: where a PIN would
            // do, the answer is to get a token with it (CTAP 2.3 §6.1.2 step 11, §6.2.2 step 6).
            ResponseError::Status(Status::PinBlocked) => Self::VerificationLocked { wait: None },
            ResponseError::Status(status) => Self::Refused(status),
            ResponseError::Malformed(malformed) => {
                Self::Misbehaved(Misbehaviour::Malformed(malformed))
            }
            // Empty, and whatever else is no response at all.
            _ => Self::Misbehaved(Misbehaviour::Empty),
        }
    }
}

impl From<Misbehaviour> for Error {
    fn from(misbehaviour: Misbehaviour) -> Self {
        Self::Misbehaved(misbehaviour)
    }
}

/// When a lock opens.
fn try_again(wait: &Option<Duration>) -> String {
    match wait {
        Some(wait) => {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let unit = if seconds == 1 { "second" } else { "seconds" };
            format!("try again in {seconds} {unit}")
        }
        None => "wait a while, or unlock it in another way, and try again".into(),
    }
}

/// What is wrong with an origin.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginProblem {
    /// Not a URL of a scheme, a host and perhaps a port.
    #[error("it is not an origin like \"https://example.org\"")]
    Syntax,
    /// Neither `https` nor `http` on localhost.
    #[error("the connection to it is not secure")]
    Insecure,
    /// An IP address, which has no RP ID.
    #[error("it is an IP address; use the name of the site")]
    IpAddress,
}

/// How an authenticator broke the standard.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// A response without even a status byte.
    #[error("it sent an empty response")]
    Empty,
    /// A response, getInfo or authenticator data that can't be read.
    #[error("it sent an invalid response: {0}")]
    Malformed(Malformed),
    /// Authenticator data for another relying party.
    #[error("it answered for another site")]
    WrongRpId,
    /// It does not say that the user was present.
    #[error("it answered without the user's presence")]
    UserNotPresent,
    /// It does not say that the user was verified, though the site requires it.
    #[error("it answered without verifying the user")]
    UserNotVerified,
    /// No credential, or no credential id, where there must be one.
    #[error("it did not say which passkey it used or made")]
    NoCredential,
    /// An assertion by a credential that was not asked for.
    #[error("it answered with a passkey that was not asked for")]
    UnexpectedCredential,
    /// No account, where only the authenticator can know it.
    #[error("it did not say which account the passkey is for")]
    NoUserHandle,
    /// A key of a type that the site does not accept.
    #[error("it made a type of key that was not asked for")]
    UnexpectedAlgorithm,
    /// A credential protected less than the site insists on.
    #[error("it did not protect the passkey as was asked for")]
    NotProtected,
    /// An answer about PINs or tokens that the standard does not allow: no key, a key that is none,
    /// a token of a wrong length.
    #[error("it sent an invalid response about its PIN")]
    Pin,
    /// Results of `prf` that are neither one nor two.
    #[error("it sent an invalid secret for the site")]
    Prf,
    /// More credentials than any person has accounts.
    #[error("it says that it holds too many passkeys for the site")]
    TooManyCredentials,
}

/// Why a [`crate::Channel`] gave no response. Two are the same if they say the same.
#[non_exhaustive]
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChannelError {
    /// The other side is gone.
    #[error("the connection to the authenticator was lost; try again")]
    Closed,
    /// The channel's own reason, which prints as a sentence for the person. It can be had back, by
    /// its type.
    #[error("{0}")]
    Failed(#[source] Arc<dyn StdError + Send + Sync>),
}

impl ChannelError {
    /// A reason of the channel's own: an error, or a sentence.
    #[must_use]
    pub fn failed(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(reason.into()))
    }
}

impl PartialEq for ChannelError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Closed, Self::Closed) => true,
            (Self::Failed(one), Self::Failed(other)) => one.to_string() == other.to_string(),
            _ => false,
        }
    }
}

impl Eq for ChannelError {}
