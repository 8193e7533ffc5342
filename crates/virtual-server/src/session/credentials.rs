//! Passkeys of the authenticators.

use towline_ctap::CredentialId;
use towline_virtual::Passkey;

use super::{Session, refused_passkey};
use crate::{
    AuthenticatorId, BadMember, Base64Url, CredentialPatch, ServiceError, StoredCredential,
};

impl Session {
    /// The passkeys of an authenticator, oldest first. What U2F makes is not among them.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn credentials(&self, id: &AuthenticatorId) -> Result<Vec<StoredCredential>, ServiceError> {
        self.with(|state, _| {
            let passkeys = state.authenticator(id)?.device.passkeys();
            Ok(passkeys.iter().filter_map(StoredCredential::of).collect())
        })
    }

    /// One passkey.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`], [`ServiceError::UnknownCredential`].
    pub fn credential(
        &self,
        id: &AuthenticatorId,
        credential_id: &Base64Url,
    ) -> Result<StoredCredential, ServiceError> {
        self.with(|state, _| {
            let device = &state.authenticator(id)?.device;
            let passkey = known(credential_id).and_then(|id| device.passkey(&id));
            passkey.as_ref().and_then(StoredCredential::of).ok_or_else(|| unknown(credential_id))
        })
    }

    /// Adds a passkey, as the newest, in the place of one with the same id.
    ///
    /// # Errors
    /// [`ServiceError::Member`] where it can't be used here, [`ServiceError::Full`],
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn add_credential(
        &self,
        id: &AuthenticatorId,
        credential: &StoredCredential,
    ) -> Result<(), ServiceError> {
        let most = self.0.world.limits.name_length;
        for (member, name) in [
            ("userName", &credential.user_name),
            ("userDisplayName", &credential.user_display_name),
            ("rpName", &credential.rp_name),
        ] {
            short(member, name.as_deref(), most)?;
        }
        self.with(|state, _| state.authenticator(id)?.add(credential))
    }

    /// Changes a passkey.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`], [`ServiceError::UnknownCredential`],
    /// [`ServiceError::Member`].
    pub fn change_credential(
        &self,
        id: &AuthenticatorId,
        credential_id: &Base64Url,
        change: CredentialPatch,
    ) -> Result<StoredCredential, ServiceError> {
        let most = self.0.world.limits.name_length;
        for (member, name) in
            [("userName", &change.user_name), ("userDisplayName", &change.user_display_name)]
        {
            short(member, name.as_ref().and_then(Option::as_deref), most)?;
        }
        self.with(|state, _| {
            let device = &state.authenticator(id)?.device;
            let key = known(credential_id).ok_or_else(|| unknown(credential_id))?;
            let mut passkey = device.passkey(&key).ok_or_else(|| unknown(credential_id))?;
            change.apply(&mut passkey);
            let changed: Passkey = passkey.clone();
            device.change(&key, |it| *it = passkey).map_err(|error| refused_passkey(&error))?;
            StoredCredential::of(&changed).ok_or_else(|| unknown(credential_id))
        })
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`], [`ServiceError::UnknownCredential`].
    pub fn remove_credential(
        &self,
        id: &AuthenticatorId,
        credential_id: &Base64Url,
    ) -> Result<(), ServiceError> {
        self.with(|state, _| {
            let device = &state.authenticator(id)?.device;
            let removed = known(credential_id).is_some_and(|id| device.remove(&id));
            if removed { Ok(()) } else { Err(unknown(credential_id)) }
        })
    }

    /// Removes all passkeys. PIN and settings stay.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn remove_credentials(&self, id: &AuthenticatorId) -> Result<(), ServiceError> {
        self.with(|state, _| {
            state.authenticator(id)?.device.remove_all();
            Ok(())
        })
    }
}

fn short(member: &str, name: Option<&str>, most: usize) -> Result<(), BadMember> {
    match name {
        Some(name) if name.len() > most => {
            Err(BadMember::new(member, format!("it may have {most} bytes")))
        }
        _ => Ok(()),
    }
}

fn known(id: &Base64Url) -> Option<CredentialId> {
    CredentialId::new(&id.0).ok()
}

fn unknown(id: &Base64Url) -> ServiceError {
    ServiceError::UnknownCredential(id.to_string())
}
