//! authenticatorGetInfo (CTAP 2.3 §6.4): claims what the config says and the code does.

use std::time::Instant;

use towline_ctap::{AuthenticatorOptions, Command, GetInfo, Status, Transport, Version};

use crate::{
    AttestationFormat, Authenticator, Capacity, ChannelId, PinComplexity, StoreError, Work,
    authenticator_config, extensions,
    flow::{Core, Flow, Next, await_work},
    u2f,
};

/// The longest credential id that is looked up, in bytes.
const MAX_CREDENTIAL_ID_LENGTH: u64 = 255;

/// Fingerprints in the FIDO registry of means of verification.
const FINGERPRINT: u64 = 0x02;

pub(crate) fn start(core: &mut Core) -> Flow {
    let work = core.store.capacity();
    await_work(core, work, |core, capacity| {
        Ok(Next::Respond(with_capacity(core, capacity)?.encode()))
    })
}

impl Authenticator {
    /// What authenticatorGetInfo would answer, for a client in the same process: nothing is written
    /// and read again. Else it is such a request, and ends what that would end. `None` where the
    /// answer would be a refusal or has to wait, as before the first request: then ask by
    /// [`Self::handle_request_over`].
    pub fn info_over(
        &mut self,
        transport: Transport,
        channel: ChannelId,
        now: Instant,
    ) -> Option<GetInfo> {
        let core = &self.core;
        let is_known = core.state.is_known(&core.config) && core.unneeded.listed.is_some();
        if self.is_busy() || self.late.is_some() || !is_known {
            return None;
        }
        self.turn_to(channel, Some(transport), now);
        self.core.lock_keys_without_token();
        self.core.forget_sequences(Some(Command::GetInfo));
        match self.core.store.capacity() {
            Work::Done(capacity) => with_capacity(&self.core, capacity).ok(),
            Work::Later(_) => None,
        }
    }
}

fn with_capacity(core: &Core, capacity: Result<Capacity, StoreError>) -> Result<GetInfo, Status> {
    let mut info = info(core);
    seal_identity(core, &mut info)?;
    // An estimate that can't be had is left out: the rest of the answer is still true. So is one
    // for somebody who would learn from it how many credentials there are.
    let remaining = capacity.ok().and_then(|capacity| capacity.remaining);
    info.remaining_discoverable_credentials = remaining
        .filter(|_| core.config.credentials.discoverable && core.may_be_silent())
        .map(wide);
    Ok(info)
}

/// What only holders of the persistent token can read, sealed anew each time: otherwise it would
/// tell devices apart (§6.4).
fn seal_identity(core: &Core, info: &mut GetInfo) -> Result<(), Status> {
    let Some(identity) = &core.state.identity else { return Ok(()) };
    let keys = identity.token.keys(&core.provider).map_err(|_| Status::Other)?;
    // Both at once: to ask for random bytes costs more than the bytes.
    let ivs: [u8; 32] = core.provider.random.bytes().map_err(|_| Status::Other)?;
    let ([first, second], _) = ivs.as_chunks() else { return Err(Status::Other) };
    info.enc_identifier = Some(keys.identifier.seal(&core.provider, first, &identity.device));
    info.enc_cred_store_state =
        Some(keys.store_state.seal(&core.provider, second, &identity.store_state));
    Ok(())
}

