//! One credential as it is stored.

use std::{fmt, sync::Arc};

use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

/// A passkey: everything that is kept of it, but for its signature counter, which the store counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name, given out to the relying party.
    pub id: CredentialId,
    /// For whom it is. Equality is exact.
    pub rp_id: RpId,
    /// What the relying party called itself.
    pub rp_name: Option<String>,
    /// The account.
    pub user: User,
    /// Whether it can be found without its id. There is at most one for each RP ID and user handle.
    pub discoverable: bool,
    /// Who may use and find it (`credProtect`).
    pub protection: CredentialProtectionPolicy,
    /// Whether it may be backed up: fixed when it was made.
    pub backup_eligible: bool,
    /// Its key.
    pub key: KeyHandle,
    /// What extensions keep with it; `None` if they keep nothing.
    pub extensions: Option<Box<ExtensionData>>,
}

/// What extensions keep with a credential. The secrets are wiped on drop and not shown by `Debug`.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ExtensionData {
    /// `hmac-secret` and `prf`: the secret that both of its CredRandom values are derived from.
    pub hmac_secret: Option<Secret<32>>,
    /// `credBlob`: what the relying party stored; at most as long as the config says.
    pub cred_blob: Option<Box<[u8]>>,
    /// `largeBlobKey`: the key of the credential's large blob.
    pub large_blob_key: Option<LargeBlobKey>,
    /// `largeBlob`: the place for the credential's large blob; `None` if it can't have one.
    pub large_blob: Option<LargeBlobPlace>,
    /// `thirdPartyPayment`: whether it is good for payments on other sites.
    pub third_party_payment: bool,
}

impl fmt::Debug for ExtensionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtensionData")
            .field("hmac_secret", &self.hmac_secret)
            .field("cred_blob", &self.cred_blob.as_deref().map(<[u8]>::len))
            .field("large_blob_key", &self.large_blob_key)
            .field("large_blob", &self.large_blob)
            .field("third_party_payment", &self.third_party_payment)
            .finish()
    }
}

/// The place for the large blob of a credential (`largeBlob`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LargeBlobPlace {
    /// Nothing has been written yet.
    Empty,
    /// What was written last; at most as long as the config says.
    Holds(Box<LargeBlob>),
}

impl LargeBlobPlace {
    /// The blob, if one was written.
    #[must_use]
    pub fn blob(&self) -> Option<&LargeBlob> {
        match self {
            Self::Empty => None,
            Self::Holds(blob) => Some(blob),
        }
    }
}

/// A key as a [`KeyStore`](crate::KeyStore) wants it kept: for software the private key itself, for hardware a wrapped
/// key or a handle. Clones share it; it is wiped when the last one is dropped, and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHandle {
    algorithm: i64,
    material: Arc<Zeroizing<Box<[u8]>>>,
}

impl KeyHandle {
    /// A handle of a key of this COSE algorithm.
    #[must_use]
    pub fn new(algorithm: i64, material: Zeroizing<Box<[u8]>>) -> Self {
        Self { algorithm, material: Arc::new(material) }
    }

    /// The COSE algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// What the key store wants kept: a secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.material
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle(algorithm {}, {} bytes)", self.algorithm, self.material.len())
    }
}
