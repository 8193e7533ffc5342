//! Authenticators, and what is set of them.

use towline_virtual::person::Rules;

use super::Session;
use crate::{
    AuthenticatorId, AuthenticatorOptions, BadMember, ServiceError, SwitchChange, Switches, What,
    authenticator::Authenticator,
};

impl Session {
    /// Adds an authenticator. Ceremonies that wait for one go on with it.
    ///
    /// # Errors
    /// [`ServiceError::Member`] and [`ServiceError::Unsupported`] for options that can't be used,
    /// [`ServiceError::Full`].
    pub fn add_authenticator(
        &self,
        options: AuthenticatorOptions,
    ) -> Result<AuthenticatorId, ServiceError> {
        let (id, told) = self.with(|state, world| {
            let most = world.limits.authenticators;
            if state.authenticators.len() >= most {
                return Err(ServiceError::Full { what: "authenticators in this session", most });
            }
            let built = options.build(&state.clock, &world.provider, &world.limits)?;
            let id = AuthenticatorId::random(&world.provider)?;
            self.tell(state, What::AuthenticatorAdded { authenticator_id: id.clone() });
            state.authenticators.push(Authenticator::new(id.clone(), options, built));
            Ok((id, ()))
        })?;
        let () = told;
        Ok(id)
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
    pub fn options(&self, id: &AuthenticatorId) -> Result<AuthenticatorOptions, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.options.clone()))
    }

    /// The switches of an authenticator.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn switches(&self, id: &AuthenticatorId) -> Result<Switches, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.switches()))
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
        self.with(|state, _| {
            let authenticator = state.authenticator(id)?;
            let switches = authenticator.switches().changed(change);
            authenticator.set_switches(switches);
            Ok(switches)
        })
    }

    /// The person does what these rules say from now on, as [`Rules`] reads them, and nothing that
    /// they were told before; what fits none goes by the switches. An empty text is no rule.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for a text that is no script,
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn script_person(&self, id: &AuthenticatorId, rules: &str) -> Result<usize, ServiceError> {
        let most = self.0.world.limits.script_length;
        if rules.len() > most {
            let message = format!("a script may have {most} bytes");
            return Err(BadMember::new("rules", message).into());
        }
        let rules: Option<Rules> = match rules.trim() {
            "" => None,
            text => {
                let read = text.parse();
                Some(read.map_err(|error: towline_virtual::person::BadRules| {
                    BadMember::new("rules", error.to_string())
                })?)
            }
        };
        let count = rules.as_ref().map_or(0, Rules::len);
        self.with(|state, _| {
            state.authenticator(id)?.script(rules);
            Ok(count)
        })
    }
}
