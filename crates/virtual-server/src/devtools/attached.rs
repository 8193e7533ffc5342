//! The domain `WebAuthn` in one session of the service, for one client.

use serde_json::{Value, json};

use super::{
    command::{Command, NO_CMTG_KEYS, Properties},
    credential::{self, sign_count},
    error::Error,
};
use crate::{
    AuthenticatorId, Base64Url, CredentialPatch, Notice, ServiceError, Session, StoredCredential,
    Subscription, SwitchChange, Told, What,
};

/// What a client has attached to.
pub(super) struct Attached {
    /// The name by which the client calls it; `None` for the connection itself.
    pub(super) name: Option<String>,
    session: Session,
    /// What happens, while the domain is enabled.
    feed: Option<Subscription>,
    /// The authenticators that were made here, which go when the domain is disabled.
    made: Vec<AuthenticatorId>,
}

/// The event that Chromium does not send, because the client has caused it.
pub(super) type Silent = Option<(AuthenticatorId, Base64Url)>;

impl Attached {
    pub(super) const fn new(name: Option<String>, session: Session) -> Self {
        Self { name, session, feed: None, made: Vec::new() }
    }

    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// What happens here, if anybody wants to know.
    pub(super) const fn feed(&self) -> Option<&Subscription> {
        self.feed.as_ref()
    }

    /// The session has ended: nothing more will happen.
    pub(super) fn end(&mut self) {
        self.feed = None;
        self.made.clear();
    }

