//! authenticatorClientPIN: what each subcommand judges, and in which order.

use crate::rig::{commands::*, platform::*, *};
use towline_authenticator::{BuiltInVerification, Config, LargeBlobs, ResetTime};
use towline_ctap::{
    ClientPinRequest, ConfigSubcommand, CredentialManagementSubcommand, KeyAgreementKey,
    Permissions, Status, Version,
};

const RP: &str = "example.org";

fn with_verification() -> Config {
    let mut config = Config::security_key();
    let mut verification = BuiltInVerification::screen_lock();
    verification.lock_wait = None;
    config.verification.built_in = Some(verification);
    config
}

#[test]
fn the_protocol_is_judged_before_all_else() {
    let (protocol, key_agreement) = (3, KeyAgreementKey { x: [1; 32], y: [1; 32] });
    let (param, pin_hash_enc, new_pin_enc) = (vec![0; 32], vec![0; 32], vec![0; 80]);
    let requests = [
        ClientPinRequest::GetKeyAgreement { protocol },
        ClientPinRequest::SetPin {
            protocol,
            key_agreement,
            param: param.clone(),
            new_pin_enc: new_pin_enc.clone(),
        },
        ClientPinRequest::ChangePin {
            protocol,
            key_agreement,
            param,
            new_pin_enc,
            pin_hash_enc: pin_hash_enc.clone(),
        },
        ClientPinRequest::GetPinToken {
            protocol,
            key_agreement,
            pin_hash_enc: pin_hash_enc.clone(),
        },
        ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
            protocol,
            key_agreement,
            pin_hash_enc,
            permissions: Permissions::BE,
            rp_id: None,
        },
        ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
            protocol,
            key_agreement,
            permissions: Permissions::BE,
            rp_id: None,
        },
    ];
    for mut rig in [Rig::new(with_verification()), with_pin(with_verification())] {
        for request in requests.clone() {
            let refused = client_pin(&mut rig, request.clone());
            assert_eq!(refused, Err(Status::InvalidParameter), "{request:?}");
        }
        assert_eq!(pin_retries(&mut rig), (8, None));
        assert!(rig.questions.is_empty());
    }
}

#[test]
fn lengths_are_counted_in_code_points() {
    let sets = |min, max, pin: &str| {
        let mut config = Config::security_key();
        let rules = config.pin.as_mut().unwrap();
        (rules.min_length, rules.max_length) = (min, max);
        let mut rig = Rig::new(config);
        Platform::agree(&mut rig, 2).set_pin(&mut rig, pin)
    };
    assert_eq!(sets(4, 63, "äöüß"), Ok(()));
    assert_eq!(sets(5, 63, "äöüß"), Err(Status::PinPolicyViolation));
    assert_eq!(sets(4, 8, "äöüßäöüß"), Ok(()));
    assert_eq!(sets(4, 8, "äöüßäöüßä"), Err(Status::PinPolicyViolation));
    assert_eq!(sets(4, 63, &"€".repeat(21)), Ok(()), "63 bytes");
    assert_eq!(sets(4, 63, &"🔑".repeat(16)), Err(Status::PinPolicyViolation), "64 bytes");
}

#[test]
fn a_latched_pin_is_neither_changed_nor_compared() {
    let mut rig = with_pin(Config::security_key());
    for _ in 0..3 {
        Platform::agree(&mut rig, 2).legacy_token(&mut rig, "wrong").unwrap_err();
    }
    let platform = Platform::agree(&mut rig, 1);
    let latched = Err(Status::PinAuthBlocked);
    assert_eq!(platform.change_pin(&mut rig, PIN, "another"), latched);
    assert_eq!(platform.legacy_token(&mut rig, PIN).map(drop), latched);
    let given = platform.pin_token(&mut rig, PIN, Permissions::GA, Some(RP));
    assert_eq!(given.map(drop), latched);
    assert_eq!(pin_retries(&mut rig), (5, Some(true)));
}

