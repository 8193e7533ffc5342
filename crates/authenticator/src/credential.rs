//! One credential as it is stored.

use std::{fmt, sync::Arc};

use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

mod bytes;
mod kept;
mod wiped;

pub use self::bytes::DamagedCredential;
use self::kept::{Kept, Rest, kept};
pub(crate) use self::{bytes::Keys, wiped::Wiped};

kept! {
    /// A passkey: everything that is kept of it, but for its signature counter, which the store
    /// counts.
    pub struct Credential {
        since 2 {
            /// Its name, given out to the relying party.
            pub id: CredentialId,
            /// The account that it signs in to.
            pub user: User,
            /// Whether it can be found without its id. There is at most one for each RP ID and user
            /// handle.
            pub discoverable: bool,
            /// Who may use and find it (`credProtect`).
            pub protection: CredentialProtectionPolicy,
            /// Whether it may be backed up: fixed when it was made.
            pub backup_eligible: bool,
            /// For whom it is. Equality is exact.
            pub rp_id: RpId,
            /// What the relying party called itself.
            pub rp_name: Option<String>,
            /// The private key, as the key store refers to it.
            pub key: KeyHandle,
            /// What extensions keep with it; `None` if they keep nothing.
            pub extensions: Option<Box<ExtensionData>>,
            /// Whether its signatures carry the counter 0 for ever, whatever the policy: so it is
            /// with passkeys that came from somewhere where nobody counts.
            pub never_counts: bool,
            /// When it was made, as far as anybody knows.
            pub made: Option<UnixTime>,
            /// When its names, or what extensions keep, were changed last.
            pub changed: Option<UnixTime>,
            /// When it signed last.
            pub used: Option<UnixTime>,
            /// How often it was changed since it was made; using it is no change.
            pub revision: u64,
            /// What came along from elsewhere and means nothing here; it may be as secret as a
            /// password.
            pub foreign: Option<SecretBytes>,
        }
        since 3 {
            /// Whether it is known to be elsewhere, too: on another device of the person, or where
            /// these devices get it from (BS). Means nothing where it may not be backed up.
            pub backed_up: bool,
        }
    }
}

kept! {
    #[derive(Default)]
    #[non_exhaustive]
    /// What extensions keep with a credential. The secrets are wiped on drop and not shown by
    /// `Debug`.
    pub struct ExtensionData {
        since 2 {
            /// `hmac-secret` and `prf`: what its values come from.
            pub cred_random: Option<CredRandom>,
            /// `credBlob`: what the relying party stored; at most as long as the config says.
            pub cred_blob: Option<SecretBytes>,
            /// `largeBlobKey`: the key of the credential's large blob.
            pub large_blob_key: Option<LargeBlobKey>,
            /// `largeBlob`: the place for the credential's large blob; `None` if it can't have one.
            pub large_blob: Option<LargeBlobPlace>,
            /// `thirdPartyPayment`: whether it is good for payments on other sites.
            pub third_party_payment: bool,
        }
    }
}

impl Credential {
    /// A credential that can't be found without its id, of which nothing else is known.
    #[must_use]
    pub fn new(id: CredentialId, rp_id: RpId, user: User, key: KeyHandle) -> Self {
        Self {
            id,
            user,
            discoverable: false,
            protection: CredentialProtectionPolicy::default(),
            backup_eligible: false,
            rp_id,
            rp_name: None,
            key,
            extensions: None,
            never_counts: false,
            made: None,
            changed: None,
            used: None,
            revision: 0,
            foreign: None,
            backed_up: false,
        }
    }

    /// Gives the account other names; its user handle stays.
    pub fn rename(&mut self, user: User, at: Option<UnixTime>) {
        self.user = User { id: self.user.id.clone(), ..user };
        self.note_change(at);
    }

    /// Replaces what extensions keep.
    pub fn set_extension_data(&mut self, data: Option<Box<ExtensionData>>, at: Option<UnixTime>) {
        self.extensions = data;
        self.note_change(at);
    }

    const fn note_change(&mut self, at: Option<UnixTime>) {
        self.revision = self.revision.saturating_add(1);
        if at.is_some() {
            self.changed = at;
        }
    }
}

/// What the values of `hmac-secret` and `prf` come from: one value with user verification and
/// another without (CTAP 2.3 §12.5, "CredRandom"). Secrets, wiped on drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredRandom {
    /// The secret that both are derived from, as credentials that are made here have it.
    Derived(Secret<32>),
    /// Both, as they came from elsewhere.
    Pair {
        /// The one for requests with user verification.
        with_uv: Secret<32>,
        /// The one for others.
        without_uv: Secret<32>,
    },
}

