//! authenticatorLargeBlobs and authenticatorConfig.

use std::time::Duration;

use crate::rig::{platform::*, *};
use towline_authenticator::{
    Change, Config, CredentialStore, PinComplexity, Purpose, Question, Record, ResetTime, Work,
};
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, LargeBlobsRequest, LargeBlobsResponse, Permissions, Request,
    SetMinPinLength, Status, Version,
};

const PIN: &str = "2468-blue";

fn key() -> Rig {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    Rig::new(config)
}

fn get(rig: &mut Rig, count: u64, offset: u32) -> Result<Vec<u8>, Status> {
    let response = rig.call(&LargeBlobsRequest::Get { count, offset }.into())?;
    Ok(LargeBlobsResponse::decode(&response).unwrap().config.unwrap())
}

fn set(
    rig: &mut Rig,
    token: Option<&PlatformToken>,
    fragment: &[u8],
    offset: u32,
    length: Option<u64>,
) -> Result<(), Status> {
    let message = LargeBlobsRequest::authenticated_message(&rig.provider, offset, fragment);
    let auth = token.map(|token| token.auth(rig, &message));
    let request = LargeBlobsRequest::Set { fragment: fragment.to_vec(), offset, length, auth };
    rig.call(&request.into()).map(drop)
}

fn array(rig: &Rig, length: usize) -> Vec<u8> {
    let content = vec![0x5a; length - 16];
    let hash = rig.provider.sha256.hash(&[&content]);
    [content, hash[..16].to_vec()].concat()
}

fn initial(rig: &Rig) -> Vec<u8> {
    [vec![0x80], rig.provider.sha256.hash(&[&[0x80]])[..16].to_vec()].concat()
}

fn token(rig: &mut Rig, permissions: Permissions) -> PlatformToken {
    Platform::agree(rig, 2).pin_token(rig, PIN, permissions, None).unwrap()
}

#[test]
fn the_array_is_empty_at_first_and_after_a_reset() {
    let mut rig = key();
    let empty = initial(&rig);
    assert_eq!(get(&mut rig, 960, 0).unwrap(), empty);
    let new = array(&rig, 40);
    set(&mut rig, None, &new, 0, Some(40)).unwrap();
    assert_eq!(get(&mut rig, 960, 0).unwrap(), new);
    rig.call(&Request::Reset).unwrap();
    assert_eq!(get(&mut rig, 960, 0).unwrap(), empty);
}

#[test]
fn the_array_is_read_in_pieces() {
    let mut rig = key();
    let empty = initial(&rig);
    assert_eq!(get(&mut rig, 5, 3).unwrap(), empty[3..8]);
    assert_eq!(get(&mut rig, 0, 0).unwrap(), Vec::<u8>::new());
    assert_eq!(get(&mut rig, 5, 17).unwrap(), Vec::<u8>::new());
    assert_eq!(get(&mut rig, 5, 18), Err(Status::InvalidParameter));
    let max = rig.authenticator.config().limits.max_msg_size as u64 - 64;
    assert!(get(&mut rig, max, 0).is_ok());
    assert_eq!(get(&mut rig, max + 1, 0), Err(Status::InvalidLength));
}

#[test]
fn the_array_is_written_in_pieces_or_not_at_all() {
    let mut rig = key();
    let (empty, new) = (initial(&rig), array(&rig, 2000));
    set(&mut rig, None, &new[..1000], 0, Some(2000)).unwrap();
    set(&mut rig, None, &new[1000..1900], 1000, None).unwrap();
    set(&mut rig, None, &new[1900..], 1900, None).unwrap();
    let read = [get(&mut rig, 1000, 0).unwrap(), get(&mut rig, 1000, 1000).unwrap()].concat();
    assert_eq!(read, new);
    // Something in between ends the write.
    set(&mut rig, None, &empty[..10], 0, Some(17)).unwrap();
    assert_eq!(get(&mut rig, 1000, 0).unwrap(), new[..1000]);
    assert_eq!(set(&mut rig, None, &empty[10..], 10, None), Err(Status::InvalidSeq));
    // So does time.
    set(&mut rig, None, &empty[..10], 0, Some(17)).unwrap();
    rig.pass(Duration::from_secs(31));
    assert_eq!(set(&mut rig, None, &empty[10..], 10, None), Err(Status::InvalidSeq));
    assert_eq!(get(&mut rig, 1000, 0).unwrap(), new[..1000]);
}