#[test]
fn a_mac_that_does_not_fit_takes_no_retry() {
    for protocol in [1, 2] {
        let mut rig = with_pin(Config::security_key());
        let platform = Platform::agree(&mut rig, protocol);
        let (new_pin_enc, pin_hash_enc) = (platform.padded("another"), platform.pin_hash(PIN));
        let swapped = platform.mac(&[pin_hash_enc.clone(), new_pin_enc.clone()].concat());
        for param in [swapped, platform.mac(&new_pin_enc), Vec::new()] {
            let request = ClientPinRequest::ChangePin {
                protocol,
                key_agreement: platform.key,
                param,
                new_pin_enc: new_pin_enc.clone(),
                pin_hash_enc: pin_hash_enc.clone(),
            };
            assert_eq!(client_pin(&mut rig, request), Err(Status::PinAuthInvalid));
        }
        assert_eq!(pin_retries(&mut rig), (8, None));
        platform.change_pin(&mut rig, PIN, "another").unwrap();
    }
}

#[test]
fn mismatches_count_wherever_the_pin_is_compared() {
    let mut rig = with_pin(Config::security_key());
    let changed = Platform::agree(&mut rig, 1).change_pin(&mut rig, "wrong", "another");
    assert_eq!(changed, Err(Status::PinInvalid));
    let given = Platform::agree(&mut rig, 2).legacy_token(&mut rig, "wrong");
    assert_eq!(given, Err(Status::PinInvalid));
    let ga = Permissions::GA;
    let given = Platform::agree(&mut rig, 1).pin_token(&mut rig, "wrong", ga, Some(RP));
    assert_eq!(given, Err(Status::PinAuthBlocked));
    assert_eq!(pin_retries(&mut rig), (5, Some(true)));
}

#[test]
fn a_hash_that_does_not_decrypt_is_a_wrong_pin() {
    for protocol in [1, 2] {
        for length in [0, 1, 15, 17, 47, 64] {
            let mut rig = with_pin(Config::security_key());
            let platform = Platform::agree(&mut rig, protocol);
            let request = ClientPinRequest::GetPinToken {
                protocol,
                key_agreement: platform.key,
                pin_hash_enc: vec![1; length],
            };
            let refused = client_pin(&mut rig, request.clone());
            assert_eq!(refused, Err(Status::PinInvalid), "{protocol}: {length}");
            assert_eq!(pin_retries(&mut rig), (7, None));
            // And the key agreement is over, so that the right PIN under it is wrong, too.
            let given = platform.legacy_token(&mut rig, PIN);
            assert_eq!(given, Err(Status::PinInvalid));
        }
    }
}

#[test]
fn each_permission_needs_its_feature() {
    type Change = fn(&mut Config);
    let without: [(Permissions, Change); 4] = [
        (Permissions::CM, |c| {
            (c.tokens.credential_management, c.tokens.persistent_token) = (false, false)
        }),
        (Permissions::LBW, |c| c.extensions.large_blobs = LargeBlobs::None),
        (Permissions::ACFG, |c| {
            (c.verification.always_uv_configurable, c.reset.long_touch_configurable) =
                (false, false);
            c.pin.as_mut().unwrap().min_length_rp_ids = None;
        }),
        (Permissions::PCMR, |c| c.tokens.persistent_token = false),
    ];
    for (permission, change) in without {
        let mut config = Config::security_key();
        let mut rig = with_pin(config.clone());
        Platform::agree(&mut rig, 2).pin_token(&mut rig, PIN, permission, None).unwrap();
        change(&mut config);
        config.identity.versions.retain(|version| *version != Version::Fido2_3);
        let mut rig = with_pin(config);
        let given = Platform::agree(&mut rig, 2).pin_token(&mut rig, PIN, permission, None);
        assert_eq!(given, Err(Status::UnauthorizedPermission), "{permission:?}");
        assert_eq!(pin_retries(&mut rig), (8, None));
    }
}

#[test]
fn built_in_verification_gives_what_its_features_allow() {
    let mut rig = Rig::new(with_verification());
    let platform = Platform::agree(&mut rig, 2);
    for permissions in [Permissions::MC, Permissions::GA] {
        platform.uv_token(&mut rig, permissions, Some(RP)).unwrap();
    }
    for permissions in [Permissions::CM, Permissions::LBW, Permissions::PCMR] {
        platform.uv_token(&mut rig, permissions, None).unwrap();
    }
    rig.forget_past();
    for permissions in [Permissions::BE, Permissions::ACFG, Permissions::PCMR | Permissions::CM] {
        let given = platform.uv_token(&mut rig, permissions, None);
        assert_eq!(given, Err(Status::UnauthorizedPermission), "{permissions:?}");
    }
    assert!(rig.questions.is_empty());
}

