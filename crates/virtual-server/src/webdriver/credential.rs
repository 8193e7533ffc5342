//! Credentials as commands carry them (WebAuthn L3 §11.5, "Credential Parameters").

use serde_json::{Map, Value, json};
use towline_ctap::{CredentialId, RpId, UserHandle, algorithm};
use towline_virtual::PrivateKey;
use url::Host;
use zeroize::Zeroizing;

use super::{
    error::Error,
    members::{BOOLEAN, Members, TEXT, bytes, integer, text, wrong},
};
use crate::{Base64Url, CredentialPatch, SecretBase64Url, StoredCredential, own_members};

/// What an authenticator can do with a credential that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) has_resident_key: bool,
    pub(super) has_large_blob: bool,
}

const COUNT: &str = "a number from 0 to 4294967295, or null for one that does not count";
const BYTES: &str = "base64url";

/// Reads the parameters of Add Credential, in the order of its steps; `holder` looks up the
/// authenticator, when it is its turn.
///
/// # Errors
/// `invalid argument`, which names the member.
pub(super) fn read(
    parameters: &Map<String, Value>,
    holder: impl FnOnce() -> Result<Holder, Error>,
) -> Result<StoredCredential, Error> {
    let members = Members(parameters);
    let credential_id = members.required("credentialId", BYTES, bytes)?;
    if CredentialId::new(&credential_id.0).is_err() {
        return Err(wrong("credentialId", "1 to 1023 bytes in base64url"));
    }
    let resident = members.required("isResidentCredential", BOOLEAN, Value::as_bool)?;
    let rp_id = members.required("rpId", "a domain in its canonical form", rp_id)?;
    let key = members.required("privateKey", BYTES, bytes)?;
    let private_key = SecretBase64Url(Zeroizing::new(key.0));
    let parsed = PrivateKey::from_pkcs8(&private_key.0);
    if !parsed.is_ok_and(|key| key.algorithm() == algorithm::ES256) {
        return Err(wrong("privateKey", "a key package (RFC 5958) of one ECDSA key on P-256"));
    }
    let user_handle = members.optional("userHandle", "1 to 64 bytes in base64url", |it| {
        bytes(it).filter(|handle| UserHandle::new(&handle.0).is_ok())
    })?;
    if user_handle.is_none() && resident {
        let message = "`userHandle` is missing: a resident credential has one";
        return Err(Error::argument(message));
    }
    let holder = holder()?;
    if resident && !holder.has_resident_key {
        let message = "`isResidentCredential` is true, and the authenticator was made without \
                       hasResidentKey";
        return Err(Error::argument(message));
    }
    let large_blob = match holder.has_large_blob {
        true => members.optional("largeBlob", BYTES, bytes)?,
        false => None,
    };
    let backup_eligibility = members.boolean("backupEligibility")?;
    // Nothing is backed up that may not be (WebAuthn L3 §6.1.3).
    let backed_up = |state| state && backup_eligibility != Some(false);
    let backup_state = members.boolean("backupState")?.map(backed_up);
    let user_name = members.optional("userName", TEXT, text)?;
    let user_display_name = members.optional("userDisplayName", TEXT, text)?;
    let sign_count = members.required("signCount", COUNT, count)?;
    let credential = StoredCredential {
        credential_id,
        rp_id,
        rp_name: None,
        private_key,
        is_resident_credential: resident,
        user_handle,
        user_name,
        user_display_name,
        sign_count,
        backup_eligibility,
        backup_state,
        cred_protect: 1,
        cred_blob: None,
        large_blob: large_blob.map(|blob| SecretBase64Url(Zeroizing::new(blob.0))),
        large_blob_key: None,
        prf: None,
        third_party_payment: false,
        created_at: None,
        changed_at: None,
        used_at: None,
    };
    own_members::added(credential, parameters).map_err(|error| Error::argument(error.to_string()))
}

/// Reads the parameters of Set Credential Properties. What is not named stays as it is.
///
/// # Errors
/// `invalid argument`, which names the member.
pub(super) fn properties(parameters: &Map<String, Value>) -> Result<CredentialPatch, Error> {
    let members = Members(parameters);
    Ok(CredentialPatch {
        backup_eligibility: members.boolean("backupEligibility")?,
        backup_state: members.boolean("backupState")?,
        sign_count: members.optional("signCount", COUNT, count)?,
        ..CredentialPatch::default()
    })
}

/// The id of a credential in an address.
///
/// # Errors
/// `invalid argument` where it is no base64url.
pub(super) fn id(text: &str) -> Result<Base64Url, Error> {
    Base64Url::parse(text).ok_or_else(|| wrong("credentialId", BYTES))
}

/// A credential as Get Credentials gives it, with members of our own behind those of WebDriver.
pub(super) fn written(credential: &StoredCredential) -> Value {
    let key = credential.private_key.0.as_slice();
    let mut written = json!({
        "credentialId": credential.credential_id,
        "isResidentCredential": credential.is_resident_credential,
        "rpId": credential.rp_id,
        "privateKey": Base64Url(key.to_vec()),
        "signCount": credential.sign_count,
        "backupEligibility": credential.backup_eligibility.unwrap_or(false),
        "backupState": credential.backup_state.unwrap_or(false),
        "userName": credential.user_name.as_deref().unwrap_or_default(),
        "userDisplayName": credential.user_display_name.as_deref().unwrap_or_default(),
    });
    if let Some(written) = written.as_object_mut() {
        if let Some(handle) = &credential.user_handle {
            written.insert("userHandle".to_owned(), json!(handle));
        }
        // A place where nothing was written is none to WebDriver.
        if let Some(blob) = credential.large_blob.as_ref().filter(|blob| !blob.0.is_empty()) {
            written.insert("largeBlob".to_owned(), json!(blob));
        }
        own_members::write(credential, written);
    }
    written
}

/// A domain as it is hashed: in lower case, without a full stop at its end, and no address.
fn rp_id(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    match Host::parse(text).ok()? {
        Host::Domain(domain) if domain == text && !text.ends_with('.') => {
            RpId::new(text).ok().map(|_| domain)
        }
        _ => None,
    }
}

/// `null` is a credential that does not count.
fn count(value: &Value) -> Option<Option<u32>> {
    match value {
        Value::Null => Some(None),
        value => u32::try_from(integer(value)?).ok().map(Some),
    }
}
