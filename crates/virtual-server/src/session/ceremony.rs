//! One registration or sign-in, with all authenticators of a session at once, as a browser does it.

use std::time::Instant;

use towline_client::{Caller, CeremonyOutput, Create, Error, Get};
use towline_virtual::Browser;

use crate::{AuthenticatorId, CeremonyId, Mediation, What, authenticator::Authenticator};

/// Registers, or signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Get,
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
        }
    }
}

pub(super) struct Ceremony {
    id: CeremonyId,
    verb: Verb,
    caller: Caller,
    options: String,
    mediation: Mediation,
    rp_id: String,
    /// The client's machine while nobody is asked: it keeps the time.
    lobby: Lobby,
    running: Vec<(AuthenticatorId, towline_virtual::Ceremony)>,
    /// Those that could not do it, where another one may.
    tried: Vec<AuthenticatorId>,
    last: Option<Error>,
    outcome: Option<Result<String, Error>>,
    winner: Option<AuthenticatorId>,
}

enum Lobby {
    Create(Box<Create>),
    Get(Box<Get>),
}

impl Ceremony {
    /// Begins it, if options and origin allow that.
    pub(super) fn new(
        id: CeremonyId,
        verb: Verb,
        caller: Caller,
        options_json: &str,
        mediation: Mediation,
        client: &towline_client::Client,
        now: Instant,
    ) -> Result<Self, Error> {
        let options = mediation.beside(options_json);
        let (lobby, rp_id, mediation) = match verb {
            Verb::Create => {
                let machine = Create::new(client, &caller, &options, now)?;
                let (rp_id, mediation) = (machine.rp_id().clone(), machine.mediation());
                (Lobby::Create(Box::new(machine)), rp_id, mediation)
            }
            Verb::Get => {
                let machine = Get::new(client, &caller, &options, now)?;
                let (rp_id, mediation) = (machine.rp_id().clone(), machine.mediation());
                (Lobby::Get(Box::new(machine)), rp_id, mediation)
            }
        };
        Ok(Self {
            id,
            verb,
            caller,
            options,
            mediation: mediation.into(),
            rp_id: rp_id.as_str().to_owned(),
            lobby,
            running: Vec::new(),
            tried: Vec::new(),
            last: None,
            outcome: None,
            winner: None,
        })
    }

    pub(super) fn began(&self, origin: &str) -> What {
        What::CeremonyBegan {
            ceremony_id: self.id.clone(),
            verb: self.verb.name(),
            origin: origin.to_owned(),
            rp_id: self.rp_id.clone(),
        }
    }

    pub(super) fn ended(&self) -> What {
        let error = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
        What::CeremonyEnded {
            ceremony_id: self.id.clone(),
            authenticator_id: self.winner.clone(),
            error: error.map(Error::name),
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    pub(super) fn into_outcome(self) -> Option<Result<String, Error>> {
        self.outcome
    }

    /// Goes on as far as it can; whether it has come to its end by that.
    pub(super) fn step(&mut self, authenticators: &[Authenticator], now: Instant) -> bool {
        if self.is_over() {
            return false;
        }
        // Time runs out at the same moment everywhere; who is asked notices it first.
        self.ask(authenticators);
        if !self.is_over() && !self.is_beside_a_form() {
            self.wait(now);
        }
        if self.is_over() {
            // Whoever else was asked is not asked any more.
            self.running.clear();
        }
        self.is_over()
    }

    /// The person has called it off, or the site has.
    pub(super) fn end(&mut self, error: Error) {
        if self.outcome.is_none() {
            self.outcome = Some(Err(error));
            self.running.clear();
        }
    }

    /// When it goes on by itself.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let lobby = match &self.lobby {
            Lobby::Create(machine) => machine.poll_timeout(),
            Lobby::Get(machine) => machine.poll_timeout(),
        };
        let lobby = lobby.filter(|_| !self.is_beside_a_form());
        let running = self.running.iter().filter_map(|(_, ceremony)| ceremony.poll_timeout());
        running.chain(lobby).min()
    }

