//! The JSON that goes over HTTP, shared by the server and [`RpClient`](crate::RpClient).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /register/begin`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginRegistration {
    pub(crate) account: String,
    pub(crate) key_name: String,
}

/// `POST /sign-in/begin`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginSignIn {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
}

/// `POST /register/finish` and `POST /sign-in/finish`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    pub(crate) ceremony: String,
    pub(crate) credential: Value,
}

/// `POST /keys/rename`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenameKey {
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) name: String,
}

/// `POST /keys/remove`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveKey {
    pub(crate) account: String,
    pub(crate) key: String,
}

/// `POST /keys/list`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListKeys {
    pub(crate) account: String,
}

/// A ceremony that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Names the ceremony when it is finished. Good once, and for a limited time.
    pub ceremony: String,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`
    /// (WebAuthn L3 §5.1.8, §5.1.9).
    pub public_key: Value,
}

/// A key of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The credential id, base64url without padding.
    pub id: String,
    /// The name that the person gave, 1 to 64 characters.
    pub name: String,
    /// When it was added, in seconds of Unix time.
    pub added: u64,
    /// When it last signed in, in seconds of Unix time.
    pub last_used: Option<u64>,
    /// Whether it may exist on several devices (flag BE).
    pub backup_eligible: bool,
    /// Whether it is backed up now (flag BS).
    pub backed_up: bool,
    /// The attestation statement format it came with, such as `none` or `packed`.
    pub attestation: String,
    /// Whether certificates of that statement led to a root that the site trusts.
    #[serde(default)]
    pub attestation_trusted: bool,
}

/// The answer to a finished registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredKey {
    /// The account that has the key now.
    pub account: String,
    /// The new key.
    pub key: KeyEntry,
}

/// The answer to a finished sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInKey {
    /// Who signed in.
    pub account: String,
    /// With which key.
    pub key: KeyEntry,
    /// Whether the authenticator verified the person (flag UV).
    pub user_verified: bool,
}

/// One line of the log of sign-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEntry {
    /// When, in seconds of Unix time.
    pub at: u64,
    /// The account, where it could be told.
    pub account: Option<String>,
    /// The name of the key, where it could be told.
    pub key: Option<String>,
    /// `None`: signed in. Otherwise why not.
    pub refused: Option<ErrorCode>,
}

/// An account with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// The account's name.
    pub name: String,
    /// Its keys, oldest first.
    pub keys: Vec<KeyEntry>,
}

/// All that the relying party knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpStatus {
    /// Its RP ID, which passkeys are bound to.
    pub rp_id: String,
    /// Its name for a person.
    pub rp_name: String,
    /// The origin that it expects.
    pub origin: String,
    /// Its accounts, by name.
    pub accounts: Vec<AccountEntry>,
    /// The log of sign-ins, oldest first.
    pub sign_ins: Vec<SignInEntry>,
}

/// The answer to a request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The reason, for programs.
    pub code: ErrorCode,
    /// For a person: a sentence.
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// How an [`ApiError`] travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) error: ApiError,
}

/// Why a request was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The body is not the JSON that the request needs.
    BadRequest,
    /// An account or key name is empty, too long, or holds control characters.
    BadName,
    /// No such page.
    NotFound,
    /// The page wants another method.
    MethodNotAllowed,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body is longer than allowed.
    TooLarge,
    /// The request did not arrive in time.
    TooSlow,
    /// The request names another host, or comes from a page of another origin.
    Forbidden,
    /// There is no such account.
    UnknownAccount,
    /// The account has no such key.
    UnknownKey,
    /// The account has no keys to sign in with.
    NoKeys,
    /// The ceremony is unknown, used already, or expired.
    UnknownCeremony,
    /// The key is registered already.
    AlreadyRegistered,
    /// No more accounts or keys fit.
    Full,
    /// The text is not an e-mail address.
    BadAddress,
    /// The password is too short or too long.
    BadPassword,
    /// Without this key nobody could sign in to the account any more.
    LastKey,
    /// There is an account of that name already.
    NameTaken,
    /// The account or the password is wrong; which of them is not told.
    WrongPassword,
    /// Too many attempts from there, or for that account: wait.
    TooMany,
    /// Nobody is signed in, or not any more.
    SignedOut,
    /// Nothing was saved: the disk is full.
    StorageFull,
    /// Nothing was saved: another program holds the database.
    StorageBusy,
    /// Nothing was saved: the database may not be written.
    StorageReadOnly,
    /// The credential did not verify.
    NotVerified,
    /// The credential did, but nobody whom the site trusts vouches for its device, or what does is
    /// wrong.
    NotVouchedFor,
    /// The relying party itself failed.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

pub(crate) fn already_registered() -> ApiError {
    ApiError::new(ErrorCode::AlreadyRegistered, "This key is registered already.")
}

pub(crate) fn unknown_account(account: &str) -> ApiError {
    ApiError::new(
        ErrorCode::UnknownAccount,
        format!("There is no account named {account:?}; register a key first."),
    )
}

pub(crate) fn unknown_key() -> ApiError {
    ApiError::new(ErrorCode::UnknownKey, "The account has no such key; it may have been removed.")
}

pub(crate) fn unknown_ceremony() -> ApiError {
    ApiError::new(ErrorCode::UnknownCeremony, "This ceremony is over or expired; begin again.")
}