/// All but the members that depend on the store.
pub(crate) fn info(core: &Core) -> GetInfo {
    let config = &core.config;
    let mut versions = config.identity.versions.clone();
    versions.retain(|version| *version != Version::U2fV2 || u2f::is_allowed(core));
    let mut info = GetInfo::new(config.identity.aaguid, versions);
    info.extensions = Some(extensions::ids(config)).filter(|ids| !ids.is_empty());
    info.options = AuthenticatorOptions {
        plat: config.identity.platform.then_some(true),
        rk: config.credentials.discoverable.then_some(true),
        uv: config.built_in().map(|_| core.usable_verification().is_some()),
        client_pin: config.pin.as_ref().map(|_| core.is_pin_set()),
        cred_mgmt: config.tokens.credential_management.then_some(true),
        per_cred_mgmt_ro: config.tokens.persistent_token.then_some(true),
        pin_uv_auth_token: config.has_tokens().then_some(true),
        no_mc_ga_permissions_with_client_pin: config
            .pin
            .as_ref()
            .filter(|pin| !pin.permits_mc_ga)
            .map(|_| true),
        always_uv: (config.verification.always_uv || config.verification.always_uv_configurable)
            .then_some(core.always_uv()),
        large_blobs: config.extensions.large_blobs.array().map(|_| true),
        ep: config
            .attestation
            .enterprise
            .as_ref()
            .map(|_| core.state.settings.enterprise_attestation),
        bio_enroll: config.bio_enrollment().map(|_| !core.state.fingerprints.is_empty()),
        uv_bio_enroll: config.verification_enrolls().then_some(true),
        uv_acfg: config.verification_configures().then_some(true),
        authnr_cfg: config.has_settings().then_some(true),
        set_min_pin_length: config.min_pin_length_rp_ids().map(|_| true),
        make_cred_uv_not_rqd: core.make_cred_uv_not_rqd().then_some(true),
        ..AuthenticatorOptions::default()
    };
    info.max_msg_size = Some(wide(config.limits.max_msg_size));
    info.max_credential_count_in_list = Some(wide(config.limits.max_credential_count_in_list));
    info.max_credential_id_length = Some(MAX_CREDENTIAL_ID_LENGTH);
    info.transports = Some(config.identity.transports.clone());
    info.algorithms = Some(core.algorithms.clone());
    if config.has_tokens() {
        let protocols = config.tokens.pin_uv_auth_protocols.iter();
        info.pin_uv_auth_protocols = Some(protocols.map(|known| known.identifier()).collect());
    }
    if let Some(pin) = &config.pin {
        info.force_pin_change = Some(core.state.settings.force_pin_change);
        info.min_pin_length = Some(core.min_pin_length().into());
        info.max_pin_length = Some(pin.max_length.into());
        if pin.complexity != PinComplexity::None {
            info.pin_complexity_policy = Some(core.pin_complexity());
            info.pin_complexity_policy_url = pin.complexity_url.clone().map(String::into_bytes);
        }
    }
    info.max_serialized_large_blob_array = config.extensions.large_blobs.array().map(wide);
    info.long_touch_for_reset =
        config.reset.long_touch_configurable.then(|| core.needs_long_touch());
    info.max_cred_blob_length = config.extensions.cred_blob.map(wide);
    info.max_rp_ids_for_set_min_pin_length = config.min_pin_length_rp_ids().map(wide);
    info.authenticator_config_commands =
        config.has_settings().then(|| authenticator_config::subcommands(config));
    info.firmware_version = config.identity.firmware_version;
    info.transports_for_reset = config.reset.transports.clone();
    info.certifications = (!config.identity.certifications.is_empty())
        .then(|| config.identity.certifications.clone());
    info.vendor_prototype_config_commands = (!config.tokens.vendor_config_commands.is_empty())
        .then(|| config.tokens.vendor_config_commands.clone());
    if let Some(verification) = &config.verification.built_in {
        let fingerprint = config.bio_enrollment().map(|_| FINGERPRINT);
        let bits = [verification.modality, fingerprint].into_iter().flatten();
        info.uv_modality = bits.reduce(|all, bits| all | bits);
        info.preferred_platform_uv_attempts = verification.platform_attempts.map(u64::from);
    }
    // Absent would mean `packed`; but who says so shows that it knows the preferences of clients,
    // which then ask for no attestation where nobody wants one, and none is signed. `none` is not
    // listed.
    let mut formats: Vec<String> = Vec::new();
    let enterprise =
        config.attestation.enterprise.as_ref().map(|_| &AttestationFormat::PackedBasic);
    for format in config.attestation.formats.iter().chain(enterprise) {
        let id = format.identifier();
        if *format != AttestationFormat::None && formats.iter().all(|listed| listed != id) {
            formats.push(id.into());
        }
    }
    info.attestation_formats = Some(formats);
    info
}

/// A count or a length as it stands in a response.
pub(crate) fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
