//! What can be changed of a virtual authenticator at any time, as WebDriver and DevTools have it.

use serde::{Deserialize, Serialize};
use towline_authenticator::Question;
use towline_virtual::person::{Asked, Reply};
use utoipa::ToSchema;

/// What the person does where no rule of their script says otherwise, and what is wrong with the
/// answers of sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "WebDriver and DevTools have them side by side")]
pub struct Switches {
    /// Whether the person agrees to whatever they are asked. Otherwise questions stay open until
    /// this is switched on, or time runs out (`automaticPresenceSimulation` in DevTools).
    pub is_user_consenting: bool,
    /// Whether the screen lock or the fingerprint is right; otherwise verification is refused.
    pub is_user_verified: bool,
    /// Sign-ins have a signature that nobody can verify.
    pub is_bogus_signature: bool,
    /// Sign-ins say that nobody was verified (the flag UV is 0).
    #[serde(rename = "isBadUV")]
    pub is_bad_uv: bool,
    /// Sign-ins say that nobody was there (the flag UP is 0).
    #[serde(rename = "isBadUP")]
    pub is_bad_up: bool,
}

/// The switches that are to be changed; the others stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SwitchChange {
    /// Whether the person agrees to whatever they are asked. What is open is answered by `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_user_consenting: Option<bool>,
    /// Whether the screen lock or the fingerprint is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_user_verified: Option<bool>,
    /// Whether sign-ins have a signature that nobody can verify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_bogus_signature: Option<bool>,
    /// Whether sign-ins say that nobody was verified.
    #[serde(rename = "isBadUV", skip_serializing_if = "Option::is_none")]
    pub is_bad_uv: Option<bool>,
    /// Whether sign-ins say that nobody was there.
    #[serde(rename = "isBadUP", skip_serializing_if = "Option::is_none")]
    pub is_bad_up: Option<bool>,
}

impl Switches {
    /// The same after this change.
    #[must_use]
    pub fn changed(self, change: SwitchChange) -> Self {
        Self {
            is_user_consenting: change.is_user_consenting.unwrap_or(self.is_user_consenting),
            is_user_verified: change.is_user_verified.unwrap_or(self.is_user_verified),
            is_bogus_signature: change.is_bogus_signature.unwrap_or(self.is_bogus_signature),
            is_bad_uv: change.is_bad_uv.unwrap_or(self.is_bad_uv),
            is_bad_up: change.is_bad_up.unwrap_or(self.is_bad_up),
        }
    }

    /// What the person does who is asked this.
    pub(crate) const fn reply(self, asked: &Asked) -> Reply {
        if !self.is_user_consenting {
            return Reply::Ignore;
        }
        match asked {
            // Not by a failed attempt: too many of those lock the authenticator, and nobody said
            // that it should be.
            Asked::Authenticator(Question::VerifyUser { .. }) if !self.is_user_verified => {
                Reply::Refuse
            }
            _ => Reply::Consent,
        }
    }
}
