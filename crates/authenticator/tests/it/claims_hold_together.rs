//! What getInfo claims, for many configs: the rules across options, members, extensions and
//! commands.

use std::{collections::HashSet, hash::Hash};

use crate::rig::{commands::PIN, platform::*, *};
use towline_authenticator::{
    AttestationFormat, BioEnrollment, BuiltInVerification, ClientPin, Config, ConfigError,
    EnterpriseAttestation, KeyHandle, LargeBlobs, PinComplexity, PinUvAuthProtocol,
};
use towline_ctap::{GetInfo, Permissions, Status, Version, extension::*};
use zeroize::Zeroizing;

type Change = fn(&mut Config);

/// Each of these alone and with each other is tried on every preset.
const CHANGES: [Change; 30] = [
    |_| {},
    |c| c.identity.versions.retain(|version| *version != Version::Fido2_3),
    |c| c.identity.versions = vec![Version::Fido2_0],
    |c| c.credentials.discoverable = false,
    |c| c.verification.built_in = Some(BuiltInVerification::screen_lock()),
    |c| c.verification.built_in = None,
    |c| {
        if let Some(verification) = &mut c.verification.built_in {
            verification.configured = false;
        }
    },
    |c| c.verification.unasked = false,
    |c| {
        if let Some(verification) = &mut c.verification.built_in {
            verification.without_token = false;
        }
    },
    |c| {
        c.tokens.pin_uv_auth_protocols = vec![PinUvAuthProtocol::Two];
        c.pin = Some(ClientPin::standard());
    },
    |c| c.tokens.pin_uv_auth_protocols = vec![PinUvAuthProtocol::One],
    |c| c.pin = None,
    |c| {
        if let Some(pin) = &mut c.pin {
            pin.permits_mc_ga = false;
        }
    },
    |c| {
        if let Some(pin) = &mut c.pin {
            pin.complexity = PinComplexity::Configurable;
        }
    },
    |c| (c.tokens.credential_management, c.tokens.persistent_token) = (false, false),
    |c| c.tokens.persistent_token = !c.tokens.persistent_token,
    |c| {
        (c.extensions.hmac_secret, c.extensions.hmac_secret_mc) = (!c.extensions.hmac_secret, false)
    },
    |c| c.extensions.cred_blob = if c.extensions.cred_blob.is_some() { None } else { Some(64) },
    |c| c.extensions.large_blobs = LargeBlobs::None,
    |c| c.extensions.large_blobs = LargeBlobs::Command(1024),
    |c| c.extensions.large_blobs = LargeBlobs::Extension(512),
    |c| {
        if let Some(pin) = &mut c.pin {
            pin.min_length_rp_ids = if pin.min_length_rp_ids.is_some() { None } else { Some(0) };
        }
    },
    |c| c.verification.always_uv_configurable = !c.verification.always_uv_configurable,
    |c| c.reset.long_touch_configurable = !c.reset.long_touch_configurable,
    |c| c.verification.always_uv = true,
    |c| c.verification.make_cred_uv_not_rqd = !c.verification.make_cred_uv_not_rqd,
    |c| {
        if let Some(verification) = &mut c.verification.built_in {
            verification.bio_enrollment = Some(BioEnrollment::touch());
        }
    },
    |c| {
        if let Some(verification) = &mut c.verification.built_in {
            verification.configures = true;
        }
    },
    |c| {
        if let Some(verification) = &mut c.verification.built_in {
            verification.platform_attempts = Some(3);
        }
    },
    |c| {
        c.attestation.enterprise = Some(EnterpriseAttestation {
            key: KeyHandle::new(-7, Zeroizing::new([1; 32].into())),
            certificates: vec![vec![0x30, 0]],
            vendor_rp_ids: Vec::new(),
            platform_managed: true,
        });
    },
];

/// All configs that pass the check.
fn configs() -> Vec<Config> {
    let mut sound = Vec::new();
    let presets =
        [Config::phone(), Config::platform(), Config::security_key(), Config::fingerprint_key()];
    for preset in presets {
        for (place, first) in CHANGES.iter().enumerate() {
            for second in &CHANGES[place..] {
                let mut config = preset.clone();
                first(&mut config);
                second(&mut config);
                if config.validate().is_ok() {
                    sound.push(config);
                }
            }
        }
    }
    assert!(sound.len() > 300, "{}", sound.len());
    sound
}

