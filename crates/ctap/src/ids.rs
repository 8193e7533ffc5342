//! Identifiers and hashes that can't hold an illegal value.

use alloc::{boxed::Box, sync::Arc};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use towline_cbor::Reader;
use towline_crypto::CryptoProvider;

use crate::{IdError, Malformed};

/// An RP ID as the authenticator sees it: non-empty UTF-8 of at most 253 bytes, the limit of a
/// domain name. Equality is exact; which names a site may use is the client's business (WebAuthn L3
/// §5.1.3). Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RpId(Arc<str>);

impl RpId {
    /// The longest that is accepted, in bytes.
    pub const MAX: usize = 253;

    /// Checks the length.
    ///
    /// # Errors
    /// [`IdError`] for an empty text or one of more than 253 bytes.
    pub fn new(id: &str) -> Result<Self, IdError> {
        check_length(id.len(), Self::MAX)?;
        Ok(Self(id.into()))
    }

    /// The RP ID as text, exactly as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn hash(&self, provider: &CryptoProvider) -> RpIdHash {
        RpIdHash(provider.sha256.hash(&[self.0.as_bytes()]))
    }
}

impl fmt::Display for RpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Makes one of bytes, any of which are allowed.
            #[must_use]
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes, as they are on the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl From<[u8; $length]> for $name {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                hex(&self.0, f)?;
                f.write_str(")")
            }
        }
    };
}

fixed! {
    /// SHA-256 of an [`RpId`]; 32 bytes, the first field of authenticator data (WebAuthn L3 §6.1).
    RpIdHash 32
}

fixed! {
    /// SHA-256 of the client data JSON; 32 bytes (WebAuthn L3 §5.8.1).
    ClientDataHash 32
}

fixed! {
    /// Names the model of an authenticator; 16 bytes, all zero for "not told" (CTAP 2.3 §6.4).
    Aaguid 16
}

impl RpIdHash {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bytes = reader.bytes()?.try_into().map_err(|_| Malformed::Length("rpIDHash"))?;
        Ok(Self(bytes))
    }
}

impl ClientDataHash {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bytes = reader.bytes()?.try_into().map_err(|_| Malformed::Length("clientDataHash"))?;
        Ok(Self(bytes))
    }
}

impl Aaguid {
    /// The model is not told.
    pub const ZERO: Self = Self([0; 16]);
}

/// As a UUID: lower-case hexadecimal, in groups of 8, 4, 4, 4 and 12 digits.
impl fmt::Display for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// How many bytes of a credential id are kept in place. Those that are made here and elsewhere
/// mostly have 16, 20, 32 or 64, and so take no memory of their own.
const IN_PLACE: usize = 64;

/// The bytes of a credential id. Those that are not used in place are zero.
#[derive(Clone)]
enum Bytes {
    InPlace { length: u8, bytes: [u8; IN_PLACE] },
    Boxed(Box<[u8]>),
}

impl From<&[u8]> for Bytes {
    fn from(from: &[u8]) -> Self {
        let mut bytes = [0; IN_PLACE];
        match (u8::try_from(from.len()), bytes.get_mut(..from.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(from);
                Self::InPlace { length, bytes }
            }
            _ => Self::Boxed(from.into()),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::InPlace { length, bytes } => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Self::Boxed(bytes) => bytes,
        }
    }
}

macro_rules! variable {
    ($(#[$doc:meta])* $name:ident $kept:ty, $max:literal $member:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name($kept);

        impl $name {
            /// The longest that is allowed, in bytes.
            pub const MAX: usize = $max;

            /// Checks the length.
            ///
            /// # Errors
            /// [`IdError`] for no bytes, or more than [`Self::MAX`].
            pub fn new(bytes: &[u8]) -> Result<Self, IdError> {
                check_length(bytes.len(), Self::MAX)?;
                Ok(Self(bytes.into()))
            }

            /// Its bytes, as they are on the wire.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
                Self::new(bytes).map_err(|_| Malformed::Length($member))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.as_bytes().cmp(other.as_bytes())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                Self::new(bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                hex(self.as_bytes(), f)?;
                f.write_str(")")
            }
        }
    };
}

variable! {
    /// Names a credential; 1 to 1023 bytes that mean something to its authenticator only (WebAuthn
    /// L3 §4).
    CredentialId Bytes, 1023 "the credential id"
}

variable! {
    /// Names an account of a relying party; 1 to 64 bytes (WebAuthn L3 §5.4.3). Not meant to be
    /// shown to a person. Clones share the bytes.
    UserHandle Arc<[u8]>, 64 "user.id"
}

fn check_length(length: usize, max: usize) -> Result<(), IdError> {
    match length {
        0 => Err(IdError::Empty),
        _ if length > max => Err(IdError::TooLong { length, max }),
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn ids_of_an_allowed_length_are_kept() {
        assert_eq!(RpId::new(&"a".repeat(253)).unwrap().as_str().len(), 253);
        assert_eq!(CredentialId::new(&[1; 1023]).unwrap().as_bytes().len(), 1023);
        assert_eq!(UserHandle::new(&[1]).unwrap().as_bytes(), [1]);
    }

    #[test]
    fn ids_are_the_same_if_their_bytes_are_however_many_there_are() {
        let ids = [&[1; 1][..], &[1; 63], &[1; 64], &[1; 65], &[1; 1023], &[1, 0], &[2], &[0; 64]];
        for a in ids {
            let id = CredentialId::new(a).unwrap();
            assert_eq!(id.as_bytes(), a);
            for b in ids {
                let other = CredentialId::new(b).unwrap();
                assert_eq!((id == other, id.cmp(&other)), (a == b, a.cmp(b)));
            }
        }
    }

    #[test]
    fn empty_ids_are_refused() {
        assert_eq!(RpId::new(""), Err(IdError::Empty));
        assert_eq!(CredentialId::new(&[]), Err(IdError::Empty));
        assert_eq!(UserHandle::new(&[]), Err(IdError::Empty));
    }

    #[test]
    fn ids_that_are_too_long_are_refused() {
        assert_eq!(RpId::new(&"a".repeat(254)), Err(IdError::TooLong { length: 254, max: 253 }));
        assert_eq!(
            CredentialId::new(&[0; 1024]),
            Err(IdError::TooLong { length: 1024, max: 1023 })
        );
        assert_eq!(UserHandle::new(&[0; 65]), Err(IdError::TooLong { length: 65, max: 64 }));
    }

    #[test]
    fn the_hash_of_an_rp_id_is_its_sha_256() {
        let hash = RpId::new("example.com").unwrap().hash(&towline_crypto::rustcrypto::provider());
        assert_eq!(
            format!("{hash:?}"),
            "RpIdHash(a379a6f6eeafb9a55e378c118034e2751e682fab9f2d30ab13d2125586ce1947)"
        );
    }

    #[test]
    fn an_aaguid_is_shown_as_a_uuid() {
        let aaguid = Aaguid::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(aaguid.to_string(), "00010203-0405-0607-0809-0a0b0c0d0eff");
    }
}
