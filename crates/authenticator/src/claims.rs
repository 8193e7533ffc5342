//! Whether what getInfo says holds together: the rules across options, members and commands (CTAP
//! 2.3 §6.4, §9).

use std::{collections::HashSet, hash::Hash};

use towline_ctap::{
    GetInfo, Version,
    extension::{
        CredBlob, CredentialProtectionPolicy, ExtensionValue, GetLargeBlobKey, HmacSecret,
        HmacSecretMcInput, LargeBlobSupport, MinPinLength, PinComplexityPolicy,
    },
};

use crate::ConfigError;

/// Checks the whole of what an authenticator says of itself.
/// [`Authenticator::new`](crate::Authenticator::new) does so; it is public for tests, and for what
/// somebody else's authenticator says.
///
/// Real phones offer verification without a PIN/UV token over the hybrid transport, against the
/// standard: `verification_without_token` lets them, unless they claim FIDO_2_3.
///
/// # Errors
/// [`ConfigError::Contradiction`] with the first rule that is broken.
pub fn check_claims(info: &GetInfo, verification_without_token: bool) -> Result<(), ConfigError> {
    let all = [
        versions(info),
        verification(info, verification_without_token),
        pins(info),
        settings(info),
        storage(info),
        members(info),
    ];
    let broken = all.into_iter().flatten().find(|(_, holds)| !holds);
    broken.map_or(Ok(()), |(rule, _)| Err(ConfigError::Contradiction(rule)))
}

