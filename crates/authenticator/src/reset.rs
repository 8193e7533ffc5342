//! authenticatorReset (CTAP 2.3 §6.6): everything goes.

use towline_ctap::{Response, Status};

use crate::{
    Event, Purpose, ResetTime,
    durable::{Retries, State},
    flow::{Core, Flow, Next, await_commit},
    person::{self, Refusal},
    state,
    store::StoreError,
    store_access::Write,
    unneeded::Unneeded,
};

pub(crate) fn start(core: &mut Core) -> Flow {
    let over = |all: &Vec<_>| core.transport.as_ref().is_some_and(|it| all.contains(it));
    if !core.config.reset.transports.as_ref().is_none_or(over) {
        return Err(Status::OperationDenied);
    }
    let allowed = match core.config.reset.when {
        ResetTime::Always => true,
        ResetTime::Never => false,
        ResetTime::AfterPowerUp(window) => {
            let end = core.powered_up.and_then(|instant| instant.checked_add(window));
            end.is_some() && !core.now.reached(end)
        }
    };
    if !allowed {
        return Err(Status::NotAllowed);
    }
    state::read_long_touch(core, |_, long_touch| {
        person::ask_presence(Purpose::Reset { long_touch }, |core, answer| match answer {
            Ok(_) => clear_store(core),
            Err(Refusal::TimedOut) => Err(Status::UserActionTimeout),
            Err(Refusal::Denied | Refusal::NotVerified) => Err(Status::OperationDenied),
        })
    })
}

/// The credentials go first: keys without credentials are harmless, credentials without keys are
/// not. Should the PIN or the keys not go, the credentials are gone all the same; the client is
/// told that it failed, and a reset once more does the rest.
fn clear_store(core: &mut Core) -> Flow {
    let work = core.store.clear();
    await_commit(core, work, |core, cleared| {
        cleared.map_err(|error: StoreError| error.status())?;
        core.retries = Retries::default();
        core.state = State::default();
        core.unneeded = Unneeded::none();
        core.pin_mismatches = 0;
        core.forget_agreements();
        core.lock_keys();
        let work = Write::of(core.pin_verifier.clear());
        await_commit(core, work, |core, cleared| {
            let pin = cleared.map_err(|error| error.status());
            // Whatever became of the PIN.
            let work = Write::of(core.keys.clear());
            await_commit(core, work, move |core, cleared| {
                cleared.map_err(|error| error.status())?;
                pin?;
                core.events.push(Event::Reset);
                Ok(Next::Respond(Response::status_only(Status::Ok)))
            })
        })
    })
}
