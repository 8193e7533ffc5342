//! All the commands.

use towline_ctap::{Command, Request};

use crate::{
    flow::{Core, Flow},
    get_assertion, get_info, get_next_assertion, make_credential, reset, selection,
};

/// Reads a request and starts its ceremony.
pub(crate) fn dispatch(core: &mut Core, bytes: &[u8]) -> Flow {
    // Any command but its own continuation ends a sequence of assertions.
    let next = bytes.first().copied() == Some(Command::GetNextAssertion.to_u8());
    if !next {
        core.remembered = None;
    }
    let request = Request::decode(bytes, core.config.max_msg_size).map_err(|error| {
        tracing::debug!(%error, "refused a request");
        error.status()
    })?;
    tracing::debug!(command = ?request.command(), "request");
    match request {
        Request::MakeCredential(request) => make_credential::start(core, *request),
        Request::GetAssertion(request) => get_assertion::start(core, *request),
        Request::GetNextAssertion => get_next_assertion::start(core),
        Request::GetInfo => get_info::start(core),
        Request::Selection => selection::start(),
        Request::Reset => reset::start(core),
    }
}
