//! Between the JSON form and the passkey of a virtual authenticator.

use towline_authenticator::{
    BackupState, CredRandom, Credential, ExtensionData, KeyHandle, LargeBlobPlace, SecretBytes,
    UnixTime,
};
use towline_crypto::{Secret, rustcrypto};
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use towline_virtual::{Passkey, PrivateKey};
use zeroize::Zeroizing;

use super::{PrfSeeds, StoredCredential};
use crate::{BadMember, Base64Url, SecretBase64Url};

/// The longest large blob that is read, in bytes.
const LONGEST_BLOB: usize = 64 << 10;

/// The longest `credBlob` that is read, in bytes. Authenticators have 32 of them or more.
const LONGEST_CRED_BLOB: usize = 1024;

/// The level of compression: what browsers use.
const LEVEL: u8 = 6;

pub(super) fn deflated(blob: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(miniz_oxide::deflate::compress_to_vec(blob, LEVEL))
}

/// The blob, if it is of this size.
pub(super) fn inflated(compressed: &[u8], size: u64) -> Option<Zeroizing<Vec<u8>>> {
    let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_BLOB)?;
    let blob = miniz_oxide::inflate::decompress_to_vec_with_limit(compressed, size).ok()?;
    (blob.len() == size).then(|| Zeroizing::new(blob))
}

/// The seeds for requests with verification, and without.
pub(super) fn seeds(prf: &PrfSeeds) -> (SecretBase64Url, SecretBase64Url) {
    match prf {
        PrfSeeds::Two { with_uv, without_uv } => (with_uv.clone(), without_uv.clone()),
        PrfSeeds::One(secret) => {
            let key = rustcrypto::provider().hmac.key(&secret.0);
            let seed = |label: &[u8]| SecretBase64Url(Zeroizing::new(key.sign(&[label]).to_vec()));
            (seed(b"CredRandomWithUV"), seed(b"CredRandomWithoutUV"))
        }
    }
}

/// The user handle of a passkey that was given none.
fn no_handle(id: &CredentialId) -> Option<UserHandle> {
    let hash = rustcrypto::provider().sha256.hash(&[b"no user handle", id.as_bytes()]);
    UserHandle::new(&hash).ok()
}

fn secret(name: &str, bytes: &SecretBase64Url) -> Result<Secret<32>, BadMember> {
    Secret::from_slice(&bytes.0).map_err(|_| BadMember::new(name, "it must have 32 bytes"))
}

impl StoredCredential {
    /// Whether it can be a passkey anywhere.
    pub(super) fn check(&self) -> Result<(), BadMember> {
        self.to_passkey(BackupState::DeviceBound).map(|_| ())
    }

    /// The passkey, with the backup flags of an authenticator with this default where nothing is
    /// said of them.
    ///
    /// # Errors
    /// [`BadMember`] where a member has a value that no passkey can have.
    pub(crate) fn to_passkey(&self, default: BackupState) -> Result<Passkey, BadMember> {
        let bad =
            |member: &str, error: &dyn std::fmt::Display| BadMember::new(member, error.to_string());
        let id = CredentialId::new(&self.credential_id.0);
        let id = id.map_err(|error| bad("credentialId", &error))?;
        let rp_id = RpId::new(&self.rp_id).map_err(|error| bad("rpId", &error))?;
        let key = PrivateKey::from_pkcs8(&self.private_key.0);
        let key = key.map_err(|error| bad("privateKey", &error))?;
        let handle = match &self.user_handle {
            Some(handle) => {
                UserHandle::new(&handle.0).map_err(|error| bad("userHandle", &error))?
            }
            None if self.is_resident_credential => {
                let message = "a discoverable passkey has one; give it, or set \
                               isResidentCredential to false";
                return Err(BadMember::new("userHandle", message));
            }
            None => no_handle(&id).ok_or_else(|| bad("userHandle", &"it is missing"))?,
        };
        let user = User {
            id: handle,
            name: self.user_name.clone(),
            display_name: self.user_display_name.clone(),
        };
        let handle = KeyHandle::new(key.algorithm(), Zeroizing::new(key.expose().into()));
        let mut credential = Credential::new(id, rp_id, user, handle);
        credential.rp_name.clone_from(&self.rp_name);
        credential.discoverable = self.is_resident_credential;
        credential.protection = CredentialProtectionPolicy::from_level(self.cred_protect.into())
            .ok_or_else(|| BadMember::new("credProtect", "a level is 1, 2 or 3"))?;
        let eligible = self.backup_eligibility.unwrap_or(default != BackupState::DeviceBound);
        credential.backup_eligible = eligible;
        credential.extensions = self.extension_data()?;
        credential.never_counts = self.sign_count.is_none();
        credential.made = self.created_at.map(UnixTime);
        credential.changed = self.changed_at.map(UnixTime);
        credential.used = self.used_at.map(UnixTime);
        let backed_up = self.backup_state.unwrap_or(default == BackupState::BackedUp);
        if self.backup_state == Some(true) && self.backup_eligibility == Some(false) {
            let message = "what may not be backed up (backupEligibility) is not";
            return Err(BadMember::new("backupState", message));
        }
        Ok(Passkey { credential, sign_count: self.sign_count, backed_up: backed_up && eligible })
    }

