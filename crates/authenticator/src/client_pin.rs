//! authenticatorClientPIN (CTAP 2.3 §6.5.5): the PIN is set and changed, and tokens are given out
//! for it and for built-in verification.

use towline_crypto::Secret;
use towline_ctap::{
    ClientPinRequest, ClientPinResponse, KeyAgreementKey, Permissions, Response, RpId, Status,
};

use crate::{
    Change, Event, PinUvAuthProtocol, Purpose, Record,
    durable::{Identity, StoredPin},
    flow::{Core, Flow, Next, await_commit},
    options,
    person::{
        self,
        proof::{Present, Verified},
    },
    pin::{self, matched::NewPin},
    pin_protocol::SharedSecret,
    store_access::Write,
    token,
    user_verification::{self, UvError},
};

pub(crate) fn start(core: &mut Core, request: ClientPinRequest) -> Flow {
    use ClientPinRequest as Sub;
    is_there(core, &request)?;
    let protocol =
        request.protocol().map(|identifier| core.config.tokens.protocol(identifier)).transpose()?;
    let Some(protocol) = protocol else {
        return match request {
            Sub::GetUvRetries => get_uv_retries(core),
            _ => get_pin_retries(core),
        };
    };
    match request {
        Sub::SetPin { key_agreement, param, new_pin_enc, .. } => {
            set_pin(core, protocol, &key_agreement, &param, &new_pin_enc)
        }
        Sub::ChangePin { key_agreement, param, new_pin_enc, pin_hash_enc, .. } => {
            let change = PinChange { param, new_pin_enc, pin_hash_enc };
            change_pin(core, protocol, &key_agreement, change)
        }
        Sub::GetPinToken { key_agreement, pin_hash_enc, .. } => {
            let permissions = if core.pin_permits() {
                Permissions::MC | Permissions::GA
            } else {
                Permissions::empty()
            };
            let grant = Grant { protocol, key_agreement, permissions, rp_id: None };
            token_for_pin(core, grant, pin_hash_enc, Status::PinInvalid)
        }
        Sub::GetPinUvAuthTokenUsingPinWithPermissions {
            key_agreement,
            pin_hash_enc,
            permissions,
            rp_id,
            ..
        } => {
            let allowed = permissions_with_pin(core);
            let permissions = check_permissions(core, permissions, allowed)?;
            let grant = Grant { protocol, key_agreement, permissions, rp_id };
            token_for_pin(core, grant, pin_hash_enc, Status::PinPolicyViolation)
        }
        Sub::GetPinUvAuthTokenUsingUvWithPermissions {
            key_agreement, permissions, rp_id, ..
        } => {
            let allowed = permissions_with_verification(core);
            let permissions = check_permissions(core, permissions, allowed)?;
            token_for_verification(core, Grant { protocol, key_agreement, permissions, rp_id })
        }
        _ => {
            let key_agreement = core.key_agreement.public_key(&core.provider, protocol)?;
            respond(&ClientPinResponse {
                key_agreement: Some(key_agreement),
                ..ClientPinResponse::default()
            })
        }
    }
}

/// Those about the PIN exist with the PIN feature, those about built-in verification with that.
const fn is_there(core: &Core, request: &ClientPinRequest) -> Result<(), Status> {
    use ClientPinRequest as Sub;
    let there = match request {
        Sub::GetKeyAgreement { .. } => true,
        Sub::GetUvRetries | Sub::GetPinUvAuthTokenUsingUvWithPermissions { .. } => {
            core.config.verification.built_in.is_some()
        }
        _ => core.config.pin.is_some(),
    };
    if there { Ok(()) } else { Err(Status::InvalidSubcommand) }
}

fn respond(response: &ClientPinResponse) -> Flow {
    Ok(Next::Respond(response.encode()))
}

fn get_pin_retries(core: &Core) -> Flow {
    let left = if core.is_pin_set() { core.state.pin_retries } else { core.max_pin_retries() };
    respond(&ClientPinResponse {
        pin_retries: Some(left.into()),
        power_cycle_state: pin::is_latched(core).then_some(true),
        ..ClientPinResponse::default()
    })
}

fn get_uv_retries(core: &mut Core) -> Flow {
    user_verification::retries_left(core, |_, left| {
        let left = left.map_err(|error| match error {
            UvError::Broken(status) => status,
            _ => Status::Other,
        })?;
        respond(&ClientPinResponse {
            uv_retries: Some(left.into()),
            ..ClientPinResponse::default()
        })
    })
}

