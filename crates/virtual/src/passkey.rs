//! A passkey as a test sees it: everything that is kept of it, and everything may be changed.

use std::fmt;

use towline_authenticator::{Credential, KeyHandle};
use towline_crypto::{rustcrypto, zeroize::Zeroizing};
use towline_ctap::{CredentialId, IdError, RpId, User, UserHandle};
use towline_exchange::KeyPackage;

/// A passkey of a virtual authenticator, to be read, added, and changed.
///
/// ```
/// use towline_virtual::{Passkey, PrivateKey, VirtualAuthenticator};
///
/// let scalar = [7; 32];
/// let key = PrivateKey::es256(&scalar);
/// let device = VirtualAuthenticator::security_key();
/// device.add(Passkey::new("example.org", b"42", key)?.named("alice").counting(7))?;
/// assert_eq!(device.passkeys()[0].sign_count, Some(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// What the authenticator keeps. [`Credential::never_counts`] follows from the counter here.
    pub credential: Credential,
    /// How often it has signed; `None` for one that does not count, and always says 0.
    pub sign_count: Option<u32>,
    /// Whether it is backed up (BS). Without effect unless it may be
    /// ([`Credential::backup_eligible`], BE).
    pub backed_up: bool,
}

impl Passkey {
    /// A discoverable passkey that does not count, of an account without a name. Its id follows
    /// from all of this.
    ///
    /// # Errors
    /// [`IdError`] where the RP ID or the user handle is empty or too long.
    pub fn new(rp_id: &str, user_handle: &[u8], key: PrivateKey) -> Result<Self, IdError> {
        let PrivateKey(key) = key;
        let parts = [rp_id.as_bytes(), user_handle, key.expose()];
        let id = CredentialId::new(&rustcrypto::provider().sha256.hash(&parts))?;
        let user = User { id: UserHandle::new(user_handle)?, name: None, display_name: None };
        let mut credential = Credential::new(id, RpId::new(rp_id)?, user, key);
        credential.discoverable = true;
        Ok(Self { credential, sign_count: None, backed_up: false })
    }

    /// The same with this id.
    #[must_use]
    pub fn with_id(mut self, id: CredentialId) -> Self {
        self.credential.id = id;
        self
    }

    /// The same with this name of the account.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.credential.user.name = Some(name.to_owned());
        self.credential.user.display_name = Some(name.to_owned());
        self
    }

    /// The same, counting its signatures on from here.
    #[must_use]
    pub const fn counting(mut self, sign_count: u32) -> Self {
        self.sign_count = Some(sign_count);
        self
    }

    /// The same, to be found by its id only.
    #[must_use]
    pub const fn not_discoverable(mut self) -> Self {
        self.credential.discoverable = false;
        self
    }

    /// The same, with these backup flags: whether it may be backed up, and whether it is.
    #[must_use]
    pub const fn with_backup(mut self, eligible: bool, backed_up: bool) -> Self {
        self.credential.backup_eligible = eligible;
        self.backed_up = backed_up;
        self
    }

    /// The id by which sites know it.
    #[must_use]
    pub const fn id(&self) -> &CredentialId {
        &self.credential.id
    }

    /// The private key that signs for it.
    #[must_use]
    pub fn key(&self) -> PrivateKey {
        PrivateKey(self.credential.key.clone())
    }
}

/// A private key, to be given to a virtual authenticator or taken from one. It is wiped, and not
/// shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(KeyHandle);

impl PrivateKey {
    /// A key of this COSE algorithm in the plain form of
    /// [`SignatureAlgorithm`](towline_crypto::SignatureAlgorithm): a scalar, a seed.
    #[must_use]
    pub fn plain(algorithm: i64, private: &[u8]) -> Self {
        Self(KeyHandle::new(algorithm, Zeroizing::new(private.into())))
    }

    /// An ES256 key from its big-endian scalar.
    #[must_use]
    pub fn es256(scalar: &[u8; 32]) -> Self {
        Self::plain(towline_ctap::algorithm::ES256, scalar)
    }

    /// Reads a key package (RFC 5958, "PKCS #8") of a key on P-256 or P-384, for Ed25519, RSA or
    /// ML-DSA, as WebDriver's Add Credential carries it. RSA keys need a provider that has RS256,
    /// and those of ML-DSA one that has that.
    ///
    /// # Errors
    /// [`KeyPackageError`] for anything else.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyPackageError> {
        let package = KeyPackage::read(der).map_err(|_| KeyPackageError)?;
        Ok(Self::plain(package.algorithm, &package.private))
    }

    /// The key as a key package (RFC 5958), without its public half; `None` for algorithms that
    /// have no package here.
    #[must_use]
    pub fn to_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        KeyPackage::write_plain(self.0.algorithm(), self.0.expose(), None)
    }

    /// The COSE algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> i64 {
        self.0.algorithm()
    }

    /// The plain form: a secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    pub(crate) const fn handle(&self) -> &KeyHandle {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(algorithm {})", self.algorithm())
    }
}

/// The bytes are no key package of a kind that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no PKCS #8 key on P-256 or P-384, for Ed25519, RSA or ML-DSA")]
pub struct KeyPackageError;
