//! What sites tell of their accounts: WebAuthn's Signal API (L3 §5.1.10).

use serde::{Deserialize, Serialize};
use towline_client::{SignalKind, Verdict};
use towline_ctap::User;
use towline_virtual::VirtualAuthenticator;
use utoipa::ToSchema;

use super::Session;
use crate::{Base64Url, PageOrigin, ServiceError, options};

/// What a site tells. The names of the members are those of WebAuthn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "signal",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum Signal {
    /// It does not know this passkey: it is deleted.
    UnknownCredential {
        /// The RP ID.
        rp_id: String,
        /// The id of the passkey.
        credential_id: Base64Url,
    },
    /// These are all passkeys of an account: others are deleted.
    AllAcceptedCredentials {
        /// The RP ID.
        rp_id: String,
        /// The user handle.
        user_id: Base64Url,
        /// The passkeys that stay.
        all_accepted_credential_ids: Vec<Base64Url>,
    },
    /// This is what an account is called now.
    CurrentUserDetails {
        /// The RP ID.
        rp_id: String,
        /// The user handle.
        user_id: Base64Url,
        /// The name of the account.
        name: String,
        /// The name of the person.
        display_name: String,
    },
}

impl Signal {
    const fn kind(&self) -> SignalKind {
        match self {
            Self::UnknownCredential { .. } => SignalKind::UnknownCredential,
            Self::AllAcceptedCredentials { .. } => SignalKind::AllAcceptedCredentials,
            Self::CurrentUserDetails { .. } => SignalKind::CurrentUserDetails,
        }
    }
}

impl Session {
    /// A site tells something of its accounts; how many passkeys were deleted or renamed. The page
    /// never learns that.
    ///
    /// # Errors
    /// [`ServiceError::Ceremony`] where the origin may not use the RP ID.
    pub fn signal(&self, caller: &PageOrigin, signal: &Signal) -> Result<usize, ServiceError> {
        let json = serde_json::to_string(signal).unwrap_or_default();
        let client = options::client(&self.0.world.provider);
        self.with(|state, _| {
            let signal = state.for_page(caller, |caller| {
                towline_client::Signal::new(&client, caller, signal.kind(), &json)
            })?;
            let changed = state.authenticators.iter().map(|it| follow(&signal, &it.device));
            Ok(changed.sum())
        })
    }
}

/// How many passkeys were changed by it.
fn follow(signal: &towline_client::Signal, device: &VirtualAuthenticator) -> usize {
    let passkeys = device.passkeys().into_iter();
    let of_site = passkeys.filter(|it| it.credential.rp_id == *signal.rp_id());
    let changed = of_site.filter(|passkey| {
        let (id, user) = (passkey.id(), &passkey.credential.user);
        match signal.verdict(id, &user.id) {
            Verdict::Keep => false,
            Verdict::Remove => device.remove(id),
            Verdict::Rename { name, display_name } => {
                let (name, display_name) = (Some(name), Some(display_name));
                let now = User { id: user.id.clone(), name, display_name };
                now != *user && device.change(id, |it| it.credential.rename(now, None)).is_ok()
            }
        }
    });
    changed.count()
}
