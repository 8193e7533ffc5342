//! The seam between keeping accounts and judging credentials.

use serde_json::Value;

/// Who a credential is made for (`PublicKeyCredentialUserEntity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user handle: random, 32 bytes, the same for all keys of an account.
    pub handle: [u8; 32],
    /// The account's name, used for `name` and `displayName`.
    pub name: String,
}

/// Options for the client, and what the verifier must remember until the answer comes.
#[derive(Debug, Clone)]
pub struct Challenge<S> {
    /// The value of `publicKey`, with binary members in base64url. `challenge` must be unguessable:
    /// it also names the ceremony.
    pub options: Value,
    /// Handed back once, with the answer.
    pub state: S,
}

/// A registration that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationCheck<R> {
    /// The credential id, base64url without padding.
    pub credential_id: String,
    /// The attestation statement format, such as `none`.
    pub attestation: String,
    /// Flag BE.
    pub backup_eligible: bool,
    /// Flag BS.
    pub backed_up: bool,
    /// What later sign-ins are checked against.
    pub record: R,
}

/// A sign-in that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCheck<R> {
    /// Flag UV.
    pub user_verified: bool,
    /// Flag BS.
    pub backed_up: bool,
    /// Replaces the record that was checked against.
    pub record: R,
}

/// Judges credentials (WebAuthn L3 §7.1 and §7.2) and makes the options for them.
///
/// The relying party sees to the rest: each state is handed back at most once and not after it
/// expired, the record is that of the credential the answer names, it belongs to the account that
/// the sign-in was begun for, and a user handle in the answer is that of the account.
pub trait Verifier: Send + Sync + 'static {
    /// What is stored with a key.
    type Record: Clone + Send + Sync + 'static;
    /// What is remembered between the halves of a registration.
    type Registration: Send + 'static;
    /// What is remembered between the halves of a sign-in.
    type SignIn: Send + 'static;

    /// Makes the options of a registration; `existing` are the account's keys, to be excluded.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when no challenge can be made.
    fn begin_registration(
        &self,
        user: &User,
        existing: &[Self::Record],
    ) -> Result<Challenge<Self::Registration>, VerifyError>;

    /// Checks a `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// The first check that failed.
    fn finish_registration(
        &self,
        state: Self::Registration,
        credential: &Value,
    ) -> Result<RegistrationCheck<Self::Record>, VerifyError>;

    /// Makes the options of a sign-in: with an allow list of the keys given, or (`None`) for any
    /// discoverable credential.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when no challenge can be made.
    fn begin_sign_in(
        &self,
        allow: Option<&[Self::Record]>,
    ) -> Result<Challenge<Self::SignIn>, VerifyError>;

    /// Checks an `AuthenticationResponseJSON` against the record of the credential that it names.
    ///
    /// # Errors
    /// The first check that failed.
    fn finish_sign_in(
        &self,
        state: Self::SignIn,
        record: &Self::Record,
        credential: &Value,
    ) -> Result<SignInCheck<Self::Record>, VerifyError>;
}

/// Why a credential was not accepted.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A member of the answer is missing or malformed.
    #[error("the answer's {0} is missing or malformed")]
    Malformed(&'static str),
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
    /// Flags BE and BS contradict each other, or BE changed.
    #[error("the backup flags contradict each other or what was registered")]
    BackupFlags,
    /// The key's algorithm was not offered.
    #[error("the key's algorithm was not asked for")]
    Algorithm,
    /// The attestation statement is not one that this verifier can check.
    #[error("attestation of the format {0:?} can't be checked here")]
    UnsupportedAttestation(String),
    /// The attestation statement is wrong.
    #[error("the attestation statement is wrong")]
    Attestation,
    /// The credential id differs between members, is too long, or is not the one asked about.
    #[error("the credential id is not the one expected")]
    CredentialId,
    /// The signature does not match.
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
