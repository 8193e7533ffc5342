//! A credential as bytes, for stores that keep it in a file or a database.

use towline_cbor::{Key, Reader, Writer, decode};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

use crate::{Credential, ExtensionData, KeyHandle, LargeBlobPlace};

/// The form that is written; others are not read.
const VERSION: u64 = 1;

/// How deep it nests.
const DEPTH: u8 = 1;

/// The bytes are not a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored credential can't be read; it is damaged, or was written by a later version")]
pub struct DamagedCredential;

impl From<towline_cbor::Error> for DamagedCredential {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}

impl Credential {
    /// The credential in a form that later versions of this crate read, too. It holds secrets: keep it as such, encrypted
    /// wherever others can read the store. They are wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Whoever adds a member has to say here how it is kept.
        let Self {
            id,
            rp_id,
            rp_name,
            user: User { id: user, name, display_name },
            discoverable,
            protection,
            backup_eligible,
            key,
            extensions,
        } = self;
        // With room for all, nothing moves while it is written, and so no copy of a secret is left behind.
        let mut writer = Writer::with_capacity(self.room());
        writer.map(|map| {
            map.entry(0, |w| w.uint(VERSION));
            map.entry(1, |w| w.bytes(id.as_bytes()));
            map.entry(2, |w| w.text(rp_id.as_str()));
            map.entry(3, |w| w.bytes(user.as_bytes()));
            for (place, name) in [(4, rp_name), (5, name), (6, display_name)] {
                if let Some(name) = name {
                    map.entry(place, |w| w.text(name));
                }
            }
            map.entry(7, |w| w.bool(*discoverable));
            map.entry(8, |w| w.uint(protection.level().into()));
            map.entry(9, |w| w.bool(*backup_eligible));
            map.entry(10, |w| w.int(key.algorithm()));
            map.entry(11, |w| w.bytes(key.expose()));
            if let Some(extensions) = extensions.as_deref() {
                let ExtensionData {
                    hmac_secret,
                    cred_blob,
                    large_blob_key,
                    large_blob,
                    third_party_payment,
                } = extensions;
                if let Some(secret) = hmac_secret {
                    map.entry(12, |w| w.bytes(secret.expose()));
                }
                if let Some(blob) = cred_blob {
                    map.entry(13, |w| w.bytes(blob));
                }
                if let Some(key) = large_blob_key {
                    map.entry(14, |w| w.bytes(key.expose()));
                }
                map.entry(15, |w| w.bool(*third_party_payment));
                map.entry(16, |w| w.bool(large_blob.is_some()));
                if let Some(blob) = large_blob.as_ref().and_then(LargeBlobPlace::blob) {
                    map.entry(17, |w| w.bytes(&blob.compressed));
                    map.entry(18, |w| w.uint(blob.original_size));
                }
            }
        });
        Zeroizing::new(writer.into_vec())
    }

    /// Reads what [`Self::to_bytes`] has written, with this or an earlier version.
    ///
    /// # Errors
    /// [`DamagedCredential`] where it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedCredential> {
        decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            let mut read = Parts::default();
            reader.map(|key, value| read.take(&key, value))?;
            read.put_together().ok_or(DamagedCredential)
        })
    }

    /// No less than the length of [`Self::to_bytes`].
    fn room(&self) -> usize {
        let names = [&self.rp_name, &self.user.name, &self.user.display_name];
        let kept = self.extensions.as_deref();
        let blob = kept.and_then(|kept| kept.cred_blob.as_deref());
        let large = kept.and_then(|kept| kept.large_blob.as_ref()).and_then(LargeBlobPlace::blob);
        let lengths = [
            self.id.as_bytes().len(),
            self.rp_id.as_str().len(),
            self.user.id.as_bytes().len(),
            self.key.expose().len(),
            blob.map_or(0, <[u8]>::len),
            large.map_or(0, |blob| blob.compressed.len()),
        ];
        let names = names.into_iter().flatten().map(String::len);
        // Two secrets of 32 bytes, and a head for each of the members.
        names.chain(lengths).fold(256, usize::saturating_add)
    }
}

