//! What the format has no member for, as an extension of the item. It is a claim, and used only for
//! the passkey whose id it names.

use std::collections::HashMap;

use towline_authenticator::{Credential, LargeBlobPlace};
use towline_crypto::Secret;
use towline_ctap::{CredentialId, LargeBlobKey, extension::CredentialProtectionPolicy};

use crate::{
    base64url,
    json::{Json, Members, member},
};

const NAME: &str = "org.towline.passkey";
const VERSION: i64 = 1;

/// What 1023 bytes take as base64, with padding.
const LONGEST_ID: usize = 1364;

const CREDENTIAL_ID: &str = "credentialId";
const PROTECTION: &str = "protection";
pub(crate) const DISCOVERABLE: &str = "discoverable";
pub(crate) const BACKUP_ELIGIBLE: &str = "backupEligible";
pub(crate) const RP_NAME: &str = "rpName";
const NAMES: &str = "names";
const LARGE_BLOB_KEY: &str = "largeBlobKey";
/// There is a place for a large blob, and nothing in it.
const LARGE_BLOB_PLACE: &str = "largeBlobPlace";

/// Which names an account has: the format can't tell an empty one from none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Both,
    Username,
    DisplayName,
    None,
}

impl Names {
    const fn of(credential: &Credential) -> Self {
        match (&credential.user.name, &credential.user.display_name) {
            (Some(_), Some(_)) => Self::Both,
            (Some(_), None) => Self::Username,
            (None, Some(_)) => Self::DisplayName,
            (None, None) => Self::None,
        }
    }

    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Both => None,
            Self::Username => Some("username"),
            Self::DisplayName => Some("userDisplayName"),
            Self::None => Some("none"),
        }
    }

    /// The name with which a missing one is put right.
    pub(crate) const fn has_username(self) -> bool {
        matches!(self, Self::Both | Self::Username)
    }

    pub(crate) const fn has_display_name(self) -> bool {
        matches!(self, Self::Both | Self::DisplayName)
    }
}

/// What the extension says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) protection: Option<CredentialProtectionPolicy>,
    pub(crate) discoverable: Option<bool>,
    pub(crate) backup_eligible: Option<bool>,
    pub(crate) rp_name: Option<String>,
    pub(crate) names: Names,
    pub(crate) large_blob_key: Option<LargeBlobKey>,
    pub(crate) large_blob_place: bool,
}

impl Claims {
    /// Takes the extensions about credentials out of those of their item. Of two about one the
    /// first counts.
    pub(crate) fn take(extensions: &mut Vec<Json>) -> HashMap<CredentialId, Self> {
        let is_one = |extension: &Json| {
            extension.get("name").and_then(Json::as_text) == Some(NAME)
                && extension.get("v").and_then(Json::as_integer) == Some(VERSION)
        };
        let (ours, others) = std::mem::take(extensions).into_iter().partition::<Vec<_>, _>(is_one);
        *extensions = others;
        let mut claims = HashMap::new();
        for extension in &ours {
            let id = extension.get(CREDENTIAL_ID).and_then(Json::as_text);
            let id = id.filter(|id| id.len() <= LONGEST_ID).and_then(base64url::read);
            let id = id.and_then(|(id, _)| CredentialId::new(&id).ok());
            if let (Some(id), Some(members)) = (id, extension.as_object()) {
                claims.entry(id).or_insert_with(|| Self::read(members));
            }
        }
        claims
    }

    fn read(members: &Members) -> Self {
        let flag = |name| match member(members, name) {
            Some(Json::Bool(flag)) => Some(*flag),
            _ => None,
        };
        let text = |name| member(members, name).and_then(Json::as_text);
        let level = member(members, PROTECTION).and_then(Json::as_integer);
        let level = level.and_then(|level| u64::try_from(level).ok());
        let key = text(LARGE_BLOB_KEY).and_then(base64url::read);
        let key = key.and_then(|(bytes, _)| Secret::from_slice(&bytes).ok());
        Self {
            protection: level.and_then(CredentialProtectionPolicy::from_level),
            discoverable: flag(DISCOVERABLE),
            backup_eligible: flag(BACKUP_ELIGIBLE),
            rp_name: text(RP_NAME).map(ToOwned::to_owned),
            names: match text(NAMES) {
                Some("none") => Names::None,
                Some("username") => Names::Username,
                Some("userDisplayName") => Names::DisplayName,
                _ => Names::Both,
            },
            large_blob_key: key.map(LargeBlobKey::new),
            large_blob_place: flag(LARGE_BLOB_PLACE).unwrap_or_default(),
        }
    }
}

/// What another format says of a passkey, as the extension says it.
pub(crate) fn claim(id: &Json, says: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    let head =
        [("name", Json::text(NAME)), ("v", Json::number(VERSION)), (CREDENTIAL_ID, id.clone())];
    Json::object(head.into_iter().chain(says))
}

/// The extension about a credential.
pub(crate) fn write(credential: &Credential) -> Json {
    let mut members = Members::new();
    let mut put = |name: &str, value| members.push((name.to_owned(), value));
    put("name", Json::text(NAME));
    put("v", Json::number(VERSION));
    put(CREDENTIAL_ID, Json::Text(base64url::write(credential.id.as_bytes())));
    put(PROTECTION, Json::number(credential.protection.level()));
    put(DISCOVERABLE, Json::Bool(credential.discoverable));
    put(BACKUP_ELIGIBLE, Json::Bool(credential.backup_eligible));
    if let Some(name) = &credential.rp_name {
        put(RP_NAME, Json::text(name));
    }
    if let Some(word) = Names::of(credential).word() {
        put(NAMES, Json::text(word));
    }
    let data = credential.extensions.as_ref();
    if let Some(key) = data.and_then(|data| data.large_blob_key.as_ref()) {
        put(LARGE_BLOB_KEY, Json::Text(base64url::write(key.expose())));
    }
    if data.and_then(|data| data.large_blob.as_ref()) == Some(&LargeBlobPlace::Empty) {
        put(LARGE_BLOB_PLACE, Json::Bool(true));
    }
    Json::Object(members)
}