#[test]
fn a_write_that_does_not_fit_together_is_refused() {
    let mut rig = key();
    let new = array(&rig, 100);
    let cases: [(&[u8], u32, Option<u64>, Status); 8] = [
        (&new, 0, None, Status::InvalidParameter),
        (&new, 0, Some(16), Status::InvalidParameter),
        (&new, 0, Some(99), Status::InvalidParameter),
        (&new, 0, Some(4097), Status::LargeBlobStorageFull),
        (&new, 0, Some(u64::MAX), Status::LargeBlobStorageFull),
        (&new, 10, Some(100), Status::InvalidParameter),
        (&new, 10, None, Status::InvalidSeq),
        (&[0; 7546], 0, Some(4096), Status::InvalidLength),
    ];
    for (fragment, offset, length, status) in cases {
        assert_eq!(set(&mut rig, None, fragment, offset, length), Err(status));
    }
    let mut torn = new.clone();
    torn[99] ^= 1;
    assert_eq!(set(&mut rig, None, &torn, 0, Some(100)), Err(Status::IntegrityFailure));
    let empty = initial(&rig);
    assert_eq!(get(&mut rig, 960, 0).unwrap(), empty);
}

#[test]
fn with_a_pin_a_write_needs_a_token_for_it() {
    let mut rig = key();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let new = array(&rig, 100);
    assert_eq!(set(&mut rig, None, &new, 0, Some(100)), Err(Status::PuatRequired));
    let other = token(&mut rig, Permissions::CM);
    let refused = set(&mut rig, Some(&other), &new, 0, Some(100));
    assert_eq!(refused, Err(Status::PinAuthInvalid));
    let good = token(&mut rig, Permissions::LBW);
    set(&mut rig, Some(&good), &new[..50], 0, Some(100)).unwrap();
    set(&mut rig, Some(&good), &new[50..], 50, None).unwrap();
    assert_eq!(get(&mut rig, 960, 0).unwrap(), new);
}

#[test]
fn the_permission_to_write_outlives_a_touch() {
    let mut rig = key();
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    let both = Permissions::MC | Permissions::LBW;
    let good = platform.pin_token(&mut rig, PIN, both, Some("example.org")).unwrap();
    let mut request = creation("example.org", "alice");
    good.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
    let new = array(&rig, 100);
    set(&mut rig, Some(&good), &new, 0, Some(100)).unwrap();
}

fn configure(
    rig: &mut Rig,
    token: Option<&PlatformToken>,
    subcommand: ConfigSubcommand,
) -> Result<(), Status> {
    let mut request = ConfigRequest::new(subcommand);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    rig.call(&request.into()).map(drop)
}

fn min(length: u64) -> ConfigSubcommand {
    let new_min_pin_length = Some(length);
    ConfigSubcommand::SetMinPinLength(SetMinPinLength {
        new_min_pin_length,
        ..SetMinPinLength::default()
    })
}

#[test]
fn settings_need_a_token_once_there_is_a_pin() {
    let mut rig = key();
    configure(&mut rig, None, min(5)).unwrap();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(configure(&mut rig, None, min(6)), Err(Status::PuatRequired));
    let other = token(&mut rig, Permissions::LBW);
    assert_eq!(configure(&mut rig, Some(&other), min(6)), Err(Status::PinAuthInvalid));
    let good = token(&mut rig, Permissions::ACFG);
    configure(&mut rig, Some(&good), min(6)).unwrap();
    assert_eq!(rig.info().min_pin_length, Some(6));
}

#[test]
fn subcommands_that_are_not_there_are_not_listed() {
    let mut rig = key();
    assert_eq!(rig.info().authenticator_config_commands, Some(vec![2, 3]));
    for sub in [
        ConfigSubcommand::EnableEnterpriseAttestation,
        ConfigSubcommand::EnableLongTouchForReset,
        ConfigSubcommand::VendorPrototype { command: Some(1) },
    ] {
        assert_eq!(configure(&mut rig, None, sub), Err(Status::InvalidSubcommand));
    }
    let mut rig = Rig::new(Config::phone());
    assert_eq!(configure(&mut rig, None, min(5)), Err(Status::InvalidCommand));
    assert_eq!(get(&mut rig, 1, 0), Err(Status::InvalidCommand));
}

