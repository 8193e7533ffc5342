//! Credentials that are not stored: what there is of them travels in the credential id, sealed.
//! Nobody but this authenticator can open it, for this relying party only, and not after a reset.
//!
//! The id is `version || nonce(12) || AES-256-GCM(flags || algorithm i32be || blob || key)`, with
//! `version || rpIdHash` as the associated data: 34 bytes more than the key handle, 66 for a key on
//! P-256 in software. A blob, `length u8 || bytes`, is there if `credBlob` keeps one.

use towline_crypto::{AeadKey, CryptoProvider, HmacKey, Secret};
use towline_ctap::{CredentialId, RpIdHash, Status, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

use crate::{KeyHandle, SecretBytes};

/// The first byte. Another form gets another one.
const VERSION: u8 = 1;

/// The longest id: what fits U2F, and what getInfo says.
pub(crate) const MAX: usize = 255;

const NONCE: usize = 12;
const TAG: usize = 16;
/// Flags and algorithm.
const HEAD: usize = 5;

/// The level of `credProtect`.
const PROTECTION: u8 = 0b0011;
const BACKUP_ELIGIBLE: u8 = 0b0100;
const THIRD_PARTY_PAYMENT: u8 = 0b1000;
const CRED_BLOB: u8 = 0b1_0000;

/// What wraps credentials, as far as it is in memory.
#[derive(Default)]
pub(crate) enum Wrapping {
    /// The store was not asked yet.
    #[default]
    Unread,
    /// There is none: no credential was ever wrapped, or none since the reset.
    Absent,
    /// Ready for use.
    Present(Box<Wrapper>),
}

impl Wrapping {
    /// A new credential id with all of this in it; `None` if that does not fit. What wraps
    /// credentials must be in memory.
    pub(crate) fn seal(
        &self,
        provider: &CryptoProvider,
        rp_id_hash: &RpIdHash,
        content: &Content,
    ) -> Result<Option<Wrapped>, Status> {
        let Wrapping::Present(wrapper) = self else { return Err(Status::Other) };
        let nonce: [u8; NONCE] = provider.random.bytes().map_err(|_| Status::Other)?;
        let Some(mut data) = content.encode() else { return Ok(None) };
        let associated = associated(rp_id_hash);
        wrapper.seal.seal(&nonce, &associated, &mut data).map_err(|_| Status::Other)?;
        let id = [&[VERSION], &nonce[..], &data].concat();
        if id.len() > MAX {
            return Ok(None);
        }
        let id = CredentialId::new(&id).map_err(|_| Status::Other)?;
        Ok(Some(Wrapped { id, hmac_secret: wrapper.hmac_secret(&nonce, rp_id_hash) }))
    }

    /// What is in a credential id that was made by [`Self::seal`] for this relying party. What
    /// wraps credentials must be in memory.
    pub(crate) fn open(&self, rp_id_hash: &RpIdHash, id: &[u8]) -> Option<Opened> {
        let Wrapping::Present(wrapper) = self else { return None };
        if !may_be(id) {
            return None;
        }
        let (nonce, sealed) = id.strip_prefix(&[VERSION])?.split_first_chunk::<NONCE>()?;
        let mut data = Zeroizing::new(sealed.to_vec());
        wrapper.seal.open(nonce, &associated(rp_id_hash), &mut data).ok()?;
        let content = Content::decode(&data)?;
        Some(Opened { content, hmac_secret: wrapper.hmac_secret(nonce, rp_id_hash) })
    }
}

/// The keys, made from the secret that is stored.
pub(crate) struct Wrapper {
    seal: Box<dyn AeadKey>,
    hmac_secret: Box<dyn HmacKey>,
}

/// What is kept of a credential that is not stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) key: KeyHandle,
    pub(crate) protection: CredentialProtectionPolicy,
    pub(crate) backup_eligible: bool,
    pub(crate) third_party_payment: bool,
    pub(crate) cred_blob: Option<SecretBytes>,
}