/// What has been read of a credential.
#[derive(Default)]
struct Parts {
    version: Option<u64>,
    id: Option<CredentialId>,
    rp_id: Option<RpId>,
    user: Option<UserHandle>,
    names: [Option<String>; 3],
    discoverable: Option<bool>,
    protection: Option<CredentialProtectionPolicy>,
    backup_eligible: Option<bool>,
    algorithm: Option<i64>,
    key: Option<Zeroizing<Box<[u8]>>>,
    extensions: ExtensionData,
    /// Whether extensions keep anything.
    extended: bool,
    large_blob: bool,
    compressed: Option<Vec<u8>>,
    original_size: Option<u64>,
}

impl Parts {
    fn take(&mut self, key: &Key<'_>, value: &mut Reader<'_>) -> Result<(), DamagedCredential> {
        let [rp_name, name, display_name] = &mut self.names;
        match key {
            Key::Int(0) => self.version = Some(value.uint()?),
            Key::Int(1) => self.id = CredentialId::new(value.bytes()?).ok(),
            Key::Int(2) => self.rp_id = RpId::new(value.text()?).ok(),
            Key::Int(3) => self.user = UserHandle::new(value.bytes()?).ok(),
            Key::Int(4) => *rp_name = Some(value.text()?.into()),
            Key::Int(5) => *name = Some(value.text()?.into()),
            Key::Int(6) => *display_name = Some(value.text()?.into()),
            Key::Int(7) => self.discoverable = Some(value.bool()?),
            Key::Int(8) => self.protection = CredentialProtectionPolicy::from_level(value.uint()?),
            Key::Int(9) => self.backup_eligible = Some(value.bool()?),
            Key::Int(10) => self.algorithm = Some(value.int()?),
            Key::Int(11) => self.key = Some(Zeroizing::new(value.bytes()?.into())),
            Key::Int(12) => {
                self.extensions.hmac_secret = Some(Secret::new(*value.byte_array()?));
            }
            Key::Int(13) => self.extensions.cred_blob = Some(value.bytes()?.into()),
            Key::Int(14) => {
                let key = Secret::new(*value.byte_array()?);
                self.extensions.large_blob_key = Some(LargeBlobKey::new(key));
            }
            Key::Int(15) => {
                self.extensions.third_party_payment = value.bool()?;
                self.extended = true;
            }
            Key::Int(16) => self.large_blob = value.bool()?,
            Key::Int(17) => self.compressed = Some(value.bytes()?.into()),
            Key::Int(18) => self.original_size = Some(value.uint()?),
            // What is not known here would be lost with the next save.
            _ => return Err(DamagedCredential),
        }
        Ok(())
    }

    fn put_together(mut self) -> Option<Credential> {
        let [rp_name, name, display_name] = self.names;
        self.extensions.large_blob = match (self.large_blob, self.compressed, self.original_size) {
            (false, None, None) => None,
            (true, None, None) => Some(LargeBlobPlace::Empty),
            (true, Some(compressed), Some(original_size)) => {
                Some(LargeBlobPlace::Holds(Box::new(LargeBlob { compressed, original_size })))
            }
            _ => return None,
        };
        let whole = self.extended || self.extensions == ExtensionData::default();
        if self.version != Some(VERSION) || !whole {
            return None;
        }
        Some(Credential {
            id: self.id?,
            rp_id: self.rp_id?,
            rp_name,
            user: User { id: self.user?, name, display_name },
            discoverable: self.discoverable?,
            protection: self.protection?,
            backup_eligible: self.backup_eligible?,
            key: KeyHandle::new(self.algorithm?, self.key?),
            extensions: self.extended.then(|| Box::new(self.extensions)),
        })
    }
}
