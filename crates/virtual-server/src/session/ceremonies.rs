//! Registrations and sign-ins, for pages and for programs without a page.

use towline_client::Error as CeremonyError;

use super::{
    Session,
    ceremony::{Ceremony, Verb},
};
use crate::{BadMember, CeremonyId, Mediation, PageOrigin, ServiceError, options};

/// What came of a ceremony: RegistrationResponseJSON or AuthenticationResponseJSON, or the
/// exception that a browser would throw.
pub type Outcome = Result<String, CeremonyError>;

impl Session {
    /// Begins a registration, as `navigator.credentials.create()` does:
    /// PublicKeyCredentialCreationOptionsJSON, alone or in a member `publicKey`.
    ///
    /// All authenticators of the session are asked at once, the first one first; who answers wins.
    /// Without any it waits until there is one, or time runs out.
    ///
    /// # Errors
    /// [`ServiceError::Ceremony`] where the options are not as they must be, or the origin may not
    /// use the RP ID; [`ServiceError::Full`].
    pub fn begin_create(
        &self,
        caller: &PageOrigin,
        options_json: &str,
        mediation: Mediation,
    ) -> Result<CeremonyId, ServiceError> {
        self.begin(Verb::Create, caller, options_json, mediation)
    }

    /// Begins a sign-in, as `navigator.credentials.get()` does:
    /// PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`.
    ///
    /// # Errors
    /// As [`Self::begin_create`].
    pub fn begin_get(
        &self,
        caller: &PageOrigin,
        options_json: &str,
        mediation: Mediation,
    ) -> Result<CeremonyId, ServiceError> {
        self.begin(Verb::Get, caller, options_json, mediation)
    }

    fn begin(
        &self,
        verb: Verb,
        caller: &PageOrigin,
        options_json: &str,
        mediation: Mediation,
    ) -> Result<CeremonyId, ServiceError> {
        self.with(|state, world| {
            let most = world.limits.options_length;
            if options_json.len() > most {
                let message = format!("options may have {most} bytes");
                return Err(BadMember::new("options", message).into());
            }
            let most = world.limits.ceremonies;
            if state.ceremonies.len() >= most {
                // Nobody has collected these.
                state.ceremonies.retain(|_, ceremony| !ceremony.is_over());
            }
            if state.ceremonies.len() >= most {
                return Err(ServiceError::Full { what: "ceremonies in this session", most });
            }
            let id = CeremonyId::random(&world.provider)?;
            let (client, now) = (options::client(&world.provider), state.clock.now());
            let ceremony = state.for_page(caller, |caller| {
                let id = id.clone();
                Ceremony::new(id, verb, caller.clone(), options_json, mediation, &client, now)
            })?;
            self.tell(state, ceremony.began(caller.origin().as_str()));
            state.ceremonies.insert(id.clone(), ceremony);
            Ok(id)
        })
    }

    /// How a ceremony stands: what came of it, once, or `None` while it waits.
    ///
    /// # Errors
    /// [`ServiceError::UnknownCeremony`] where there is none, or its result was collected.
    pub fn poll(&self, id: &CeremonyId) -> Result<Option<Outcome>, ServiceError> {
        // What is due happens first.
        self.with(|_, _| Ok(()))?;
        self.with(|state, _| {
            let over = state.ceremonies.get(id).map(Ceremony::is_over);
            match over {
                None => Err(ServiceError::UnknownCeremony(id.to_string())),
                Some(false) => Ok(None),
                Some(true) => Ok(state.ceremonies.remove(id).and_then(Ceremony::into_outcome)),
            }
        })
    }

    /// The person closes the browser's dialog. The result is still to be collected.
    ///
    /// # Errors
    /// [`ServiceError::UnknownCeremony`].
    pub fn cancel(&self, id: &CeremonyId) -> Result<(), ServiceError> {
        self.end_ceremony(id, CeremonyError::Cancelled)
    }

    /// The site calls it off, by its AbortSignal. The result is still to be collected.
    ///
    /// # Errors
    /// [`ServiceError::UnknownCeremony`].
    pub fn abort(&self, id: &CeremonyId) -> Result<(), ServiceError> {
        self.end_ceremony(id, CeremonyError::Aborted)
    }

    /// Nobody will collect it: the page is gone. Nothing happens where there is none.
    pub fn forget_ceremony(&self, id: &CeremonyId) {
        let _session_may_be_over = self.with(|state, _| {
            if let Some(mut ceremony) = state.ceremonies.remove(id)
                && !ceremony.is_over()
            {
                ceremony.end(CeremonyError::Aborted);
                self.tell(state, ceremony.ended());
            }
            Ok(())
        });
    }

    fn end_ceremony(&self, id: &CeremonyId, error: CeremonyError) -> Result<(), ServiceError> {
        self.with(|state, _| {
            let unknown = || ServiceError::UnknownCeremony(id.to_string());
            let ceremony = state.ceremonies.get_mut(id).ok_or_else(unknown)?;
            if !ceremony.is_over() {
                ceremony.end(error);
                let ended = ceremony.ended();
                self.tell(state, ended);
            }
            Ok(())
        })?;
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Waits for the end of a ceremony, and collects its result. Needs a runtime of tokio with
    /// time. Whoever drops this has not ended the ceremony; see [`Self::forget_ceremony`].
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub async fn finished(&self, id: &CeremonyId) -> Result<Outcome, ServiceError> {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if let Some(outcome) = self.poll(id)? {
                return Ok(outcome);
            }
            let due = self.with(|state, _| {
                let due = state.ceremonies.get(id).and_then(Ceremony::poll_timeout);
                Ok(due.and_then(|due| state.until(due)))
            })?;
            match due {
                Some(wait) => {
                    // Whichever comes first.
                    let _either = tokio::time::timeout(wait, changed).await;
                }
                None => changed.await,
            }
        }
    }
}
