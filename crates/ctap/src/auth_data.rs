//! Authenticator data: what an authenticator signs (WebAuthn L3 §6.1).

use alloc::vec::Vec;
use core::ops::BitOr;

use towline_cbor::{Reader, Writer, decode};

use crate::{Aaguid, CosePublicKey, CredentialId, Extensions, MESSAGE_DEPTH, Malformed, RpIdHash};

/// The flags of authenticator data that say something on their own. AT and ED are not among them:
/// they follow from whether there are attested data and extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u8);

impl Flags {
    /// User present (bit 0).
    pub const UP: Self = Self(0x01);
    /// User verified (bit 2).
    pub const UV: Self = Self(0x04);
    /// Backup eligible (bit 3): the credential may be on several devices. Fixed at creation.
    pub const BE: Self = Self(0x08);
    /// Backup state (bit 4): the credential is backed up. Only together with BE.
    pub const BS: Self = Self(0x10);

    const AT: u8 = 0x40;
    const ED: u8 = 0x80;

    /// A set without any flag.
    #[must_use]
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These, and `flags` if `set`.
    #[must_use]
    pub const fn with(self, flags: Self, set: bool) -> Self {
        if set { Self(self.0 | flags.0) } else { self }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Authenticator data (WebAuthn L3 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// The relying party that the data are for.
    pub rp_id_hash: RpIdHash,
    /// What the authenticator vouches for. Reserved bits are kept as they came.
    pub flags: Flags,
    /// The signature counter; 0 for "none".
    pub sign_count: u32,
    /// The new credential, in the answer to a creation.
    pub attested: Option<AttestedCredentialData>,
    /// The outputs of extensions.
    pub extensions: Extensions,
}

/// Attested credential data (WebAuthn L3 §6.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedCredentialData {
    /// The model of the authenticator.
    pub aaguid: Aaguid,
    /// The id by which the relying party will ask for the credential.
    pub credential_id: CredentialId,
    /// The public key that its assertions are verified with.
    pub public_key: CosePublicKey,
}

impl AuthenticatorData {
    /// How many bytes there are before attested data and extensions.
    pub const HEADER: usize = 37;

    /// The bytes to be signed and sent. AT and ED are set as there are attested data and
    /// extensions.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let at = if self.attested.is_some() { Flags::AT } else { 0 };
        let ed = if self.extensions.is_empty() { 0 } else { Flags::ED };
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(self.rp_id_hash.as_bytes());
        bytes.push(self.flags.0 & !(Flags::AT | Flags::ED) | at | ed);
        bytes.extend_from_slice(&self.sign_count.to_be_bytes());
        if let Some(attested) = &self.attested {
            let id = attested.credential_id.as_bytes();
            bytes.extend_from_slice(attested.aaguid.as_bytes());
            // A credential id has at most 1023 bytes.
            bytes.extend_from_slice(&u16::try_from(id.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(id);
        }
        let mut writer = Writer::from_vec(bytes);
        if let Some(attested) = &self.attested {
            attested.public_key.write(&mut writer);
        }
        if !self.extensions.is_empty() {
            self.extensions.write(&mut writer);
        }
        writer.into_vec()
    }

    /// Reads authenticator data that fill `bytes`.
    ///
    /// # Errors
    /// [`Malformed`] where a part is cut short, not as it must be, or followed by further bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (rp_id_hash, rest) = take::<32>(bytes)?;
        let (&[flags], rest) = take::<1>(rest)?;
        let (sign_count, rest) = take::<4>(rest)?;
        let (attested, rest) = if flags & Flags::AT == 0 {
            (None, rest)
        } else {
            let (attested, rest) = AttestedCredentialData::split(rest)?;
            (Some(attested), rest)
        };
        let extensions = if flags & Flags::ED != 0 {
            decode(rest, MESSAGE_DEPTH, Extensions::read)?
        } else if rest.is_empty() {
            Extensions::new()
        } else {
            return Err(Malformed::Length("the authenticator data"));
        };
        Ok(Self {
            rp_id_hash: RpIdHash::new(*rp_id_hash),
            flags: Flags(flags & !(Flags::AT | Flags::ED)),
            sign_count: u32::from_be_bytes(*sign_count),
            attested,
            extensions,
        })
    }
}

impl AttestedCredentialData {
    /// Reads attested data from the front of `bytes`, and gives back what follows.
    fn split(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (aaguid, rest) = take::<16>(bytes)?;
        let (length, rest) = take::<2>(rest)?;
        let (id, rest) = rest
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or(Malformed::Length("the authenticator data"))?;
        let credential_id = CredentialId::read(id)?;
        let key = Reader::new(rest, MESSAGE_DEPTH).raw()?;
        let public_key = CosePublicKey::decode(key)?;
        let rest = rest.get(key.len()..).unwrap_or_default();
        Ok((Self { aaguid: Aaguid::new(*aaguid), credential_id, public_key }, rest))
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), Malformed> {
    bytes.split_first_chunk().ok_or(Malformed::Length("the authenticator data"))
}
