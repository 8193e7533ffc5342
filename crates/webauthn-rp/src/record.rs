//! What a relying party keeps of a credential.

use towline_ctap::{Aaguid, CosePublicKey};

/// A credential as sign-ins are checked against it (WebAuthn L3 §4, "credential record").
///
/// Keep it in whatever form suits the database: [`CosePublicKey::encode`] and
/// [`CosePublicKey::decode`] turn the key into bytes and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// The credential id, of 1 to 1023 bytes.
    pub id: Vec<u8>,
    /// The key that signatures are verified with.
    pub public_key: CosePublicKey,
    /// The signature counter as it was last seen; 0 for an authenticator that does not count.
    pub sign_count: u32,
    /// Flag BE at the registration, which never changes.
    pub backup_eligible: bool,
    /// Flag BS as it was last seen.
    pub backed_up: bool,
    /// Whether the person has been verified with this credential (flag UV) at least once.
    pub uv_initialized: bool,
    /// How the authenticator can be reached, for the lists in options.
    pub transports: Vec<String>,
    /// The model of the authenticator, as it says without proof.
    pub aaguid: Aaguid,
    /// The user handle of the account.
    pub user_handle: Vec<u8>,
}