#[test]
fn the_minimum_only_grows_and_survives_a_restart() {
    let mut rig = key();
    for wrong in [0, 3, 64, 256] {
        assert_eq!(configure(&mut rig, None, min(wrong)), Err(Status::PinPolicyViolation));
    }
    configure(&mut rig, None, min(8)).unwrap();
    assert_eq!(configure(&mut rig, None, min(7)), Err(Status::PinPolicyViolation));
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let mut rig = Rig::over(config, rig.store);
    assert_eq!(rig.info().min_pin_length, Some(8));
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.set_pin(&mut rig, "1357924"), Err(Status::PinPolicyViolation));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(rig.info().min_pin_length, Some(4));
}

#[test]
fn a_pin_that_is_too_short_now_must_be_changed() {
    let mut rig = key();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let reader = token(&mut rig, Permissions::PCMR);
    let good = token(&mut rig, Permissions::ACFG);
    configure(&mut rig, Some(&good), min(20)).unwrap();
    assert_eq!(rig.info().force_pin_change, Some(true));
    assert_eq!(configure(&mut rig, Some(&good), min(21)), Err(Status::PinAuthInvalid), "void");
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.legacy_token(&mut rig, PIN), Err(Status::PinInvalid));
    let given = platform.pin_token(&mut rig, PIN, Permissions::CM, None);
    assert_eq!(given, Err(Status::PinPolicyViolation));
    let long = "a PIN of more than twenty";
    platform.change_pin(&mut rig, PIN, long).unwrap();
    assert_eq!(rig.info().force_pin_change, Some(false));
    let again = platform.pin_token(&mut rig, long, Permissions::PCMR, None).unwrap();
    assert_ne!(again, reader);
}

#[test]
fn a_change_can_be_forced_and_the_same_pin_does_not_do() {
    let force = || {
        ConfigSubcommand::SetMinPinLength(SetMinPinLength {
            force_change_pin: Some(true),
            ..SetMinPinLength::default()
        })
    };
    let mut rig = key();
    assert_eq!(configure(&mut rig, None, force()), Err(Status::PinNotSet));
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    let good = token(&mut rig, Permissions::ACFG);
    configure(&mut rig, Some(&good), force()).unwrap();
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.change_pin(&mut rig, PIN, PIN), Err(Status::PinPolicyViolation));
    platform.change_pin(&mut rig, PIN, "something else").unwrap();
}

#[test]
fn too_many_sites_and_a_policy_that_is_not_there_are_refused() {
    let sites = |count: usize| {
        let ids = (0..count).map(|n| format!("site-{n}.example")).collect();
        ConfigSubcommand::SetMinPinLength(SetMinPinLength {
            min_pin_length_rp_ids: Some(ids),
            ..SetMinPinLength::default()
        })
    };
    let complexity = || {
        ConfigSubcommand::SetMinPinLength(SetMinPinLength {
            pin_complexity_policy: Some(true),
            ..SetMinPinLength::default()
        })
    };
    let mut rig = key();
    assert_eq!(configure(&mut rig, None, sites(9)), Err(Status::KeyStoreFull));
    configure(&mut rig, None, sites(8)).unwrap();
    assert_eq!(configure(&mut rig, None, complexity()), Err(Status::InvalidParameter));
    let mut config = Config::security_key();
    config.pin.as_mut().unwrap().complexity = PinComplexity::Configurable;
    let mut rig = Rig::new(config);
    assert_eq!(rig.info().pin_complexity_policy, Some(false));
    configure(&mut rig, None, complexity()).unwrap();
    assert_eq!(rig.info().pin_complexity_policy, Some(true));
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.set_pin(&mut rig, "123456"), Err(Status::PinPolicyViolation));
}