type Rules = Vec<(&'static str, bool)>;

fn versions(info: &GetInfo) -> Rules {
    let options = &info.options;
    let modern = info.versions.contains(&Version::Fido2_3);
    let two = info.pin_uv_auth_protocols.as_ref().is_some_and(|known| known.contains(&2));
    let u2f = info.versions.contains(&Version::U2fV2);
    let all = |it: bool| !modern || it;
    vec![
        ("versions are distinct and there are some", distinct(&info.versions)),
        ("FIDO_2_2 is no version", info.versions.iter().all(|it| it.as_str() != "FIDO_2_2")),
        ("U2F_V2 can't verify when alwaysUv is on", {
            !(u2f && on(options.always_uv) && options.uv != Some(true))
        }),
        ("FIDO_2_3 needs hmac-secret", all(info.supports_extension(HmacSecret::ID))),
        ("FIDO_2_3 needs clientPin or uv", all(options.client_pin.or(options.uv).is_some())),
        ("FIDO_2_3 with rk needs credMgmt", all(!on(options.rk) || on(options.cred_mgmt))),
        ("FIDO_2_3 with rk needs credProtect", {
            all(!on(options.rk) || info.supports_extension(CredentialProtectionPolicy::ID))
        }),
        ("FIDO_2_3 needs pinUvAuthToken", all(on(options.pin_uv_auth_token))),
        ("FIDO_2_3 needs PIN/UV auth protocol two", all(two)),
    ]
}

fn verification(info: &GetInfo, without_token: bool) -> Rules {
    let options = &info.options;
    let token = on(options.pin_uv_auth_token);
    let first_only = info.versions.iter().all(|version| *version == Version::Fido2_0);
    let needs_token = on(options.client_pin) || on(options.uv);
    let bio = options.bio_enroll.is_some();
    vec![
        ("clientPin and uv need pinUvAuthToken", {
            token || !needs_token || without_token || first_only
        }),
        ("PIN/UV auth protocols come with pinUvAuthToken", {
            info.pin_uv_auth_protocols.is_some() == token
        }),
        ("PIN/UV auth protocols are distinct and there are some", {
            info.pin_uv_auth_protocols.as_deref().is_none_or(distinct)
        }),
        ("alwaysUv excludes makeCredUvNotRqd", {
            !(on(options.always_uv) && on(options.make_cred_uv_not_rqd))
        }),
        ("bioEnroll needs uv", !bio || options.uv.is_some()),
        ("a fingerprint makes uv true", !on(options.bio_enroll) || on(options.uv)),
        ("uvBioEnroll needs bioEnroll", options.uv_bio_enroll.is_none() || bio),
        ("uvAcfg needs authnrCfg", options.uv_acfg.is_none() || on(options.authnr_cfg)),
        ("uvModality needs uv", info.uv_modality.is_none() || options.uv.is_some()),
        ("uvModality has the bit for fingerprints with bioEnroll", {
            !bio || info.uv_modality.is_some_and(|bits| bits & 0x02 != 0)
        }),
        ("uvModality never has the bit for clientPin", {
            info.uv_modality.is_none_or(|bits| bits & 0x800 == 0)
        }),
        ("preferredPlatformUvAttempts is more than 0, and needs uv", {
            at_least(info.preferred_platform_uv_attempts, 1)
                && (info.preferred_platform_uv_attempts.is_none() || options.uv.is_some())
        }),
    ]
}

fn pins(info: &GetInfo) -> Rules {
    let options = &info.options;
    let pin = options.client_pin.is_some();
    let policy = info.pin_complexity_policy.is_some();
    vec![
        ("minPINLength comes with clientPin", info.min_pin_length.is_some() == pin),
        ("minPINLength is at least 4", at_least(info.min_pin_length, 4)),
        ("maxPINLength needs clientPin", info.max_pin_length.is_none() || pin),
        ("maxPINLength is at least 8", at_least(info.max_pin_length, 8)),
        ("forcePINChange needs clientPin", info.force_pin_change.is_none() || pin),
        ("pinComplexityPolicy needs clientPin", !policy || pin),
        ("pinComplexityPolicyURL needs pinComplexityPolicy", {
            info.pin_complexity_policy_url.is_none() || policy
        }),
        ("the extension pinComplexityPolicy needs the policy", {
            !info.supports_extension(PinComplexityPolicy::ID) || policy
        }),
        ("noMcGaPermissionsWithClientPin needs clientPin", {
            options.no_mc_ga_permissions_with_client_pin.is_none() || pin
        }),
        ("setMinPINLength needs clientPin", !on(options.set_min_pin_length) || pin),
    ]
}

fn settings(info: &GetInfo) -> Rules {
    let options = &info.options;
    let set = on(options.set_min_pin_length);
    let commands = info.authenticator_config_commands.as_deref().unwrap_or_default();
    let vendor = info.vendor_prototype_config_commands.is_some();
    vec![
        ("authenticatorConfigCommands come with authnrCfg", {
            info.authenticator_config_commands.is_some() == on(options.authnr_cfg)
        }),
        (
            "ep comes with enableEnterpriseAttestation",
            options.ep.is_some() == commands.contains(&1),
        ),
        ("toggleAlwaysUv needs alwaysUv", !commands.contains(&2) || options.always_uv.is_some()),
        ("setMinPINLength comes with its subcommand", set == commands.contains(&3)),
        ("setMinPINLength comes with the extension minPinLength", {
            set == info.supports_extension(MinPinLength::ID)
        }),
        ("setMinPINLength comes with maxRPIDsForSetMinPINLength", {
            set == info.max_rp_ids_for_set_min_pin_length.is_some()
        }),
        ("longTouchForReset comes with enableLongTouchForReset", {
            info.long_touch_for_reset.is_some() == commands.contains(&4)
        }),
        ("vendorPrototypeConfigCommands come with vendorPrototype", {
            vendor == commands.contains(&0xff)
        }),
    ]
}

fn storage(info: &GetInfo) -> Rules {
    let options = &info.options;
    let array = on(options.large_blobs);
    let has = |id: &str| info.supports_extension(id);
    let listed = on(options.per_cred_mgmt_ro);
    vec![
        ("largeBlobs comes with maxSerializedLargeBlobArray", {
            array == info.max_serialized_large_blob_array.is_some()
        }),
        ("maxSerializedLargeBlobArray is at least 1024", {
            at_least(info.max_serialized_large_blob_array, 1024)
        }),
        ("largeBlobKey needs largeBlobs", !has(GetLargeBlobKey::ID) || array),
        ("largeBlobs excludes the extension largeBlob", !(array && has(LargeBlobSupport::ID))),
        ("credBlob comes with maxCredBlobLength", {
            has(CredBlob::ID) == info.max_cred_blob_length.is_some()
        }),
        ("maxCredBlobLength is at least 32", at_least(info.max_cred_blob_length, 32)),
        ("hmac-secret-mc needs hmac-secret", {
            !has(HmacSecretMcInput::ID) || has(HmacSecret::ID)
        }),
        ("credMgmt needs rk", !on(options.cred_mgmt) || on(options.rk)),
        ("credMgmt needs pinUvAuthToken", {
            !on(options.cred_mgmt) || on(options.pin_uv_auth_token)
        }),
        ("perCredMgmtRO needs credMgmt", !listed || on(options.cred_mgmt)),
        ("encIdentifier needs perCredMgmtRO", info.enc_identifier.is_none() || listed),
        ("encCredStoreState needs perCredMgmtRO", info.enc_cred_store_state.is_none() || listed),
    ]
}

fn members(info: &GetInfo) -> Rules {
    let some = |list: Option<&[String]>| list.is_none_or(distinct);
    let resets = info.transports_for_reset.as_deref();
    vec![
        ("maxMsgSize is at least 1024", at_least(info.max_msg_size, 1024)),
        ("maxCredentialCountInList is at least 1", at_least(info.max_credential_count_in_list, 1)),
        ("maxCredentialIdLength is at least 1", at_least(info.max_credential_id_length, 1)),
        ("algorithms are distinct and there are some", {
            info.algorithms.as_deref().is_none_or(distinct)
        }),
        ("transports are distinct and there are some", {
            info.transports.as_deref().is_none_or(distinct)
        }),
        ("transportsForReset are distinct and there are some", resets.is_none_or(distinct)),
        ("extensions are distinct and there are some", some(info.extensions.as_deref())),
        ("none is no attestation format to list", {
            info.attestation_formats.as_ref().is_none_or(|all| all.iter().all(|it| it != "none"))
        }),
    ]
}

fn on(option: Option<bool>) -> bool {
    option == Some(true)
}

fn at_least(value: Option<u64>, least: u64) -> bool {
    value.is_none_or(|value| value >= least)
}

fn distinct<T: Eq + Hash>(list: &[T]) -> bool {
    let mut seen = HashSet::new();
    !list.is_empty() && list.iter().all(|entry| seen.insert(entry))
}
