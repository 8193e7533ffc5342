//! authenticatorGetInfo (CTAP 2.3 §6.4): claims what the config says and the code does.

use towline_ctap::{
    AuthenticatorOptions, GetInfo,
    extension::{CredentialProtectionPolicy, ExtensionValue},
};

use crate::{
    AttestationFormat,
    flow::{Core, Flow, Next, await_work},
};

/// The longest credential id that is looked up, in bytes.
const MAX_CREDENTIAL_ID_LENGTH: u64 = 255;

pub(crate) fn start(core: &mut Core) -> Flow {
    let work = core.store.capacity();
    await_work(core, work, |core, capacity| {
        let mut info = info(core);
        // An estimate that can't be had is left out: the rest of the answer is still true.
        let remaining = capacity.ok().and_then(|capacity| capacity.remaining);
        info.remaining_discoverable_credentials =
            remaining.filter(|_| core.config.discoverable).map(wide);
        Ok(Next::Respond(info.encode()))
    })
}

/// All but the members that depend on the store.
pub(crate) fn info(core: &Core) -> GetInfo {
    let config = &core.config;
    let mut info = GetInfo::new(config.aaguid, config.versions.clone());
    info.extensions = Some(vec![CredentialProtectionPolicy::ID.into()]);
    info.options = AuthenticatorOptions {
        plat: config.platform.then_some(true),
        rk: config.discoverable.then_some(true),
        uv: config.verification.as_ref().map(|verification| verification.configured),
        always_uv: config.always_uv.then_some(true),
        make_cred_uv_not_rqd: config.make_cred_uv_not_rqd.then_some(true),
        ..AuthenticatorOptions::default()
    };
    info.max_msg_size = Some(wide(config.max_msg_size));
    info.max_credential_count_in_list = Some(wide(config.max_credential_count_in_list));
    info.max_credential_id_length = Some(MAX_CREDENTIAL_ID_LENGTH);
    info.transports = Some(config.transports.clone());
    info.algorithms = Some(core.algorithms.clone());
    info.firmware_version = config.firmware_version;
    info.uv_modality = config.verification.as_ref().and_then(|verification| verification.modality);
    // Absent means `packed`; `none` is not listed.
    if !config.attestation_formats.contains(&AttestationFormat::PackedSelf) {
        info.attestation_formats = Some(Vec::new());
    }
    info
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
