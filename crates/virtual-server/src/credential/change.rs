//! What may be changed of a passkey that is there.

use serde::{Deserialize, Deserializer, Serialize};
use towline_virtual::Passkey;
use utoipa::ToSchema;

/// What is to be changed of a passkey; what is missing stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CredentialPatch {
    /// How often it has signed; `null` makes it one that does not count.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    #[schema(value_type = Option<u32>)]
    pub sign_count: Option<Option<u32>>,
    /// Whether it may be backed up (BE), which is fixed in products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_eligibility: Option<bool>,
    /// Whether it is backed up (BS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_state: Option<bool>,
    /// The name of the account; `null` takes it away.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    pub user_name: Option<Option<String>>,
    /// The name of the person; `null` takes it away.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    pub user_display_name: Option<Option<String>>,
}

/// `null` is a value, and not the absence of one.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl CredentialPatch {
    /// Makes the change.
    pub(crate) fn apply(self, passkey: &mut Passkey) {
        let Self { sign_count, backup_eligibility, backup_state, user_name, user_display_name } =
            self;
        if let Some(count) = sign_count {
            passkey.sign_count = count;
        }
        if let Some(eligible) = backup_eligibility {
            passkey.credential.backup_eligible = eligible;
        }
        if let Some(backed_up) = backup_state {
            passkey.backed_up = backed_up;
        }
        let mut user = passkey.credential.user.clone();
        let mut renamed = false;
        if let Some(name) = user_name {
            (user.name, renamed) = (name, true);
        }
        if let Some(name) = user_display_name {
            (user.display_name, renamed) = (name, true);
        }
        if renamed {
            passkey.credential.rename(user, None);
        }
    }
}
