//! What sites tell of their accounts: WebAuthn's Signal API (L3 §5.1.10).

use serde::{Deserialize, Serialize};
use towline_client::CompiledPublicSuffixes;
use towline_virtual::Passkey;
use utoipa::ToSchema;

use super::Session;
use crate::{Base64Url, Caller, ServiceError};

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
    fn rp_id(&self) -> &str {
        match self {
            Self::UnknownCredential { rp_id, .. }
            | Self::AllAcceptedCredentials { rp_id, .. }
            | Self::CurrentUserDetails { rp_id, .. } => rp_id,
        }
    }
}

impl Session {
    /// A site tells something of its accounts; how many passkeys were deleted or renamed. The page
    /// never learns that.
    ///
    /// # Errors
    /// [`ServiceError::Ceremony`] where the origin may not use the RP ID.
    pub fn signal(&self, caller: &Caller, signal: &Signal) -> Result<usize, ServiceError> {
        let rp_id = caller.origin().rp_id(Some(signal.rp_id()), &CompiledPublicSuffixes)?;
        self.with(|state, _| {
            let mut count = 0_usize;
            for authenticator in &state.authenticators {
                let device = &authenticator.device;
                let of_site = |it: &Passkey| it.credential.rp_id == rp_id;
                for passkey in device.passkeys().into_iter().filter(of_site) {
                    if act(signal, device, &passkey) {
                        count = count.saturating_add(1);
                    }
                }
            }
            Ok(count)
        })
    }
}

/// Whether anything came of it for this passkey of the site.
fn act(signal: &Signal, device: &towline_virtual::VirtualAuthenticator, passkey: &Passkey) -> bool {
    let is_of = |user: &Base64Url| passkey.credential.user.id.as_bytes() == user.0.as_slice();
    let id = passkey.id();
    match signal {
        Signal::UnknownCredential { credential_id, .. } => {
            id.as_bytes() == credential_id.0.as_slice() && device.remove(id)
        }
        Signal::AllAcceptedCredentials { user_id, all_accepted_credential_ids, .. } => {
            let accepted =
                all_accepted_credential_ids.iter().any(|it| it.0.as_slice() == id.as_bytes());
            is_of(user_id) && !accepted && device.remove(id)
        }
        Signal::CurrentUserDetails { user_id, name, display_name, .. } => {
            let user = &passkey.credential.user;
            let same = user.name.as_ref() == Some(name)
                && user.display_name.as_ref() == Some(display_name);
            if !is_of(user_id) || same {
                return false;
            }
            let mut user = user.clone();
            user.name = Some(name.clone());
            user.display_name = Some(display_name.clone());
            device.change(id, |it| it.credential.rename(user, None)).is_ok()
        }
    }
}
