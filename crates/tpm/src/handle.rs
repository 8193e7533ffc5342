//! What commands are about: handles, and the names that authorisations are bound to.

use std::fmt;

use towline_crypto::CryptoProvider;

use crate::wire::{Reader, Unreadable};

/// The longest name: a hash algorithm and a SHA-512.
const LONGEST_NAME: usize = 66;

/// A handle of something in a TPM (TPM 2.0 Part 2 §7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(pub u32);

impl Handle {
    /// The owner hierarchy, where the keys of credentials are.
    pub const OWNER: Self = Self(0x4000_0001);
    /// No hierarchy, and no object.
    pub const NULL: Self = Self(0x4000_0007);
    /// A password in the place of a session.
    pub const PASSWORD: Self = Self(0x4000_0009);
    /// The endorsement hierarchy, where the key is that the maker of the TPM has certified.
    pub const ENDORSEMENT: Self = Self(0x4000_000b);
    /// Where the storage root key is made persistent, by convention (TCG TPM v2.0 Provisioning
    /// Guidance §7.8).
    pub const STORAGE_ROOT: Self = Self(0x8100_0001);

    /// Whether it is an object in the TPM's memory, which has room for three.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.0 >> 24 == 0x80
    }

    /// Whether it is a session.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(self.0 >> 24, 0x02 | 0x03)
    }

    /// The name of what is always there: the handle itself (TPM 2.0 Part 1 §16).
    #[must_use]
    pub fn name(self) -> ObjectName {
        ObjectName(self.0.to_be_bytes().into())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:08x})", self.0)
    }
}

/// The name of something in a TPM: what it is, to the last bit (TPM 2.0 Part 1 §16). Of an object
/// or an NV index it is the hash algorithm and the hash of the public area.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ObjectName(Vec<u8>);

impl ObjectName {
    /// The name of a public area, by SHA-256.
    #[must_use]
    pub fn of(provider: &CryptoProvider, public: &[u8]) -> Self {
        let hash = provider.sha256.hash(&[public]);
        Self([&SHA256.to_be_bytes()[..], &hash].concat())
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`Unreadable`] where it is longer than any.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > LONGEST_NAME {
            return Err(Unreadable("name"));
        }
        Ok(Self(bytes.into()))
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, Unreadable> {
        reader.sized(LONGEST_NAME).and_then(Self::read)
    }

    /// The hash algorithm and the hash, or the handle.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectName(")?;
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// The one hash that is used here (TPM 2.0 Part 2 §6.3).
pub(crate) const SHA256: u16 = 0x000b;
