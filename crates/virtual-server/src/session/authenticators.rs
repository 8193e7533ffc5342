//! Authenticators, and what is set of them.

use towline_ctap::Command;
use towline_virtual::Snapshot;

use super::Session;
use crate::{
    AuthenticatorId, BadMember, Exchange, ServiceError, SwitchChange, Switches,
    VirtualAuthenticatorOptions, What, authenticator::Authenticator,
};

impl Session {
    /// Adds an authenticator. Ceremonies that wait for one go on with it.
    ///
    /// # Errors
    /// [`ServiceError::Member`] and [`ServiceError::Unsupported`] for options that can't be used,
    /// [`ServiceError::Full`].
    pub fn add_authenticator(
        &self,
        options: VirtualAuthenticatorOptions,
    ) -> Result<AuthenticatorId, ServiceError> {
        self.with(|state, world| {
            let most = world.limits.authenticators;
            if state.authenticators.len() >= most {
                return Err(ServiceError::Full { what: "authenticators in this session", most });
            }
            let built = options.build(&state.clock, &world.provider, &world.limits)?;
            let id = AuthenticatorId::random(&world.provider)?;
            self.tell(state, What::AuthenticatorAdded { authenticator_id: id.clone() });
            state.authenticators.push(Authenticator::new(id.clone(), options, built));
            Ok(id)
        })
    }

    /// Removes an authenticator, with its passkeys.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn remove_authenticator(&self, id: &AuthenticatorId) -> Result<(), ServiceError> {
        self.with(|state, _| {
            let _there = state.authenticator(id)?;
            state.authenticators.retain(|it| it.id != *id);
            self.tell(state, What::AuthenticatorRemoved { authenticator_id: id.clone() });
            Ok(())
        })
    }

    /// The authenticators, in the order in which they came.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where it has ended.
    pub fn authenticators(&self) -> Result<Vec<AuthenticatorId>, ServiceError> {
        self.with(|state, _| Ok(state.authenticators.iter().map(|it| it.id.clone()).collect()))
    }

    /// What an authenticator was made from.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn options(
        &self,
        id: &AuthenticatorId,
    ) -> Result<VirtualAuthenticatorOptions, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.options.clone()))
    }

    /// The switches of an authenticator.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn switches(&self, id: &AuthenticatorId) -> Result<Switches, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.attendant.switches()))
    }

    /// Changes switches of an authenticator. What waited for the person's consent goes on with it.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn set_switches(
        &self,
        id: &AuthenticatorId,
        change: SwitchChange,
    ) -> Result<Switches, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.change(change)))
    }

    /// What an authenticator says of itself (authenticatorGetInfo), member by member; `None` where
    /// it speaks U2F alone.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn info(&self, id: &AuthenticatorId) -> Result<Option<Exchange>, ServiceError> {
        self.with(|state, _| {
            let info = state.authenticator(id)?.device.info();
            let request = [Command::GetInfo.to_u8()];
            Ok(info.map(|info| Exchange::response(&request, &info.encode())))
        })
    }

    /// Unplugs it and plugs it in again: the window for a reset opens, and three wrong PINs in a
    /// row are forgiven.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn replug(&self, id: &AuthenticatorId) -> Result<(), ServiceError> {
        self.with(|state, _| {
            state.authenticator(id)?.device.replug();
            Ok(())
        })
    }

    /// Everything that an authenticator keeps now: passkeys, PIN, settings, counters.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn snapshot(&self, id: &AuthenticatorId) -> Result<Snapshot, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.device.snapshot()))
    }

    /// Goes back to a snapshot. It is as if the authenticator had been plugged in since; what is
    /// under way in it ends.
    ///
    /// # Errors
    /// [`ServiceError::Member`] where there is less room than there was,
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn restore(&self, id: &AuthenticatorId, snapshot: &Snapshot) -> Result<(), ServiceError> {
        self.with(|state, _| {
            let restored = state.authenticator(id)?.device.restore(snapshot);
            restored.map_err(|error| BadMember::new("snapshot", error.to_string()).into())
        })
    }
}
