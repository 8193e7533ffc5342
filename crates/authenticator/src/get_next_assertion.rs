//! authenticatorGetNextAssertion (CTAP 2.3 §6.3): the next account, where the client lets the
//! person choose.

use std::time::Instant;

use towline_ctap::{RpId, Status};

use crate::{
    ChannelId, Cursor, Query,
    flow::{Core, Flow, await_work},
    get_assertion::{Assertion, step_13},
    token::TokenSerial,
};

/// What is kept of a getAssertion with several credentials. Any other command throws it away.
pub(crate) struct Remembered {
    pub(crate) channel: ChannelId,
    pub(crate) rp_id: RpId,
    /// Request and flags of the first; the same for all.
    pub(crate) assertion: Assertion,
    /// How many have not been given out.
    pub(crate) left: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) deadline: Option<Instant>,
    /// The token that the first was given for, if there was one.
    pub(crate) token: Option<TokenSerial>,
}

pub(crate) fn start(core: &mut Core) -> Flow {
    let remembered = core.remembered.take().ok_or(Status::NotAllowed)?;
    if remembered.channel != core.channel {
        core.remembered = Some(remembered);
        return Err(Status::NotAllowed);
    }
    let token_lives = remembered.token.is_none_or(|serial| core.token_lives(serial));
    if remembered.left == 0 || core.reached(remembered.deadline) || !token_lives {
        return Err(Status::NotAllowed);
    }
    let query = Query {
        rp_id: remembered.rp_id.clone(),
        verified: remembered.assertion.is_verified(),
        after: remembered.after,
        limit: 1,
    };
    let work = core.store.discoverable(&query);
    await_work(core, work, move |core, page| {
        let page = page.map_err(|error| error.status())?;
        let credential = page.credentials.into_iter().next().ok_or(Status::NotAllowed)?;
        let assertion = remembered.assertion.clone();
        let left = remembered.left.saturating_sub(1);
        let rest = Remembered { left, after: page.end, ..remembered };
        step_13(core, assertion, credential.into(), Some(rest))
    })
}
