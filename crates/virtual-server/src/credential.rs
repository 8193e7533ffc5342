//! A passkey as JSON: a superset of Playwright's `VirtualCredential`, DevTools' `Credential`,
//! WebDriver's Credential Parameters (WebAuthn L3 §11.5) and CXF's passkey (§3.3.12), so that it
//! can be given to any of them, and comes back from here without loss.

mod change;
mod passkey;
mod public_key;
mod written;

use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

pub use self::change::CredentialPatch;
use self::written::Written;
use crate::{Base64Url, SecretBase64Url};

/// A passkey with everything that is kept of it, its private key and secrets included.
///
/// In JSON it has the names of all four forms: `credentialId` (Playwright: `id`), `privateKey`
/// (CXF: `key`), `userName` (CXF: `username`), and so on. They are all written; when it is read,
/// one is enough, and two must say the same. Of DevTools' form, the other alphabet of base64 is
/// read as well, and -1 for a passkey that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
#[non_exhaustive]
pub struct StoredCredential {
    /// The id by which sites know it, of 1 to 1023 bytes.
    pub credential_id: Base64Url,
    /// The RP ID.
    pub rp_id: String,
    /// What the site called itself.
    pub rp_name: Option<String>,
    /// The private key as a key package (RFC 5958, "PKCS #8"): on P-256 or P-384, of Ed25519 or
    /// RSA.
    pub private_key: SecretBase64Url,
    /// Whether it can be found without its id.
    pub is_resident_credential: bool,
    /// The user handle, of 1 to 64 bytes; discoverable passkeys have one.
    pub user_handle: Option<Base64Url>,
    /// The name of the account.
    pub user_name: Option<String>,
    /// The name of the person.
    pub user_display_name: Option<String>,
    /// How often it has signed; `None` for one that does not count, and always says 0.
    pub sign_count: Option<u32>,
    /// Whether it may be backed up (BE); `None` as the authenticator's default says.
    pub backup_eligibility: Option<bool>,
    /// Whether it is backed up (BS); `None` as the authenticator's default says.
    pub backup_state: Option<bool>,
    /// The level of `credProtect`, 1 to 3.
    pub cred_protect: u8,
    /// What the site has stored as `credBlob`.
    pub cred_blob: Option<SecretBase64Url>,
    /// The large blob, not compressed. `Some` of no bytes is a place where nothing was written.
    pub large_blob: Option<SecretBase64Url>,
    /// The key of a large blob that is in the authenticator's array (`largeBlobKey`), of 32 bytes.
    pub large_blob_key: Option<SecretBase64Url>,
    /// What `hmac-secret` and `prf` come from.
    pub prf: Option<PrfSeeds>,
    /// Whether it is good for payments on other sites.
    pub third_party_payment: bool,
    /// When it was made, in seconds since the beginning of 1970.
    pub created_at: Option<i64>,
    /// When it was changed last, in the same form.
    pub changed_at: Option<i64>,
    /// When it signed last, in the same form.
    pub used_at: Option<i64>,
}

/// What the values of `hmac-secret` and `prf` come from (CTAP 2.3 §12.5), each of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrfSeeds {
    /// The one secret that both seeds are derived from, as authenticators of towline have it.
    One(SecretBase64Url),
    /// The seeds themselves, as CXF has them.
    Two {
        /// For requests with user verification.
        with_uv: SecretBase64Url,
        /// For requests without.
        without_uv: SecretBase64Url,
    },
}

impl PartialSchema for StoredCredential {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Written::schema()
    }
}

impl ToSchema for StoredCredential {
    fn name() -> std::borrow::Cow<'static, str> {
        "StoredCredential".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        Written::schemas(schemas);
    }
}
