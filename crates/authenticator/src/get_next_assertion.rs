//! authenticatorGetNextAssertion (CTAP 2.3 §6.3): the next account, where the client lets the
//! person choose.

use towline_ctap::{RpId, Status};

use crate::{
    Cursor, Query,
    assertion::{Assertion, count_and_sign},
    flow::{Core, Flow, await_work},
    sequence::What,
    token::TokenSerial,
};

/// What is left of a getAssertion with several credentials.
pub(crate) struct Rest {
    pub(crate) rp_id: RpId,
    /// Request and flags of the first; the same for all.
    pub(crate) assertion: Assertion,
    /// How many have not been given out.
    pub(crate) left: usize,
    pub(crate) after: Option<Cursor>,
    /// The token that the first was given for, if there was one.
    pub(crate) token: Option<TokenSerial>,
}

pub(crate) fn start(core: &mut Core) -> Flow {
    match core.resume() {
        Some((What::Assertions(next), _)) => next(core),
        _ => Err(Status::NotAllowed),
    }
}

impl Rest {
    /// The next one can be had for a while, if there is one.
    pub(crate) fn remember(self, core: &mut Core) {
        let within = core.config.timing.next_assertion_timeout;
        let token = self.token;
        if self.left > 0 {
            core.remember(within, token, What::Assertions(Box::new(|core| self.next(core))));
        }
    }

    fn next(self, core: &mut Core) -> Flow {
        let query = Query {
            rp_id: self.rp_id.clone(),
            verified: self.assertion.is_verified(),
            after: self.after,
            limit: 1,
        };
        let work = core.store.discoverable(&query);
        await_work(core, work, move |core, page| {
            let page = page.map_err(|error| error.status())?;
            let credential = page.credentials.into_iter().next().ok_or(Status::NotAllowed)?;
            let assertion = self.assertion.clone();
            let rest = Self { left: self.left.saturating_sub(1), after: page.end, ..self };
            count_and_sign(core, assertion, credential.into(), Some(rest))
        })
    }
}