fn set_pin(
    core: &mut Core,
    protocol: PinUvAuthProtocol,
    peer: &KeyAgreementKey,
    param: &[u8],
    new_pin_enc: &[u8],
) -> Flow {
    if core.is_pin_set() {
        return Err(Status::PinAuthInvalid);
    }
    let shared = core.key_agreement.decapsulate(&core.provider, protocol, peer)?;
    if !shared.verify(&core.provider, &[new_pin_enc], param) {
        return Err(Status::PinAuthInvalid);
    }
    let new = pin::read_new(core, &shared, new_pin_enc)?;
    options::ask_unless_silent(core, Permissions::ACFG, |core| store_pin(core, new, None, None))
}

struct PinChange {
    param: Vec<u8>,
    new_pin_enc: Vec<u8>,
    pin_hash_enc: Vec<u8>,
}

fn change_pin(
    core: &mut Core,
    protocol: PinUvAuthProtocol,
    peer: &KeyAgreementKey,
    change: PinChange,
) -> Flow {
    pin::may_try(core)?;
    let shared = core.key_agreement.decapsulate(&core.provider, protocol, peer)?;
    let PinChange { param, new_pin_enc, pin_hash_enc } = change;
    if !shared.verify(&core.provider, &[&new_pin_enc, &pin_hash_enc], &param) {
        return Err(Status::PinAuthInvalid);
    }
    pin::compare(core, protocol, shared, pin_hash_enc, move |core, shared, matched| {
        let new = pin::read_new(core, &shared, &new_pin_enc)?;
        if core.state.settings.force_pin_change && matched.is_same(&new) {
            return Err(Status::PinPolicyViolation);
        }
        let identity = core.with_new_persistent_token()?;
        store_pin(core, new, identity, matched.into_secret())
    })
}

/// Stores a PIN, with all its retries; every token is void from then on. `secret` is what the PIN
/// before it opened.
fn store_pin(
    core: &mut Core,
    new: NewPin,
    identity: Option<Identity>,
    secret: Option<Secret<32>>,
) -> Flow {
    let kept = Write::of(core.pin_verifier.set(&new.hash, secret.as_ref()));
    await_commit(core, kept, move |core, kept| {
        let kept = kept.map_err(|error| error.status())?;
        commit_pin(core, StoredPin { kept, length: new.length }, identity)
    })
}

fn commit_pin(core: &mut Core, new: StoredPin, identity: Option<Identity>) -> Flow {
    let mut settings = core.state.settings.clone();
    settings.force_pin_change = false;
    let max = core.max_pin_retries();
    let record = Change::Record { record: Record::Pin, value: Some(new.to_record()) };
    let mut changes = vec![record, pin::retries(max)];
    if settings != core.state.settings {
        changes.push(settings.change());
    }
    changes.extend(identity.as_ref().map(Identity::change));
    let work = core.store.commit(changes);
    await_commit(core, work, move |core, saved| {
        if let Err(error) = saved {
            return discard(core, &new.kept, move |_| Err(error.status()));
        }
        let old = core.state.pin.replace(new);
        core.state.pin_retries = max;
        core.state.settings = settings;
        if identity.is_some() {
            core.state.identity = identity;
        }
        core.token.reset();
        core.events.push(Event::PinChanged);
        let done = |_: &mut Core| Ok(Next::Respond(Response::status_only(Status::Ok)));
        match old {
            Some(old) => discard(core, &old.kept, done),
            None => done(core),
        }
    })
}

/// The verifier learns that this is of no use any more.
fn discard(
    core: &mut Core,
    kept: &[u8],
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    let work = Write::of(core.pin_verifier.discard(kept));
    await_commit(core, work, |core, discarded| {
        if let Err(error) = discarded {
            tracing::warn!(%error, "what was kept for a PIN is still there");
        }
        then(core)
    })
}

/// A token that is asked for.
struct Grant {
    protocol: PinUvAuthProtocol,
    key_agreement: KeyAgreementKey,
    permissions: Permissions,
    rp_id: Option<RpId>,
}

impl Grant {
    fn purpose(&self) -> Purpose {
        Purpose::Authorize { rp_id: self.rp_id.clone(), permissions: self.permissions }
    }
}

/// The permissions that the features of this authenticator give a meaning to.
fn known_permissions(core: &Core) -> Permissions {
    let mut known = Permissions::empty();
    if core.config.tokens.credential_management {
        known = known | Permissions::CM;
    }
    if core.config.extensions.large_blobs.array().is_some() {
        known = known | Permissions::LBW;
    }
    if core.config.tokens.persistent_token {
        known = known | Permissions::PCMR;
    }
    known
}