#[test]
fn always_uv_goes_on_and_off() {
    let toggle = || ConfigSubcommand::ToggleAlwaysUv;
    let mut rig = key();
    let options = rig.info().options;
    assert_eq!((options.always_uv, options.make_cred_uv_not_rqd), (Some(false), Some(true)));
    configure(&mut rig, None, toggle()).unwrap();
    let options = rig.info().options;
    assert_eq!((options.always_uv, options.make_cred_uv_not_rqd), (Some(true), None));
    let refused = rig.create(&creation("example.org", "alice"));
    assert_eq!(refused.unwrap_err(), Status::PuatRequired);
    assert_eq!(configure(&mut rig, None, min(6)), Err(Status::PuatRequired));
    // Without a PIN there must be a way back.
    configure(&mut rig, None, toggle()).unwrap();
    rig.create(&creation("example.org", "alice")).unwrap();
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(configure(&mut rig, None, toggle()), Err(Status::PuatRequired));
    let good = token(&mut rig, Permissions::ACFG);
    configure(&mut rig, Some(&good), toggle()).unwrap();
    assert_eq!(rig.info().options.always_uv, Some(true));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(rig.info().options.always_uv, Some(false));
}

#[test]
fn a_long_touch_can_be_asked_for_until_the_reset() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    config.reset.long_touch_configurable = true;
    let mut rig = Rig::new(config.clone());
    assert_eq!(rig.info().long_touch_for_reset, Some(false));
    configure(&mut rig, None, ConfigSubcommand::EnableLongTouchForReset).unwrap();
    let mut rig = Rig::over(config.clone(), rig.store);
    assert_eq!(rig.info().long_touch_for_reset, Some(true));
    let asked = |rig: &mut Rig| {
        rig.forget_past();
        rig.call(&Request::Reset).unwrap();
        rig.questions[0].clone()
    };
    let long = |long_touch| Question::ConfirmPresence { purpose: Purpose::Reset { long_touch } };
    assert_eq!(asked(&mut rig), long(true));
    assert_eq!(rig.info().long_touch_for_reset, Some(false));
    assert_eq!(asked(&mut rig), long(false));
    // Settings that can't be read do not stand in the way, but make nothing easier.
    let damage = Change::Record {
        record: Record::Settings,
        value: Some(zeroize::Zeroizing::new(vec![0xff])),
    };
    assert!(matches!(rig.store.clone().commit(vec![damage]), Work::Done(Ok(()))));
    let mut rig = Rig::over(config, rig.store);
    assert_eq!(asked(&mut rig), long(true));
    assert_eq!(rig.info().long_touch_for_reset, Some(false));
}

#[test]
fn what_a_security_key_claims_holds_together() {
    let info = key().info();
    let options = &info.options;
    assert!(info.versions.contains(&Version::Fido2_3));
    assert_eq!(options.pin_uv_auth_token, Some(true));
    assert_eq!(options.cred_mgmt, options.rk);
    assert_eq!(options.set_min_pin_length, Some(true));
    assert!(info.supports_extension("minPinLength"));
    assert_eq!(info.max_rp_ids_for_set_min_pin_length, Some(8));
    assert!(info.authenticator_config_commands.unwrap().contains(&3));
    assert_eq!(options.authnr_cfg, Some(true));
    assert_eq!(options.large_blobs, Some(true));
    assert_eq!(info.max_serialized_large_blob_array, Some(4096));
    assert_eq!(options.ep, None);
    assert_eq!(options.bio_enroll, None);
    assert!(info.pin_uv_auth_protocols.unwrap().contains(&2));
}

#[test]
fn fido_2_3_is_claimed_with_all_that_it_asks_for_only() {
    let without: [fn(&mut Config); 3] = [
        |config| (config.extensions.hmac_secret, config.extensions.hmac_secret_mc) = (false, false),
        |config| {
            (config.tokens.credential_management, config.tokens.persistent_token) = (false, false)
        },
        |config| {
            config.tokens.pin_uv_auth_protocols.remove(0);
        },
    ];
    for change in without {
        let mut config = Config::security_key();
        change(&mut config);
        assert!(config.validate().is_err());
        config.identity.versions.retain(|version| *version != Version::Fido2_3);
        assert_eq!(config.validate(), Ok(()));
    }
}