impl Kept for CredRandom {
    fn room(&self) -> usize {
        match self {
            Self::Derived(_) => 33,
            Self::Pair { .. } => 65,
        }
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Derived(secret) => {
                bytes.push(0);
                secret.put(bytes);
            }
            Self::Pair { with_uv, without_uv } => {
                bytes.push(1);
                with_uv.put(bytes);
                without_uv.put(bytes);
            }
        }
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        match rest.byte()? {
            0 => Some(Self::Derived(Kept::take(rest)?)),
            1 => Some(Self::Pair { with_uv: Kept::take(rest)?, without_uv: Kept::take(rest)? }),
            _ => None,
        }
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
    pub const fn blob(&self) -> Option<&LargeBlob> {
        match self {
            Self::Empty => None,
            Self::Holds(blob) => Some(blob),
        }
    }
}

impl Kept for LargeBlobPlace {
    fn room(&self) -> usize {
        self.blob().map_or(0, Kept::room).saturating_add(1)
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        self.blob().is_some().put(bytes);
        if let Some(blob) = self.blob() {
            blob.put(bytes);
        }
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        let holds: Option<Box<LargeBlob>> = Kept::take(rest)?;
        Some(holds.map_or(Self::Empty, Self::Holds))
    }
}

/// A time of day: seconds since the beginning of 1970, as far as whoever said so had a clock that
/// was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

impl Kept for UnixTime {
    fn room(&self) -> usize {
        self.0.room()
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        i64::take(rest).map(Self)
    }
}

/// Bytes of any length that may be secret. Clones share them; they are wiped when the last one is
/// dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct SecretBytes(Arc<Run>);

/// How many bytes stand beside the count of the clones: as many as most keys have.
const IN_PLACE: usize = 32;

/// Secret bytes, wiped on drop.
enum Run {
    InPlace(Secret<IN_PLACE>),
    Elsewhere(Wiped),
}

impl SecretBytes {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Zeroizing<Box<[u8]>>) -> Self {
        // Which wipes what it leaves as one run.
        let bytes = Wiped::from(bytes);
        match Secret::from_slice(&bytes) {
            Ok(secret) => Self(Arc::new(Run::InPlace(secret))),
            Err(_) => Self(Arc::new(Run::Elsewhere(bytes))),
        }
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match &*self.0 {
            Run::InPlace(secret) => secret.expose(),
            Run::Elsewhere(wiped) => wiped,
        }
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        match Secret::from_slice(bytes) {
            Ok(secret) => Self(Arc::new(Run::InPlace(secret))),
            Err(_) => Self(Arc::new(Run::Elsewhere(bytes.into()))),
        }
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Run::Elsewhere(Zeroizing::new(bytes).into())))
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.expose().len())
    }
}

/// A key as a [`KeyStore`](crate::KeyStore) wants it kept: for software the private key itself, for
/// hardware a wrapped key or a handle. Clones share it; it is wiped when the last one is dropped,
/// and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHandle {
    algorithm: i64,
    material: SecretBytes,
}

impl KeyHandle {
    /// A handle of a key of this COSE algorithm.
    #[must_use]
    pub fn new(algorithm: i64, material: Zeroizing<Box<[u8]>>) -> Self {
        Self { algorithm, material: SecretBytes::new(material) }
    }

    /// The same from a copy of the bytes, which is the only one that is made.
    pub(crate) fn of(algorithm: i64, material: &[u8]) -> Self {
        Self { algorithm, material: material.into() }
    }

    /// The COSE algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// What the key store wants kept: a secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.material.expose()
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle(algorithm {}, {} bytes)", self.algorithm, self.expose().len())
    }
}

impl Kept for KeyHandle {
    fn room(&self) -> usize {
        self.algorithm.room().saturating_add(self.material.room())
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        let Self { algorithm, material } = self;
        algorithm.put(bytes);
        material.put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Some(Self { algorithm: Kept::take(rest)?, material: Kept::take(rest)? })
    }
}

/// How much of a name is kept, in bytes: more than any real one, less than what fills a store or a
/// dialog. The standard asks for 64 at least.
const NAME: usize = 256;

/// Cuts a name at the end of a character.
pub(crate) fn shorten(name: &mut Option<String>) {
    if let Some(name) = name
        && name.len() > NAME
    {
        let end = (0..=NAME).rev().find(|end| name.is_char_boundary(*end));
        name.truncate(end.unwrap_or_default());
    }
}
