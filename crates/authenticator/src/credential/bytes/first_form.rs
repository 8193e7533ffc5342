//! The first form of a credential: a map of CBOR. It is read, not written any more.

use towline_cbor::{Key, Reader, decode};
use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

use super::DamagedCredential;
use crate::{Credential, ExtensionData, KeyHandle, LargeBlobPlace, credential::CredRandom};

/// What the map says it is.
const VERSION: u64 = 1;

/// How deep it nests.
const DEPTH: u8 = 1;

impl From<towline_cbor::Error> for DamagedCredential {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}

/// Whether the bytes can be of this form only: those of later ones begin with a number that is no
/// head of a map.
pub(super) fn may_be(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 5 == 5)
}

pub(super) fn read(bytes: &[u8]) -> Result<Credential, DamagedCredential> {
    decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
        let mut read = Parts::default();
        reader.map(|key, value| read.take(&key, value))?;
        read.put_together().ok_or(DamagedCredential)
    })
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
                let secret = Secret::new(*value.byte_array()?);
                self.extensions.cred_random = Some(CredRandom::Derived(secret));
            }
            Key::Int(13) => self.extensions.cred_blob = Some(value.bytes()?.to_vec().into()),
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
        let user = User { id: self.user?, name, display_name };
        let key = KeyHandle::new(self.algorithm?, self.key?);
        let mut credential = Credential::new(self.id?, self.rp_id?, user, key);
        credential.rp_name = rp_name;
        credential.discoverable = self.discoverable?;
        credential.protection = self.protection?;
        credential.backup_eligible = self.backup_eligible?;
        credential.extensions = self.extended.then(|| Box::new(self.extensions));
        Some(credential)
    }
}
