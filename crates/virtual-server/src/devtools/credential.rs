//! Credentials as DevTools writes them.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    bindings::{Members, binary, boolean, double, encoded, int32, text},
    command::{NEEDS_RESIDENT_KEYS, NO_CMTG_KEYS},
    error::Error,
};
use crate::{Base64Url, SecretBase64Url, StoredCredential, own_members};

/// The longest user handle, in bytes (WebAuthn L3 §5.4.3).
const LONGEST_HANDLE: usize = 64;

/// A `Credential` of the domain, its members of the right types.
#[derive(Clone, Default)]
pub(super) struct Credential {
    backup_eligibility: Option<bool>,
    backup_state: Option<bool>,
    cmtg: bool,
    credential_id: Vec<u8>,
    is_resident: bool,
    large_blob: Option<Vec<u8>>,
    private_key: Zeroizing<Vec<u8>>,
    rp_id: Option<String>,
    sign_count: f64,
    user_display_name: Option<String>,
    user_handle: Option<Vec<u8>>,
    user_name: Option<String>,
    /// The members that DevTools does not know.
    own: Map<String, Value>,
}

impl Credential {
    pub(super) fn read(members: &mut Members<'_>) -> Self {
        let key_index = members.optional("activeCmtgKeyIndex", int32).is_some();
        let backup_eligibility = members.optional("backupEligibility", boolean);
        let backup_state = members.optional("backupState", boolean);
        let keys = members.optional("cmtgKeys", |value| {
            let keys = value.as_array().ok_or("CBOR: array start expected")?;
            keys.iter().map(binary).collect::<Result<Vec<_>, _>>()
        });
        let credential_id = members.required("credentialId", binary);
        let generate = members.optional("generateCmtgKeyOnNextOperation", boolean);
        let cmtg = key_index || keys.is_some() || generate.is_some();
        Self {
            backup_eligibility,
            backup_state,
            cmtg,
            credential_id,
            is_resident: members.required("isResidentCredential", boolean),
            large_blob: members.optional("largeBlob", binary),
            private_key: Zeroizing::new(members.required("privateKey", binary)),
            rp_id: members.optional("rpId", text),
            sign_count: members.required("signCount", double),
            user_display_name: members.optional("userDisplayName", text),
            user_handle: members.optional("userHandle", binary),
            user_name: members.optional("userName", text),
            own: members.object().clone(),
        }
    }

    /// The same for the service, checked in Chromium's order for an authenticator that has resident
    /// keys, or has none.
    ///
    /// # Errors
    /// Where there can't be such a credential.
    pub(super) fn checked(self, has_resident_key: bool) -> Result<StoredCredential, Error> {
        if self.user_handle.as_ref().is_some_and(|handle| handle.len() > LONGEST_HANDLE) {
            let text = format!("The User Handle must have a maximum size of {LONGEST_HANDLE}");
            return Err(Error::parameter(text));
        }
        let Some(rp_id) = self.rp_id else {
            return Err(Error::parameter("The Relying Party ID is a required parameter"));
        };
        if self.cmtg {
            return Err(Error::parameter(NO_CMTG_KEYS));
        }
        if self.large_blob.is_some() && !self.is_resident {
            return Err(Error::parameter(NEEDS_RESIDENT_KEYS));
        }
        let sign_count = sign_count(self.sign_count)?;
        if self.is_resident && !has_resident_key {
            let text = "The Authenticator does not support Resident Credentials.";
            return Err(Error::parameter(text));
        }
        if self.is_resident && self.user_handle.is_none() {
            let text = "The User Handle is required for Resident Credentials";
            return Err(Error::parameter(text));
        }
        let secret = |bytes| SecretBase64Url(Zeroizing::new(bytes));
        // Nothing is backed up that may not be (WebAuthn L3 §6.1.3).
        let backed_up = |state| state && self.backup_eligibility != Some(false);
        let credential = StoredCredential {
            credential_id: Base64Url(self.credential_id),
            rp_id,
            rp_name: None,
            private_key: SecretBase64Url(self.private_key),
            is_resident_credential: self.is_resident,
            user_handle: self.user_handle.filter(|it| !it.is_empty()).map(Base64Url),
            user_name: self.user_name,
            user_display_name: self.user_display_name,
            sign_count,
            backup_eligibility: self.backup_eligibility,
            backup_state: self.backup_state.map(backed_up),
            cred_protect: 1,
            cred_blob: None,
            large_blob: self.large_blob.map(secret),
            large_blob_key: None,
            prf: None,
            third_party_payment: false,
            created_at: None,
            changed_at: None,
            used_at: None,
        };
        let credential = own_members::added(credential, &self.own);
        credential.map_err(|error| Error::parameter(error.to_string()))
    }
}

/// A counter of 32 bits; -1 is none.
///
/// # Errors
/// Where it is neither.
pub(super) fn sign_count(count: f64) -> Result<Option<u32>, Error> {
    // The shortest text of such a number has no full stop and no exponent.
    match count.to_string().as_str() {
        "-1" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Error::parameter("Signature counter must be greater than or equal to -1")),
    }
}

/// A credential as DevTools writes it, with members of our own behind.
pub(super) fn written(credential: &StoredCredential) -> Value {
    let mut written = json!({
        "credentialId": encoded(&credential.credential_id.0),
        "isResidentCredential": credential.is_resident_credential,
        "rpId": credential.rp_id,
        "privateKey": encoded(&credential.private_key.0),
        "signCount": credential.sign_count.map_or(-1, i64::from),
        "backupEligibility": credential.backup_eligibility.unwrap_or(false),
        "backupState": credential.backup_state.unwrap_or(false),
    });
    if let Some(written) = written.as_object_mut() {
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                written.insert(name.to_owned(), Value::String(value));
            }
        };
        put("userHandle", credential.user_handle.as_ref().map(|it| encoded(&it.0)));
        // A place where nothing was written is none to DevTools.
        let blob = credential.large_blob.as_ref().filter(|blob| !blob.0.is_empty());
        put("largeBlob", blob.map(|it| encoded(&it.0)));
        put("userName", credential.user_name.clone());
        put("userDisplayName", credential.user_display_name.clone());
        own_members::write(credential, written);
    }
    written
}
