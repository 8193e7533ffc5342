//! What the format has no member for, as an extension of the item. It is a claim, and used only for
//! the passkey whose id it names.

use towline_authenticator::{Credential, LargeBlobPlace};
use towline_crypto::Secret;
use towline_ctap::{CredentialId, LargeBlobKey, extension::CredentialProtectionPolicy};

use crate::{
    base64url,
    json::{Json, Members, member},
};

const NAME: &str = "org.towline.passkey";
const VERSION: i64 = 1;

const CREDENTIAL_ID: &str = "credentialId";
const PROTECTION: &str = "protection";
const DISCOVERABLE: &str = "discoverable";
const BACKUP_ELIGIBLE: &str = "backupEligible";
const RP_NAME: &str = "rpName";
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
    pub(crate) rp_name: Option<String>,
    pub(crate) names: Names,
    pub(crate) large_blob_key: Option<LargeBlobKey>,
    pub(crate) large_blob_place: bool,
}

impl Claims {
    /// Takes the extension about this credential out of those of its item.
    pub(crate) fn take(extensions: &mut Vec<Json>, id: &CredentialId) -> Option<Self> {
        let is_it = |extension: &Json| {
            let named = extension.get(CREDENTIAL_ID).and_then(Json::as_text);
            let named = named.and_then(base64url::read);
            extension.get("name").and_then(Json::as_text) == Some(NAME)
                && extension.get("v").and_then(Json::as_integer) == Some(VERSION)
                && named.is_some_and(|(bytes, _)| *bytes == id.as_bytes())
        };
        let place = extensions.iter().position(is_it)?;
        let Json::Object(members) = extensions.remove(place) else { return None };
        Some(Self::read(&members))
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
