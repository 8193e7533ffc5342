//! All the commands.

use std::borrow::Cow;

use towline_ctap::{Command, Request, Status};

use crate::{
    Config, authenticator_config, bio_enrollment, client_pin, credential_management,
    flow::{Core, Flow},
    get_assertion, get_info, get_next_assertion, large_blobs, make_credential, reset, selection,
    state,
};

/// Reads a request and starts its ceremony.
pub(crate) fn dispatch(core: &mut Core, bytes: &[u8]) -> Flow {
    let bytes = &*as_the_standard_has_it(&core.config, bytes);
    let command = bytes.first().copied().and_then(Command::from_u8);
    core.forget_sequences(command);
    if command.is_some_and(|command| !is_there(core, command)) {
        return Err(Status::InvalidCommand);
    }
    let request = Request::decode(bytes, core.config.limits.max_msg_size).map_err(|error| {
        tracing::debug!(%error, "refused a request");
        error.status()
    })?;
    tracing::debug!(command = ?request.command(), "request");
    match request {
        // These two need nothing that is stored, and so work when nothing else does.
        Request::Selection => selection::start(),
        Request::Reset => reset::start(core),
        request => state::load(core, |core| start(core, request)),
    }
}

fn start(core: &mut Core, request: Request) -> Flow {
    match request {
        Request::MakeCredential(request) => make_credential::start(core, request),
        Request::GetAssertion(request) => get_assertion::start(core, request),
        Request::GetNextAssertion => get_next_assertion::start(core),
        Request::GetInfo => get_info::start(core),
        Request::ClientPin(request) => client_pin::start(core, *request),
        Request::CredentialManagement(request) => credential_management::start(core, *request),
        Request::LargeBlobs(request) => large_blobs::start(core, *request),
        Request::BioEnrollment(request) => bio_enrollment::start(core, *request),
        Request::Config(request) => authenticator_config::start(core, &request),
        _ => Err(Status::InvalidCommand),
    }
}

/// The same request with the command byte of the standard, if it came with one of FIDO_2_1_PRE.
fn as_the_standard_has_it<'a>(config: &Config, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let command = match bytes.first() {
        Some(&BIO_ENROLLMENT_PREVIEW) => Command::BioEnrollment,
        Some(&CREDENTIAL_MANAGEMENT_PREVIEW) => Command::CredentialManagement,
        _ => return Cow::Borrowed(bytes),
    };
    if !config.tokens.preview_commands {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = bytes.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first = command.to_u8();
    }
    Cow::Owned(bytes)
}

/// Whether this authenticator has the command.
fn is_there(core: &Core, command: Command) -> bool {
    match command {
        Command::MakeCredential
        | Command::GetAssertion
        | Command::GetNextAssertion
        | Command::GetInfo
        | Command::Selection
        | Command::Reset => true,
        Command::ClientPin => core.config.has_tokens(),
        Command::CredentialManagement => core.config.tokens.credential_management,
        Command::LargeBlobs => core.config.extensions.large_blobs.array().is_some(),
        Command::Config => core.config.has_settings(),
        Command::BioEnrollment => core.config.bio_enrollment().is_some(),
    }
}

/// authenticatorBioEnrollment before CTAP 2.1, in the range of vendors.
const BIO_ENROLLMENT_PREVIEW: u8 = 0x40;
/// authenticatorCredentialManagement before CTAP 2.1, in the same range.
const CREDENTIAL_MANAGEMENT_PREVIEW: u8 = 0x41;
