//! authenticatorConfig (CTAP 2.3 §6.11): the settings that a platform may change.

use towline_ctap::{
    ConfigRequest, ConfigSubcommand, Permissions, Response, SetMinPinLength, Status,
};

use crate::{
    Config, PinComplexity,
    durable::{Identity, Settings},
    flow::{Core, Flow, Next, await_commit},
    options,
    person::{self, Refusal},
};

/// The numbers of the subcommands that are there.
pub(crate) fn subcommands(config: &Config) -> Vec<u64> {
    let all = [
        (1, config.attestation.enterprise.is_some()),
        (2, config.verification.always_uv_configurable),
        (3, config.min_pin_length_rp_ids().is_some()),
        (4, config.reset.long_touch_configurable),
        (0xff, !config.tokens.vendor_config_commands.is_empty()),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(number, _)| number).collect()
}

pub(crate) fn start(core: &mut Core, request: &ConfigRequest) -> Flow {
    let subcommand = request.subcommand();
    if !subcommands(&core.config).contains(&subcommand.to_u8().into()) {
        return Err(Status::InvalidSubcommand);
    }
    // Who turned `alwaysUv` on without any means of verification must be able to turn it off.
    let way_back = matches!(subcommand, ConfigSubcommand::ToggleAlwaysUv)
        && !core.is_protected()
        && core.always_uv();
    if (core.is_protected() || core.always_uv()) && !way_back {
        let auth = request.auth.as_ref().ok_or(Status::PuatRequired)?;
        let message = request.authenticated_message();
        core.verify_token(auth, &[&message])?.permits(Permissions::ACFG)?;
        return carry_out(core, request);
    }
    let request = request.clone();
    options::ask_unless_silent(core, Permissions::ACFG, move |core| carry_out(core, &request))
}

/// Whoever sent it may.
fn carry_out(core: &mut Core, request: &ConfigRequest) -> Flow {
    match request.subcommand() {
        ConfigSubcommand::EnableEnterpriseAttestation => {
            let settings = Settings { enterprise_attestation: true, ..core.state.settings.clone() };
            store(core, settings, false)
        }
        ConfigSubcommand::ToggleAlwaysUv => {
            let settings =
                Settings { always_uv: Some(!core.always_uv()), ..core.state.settings.clone() };
            store(core, settings, false)
        }
        ConfigSubcommand::SetMinPinLength(set) => set_min_pin_length(core, set),
        ConfigSubcommand::EnableLongTouchForReset => {
            let settings = Settings { long_touch_for_reset: true, ..core.state.settings.clone() };
            store(core, settings, false)
        }
        ConfigSubcommand::VendorPrototype { command } => {
            let command = command.ok_or(Status::MissingParameter)?;
            if !core.config.tokens.vendor_config_commands.contains(&command) {
                return Err(Status::InvalidParameter);
            }
            person::ask_vendor(command, request.params().to_vec(), |_, done| match done {
                Ok(()) => Ok(Next::Respond(Response::status_only(Status::Ok))),
                Err(Refusal::TimedOut) => Err(Status::UserActionTimeout),
                Err(Refusal::Denied | Refusal::NotVerified) => Err(Status::OperationDenied),
            })
        }
    }
}

fn set_min_pin_length(core: &mut Core, set: &SetMinPinLength) -> Flow {
    let mut settings = core.state.settings.clone();
    let current = core.min_pin_length();
    let length = match set.new_min_pin_length {
        None => current,
        Some(length) => u8::try_from(length)
            .ok()
            .filter(|length| (current..=core.max_pin_length()).contains(length))
            .ok_or(Status::PinPolicyViolation)?,
    };
    settings.min_pin_length = Some(length);
    let mut force = set.force_change_pin == Some(true);
    if force && !core.is_pin_set() {
        return Err(Status::PinNotSet);
    }
    force |= core.state.pin.as_ref().is_some_and(|pin| pin.length < length);
    if set.pin_complexity_policy == Some(true) && !core.pin_complexity() {
        if core.config.pin_complexity() != PinComplexity::Configurable {
            return Err(Status::InvalidParameter);
        }
        settings.pin_complexity = true;
        // Only the hash of the PIN is known: whether it is simple can't be told.
        force |= core.is_pin_set();
    }
    let ids = set.min_pin_length_rp_ids.clone().unwrap_or_default();
    if core.config.min_pin_length_rp_ids().is_none_or(|max| ids.len() > max) {
        return Err(Status::KeyStoreFull);
    }
    if !ids.is_empty() {
        settings.min_pin_length_rp_ids = ids;
    }
    settings.force_pin_change |= force;
    store(core, settings, force)
}

/// Stores the settings; a PIN that has to be changed voids every token.
fn store(core: &mut Core, settings: Settings, void_tokens: bool) -> Flow {
    let identity = if void_tokens { core.with_new_persistent_token()? } else { None };
    let mut changes = vec![settings.change()];
    changes.extend(identity.as_ref().map(Identity::change));
    let work = core.store.commit(changes);
    await_commit(core, work, move |core, saved| {
        saved.map_err(|error| error.status())?;
        core.state.settings = settings;
        core.state.identity = identity.or(core.state.identity.take());
        if void_tokens {
            core.token.reset();
        }
        Ok(Next::Respond(Response::status_only(Status::Ok)))
    })
}