fn permissions_with_pin(core: &Core) -> Permissions {
    let mut known = known_permissions(core);
    if core.config.has_settings() {
        known = known | Permissions::ACFG;
    }
    if core.config.bio_enrollment().is_some() {
        known = known | Permissions::BE;
    }
    if core.pin_permits() { known | Permissions::MC | Permissions::GA } else { known }
}

fn permissions_with_verification(core: &Core) -> Permissions {
    let mut known = known_permissions(core) | Permissions::MC | Permissions::GA;
    if core.config.verification_configures() {
        known = known | Permissions::ACFG;
    }
    if core.config.verification_enrolls() {
        known = known | Permissions::BE;
    }
    known
}

/// All that is asked for must be available, and the persistent token is asked for alone.
fn check_permissions(
    core: &Core,
    asked: Permissions,
    allowed: Permissions,
) -> Result<Permissions, Status> {
    let alone = asked == Permissions::PCMR || !asked.intersects(Permissions::PCMR);
    if allowed.contains(asked) && alone && core.config.has_tokens() {
        Ok(asked)
    } else {
        Err(Status::UnauthorizedPermission)
    }
}

/// getPinToken and getPinUvAuthTokenUsingPinWithPermissions, which differ in what they say of a PIN
/// that must be changed.
fn token_for_pin(
    core: &mut Core,
    grant: Grant,
    pin_hash_enc: Vec<u8>,
    must_change: Status,
) -> Flow {
    pin::may_try(core)?;
    if !core.config.identity.has_display {
        return compare_pin(core, grant, pin_hash_enc, must_change);
    }
    person::ask_presence(grant.purpose(), move |core, answer| {
        answer.map_err(|_| Status::OperationDenied)?;
        compare_pin(core, grant, pin_hash_enc, must_change)
    })
}

fn compare_pin(core: &mut Core, grant: Grant, pin_hash_enc: Vec<u8>, must_change: Status) -> Flow {
    let (protocol, peer) = (grant.protocol, grant.key_agreement);
    let shared = core.key_agreement.decapsulate(&core.provider, protocol, &peer)?;
    pin::compare(core, protocol, shared, pin_hash_enc, move |core, shared, matched| {
        if core.state.settings.force_pin_change {
            return Err(must_change);
        }
        give_token(core, &shared, grant, Verified::by_pin(&matched), None)
    })
}

fn token_for_verification(core: &mut Core, grant: Grant) -> Flow {
    if core.usable_verification().is_none() {
        return Err(Status::NotAllowed);
    }
    user_verification::perform_for_token(
        core,
        grant,
        |it| it.purpose(),
        |core, grant, answer| {
            let verified = answer.map_err(|error| match error {
                UvError::TimedOut => Status::UserActionTimeout,
                UvError::Declined => Status::OperationDenied,
                UvError::Failed => Status::UvInvalid,
                UvError::Blocked => Status::UvBlocked,
                UvError::Broken(status) => status,
            })?;
            let (protocol, peer) = (grant.protocol, grant.key_agreement);
            let shared = core.key_agreement.decapsulate(&core.provider, protocol, &peer)?;
            // It is not the PIN that gives this one.
            core.lock_keys();
            give_token(core, &shared, grant, verified, verified.presence())
        },
    )
}

/// The token that was asked for, encrypted.
fn give_token(
    core: &mut Core,
    shared: &SharedSecret,
    grant: Grant,
    verified: Verified,
    present: Option<Present>,
) -> Flow {
    if grant.permissions == Permissions::PCMR {
        return give_persistent_token(core, shared);
    }
    let Grant { protocol, permissions, rp_id, .. } = grant;
    let token = core.provider.random.secret().map_err(|_| Status::Other)?;
    let good_for = token::Grant { permissions, rp_id, verified, present };
    core.token.begin_using(protocol, token.clone(), good_for, core.now);
    let encrypted = shared.encrypt(&core.provider, token.expose())?;
    respond(&ClientPinResponse {
        pin_uv_auth_token: Some(encrypted),
        ..ClientPinResponse::default()
    })
}

/// The persistent token, which from now on permits to read (§6.5.2.3).
fn give_persistent_token(core: &mut Core, shared: &SharedSecret) -> Flow {
    let identity = core.state.identity.clone().ok_or(Status::UnauthorizedPermission)?;
    let identity = Identity { granted: true, ..identity };
    let encrypted = shared.encrypt(&core.provider, identity.token.secret().expose())?;
    let response =
        ClientPinResponse { pin_uv_auth_token: Some(encrypted), ..ClientPinResponse::default() };
    let work = core.store.commit(vec![identity.change()]);
    await_commit(core, work, move |core, saved| {
        saved.map_err(|error| error.status())?;
        core.state.identity = Some(identity);
        respond(&response)
    })
}