    /// Beside a form, until somebody picks a passkey: no time runs out, and nothing is refused. A
    /// conditional creation does not wait like that.
    const fn is_beside_a_form(&self) -> bool {
        matches!((self.verb, self.mediation), (Verb::Get, Mediation::Conditional))
    }

    fn ask(&mut self, authenticators: &[Authenticator]) {
        self.running.retain(|(id, _)| authenticators.iter().any(|it| it.id == *id));
        if self.verb == Verb::Get && self.ends_unasked(authenticators) {
            self.outcome = Some(Err(Error::NoCredentials));
            return;
        }
        for authenticator in authenticators {
            let id = &authenticator.id;
            if self.tried.contains(id) || !self.may_ask(authenticator) {
                continue;
            }
            let result = self.poll(authenticator);
            match result {
                None => continue,
                Some(Ok(json)) => {
                    self.winner = Some(id.clone());
                    self.outcome = Some(Ok(json));
                }
                // The next attempt comes when the authenticators have changed.
                Some(Err(Error::TimedOut(_))) if self.is_beside_a_form() => {
                    self.running.retain(|(it, _)| it != id);
                    continue;
                }
                Some(Err(error)) if Browser::goes_on(&error) => {
                    self.running.retain(|(it, _)| it != id);
                    self.tried.push(id.clone());
                    self.last = Some(error);
                    continue;
                }
                Some(Err(error)) => self.outcome = Some(Err(error)),
            }
            return;
        }
        let all_tried = authenticators.iter().all(|it| self.tried.contains(&it.id));
        if all_tried
            && !self.is_beside_a_form()
            && let Some(error) = self.last.take()
        {
            self.outcome = Some(Err(error));
        }
    }

    /// Whether it is over without anybody being asked.
    fn ends_unasked(&self, authenticators: &[Authenticator]) -> bool {
        matches!(self.mediation, Mediation::Immediate)
            && !authenticators.iter().any(|it| self.has_passkey(it, false))
    }

    fn may_ask(&self, authenticator: &Authenticator) -> bool {
        !self.is_beside_a_form() || self.has_passkey(authenticator, true)
    }

    fn has_passkey(&self, authenticator: &Authenticator, discoverable: bool) -> bool {
        let fits = |it: &towline_virtual::Passkey| {
            it.credential.rp_id.as_str() == self.rp_id
                && (it.credential.discoverable || !discoverable)
        };
        authenticator.device.passkeys().iter().any(fits)
    }

    fn poll(&mut self, authenticator: &Authenticator) -> Option<Result<String, Error>> {
        let device = &authenticator.device;
        let place = self.running.iter().position(|(id, _)| *id == authenticator.id);
        let place = match place {
            Some(place) => place,
            None => {
                let begun = match self.verb {
                    Verb::Create => device.begin_create_by(&self.caller, &self.options),
                    Verb::Get => device.begin_get_by(&self.caller, &self.options),
                };
                match begun {
                    Ok(ceremony) => self.running.push((authenticator.id.clone(), ceremony)),
                    Err(error) => return Some(Err(error)),
                }
                self.running.len().saturating_sub(1)
            }
        };
        self.running.get_mut(place).and_then(|(_, ceremony)| ceremony.poll())
    }

    /// Where nobody can be asked, time runs out all the same.
    fn wait(&mut self, now: Instant) {
        let output = match &mut self.lobby {
            Lobby::Create(machine) => {
                machine.handle_timeout(now);
                machine.poll_output()
            }
            Lobby::Get(machine) => {
                machine.handle_timeout(now);
                machine.poll_output()
            }
        };
        if let Some(CeremonyOutput::Finished(result)) = output {
            self.outcome = Some(result);
        }
    }
}
