//! Passkeys as the virtual authenticators of WebDriver write them (WebAuthn L3 §11.5, "Credential
//! Parameters"), and the members of a line.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value, json};
use towline_ctap::CredentialId;
use towline_virtual::{Passkey, PrivateKey};

/// Base64url, with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A member that can't be used, by its path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadMember {
    pub(super) member: String,
    pub(super) message: String,
}

/// The members of an object, each to be taken once.
pub(super) struct Members {
    /// Where the object stands, with a full stop at its end.
    path: String,
    left: Map<String, Value>,
}

impl Members {
    /// Those of the line itself.
    pub(super) const fn of_line(left: Map<String, Value>) -> Self {
        Self { path: String::new(), left }
    }

    /// Those of the object in a member of a line.
    pub(super) fn of(member: &str, value: Value) -> Result<Self, BadMember> {
        match value {
            Value::Object(left) => Ok(Self { path: format!("{member}."), left }),
            _ => Err(bad(member, "an object")),
        }
    }

    /// The value of a member, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// What the value of a member is read to be, if it is there; `wanted` says what it should be.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, BadMember> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| self.bad(name, wanted))
    }

    /// The same of a member that has to be there.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, BadMember> {
        let value = self.optional(name, wanted, read)?;
        value.ok_or_else(|| self.says(name, "it is missing".into()))
    }

    /// All were taken.
    pub(super) fn end(self) -> Result<(), BadMember> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        Err(self.says(name, "nothing here has that name".into()))
    }

    pub(super) fn bad(&self, name: &str, wanted: &str) -> BadMember {
        bad(&format!("{}{name}", self.path), wanted)
    }

    pub(super) fn says(&self, name: &str, message: String) -> BadMember {
        BadMember { member: format!("{}{name}", self.path), message }
    }
}

pub(super) fn bad(member: &str, wanted: &str) -> BadMember {
    BadMember { member: member.to_owned(), message: format!("it is not {wanted}") }
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    BASE64URL.decode(value.as_str()?).ok()
}

/// `null` is a passkey that does not count.
fn count(value: &Value) -> Option<Option<u32>> {
    match value {
        Value::Null => Some(None),
        value => u32::try_from(value.as_u64()?).ok().map(Some),
    }
}

pub(super) fn id_text(id: &CredentialId) -> String {
    BASE64URL.encode(id.as_bytes())
}

/// The id of a passkey.
pub(super) fn id(value: &Value) -> Option<CredentialId> {
    CredentialId::new(&bytes(value)?).ok()
}

/// A passkey as WebDriver writes it, its private key included.
pub(super) fn written(passkey: &Passkey) -> Value {
    let credential = &passkey.credential;
    let key = passkey.key().to_pkcs8().map(|key| BASE64URL.encode(key.as_slice()));
    json!({
        "credentialId": id_text(&credential.id),
        "isResidentCredential": credential.discoverable,
        "rpId": credential.rp_id.as_str(),
        "userHandle": BASE64URL.encode(credential.user.id.as_bytes()),
        "userName": credential.user.name,
        "userDisplayName": credential.user.display_name,
        "signCount": passkey.sign_count,
        "backupEligibility": credential.backup_eligible,
        "backupState": passkey.backed_up,
        "algorithm": credential.key.algorithm(),
        "privateKey": key,
    })
}

/// A passkey that is to be added.
pub(super) fn read(value: Value) -> Result<Passkey, BadMember> {
    let mut members = Members::of("add", value)?;
    let rp_id = members.required("rpId", "a text", text)?;
    let user = members.required("userHandle", "base64url", bytes)?;
    let wanted =
        "a key package (PKCS #8) on P-256 or P-384, of Ed25519, RSA or ML-DSA, as base64url";
    let key =
        members.required("privateKey", wanted, |it| PrivateKey::from_pkcs8(&bytes(it)?).ok())?;
    let passkey = Passkey::new(&rp_id, &user, key);
    let mut passkey = passkey.map_err(|error| members.says("rpId", error.to_string()))?;
    passkey.sign_count = members.optional("signCount", COUNT, count)?.flatten();
    if let Some(id) = members.optional("credentialId", "an id as base64url", id)? {
        passkey = passkey.with_id(id);
    }
    let resident = members.optional("isResidentCredential", "true or false", Value::as_bool)?;
    passkey.credential.discoverable = resident.unwrap_or(true);
    change_flags(&mut passkey, &mut members)?;
    members.end()?;
    Ok(passkey)
}

/// What a counter is.
const COUNT: &str = "a number from 0 to 4294967295, or null for a passkey that does not count";

/// What is to be changed of a passkey.
pub(super) struct Changes {
    pub(super) id: CredentialId,
    members: Map<String, Value>,
}

impl Changes {
    pub(super) fn read(value: Value) -> Result<Self, BadMember> {
        let mut members = Members::of("change", value)?;
        let id = members.required("credentialId", "an id as base64url", id)?;
        Ok(Self { id, members: members.left })
    }

    /// Makes the changes to the passkey as it was.
    pub(super) fn apply(self, passkey: &mut Passkey) -> Result<(), BadMember> {
        let mut members = Members { path: "change.".into(), left: self.members };
        if let Some(count) = members.optional("signCount", COUNT, count)? {
            passkey.sign_count = count;
        }
        change_flags(passkey, &mut members)?;
        members.end()
    }
}

/// What both an addition and a change may say.
fn change_flags(passkey: &mut Passkey, members: &mut Members) -> Result<(), BadMember> {
    let user = &mut passkey.credential.user;
    for (name, of) in [("userName", &mut user.name), ("userDisplayName", &mut user.display_name)] {
        let read = |it: &Value| if it.is_null() { Some(None) } else { text(it).map(Some) };
        if let Some(text) = members.optional(name, "a text, or null", read)? {
            *of = text;
        }
    }
    let yes_or_no = "true or false";
    if let Some(eligible) = members.optional("backupEligibility", yes_or_no, Value::as_bool)? {
        passkey.credential.backup_eligible = eligible;
    }
    if let Some(backed_up) = members.optional("backupState", yes_or_no, Value::as_bool)? {
        passkey.backed_up = backed_up;
    }
    Ok(())
}
