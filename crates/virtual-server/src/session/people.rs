//! The person in front of an authenticator, and what goes wrong with it.

use serde::{Deserialize, Serialize};
use towline_virtual::{Fault, FaultPlace, Faults, Injected, person::Rules};
use utoipa::ToSchema;

use super::Session;
use crate::{AuthenticatorId, BadMember, ServiceError, attendant};

/// What the person was asked, and what is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Questions {
    /// What waits for an answer, as the person sees it, the oldest first.
    pub open: Vec<String>,
    /// What was asked last, at most 16 questions, the newest last.
    pub heard: Vec<String>,
    /// What of the person's script did not fit what was asked since this was read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FaultRule {
    /// Its name, as GET /v1/faults lists them: `wrong-challenge`, `status-0x27`.
    pub fault: String,
    /// Only while registering, or only while signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// How many occasions it lets pass before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u32,
    /// How often it comes; without this whenever it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// What a fault comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// With registrations, and not with sign-ins.
    Create,
    /// With sign-ins, and not with registrations.
    Get,
}

/// A fault that is put in, and how often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultState {
    /// What goes wrong, and when.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// How often it came so far.
    pub count: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl FaultRule {
    /// This, whenever it can.
    #[must_use]
    pub fn always(fault: &str) -> Self {
        Self { fault: fault.to_owned(), phase: None, after: 0, times: None }
    }

    /// Puts it in.
    pub(crate) fn inject(&self, fault: Fault, faults: &Faults) -> Injected {
        let mut injected = faults.inject(fault);
        injected = match self.phase {
            Some(Phase::Create) => injected.while_registering(),
            Some(Phase::Get) => injected.while_signing_in(),
            None => injected,
        };
        if self.after > 0 {
            injected = injected.after(usize::try_from(self.after).unwrap_or(usize::MAX));
        }
        match self.times {
            Some(times) => injected.times(usize::try_from(times).unwrap_or(usize::MAX)),
            None => injected,
        }
    }

    /// The fault of the name, if it has anything to do behind this service.
    fn named(&self, index: usize) -> Result<Fault, BadMember> {
        let bad = |message: String| BadMember::new(format!("faults[{index}].fault"), message);
        let fault: Fault = self.fault.parse().map_err(|error| bad(format!("{error}")))?;
        if fault.place() == FaultPlace::Report {
            return Err(bad(format!("{fault} is in CTAPHID's reports, and there are none here")));
        }
        Ok(fault)
    }
}

impl Session {
    /// The person does what these rules say from now on, as [`Rules`] reads them, and nothing that
    /// they were told before; what fits none goes by the switches. An empty text is no rule. Gives
    /// the number of rules.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for a text that is no script,
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn script_person(&self, id: &AuthenticatorId, rules: &str) -> Result<usize, ServiceError> {
        let rules = attendant::script(rules, self.0.world.limits.script_length)?;
        let count = rules.as_ref().map_or(0, Rules::len);
        self.with(|state, _| {
            state.authenticator(id)?.attendant.script(rules.as_ref());
            Ok(count)
        })
    }

    /// What the person was asked, and what is open.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn questions(&self, id: &AuthenticatorId) -> Result<Questions, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.attendant.questions()))
    }

    /// The person answers what is open, in the words of a script: `agrees`, `refuses`,
    /// `fails-the-lock`, `picks=ACCOUNT`, `types=PIN`, `calls-it-off`. Gives the number of
    /// questions that were answered: none where nothing is open.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for anything else, or an answer that fits none of them,
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn answer(&self, id: &AuthenticatorId, reply: &str) -> Result<usize, ServiceError> {
        let reply = attendant::reply(reply)?;
        self.with(|state, _| Ok(state.authenticator(id)?.attendant.answer(&reply)?))
    }

    /// From now on this goes wrong, and nothing else but what the switches say.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for a name that no fault has, or that has nothing to do here,
    /// [`ServiceError::Full`], [`ServiceError::UnknownAuthenticator`].
    pub fn set_faults(
        &self,
        id: &AuthenticatorId,
        rules: Vec<FaultRule>,
    ) -> Result<(), ServiceError> {
        let most = self.0.world.limits.faults;
        if rules.len() > most {
            return Err(ServiceError::Full { what: "faults in the list", most });
        }
        let faults: Result<Vec<Fault>, BadMember> =
            rules.iter().enumerate().map(|(index, rule)| rule.named(index)).collect();
        let faults = faults?;
        self.with(|state, _| {
            state.authenticator(id)?.set_faults(faults.into_iter().zip(rules).collect());
            Ok(())
        })
    }

    /// What goes wrong, and how often it did.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAuthenticator`].
    pub fn faults(&self, id: &AuthenticatorId) -> Result<Vec<FaultState>, ServiceError> {
        self.with(|state, _| Ok(state.authenticator(id)?.faults()))
    }
}
