//! The seam between keeping accounts and judging credentials.

use serde_json::Value;

use crate::VerifyError;

/// Who a credential is made for (`PublicKeyCredentialUserEntity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntity {
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
    /// Whether certificates vouch for it, and lead to a root that the site trusts.
    pub attestation_trusted: bool,
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
        user: &UserEntity,
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