    fn extension_data(&self) -> Result<Option<Box<ExtensionData>>, BadMember> {
        let mut data = ExtensionData::default();
        data.cred_random = match &self.prf {
            Some(PrfSeeds::One(one)) => Some(CredRandom::Derived(secret("prfSecret", one)?)),
            Some(PrfSeeds::Two { with_uv, without_uv }) => {
                let name = "fido2Extensions.hmacCredentials";
                Some(CredRandom::Pair {
                    with_uv: secret(name, with_uv)?,
                    without_uv: secret(name, without_uv)?,
                })
            }
            None => None,
        };
        if let Some(blob) = &self.cred_blob {
            if blob.0.len() > LONGEST_CRED_BLOB {
                let message = format!("it may have {LONGEST_CRED_BLOB} bytes");
                return Err(BadMember::new("credBlob", message));
            }
            data.cred_blob = Some(SecretBytes::new(Zeroizing::new(blob.0.as_slice().into())));
        }
        if let Some(key) = &self.large_blob_key {
            data.large_blob_key = Some(LargeBlobKey::new(secret("largeBlobKey", key)?));
        }
        if let Some(blob) = &self.large_blob {
            data.large_blob = Some(match blob.0.len() {
                0 => LargeBlobPlace::Empty,
                length if length > LONGEST_BLOB => {
                    let message = format!("it may have {LONGEST_BLOB} bytes");
                    return Err(BadMember::new("largeBlob", message));
                }
                length => LargeBlobPlace::Holds(Box::new(LargeBlob {
                    compressed: deflated(&blob.0).to_vec(),
                    original_size: u64::try_from(length).unwrap_or(u64::MAX),
                })),
            });
        }
        data.third_party_payment = self.third_party_payment;
        Ok((data != ExtensionData::default()).then(|| Box::new(data)))
    }

    /// The JSON form of a passkey; `None` where its key has no package (ML-DSA).
    pub(crate) fn of(passkey: &Passkey) -> Option<Self> {
        let Credential { id, user, rp_id, extensions, .. } = &passkey.credential;
        let credential = &passkey.credential;
        let package = passkey.key().to_pkcs8()?;
        let data = extensions.as_deref();
        let bytes = |bytes: &[u8]| SecretBase64Url(Zeroizing::new(bytes.to_vec()));
        let prf = data.and_then(|data| data.cred_random.as_ref()).map(|random| match random {
            CredRandom::Derived(one) => PrfSeeds::One(bytes(one.expose())),
            CredRandom::Pair { with_uv, without_uv } => PrfSeeds::Two {
                with_uv: bytes(with_uv.expose()),
                without_uv: bytes(without_uv.expose()),
            },
        });
        let place = data.and_then(|data| data.large_blob.as_ref());
        let large_blob = place.and_then(|place| match place.blob() {
            None => Some(bytes(&[])),
            Some(blob) => inflated(&blob.compressed, blob.original_size).map(SecretBase64Url),
        });
        let key = data.and_then(|data| data.large_blob_key.as_ref());
        let has_handle = credential.discoverable || no_handle(id).as_ref() != Some(&user.id);
        Some(Self {
            credential_id: Base64Url(id.as_bytes().to_vec()),
            rp_id: rp_id.as_str().to_owned(),
            rp_name: credential.rp_name.clone(),
            private_key: SecretBase64Url(package),
            is_resident_credential: credential.discoverable,
            user_handle: has_handle.then(|| Base64Url(user.id.as_bytes().to_vec())),
            user_name: user.name.clone(),
            user_display_name: user.display_name.clone(),
            sign_count: passkey.sign_count,
            backup_eligibility: Some(credential.backup_eligible),
            backup_state: Some(passkey.backed_up),
            cred_protect: credential.protection.level(),
            cred_blob: data
                .and_then(|data| data.cred_blob.as_ref())
                .map(|blob| bytes(blob.expose())),
            large_blob,
            large_blob_key: key.map(|key| bytes(key.expose())),
            prf,
            third_party_payment: data.is_some_and(|data| data.third_party_payment),
            created_at: credential.made.map(|time| time.0),
            changed_at: credential.changed.map(|time| time.0),
            used_at: credential.used.map(|time| time.0),
        })
    }
}