/// A credential id with everything in it.
pub(crate) struct Wrapped {
    pub(crate) id: CredentialId,
    /// What `hmac-secret` and `prf` give values from.
    pub(crate) hmac_secret: Secret<32>,
}

/// A credential id, opened.
pub(crate) struct Opened {
    pub(crate) content: Content,
    pub(crate) hmac_secret: Secret<32>,
}

/// Whether an id could be one of these: those of stored credentials are shorter.
pub(crate) fn may_be(id: &[u8]) -> bool {
    let shortest = HEAD.saturating_add(NONCE).saturating_add(TAG);
    id.first() == Some(&VERSION) && id.len() > shortest && id.len() <= MAX
}

/// Binds an id to its form and its relying party.
fn associated(rp_id_hash: &RpIdHash) -> Vec<u8> {
    [&[VERSION], &rp_id_hash.as_bytes()[..]].concat()
}

impl Wrapper {
    /// From the secret of the record.
    pub(crate) fn new(provider: &CryptoProvider, secret: &Secret<32>) -> Result<Self, Status> {
        let derive = |purpose: &[u8]| {
            Secret::<32>::try_init(|key| provider.hkdf.derive(&[], secret.expose(), purpose, key))
                .map_err(|_| Status::Other)
        };
        Ok(Self {
            seal: provider.aead.key(derive(b"towline wrapped credential")?.expose()),
            hmac_secret: provider.hmac.key(derive(b"towline wrapped hmac-secret")?.expose()),
        })
    }

    /// The secret of a credential. It is not in the id, so that the id can be short.
    fn hmac_secret(&self, nonce: &[u8; NONCE], rp_id_hash: &RpIdHash) -> Secret<32> {
        Secret::new(self.hmac_secret.sign(&[nonce, rp_id_hash.as_bytes()]))
    }
}

impl Content {
    /// With room for the tag, so that no copy of the key is left behind when that is appended.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let algorithm = i32::try_from(self.key.algorithm()).ok()?;
        let key = self.key.expose();
        let blob = self.cred_blob.as_ref().map(SecretBytes::expose);
        let blob_length = u8::try_from(blob.map_or(0, <[u8]>::len)).ok()?;
        let length = HEAD
            .checked_add(1)?
            .checked_add(blob_length.into())?
            .checked_add(key.len())?
            .checked_add(TAG)?;
        let mut data = Zeroizing::new(Vec::with_capacity(length));
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        data.push(
            self.protection.level()
                | flag(self.backup_eligible, BACKUP_ELIGIBLE)
                | flag(self.third_party_payment, THIRD_PARTY_PAYMENT)
                | flag(blob.is_some(), CRED_BLOB),
        );
        data.extend_from_slice(&algorithm.to_be_bytes());
        if let Some(blob) = blob {
            data.push(blob_length);
            data.extend_from_slice(blob);
        }
        data.extend_from_slice(key);
        Some(data)
    }

    fn decode(data: &[u8]) -> Option<Self> {
        let (&[flags, a, b, c, d], rest) = data.split_first_chunk::<HEAD>()?;
        if flags & !(PROTECTION | BACKUP_ELIGIBLE | THIRD_PARTY_PAYMENT | CRED_BLOB) != 0 {
            return None;
        }
        let (cred_blob, key) = if flags & CRED_BLOB == 0 {
            (None, rest)
        } else {
            let (&length, rest) = rest.split_first()?;
            let (blob, key) = rest.split_at_checked(length.into())?;
            (Some(blob.into()), key)
        };
        let algorithm = i32::from_be_bytes([a, b, c, d]).into();
        Some(Self {
            key: KeyHandle::new(algorithm, Zeroizing::new(key.into())),
            protection: CredentialProtectionPolicy::from_level((flags & PROTECTION).into())?,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            third_party_payment: flags & THIRD_PARTY_PAYMENT != 0,
            cred_blob,
        })
    }
}