#[test]
fn a_bad_key_is_told_after_the_verification() {
    let mut rig = Rig::new(with_verification());
    let mut platform = Platform::agree(&mut rig, 2);
    platform.key = KeyAgreementKey { x: [1; 32], y: [1; 32] };
    let given = platform.uv_token(&mut rig, Permissions::GA, Some(RP));
    assert_eq!(given, Err(Status::InvalidParameter));
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn a_legacy_token_permits_mc_and_ga_alone() {
    let mut rig = with_pin(Config::security_key());
    let legacy = Platform::agree(&mut rig, 1).legacy_token(&mut rig, PIN).unwrap();
    let metadata = CredentialManagementSubcommand::GetCredsMetadata;
    let managed = manage(&mut rig, Some(&legacy), metadata);
    assert_eq!(managed, Err(Status::PinAuthInvalid));
    let configured = configure(&mut rig, Some(&legacy), ConfigSubcommand::ToggleAlwaysUv);
    assert_eq!(configured, Err(Status::PinAuthInvalid));
    let write = fragment(&rig, Some(&legacy), &[0; 17], 0, Some(17));
    assert_eq!(rig.call(&write), Err(Status::PinAuthInvalid));
    let mut silent = assertion(RP);
    silent.options.up = Some(false);
    legacy.authorize_sign_in(&rig, &mut silent);
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::NoCredentials);
    let mut request = creation(RP, "alice");
    legacy.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
}

#[test]
fn every_token_is_another_one() {
    let mut rig = with_pin(Config::security_key());
    let mut seen = Vec::new();
    for protocol in [1, 2, 1, 2] {
        let platform = Platform::agree(&mut rig, protocol);
        let token = platform.legacy_token(&mut rig, PIN).unwrap();
        assert!(!seen.contains(&token.value));
        seen.push(token.value);
    }
}

#[test]
fn a_reset_ends_the_token() {
    let mut config = with_verification();
    config.reset.when = ResetTime::Always;
    let mut rig = Rig::new(config);
    let platform = Platform::agree(&mut rig, 2);
    let token = platform.uv_token(&mut rig, Permissions::MC, Some(RP)).unwrap();
    rig.call(&towline_ctap::Request::Reset).unwrap();
    let mut request = creation(RP, "alice");
    token.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
    // The key agreement is another one, too.
    assert_eq!(platform.set_pin(&mut rig, PIN), Err(Status::PinAuthInvalid));
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
}

#[test]
fn built_in_verification_costs_no_pin() {
    let mut rig = with_pin(with_verification());
    rig.person(clumsy);
    let platform = Platform::agree(&mut rig, 2);
    for status in [Status::UvInvalid, Status::UvBlocked, Status::UvBlocked] {
        let given = platform.uv_token(&mut rig, Permissions::GA, Some(RP));
        assert_eq!(given, Err(status));
        assert_eq!(pin_retries(&mut rig), (8, None));
    }
}

#[test]
fn lengths_on_the_wire_are_those_of_the_protocol() {
    for (protocol, sent, other) in [(1, 32, 32), (2, 48, 16)] {
        let mut rig = with_pin(Config::security_key());
        let platform = Platform::agree(&mut rig, protocol);
        let request = ClientPinRequest::GetPinToken {
            protocol,
            key_agreement: platform.key,
            pin_hash_enc: platform.pin_hash(PIN),
        };
        let token = client_pin(&mut rig, request).unwrap().pin_uv_auth_token.unwrap();
        assert_eq!(token.len(), sent);

        let mc = Permissions::MC;
        let token = platform.pin_token(&mut rig, PIN, mc, Some(RP)).unwrap();
        let mut request = creation(RP, "alice");
        token.authorize(&rig, &mut request);
        // The MAC that the other protocol would have made of the same token.
        let foreign = PlatformToken { protocol: 3 - protocol, value: token.value.clone() };
        let foreign = foreign.auth(&rig, CLIENT_DATA_HASH.as_bytes()).param;
        assert_eq!(foreign.len(), other);
        let own = request.pin_uv_auth_param.replace(foreign).unwrap();
        assert_eq!(own.len(), 48 - other);
        assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
        request.pin_uv_auth_param = Some(own);
        rig.create(&request).unwrap();
    }
}