fn distinct<T: Eq + Hash>(list: &[T]) -> bool {
    !list.is_empty() && list.iter().collect::<HashSet<_>>().len() == list.len()
}

fn at_least<T: PartialOrd>(value: Option<T>, least: T) -> bool {
    value.is_none_or(|value| value >= least)
}

/// The rules by name, so that a failure says which.
fn rules(config: &Config, info: &GetInfo) -> Vec<(&'static str, bool)> {
    let options = &info.options;
    let built_in = config.verification.built_in.as_ref();
    let without_token = built_in.is_some_and(|built_in| built_in.without_token);
    let on = |option: Option<bool>| option == Some(true);
    let has = |id: &str| info.supports_extension(id);
    let token = on(options.pin_uv_auth_token);
    let commands = info.authenticator_config_commands.as_deref().unwrap_or_default();
    let min_pin = on(options.set_min_pin_length);
    let protocols = info.pin_uv_auth_protocols.as_deref();
    let pin = options.client_pin.is_some();
    let verified = pin || options.uv.is_some();
    let of_2_3 = [
        has(HmacSecret::ID) && has(CredentialProtectionPolicy::ID),
        on(options.cred_mgmt) || !on(options.rk),
        token && verified && protocols.is_some_and(|known| known.contains(&2)),
    ];
    vec![
        ("tokens for what they are for", {
            let needed = on(options.client_pin) || on(options.uv);
            token || !needed || without_token || config.identity.versions.len() == 1
        }),
        ("protocols with tokens", protocols.is_some() == token),
        ("protocols", protocols.is_none_or(distinct)),
        ("always or not required", !(on(options.always_uv) && on(options.make_cred_uv_not_rqd))),
        ("presence can be tested", options.up != Some(false)),
        ("large blobs", info.max_serialized_large_blob_array.is_some() == on(options.large_blobs)),
        ("their least", at_least(info.max_serialized_large_blob_array, 1024)),
        ("their keys", has(GetLargeBlobKey::ID) == on(options.large_blobs)),
        ("one kind of large blobs", !(has(LargeBlobSupport::ID) && on(options.large_blobs))),
        ("shortest PIN", info.min_pin_length.is_some() == pin && at_least(info.min_pin_length, 4)),
        ("longest PIN", info.max_pin_length.is_none_or(|longest| pin && longest >= 8)),
        ("PIN to be changed", info.force_pin_change.is_none() || pin),
        ("complexity of PINs", info.pin_complexity_policy.is_none() || pin),
        ("what a PIN permits", options.no_mc_ga_permissions_with_client_pin.is_none() || pin),
        ("credBlob", info.max_cred_blob_length.is_some() == has(CredBlob::ID)),
        ("its least", at_least(info.max_cred_blob_length, 32)),
        ("minPinLength", has(MinPinLength::ID) == min_pin),
        ("its sites", info.max_rp_ids_for_set_min_pin_length.is_some() == min_pin),
        ("its subcommand", commands.contains(&3) == min_pin),
        ("setMinPINLength needs a PIN", !min_pin || pin),
        ("settings", info.authenticator_config_commands.is_some() == on(options.authnr_cfg)),
        ("long touch", info.long_touch_for_reset.is_some() == commands.contains(&4)),
        ("enterprise attestation", options.ep.is_none() || commands.contains(&1)),
        ("hmac-secret-mc", !has(HmacSecretMcInput::ID) || has(HmacSecret::ID)),
        ("identity", info.enc_identifier.is_some() == on(options.per_cred_mgmt_ro)),
        ("state", info.enc_cred_store_state.is_some() == on(options.per_cred_mgmt_ro)),
        ("who lists", !on(options.per_cred_mgmt_ro) || on(options.cred_mgmt)),
        ("what is listed", !on(options.cred_mgmt) || on(options.rk) && token),
        ("versions", distinct(&info.versions)),
        ("no FIDO_2_2", info.versions.iter().all(|version| version.as_str() != "FIDO_2_2")),
        ("FIDO_2_3", !info.versions.contains(&Version::Fido2_3) || of_2_3 == [true; 3]),
        ("extensions", info.extensions.as_deref().is_none_or(distinct)),
        ("algorithms", info.algorithms.as_deref().is_some_and(distinct)),
        ("transports", info.transports.as_deref().is_some_and(distinct)),
        ("size of messages", at_least(info.max_msg_size, 1024)),
        ("length of lists", at_least(info.max_credential_count_in_list, 1)),
        ("length of ids", at_least(info.max_credential_id_length, 1)),
        ("who configures", options.uv_acfg.is_none() || on(options.authnr_cfg)),
        ("attempts", at_least(info.preferred_platform_uv_attempts, 1)),
        ("fingerprints", options.uv_bio_enroll.is_none() || options.bio_enroll.is_some()),
    ]
}

