//! The steps that makeCredential and getAssertion share: the proof of a PIN/UV token, and options.

use towline_ctap::{Flags, Permissions, PinUvAuth, RequestOptions, RpId, Status};

use crate::{
    BackupState, KeyHandle, Purpose,
    flow::{Core, Flow},
    person::{self, proof::Verified},
    token::TokenSerial,
};

/// `pinUvAuthParam` and `pinUvAuthProtocol`, as far as steps 1 and 2 judge them.
pub(crate) enum Auth {
    /// The request has no `pinUvAuthParam`.
    None,
    /// An empty one: the client only wants to know which authenticator the person means (step 1).
    SelectsDevice,
    /// One of a supported protocol.
    Proof(PinUvAuth),
}

/// Steps 1 and 2.
pub(crate) fn read_auth(
    core: &Core,
    param: Option<Vec<u8>>,
    protocol: Option<u64>,
) -> Result<Auth, Status> {
    match param {
        None => Ok(Auth::None),
        Some(param) if param.is_empty() && core.config.has_tokens() => Ok(Auth::SelectsDevice),
        Some(param) => {
            let protocol = protocol.ok_or(Status::MissingParameter)?;
            core.config.tokens.protocol(protocol)?;
            Ok(Auth::Proof(PinUvAuth { protocol, param }))
        }
    }
}

/// Step 1: a touch, and the answer says whether there is a PIN.
pub(crate) fn select_device(rp_id: RpId) -> Flow {
    person::ask_presence(Purpose::SelectDevice { rp_id: Some(rp_id) }, |core, answer| {
        answer.map_err(|_| Status::OperationDenied)?;
        Err(if core.is_pin_set() { Status::PinInvalid } else { Status::PinNotSet })
    })
}

/// What a token showed.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) verified: Verified,
    pub(crate) token: TokenSerial,
}

/// The proof of a token, if the authenticator is protected at all; otherwise it is ignored (§6.1.2
/// step 11, §6.2.2 step 6).
pub(crate) fn check_proof(
    core: &mut Core,
    auth: &Auth,
    permission: Permissions,
    rp_id: &RpId,
    client_data_hash: &[u8],
) -> Result<Option<Shown>, Status> {
    let Auth::Proof(auth) = auth else { return Ok(None) };
    if !core.is_protected() {
        return Ok(None);
    }
    let proof = core.verify_token(auth, &[client_data_hash])?.permits(permission)?;
    let verified = proof.verified()?;
    let proof = proof.bind(rp_id)?;
    Ok(Some(Shown { verified, token: proof.serial() }))
}

/// The `uv` option: whether the client wants built-in verification. Beside a proof it does not
/// count.
pub(crate) fn wants_verification(
    core: &Core,
    options: RequestOptions,
    auth: &Auth,
) -> Result<bool, Status> {
    let wanted = options.uv.unwrap_or(false) && !auth.is_proof();
    if wanted && core.usable_verification().is_none() {
        return Err(Status::InvalidOption);
    }
    Ok(wanted)
}

/// `alwaysUv`, and the same without the claim: whether there is to be built-in verification after
/// all.
pub(crate) fn always_verify(core: &Core, wanted: bool, auth: &Auth) -> Result<bool, Status> {
    let possible = core.usable_verification().is_some();
    let always = core.always_uv();
    if always && !core.is_protected() {
        return Err(ask_for_pin(core));
    }
    if auth.is_proof() {
        return Ok(false);
    }
    if always && !wanted && !possible {
        return Err(ask_for_pin(core));
    }
    Ok(wanted || possible && (always || core.config.verification.unasked))
}

/// The status that lets the client get a token for a PIN, where one could help.
pub(crate) fn ask_for_pin(core: &Core) -> Status {
    if core.pin_permits() { Status::PuatRequired } else { Status::OperationDenied }
}

/// The status where verification is required and missing (§6.1.2 steps 7 and 8): only a PIN that is
/// set is asked for.
pub(crate) fn ask_for_set_pin(core: &Core) -> Status {
    if core.is_pin_set() { ask_for_pin(core) } else { Status::OperationDenied }
}

impl Core {
    /// Whether the request at hand may be answered without a question where the standard has none.
    /// The one place that says so.
    pub(crate) fn may_be_silent(&self) -> bool {
        let silent = |transport| self.config.presence.silent_transports.contains(transport);
        match &self.transport {
            Some(transport) => silent(transport),
            None => self.config.identity.transports.iter().all(silent),
        }
    }
}

/// Before a change that needs no token: over a transport that is not to be silent the person has to
/// agree to it.
pub(crate) fn ask_unless_silent(
    core: &mut Core,
    permissions: Permissions,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    if core.may_be_silent() {
        return then(core);
    }
    let purpose = Purpose::Authorize { rp_id: None, permissions };
    person::ask_presence(purpose, |core, answer| {
        answer.map_err(|_| Status::OperationDenied)?;
        then(core)
    })
}

impl Auth {
    pub(crate) const fn is_proof(&self) -> bool {
        matches!(self, Self::Proof(_))
    }
}

/// Whether a new credential with this key may be on other devices, too (BE). One that is its id is
/// in no store, and so not in one that other devices have.
pub(crate) fn may_be_backed_up(core: &Core, key: &KeyHandle, stored: bool) -> bool {
    let may = match core.config.credentials.backup {
        BackupState::DeviceBound => false,
        BackupState::Eligible | BackupState::BackedUp => true,
        BackupState::Synced => stored,
    };
    may && core.keys.custody(key).can_move()
}

/// Whether a new credential with this key will be on other devices, so that it never counts.
pub(crate) fn is_synced(core: &Core, key: &KeyHandle, stored: bool) -> bool {
    let synced = core.config.credentials.backup == BackupState::Synced;
    synced && may_be_backed_up(core, key, stored)
}

/// BE as it was fixed when the credential was made, BS as it is now: of this credential, or of all.
pub(crate) fn backup_flags(core: &Core, eligible: bool, this: bool) -> Flags {
    let backed_up = eligible && (core.backed_up || this);
    Flags::empty().with(Flags::BE, eligible).with(Flags::BS, backed_up)
}