    /// Carries out a command. Its result comes behind the events that it has caused.
    pub(super) fn carry_out(
        &mut self,
        command: Command,
    ) -> (Vec<(&'static str, Value)>, Result<Value, Error>) {
        let mut silent = None;
        let result = self.result(command, &mut silent);
        (self.events(&silent), result)
    }

    /// What has happened since.
    pub(super) fn events(&self, silent: &Silent) -> Vec<(&'static str, Value)> {
        let Some(feed) = &self.feed else { return Vec::new() };
        let told = std::iter::from_fn(|| feed.try_next());
        told.filter_map(|told| event(&told, silent)).collect()
    }

    fn result(&mut self, command: Command, silent: &mut Silent) -> Result<Value, Error> {
        match command {
            Command::Enable => {
                if self.feed.is_none() {
                    let feed = self.session.subscribe();
                    self.feed = Some(feed.map_err(|error| Error::server(error.to_string()))?);
                }
                return nothing();
            }
            Command::Disable => {
                self.disable();
                return nothing();
            }
            _ if self.feed.is_none() => {
                let text = "The Virtual Authenticator Environment has not been enabled for this \
                            session";
                return Err(Error::server(text));
            }
            _ => {}
        }
        let session = &self.session;
        match command {
            Command::Enable | Command::Disable => {}
            Command::AddVirtualAuthenticator(options) => {
                let id = session.add_authenticator(options.checked()?).map_err(refused)?;
                self.made.push(id.clone());
                return Ok(json!({ "authenticatorId": id }));
            }
            Command::RemoveVirtualAuthenticator { authenticator } => {
                let id = AuthenticatorId::new(authenticator);
                session.remove_authenticator(&id).map_err(refused)?;
                self.made.retain(|made| *made != id);
            }
            Command::SetResponseOverrideBits { authenticator, bits } => {
                self.switch(authenticator, bits)?;
            }
            Command::SetUserVerified { authenticator, verified } => {
                let is_user_verified = Some(verified);
                let change = SwitchChange { is_user_verified, ..SwitchChange::default() };
                self.switch(authenticator, change)?;
            }
            Command::SetAutomaticPresenceSimulation { authenticator, enabled } => {
                let is_user_consenting = Some(enabled);
                let change = SwitchChange { is_user_consenting, ..SwitchChange::default() };
                self.switch(authenticator, change)?;
            }
            Command::AddCredential { authenticator, credential } => {
                let id = AuthenticatorId::new(authenticator);
                let has_resident_key = session.abilities(&id).map_err(refused)?.resident_keys;
                let credential = credential.checked(has_resident_key)?;
                let credential_id = credential.credential_id.clone();
                add(session, &id, credential)?;
                *silent = Some((id, credential_id));
            }
            Command::GetCredential { authenticator, credential } => {
                let id = AuthenticatorId::new(authenticator);
                let found = session.credential(&id, &Base64Url(credential)).map_err(refused)?;
                return Ok(json!({ "credential": credential::written(&found) }));
            }
            Command::GetCredentials { authenticator } => {
                let all = session.credentials(&AuthenticatorId::new(authenticator));
                let all = all.map_err(refused)?;
                let all: Vec<Value> = all.iter().map(credential::written).collect();
                return Ok(json!({ "credentials": all }));
            }
            Command::RemoveCredential { authenticator, credential } => {
                let id = AuthenticatorId::new(authenticator);
                session.remove_credential(&id, &Base64Url(credential)).map_err(refused)?;
            }
            Command::ClearCredentials { authenticator } => {
                let id = AuthenticatorId::new(authenticator);
                session.remove_credentials(&id).map_err(refused)?;
            }
            Command::SetCredentialProperties { authenticator, credential, changes } => {
                let (id, credential) = (AuthenticatorId::new(authenticator), Base64Url(credential));
                session.credential(&id, &credential).map_err(refused)?;
                let change = change(&changes)?;
                session.change_credential(&id, &credential, change).map_err(refused)?;
                *silent = Some((id, credential));
            }
        }
        nothing()
    }

    fn switch(&self, authenticator: String, change: SwitchChange) -> Result<(), Error> {
        let id = AuthenticatorId::new(authenticator);
        self.session.set_switches(&id, change).map(|_| ()).map_err(refused)
    }

    /// What was made here goes.
    fn disable(&mut self) {
        self.feed = None;
        for id in self.made.drain(..) {
            // Somebody else may have been faster.
            let _gone = self.session.remove_authenticator(&id);
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.disable();
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it is the result of most commands")]
fn nothing() -> Result<Value, Error> {
    Ok(json!({}))
}

/// Adds a credential whose id, and whose account if it can be found without, are new.
fn add(
    session: &Session,
    authenticator: &AuthenticatorId,
    credential: StoredCredential,
) -> Result<(), Error> {
    let there = session.credentials(authenticator).map_err(refused)?;
    let same = |it: &StoredCredential| {
        let account = it.rp_id == credential.rp_id && it.user_handle == credential.user_handle;
        it.credential_id == credential.credential_id
            || account && it.is_resident_credential && credential.is_resident_credential
    };
    let failed = || Error::server("An error occurred trying to create the credential");
    if there.iter().any(same) {
        return Err(failed());
    }
    session.add_credential(authenticator, &credential).map_err(|_| failed())
}

fn change(changes: &Properties) -> Result<CredentialPatch, Error> {
    if changes.cmtg {
        return Err(Error::parameter(NO_CMTG_KEYS));
    }
    let counter = changes.sign_count.map(sign_count).transpose()?;
    Ok(CredentialPatch {
        sign_count: counter,
        backup_eligibility: changes.backup_eligibility,
        backup_state: changes.backup_state,
        ..CredentialPatch::default()
    })
}

fn refused(error: ServiceError) -> Error {
    match error {
        ServiceError::UnknownAuthenticator(_) => {
            Error::parameter("Could not find a Virtual Authenticator matching the ID")
        }
        ServiceError::UnknownCredential(_) => {
            Error::parameter("Could not find a credential matching the ID")
        }
        ServiceError::Member(bad) | ServiceError::Unsupported(bad) => {
            Error::parameter(bad.to_string())
        }
        other => Error::server(other.to_string()),
    }
}

/// What a client is told of it.
pub(super) fn event(told: &Told, silent: &Silent) -> Option<(&'static str, Value)> {
    let Told::Notice(notice) = told else { return None };
    let Notice { what, .. } = notice.as_ref();
    let of = |id: &AuthenticatorId, it: &StoredCredential| json!({ "authenticatorId": id, "credential": credential::written(it) });
    let caused = |id: &AuthenticatorId, it: &StoredCredential| {
        silent.as_ref().is_some_and(|(of, what)| of == id && *what == it.credential_id)
    };
    match what {
        What::CredentialAdded { authenticator_id, credential } => {
            (!caused(authenticator_id, credential))
                .then(|| ("WebAuthn.credentialAdded", of(authenticator_id, credential)))
        }
        What::CredentialUpdated { authenticator_id, credential } => {
            (!caused(authenticator_id, credential))
                .then(|| ("WebAuthn.credentialUpdated", of(authenticator_id, credential)))
        }
        What::CredentialAsserted { authenticator_id, credential } => {
            Some(("WebAuthn.credentialAsserted", of(authenticator_id, credential)))
        }
        What::CredentialDeleted { authenticator_id, credential_id } => {
            let id = super::bindings::encoded(&credential_id.0);
            let params = json!({ "authenticatorId": authenticator_id, "credentialId": id });
            Some(("WebAuthn.credentialDeleted", params))
        }
        _ => None,
    }
}