#[test]
fn whatever_is_configured_what_is_claimed_holds_together() {
    for config in configs() {
        let mut rig = Rig::new(config.clone());
        let info = rig.info();
        for (rule, kept) in rules(&config, &info) {
            assert!(kept, "{rule}: {config:?} claims {info:?}");
        }
    }
}

#[test]
fn commands_are_there_as_claimed() {
    for config in configs() {
        let mut rig = Rig::new(config.clone());
        let info = rig.info();
        let options = &info.options;
        let claims = [
            (0x06, options.pin_uv_auth_token.is_some()),
            (0x09, options.bio_enroll.is_some()),
            (0x0a, options.cred_mgmt.is_some()),
            (0x0c, options.large_blobs.is_some()),
            (0x0d, options.authnr_cfg.is_some()),
        ];
        for (command, claimed) in claims {
            rig.send(HOME, &[command, 0xa0]);
            let there = rig.status() != Status::InvalidCommand;
            assert_eq!(there, claimed, "{command}: {config:?}");
        }
    }
    let mut config = Config::security_key();
    for there in [true, false] {
        config.tokens.persistent_token = there;
        let mut rig = Rig::new(config.clone());
        let platform = Platform::agree(&mut rig, 2);
        platform.set_pin(&mut rig, PIN).unwrap();
        assert_eq!(rig.info().options.per_cred_mgmt_ro.is_some(), there);
        let given = platform.pin_token(&mut rig, PIN, Permissions::PCMR, None);
        assert_eq!(given.is_ok(), there);
    }
}

#[test]
fn ids_are_no_longer_than_is_claimed() {
    for config in [Config::phone(), Config::platform(), Config::security_key()] {
        let mut rig = Rig::new(config);
        let longest = rig.info().max_credential_id_length.unwrap();
        for rk in [true, false] {
            let mut request = creation("example.org", "alice");
            request.options.rk = Some(rk);
            let (id, _) = made(&rig.create(&request).unwrap());
            assert!(id.as_bytes().len() as u64 <= longest);
        }
    }
}

#[test]
fn formats_are_listed_also_where_they_are_packed_alone() {
    use AttestationFormat::{None as NoFormat, PackedSelf};
    let listed = |formats: &[AttestationFormat]| {
        let mut config = Config::security_key();
        config.attestation.formats = formats.to_vec();
        Rig::new(config).info().attestation_formats
    };
    let packed = || Some(vec!["packed".into()]);
    assert_eq!(listed(&[PackedSelf]), packed());
    assert_eq!(listed(&[NoFormat, PackedSelf]), packed());
    assert_eq!(listed(&[NoFormat]), Some(Vec::new()));
}

#[test]
fn numbers_of_extensions_are_in_their_range() {
    let changes: [(Change, &str); 2] = [
        (|c| c.extensions.cred_blob = Some(31), "extensions.cred_blob"),
        (|c| c.extensions.large_blobs = LargeBlobs::Command(1023), "extensions.large_blobs"),
    ];
    for (change, name) in changes {
        let mut config = Config::security_key();
        change(&mut config);
        let Err(ConfigError::OutOfRange { member, .. }) = config.validate() else {
            panic!("{name}")
        };
        assert_eq!(member, name);
    }
}

#[test]
fn verification_is_by_means_of_the_authenticators_own() {
    let refused = |modality, attempts| {
        let mut config = Config::security_key();
        let mut verification = BuiltInVerification::screen_lock();
        (verification.modality, verification.platform_attempts) = (modality, attempts);
        config.verification.built_in = Some(verification);
        match config.validate() {
            Ok(()) => None,
            Err(ConfigError::OutOfRange { member, .. }) => Some(member),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(Some(0x02), Some(1)), None);
    // A PIN that is typed elsewhere is no built-in verification, also not beside a fingerprint.
    for modality in [0x800, 0x802] {
        assert_eq!(refused(Some(modality), None), Some("verification.built_in.modality"));
    }
    assert_eq!(refused(None, Some(0)), Some("verification.built_in.platform_attempts"));
}
