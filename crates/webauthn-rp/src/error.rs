//! Why a response is not accepted, and which step of the standard says so.

use std::fmt;

/// Why a credential was not accepted.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A member of the answer is missing, cut short, continued, or of another form.
    #[error("the answer's {0} is missing or malformed")]
    Malformed(ResponseMember),
    /// The client data is for another kind of ceremony.
    #[error("the client data is of type {0:?}, which is not what was asked for")]
    Type(String),
    /// The client data holds another challenge.
    #[error("the answer is for another challenge")]
    Challenge,
    /// The client data names another origin.
    #[error("the answer comes from the origin {0:?}, which is not this site")]
    Origin(String),
    /// The client data says that a page of another origin embedded this one.
    #[error("the answer comes from a page inside another site's page")]
    CrossOrigin,
    /// The authenticator data is for another RP ID.
    #[error("the credential is for another site")]
    RpId,
    /// Flag UP is clear.
    #[error("the authenticator did not see anybody")]
    NotPresent,
    /// Flag UV is clear although it was required.
    #[error("the authenticator did not verify the person")]
    NotVerified,
    /// Flag BS is set without BE.
    #[error("the backup flags contradict each other: backed up, but not eligible for it")]
    BackupFlags,
    /// Flag BE is not what it was at registration.
    #[error("the flag of backup eligibility changed since the registration")]
    BackupEligibility,
    /// The key's algorithm was not offered.
    #[error("the key's algorithm was not asked for")]
    Algorithm,
    /// The key's type or curve is not that of its algorithm, or it is no key at all: a point that
    /// is not on the curve.
    #[error("the public key is not one of its algorithm")]
    PublicKey,
    /// The attestation statement is not one that this verifier can check.
    #[error("attestation of the format {0:?} can't be checked here")]
    UnsupportedAttestation(String),
    /// The attestation statement is wrong, for this reason.
    #[error("the attestation statement is wrong: {0}")]
    Attestation(&'static str),
    /// The certificates of the attestation statement are not trusted, for this reason.
    #[error("the attestation can't be trusted: {0}")]
    UntrustedAttestation(&'static str),
    /// The credential id differs between members, or is not the one asked about.
    #[error("the credential id is not the one expected")]
    CredentialId,
    /// The credential id has more than 1023 bytes.
    #[error("the credential id has {0} bytes, and may have 1023")]
    CredentialIdLength(usize),
    /// The credential is one of those that were to be excluded.
    #[error("the key is registered already")]
    AlreadyRegistered,
    /// The credential is none of those that were allowed.
    #[error("the credential is none of those that were asked for")]
    NotAllowed,
    /// The user handle is that of another account, or is missing where only it says whose the
    /// credential is.
    #[error("the answer's user handle is missing, or is that of another account")]
    UserHandle,
    /// There is an output of this extension, which nobody asked for.
    #[error("the answer has an output of the extension {0:?}, which was not asked for")]
    Extension(String),
    /// The signature does not match, or is not encoded as its algorithm demands.
    #[error("the signature does not match")]
    Signature,
    /// The signature counter did not rise: the key may have been copied.
    #[error("the signature counter did not rise; the key may have been copied")]
    Counter,
    /// The verifier could not do its work.
    #[error("credentials can't be checked now: {0}")]
    Unavailable(String),
    /// What another library said.
    #[error("{0}")]
    Other(String),
}

/// A member of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResponseMember {
    /// The JSON as a whole: members are missing, or of another type.
    Json,
    /// `type`, which is `public-key`.
    Type,
    /// `id` and `rawId`.
    CredentialId,
    /// `response.clientDataJSON`.
    ClientData,
    /// `response.attestationObject`, with the statement in it.
    AttestationObject,
    /// `response.authenticatorData`, or `authData` in the attestation object.
    AuthenticatorData,
    /// `response.signature`.
    Signature,
}

impl fmt::Display for ResponseMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Type => "type",
            Self::CredentialId => "credential id",
            Self::ClientData => "client data",
            Self::AttestationObject => "attestation object",
            Self::AuthenticatorData => "authenticator data",
            Self::Signature => "signature",
        })
    }
}

/// A list of steps in WebAuthn Level 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Procedure {
    /// §7.1, Registering a New Credential.
    Registration,
    /// §7.2, Verifying an Authentication Assertion.
    SignIn,
}

impl VerifyError {
    /// The number of the step that failed. `None` where the check is this verifier's own and no
    /// step of the procedure, or where nothing was checked.
    #[must_use]
    pub const fn step(&self, of: Procedure) -> Option<u8> {
        let (registration, sign_in) = match self {
            Self::Malformed(
                ResponseMember::Json | ResponseMember::Type | ResponseMember::CredentialId,
            ) => (Some(3), Some(3)),
            Self::Malformed(ResponseMember::ClientData) => (Some(6), Some(9)),
            Self::Malformed(ResponseMember::AttestationObject) => (Some(13), None),
            Self::Malformed(ResponseMember::AuthenticatorData) => (Some(13), Some(7)),
            Self::Malformed(ResponseMember::Signature) => (None, Some(7)),
            Self::NotAllowed => (None, Some(5)),
            Self::CredentialId | Self::UserHandle => (None, Some(6)),
            Self::Type(_) => (Some(7), Some(10)),
            Self::Challenge => (Some(8), Some(11)),
            Self::Origin(_) => (Some(9), Some(12)),
            Self::CrossOrigin => (Some(10), Some(13)),
            Self::RpId => (Some(14), Some(15)),
            Self::NotPresent => (Some(15), Some(16)),
            Self::NotVerified => (Some(16), Some(17)),
            Self::BackupFlags => (Some(17), Some(18)),
            Self::BackupEligibility => (None, Some(19)),
            Self::Algorithm | Self::PublicKey => (Some(20), Some(21)),
            Self::UnsupportedAttestation(_) => (Some(21), None),
            Self::Attestation(_) => (Some(22), None),
            Self::UntrustedAttestation(_) => (Some(24), None),
            Self::CredentialIdLength(_) => (Some(25), None),
            Self::AlreadyRegistered => (Some(26), None),
            Self::Signature => (None, Some(21)),
            Self::Counter => (None, Some(22)),
            Self::Extension(_) | Self::Unavailable(_) | Self::Other(_) => (None, None),
        };
        match of {
            Procedure::Registration => registration,
            Procedure::SignIn => sign_in,
        }
    }
}
