//! PIN/UV tokens: what they permit, for whom, how long, and what follows for makeCredential and
//! getAssertion.

use std::time::Duration;

use crate::rig::{
    commands::{PIN, token, with_pin},
    platform::*,
    *,
};
use towline_authenticator::{Answer, BuiltInVerification, Config, Question};
use towline_ctap::{Flags, MakeCredentialRequest, Permissions, Status, Version};

const RP: &str = "example.org";

fn with_verification() -> Config {
    let mut config = Config::security_key();
    let mut verification = BuiltInVerification::screen_lock();
    verification.lock_wait = None;
    config.verification.built_in = Some(verification);
    config
}

fn discoverable(rp: &str, user: &str) -> MakeCredentialRequest {
    let mut request = creation(rp, user);
    request.options.rk = Some(true);
    request
}

#[test]
fn a_pin_token_creates_and_signs_in_with_uv() {
    for protocol in [1, 2] {
        let mut rig = with_pin(Config::security_key());
        let platform = Platform::agree(&mut rig, protocol);
        let both = Permissions::MC | Permissions::GA;
        let token = platform.pin_token(&mut rig, PIN, both, Some(RP)).unwrap();
        let mut request = discoverable(RP, "alice");
        token.authorize(&rig, &mut request);
        let made = rig.create(&request).unwrap();
        assert!(data(&made.auth_data).flags.contains(Flags::UP | Flags::UV));
        assert_eq!(rig.questions.len(), 1, "a PIN shows no presence");

        let token = platform.pin_token(&mut rig, PIN, Permissions::GA, Some(RP)).unwrap();
        let mut request = assertion(RP);
        token.authorize_sign_in(&rig, &mut request);
        let response = rig.sign_in(&request).unwrap();
        assert!(data(&response.auth_data).flags.contains(Flags::UP | Flags::UV));
        assert_eq!(response.user.unwrap().name.as_deref(), Some("alice"));
    }
}

#[test]
fn with_a_pin_set_a_discoverable_credential_needs_a_token() {
    let mut rig = with_pin(Config::security_key());
    assert_eq!(rig.create(&discoverable(RP, "a")).unwrap_err(), Status::PuatRequired);
    assert!(rig.questions.is_empty());
    let made = rig.create(&creation(RP, "a")).unwrap();
    assert!(!data(&made.auth_data).flags.contains(Flags::UV));
    let mut config = Config::security_key();
    config.verification.make_cred_uv_not_rqd = false;
    let mut rig = with_pin(config);
    assert_eq!(rig.create(&creation(RP, "a")).unwrap_err(), Status::PuatRequired);
}

#[test]
fn where_the_pin_does_not_permit_it_nobody_is_sent_for_it() {
    let mut config = Config::security_key();
    config.pin.as_mut().unwrap().permits_mc_ga = false;
    let mut rig = with_pin(config);
    assert_eq!(rig.info().options.no_mc_ga_permissions_with_client_pin, Some(true));
    assert_eq!(rig.create(&discoverable(RP, "a")).unwrap_err(), Status::OperationDenied);
    let platform = Platform::agree(&mut rig, 2);
    let given = platform.pin_token(&mut rig, PIN, Permissions::MC, Some(RP));
    assert_eq!(given, Err(Status::UnauthorizedPermission));
    // The legacy token is given out, and is good for nothing.
    let token = platform.legacy_token(&mut rig, PIN).unwrap();
    let mut request = discoverable(RP, "a");
    token.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
}

#[test]
fn a_token_without_the_permission_or_for_another_site_is_refused() {
    let mut rig = with_pin(Config::security_key());
    let mut request = discoverable(RP, "a");
    token(&mut rig, Permissions::GA, Some(RP)).authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
    token(&mut rig, Permissions::MC, Some("example.com")).authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);

    let mut request = assertion(RP);
    token(&mut rig, Permissions::MC, Some(RP)).authorize_sign_in(&rig, &mut request);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PinAuthInvalid);
    token(&mut rig, Permissions::GA, Some("example.com")).authorize_sign_in(&rig, &mut request);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PinAuthInvalid);
    assert!(rig.questions.is_empty());
}

#[test]
fn permissions_that_mean_nothing_here_are_not_given() {
    let mut config = Config::security_key();
    config.tokens.credential_management = false;
    config.identity.versions.retain(|version| *version != Version::Fido2_3);
    config.tokens.persistent_token = false;
    let mut rig = with_pin(config);
    let platform = Platform::agree(&mut rig, 2);
    let all = [Permissions::CM, Permissions::BE, Permissions::PCMR];
    for permissions in all {
        let given = platform.pin_token(&mut rig, PIN, permissions, None);
        assert_eq!(given, Err(Status::UnauthorizedPermission), "{permissions:?}");
    }
    let both = platform.pin_token(&mut rig, PIN, Permissions::GA | Permissions::BE, Some(RP));
    assert_eq!(both, Err(Status::UnauthorizedPermission));
}

#[test]
fn an_unbound_token_is_bound_by_its_first_use() {
    let mut rig = with_pin(Config::security_key());
    let platform = Platform::agree(&mut rig, 1);
    let token = platform.legacy_token(&mut rig, PIN).unwrap();
    let mut request = creation(RP, "a");
    request.options.rk = Some(false);
    let mut silent = assertion(RP);
    silent.options.up = Some(false);
    token.authorize_sign_in(&rig, &mut silent);
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::NoCredentials);
    let mut other = creation("example.com", "a");
    token.authorize(&rig, &mut other);
    assert_eq!(rig.create(&other).unwrap_err(), Status::PinAuthInvalid);
    token.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
}

#[test]
fn a_touch_uses_the_token_up() {
    let mut rig = with_pin(Config::security_key());
    let both = Permissions::MC | Permissions::GA;
    let token = token(&mut rig, both, Some(RP));
    let mut request = discoverable(RP, "a");
    token.authorize(&rig, &mut request);
    rig.create(&request).unwrap();
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
    let mut sign_in = assertion(RP);
    token.authorize_sign_in(&rig, &mut sign_in);
    assert_eq!(rig.sign_in(&sign_in).unwrap_err(), Status::PinAuthInvalid);
}

#[test]
fn a_silent_look_up_leaves_the_token_as_it_is() {
    let mut rig = with_pin(Config::security_key());
    let made = token(&mut rig, Permissions::MC, Some(RP));
    let mut request = discoverable(RP, "a");
    token_authorize(&made, &rig, &mut request);
    rig.create(&request).unwrap();
    rig.forget_past();
    let token = token(&mut rig, Permissions::GA, Some(RP));
    let mut request = assertion(RP);
    token.authorize_sign_in(&rig, &mut request);
    request.options.up = Some(false);
    let silent = rig.sign_in(&request).unwrap();
    assert_eq!(data(&silent.auth_data).flags, Flags::UV);
    assert!(rig.questions.is_empty());
    request.options.up = None;
    rig.sign_in(&request).unwrap();
}

fn token_authorize(token: &PlatformToken, rig: &Rig, request: &mut MakeCredentialRequest) {
    token.authorize(rig, request);
}

#[test]
fn a_token_ends_by_time() {
    let unused = |wait| {
        let mut rig = with_pin(Config::security_key());
        let token = token(&mut rig, Permissions::MC, Some(RP));
        rig.pass(Duration::from_secs(wait));
        let mut request = discoverable(RP, "a");
        token.authorize(&rig, &mut request);
        rig.create(&request).map(drop)
    };
    assert_eq!(unused(29), Ok(()));
    assert_eq!(unused(30), Err(Status::PinAuthInvalid));
    let used = |wait| {
        let mut rig = with_pin(Config::security_key());
        let token = token(&mut rig, Permissions::GA, Some(RP));
        let mut request = assertion(RP);
        request.options.up = Some(false);
        token.authorize_sign_in(&rig, &mut request);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
        rig.pass(Duration::from_secs(wait));
        rig.sign_in(&request).unwrap_err()
    };
    assert_eq!(used(599), Status::NoCredentials);
    assert_eq!(used(600), Status::PinAuthInvalid);
}

#[test]
fn another_token_a_power_up_and_a_new_pin_end_it() {
    let mut rig = with_pin(Config::security_key());
    let mut request = discoverable(RP, "a");
    let first = token(&mut rig, Permissions::MC, Some(RP));
    Platform::agree(&mut rig, 1).legacy_token(&mut rig, PIN).unwrap();
    first.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);

    let second = token(&mut rig, Permissions::MC, Some(RP));
    rig.power_up();
    second.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);

    let third = token(&mut rig, Permissions::MC, Some(RP));
    Platform::agree(&mut rig, 2).change_pin(&mut rig, PIN, "another").unwrap();
    third.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
}

#[test]
fn a_token_of_one_protocol_proves_nothing_in_the_other() {
    let mut rig = with_pin(Config::security_key());
    let mut token = token(&mut rig, Permissions::MC, Some(RP));
    token.protocol = 1;
    let mut request = discoverable(RP, "a");
    token.authorize(&rig, &mut request);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
    request.pin_uv_auth_protocol = Some(3);
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidParameter);
    request.pin_uv_auth_protocol = None;
    assert_eq!(rig.create(&request).unwrap_err(), Status::MissingParameter);
}

#[test]
fn an_empty_proof_only_selects_the_device() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = creation(RP, "a");
    request.pin_uv_auth_param = Some(Vec::new());
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinNotSet);
    let mut sign_in = assertion(RP);
    sign_in.pin_uv_auth_param = Some(Vec::new());
    assert_eq!(rig.sign_in(&sign_in).unwrap_err(), Status::PinNotSet);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(rig.create(&request).unwrap_err(), Status::PinInvalid);
    rig.person(refusing);
    assert_eq!(rig.create(&request).unwrap_err(), Status::OperationDenied);
    rig.person(absent);
    assert_eq!(rig.sign_in(&sign_in).unwrap_err(), Status::OperationDenied);
    assert!(rig.store.is_empty());
}

#[test]
fn without_any_protection_a_proof_is_ignored() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = discoverable(RP, "a");
    request.pin_uv_auth_param = Some(vec![1; 32]);
    request.pin_uv_auth_protocol = Some(2);
    let made = rig.create(&request).unwrap();
    assert!(!data(&made.auth_data).flags.contains(Flags::UV));
}

#[test]
fn a_token_for_built_in_verification_shows_presence_too() {
    let mut rig = Rig::new(with_verification());
    let token = Platform::agree(&mut rig, 2).uv_token(&mut rig, Permissions::MC, Some(RP)).unwrap();
    assert_eq!(rig.questions.len(), 1);
    let mut request = discoverable(RP, "a");
    token.authorize(&rig, &mut request);
    let made = rig.create(&request).unwrap();
    assert!(data(&made.auth_data).flags.contains(Flags::UP | Flags::UV));
    assert_eq!(rig.questions.len(), 1, "nobody is asked twice");
}

#[test]
fn the_presence_that_came_with_a_token_fades() {
    let mut rig = Rig::new(with_verification());
    let ga = Permissions::GA;
    let token = Platform::agree(&mut rig, 2).uv_token(&mut rig, ga, Some(RP)).unwrap();
    let mut request = assertion(RP);
    request.options.up = Some(false);
    token.authorize_sign_in(&rig, &mut request);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    rig.store = {
        let store = rig.store.clone();
        let mut other = Rig::over(Config::security_key(), store.clone());
        other.passkey(RP, "alice");
        store
    };
    rig.pass(Duration::from_secs(31));
    request.options.up = None;
    rig.forget_past();
    rig.sign_in(&request).unwrap();
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn verification_that_fails_gives_no_token() {
    let ga = Permissions::GA;
    let mut rig = Rig::new(with_verification());
    rig.person(clumsy);
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::UvInvalid));
    assert_eq!(uv_retries(&mut rig), 2);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::UvBlocked));
    assert_eq!(uv_retries(&mut rig), 0);
    rig.person(agreeable);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::UvBlocked));

    let mut rig = Rig::new(with_verification());
    let platform = Platform::agree(&mut rig, 2);
    rig.person(refusing);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::OperationDenied));
    rig.person(absent);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::UserActionTimeout));
    let mut config = with_verification();
    config.verification.built_in.as_mut().unwrap().configured = false;
    let mut rig = Rig::new(config);
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.uv_token(&mut rig, ga, Some(RP)), Err(Status::NotAllowed));
}

#[test]
fn the_right_pin_unlocks_built_in_verification() {
    let mut rig = with_pin(with_verification());
    let platform = Platform::agree(&mut rig, 2);
    rig.person(clumsy);
    for _ in 0..2 {
        platform.uv_token(&mut rig, Permissions::GA, Some(RP)).unwrap_err();
    }
    assert_eq!(uv_retries(&mut rig), 0);
    let mut request = creation(RP, "a");
    request.options.uv = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PuatRequired);
    platform.legacy_token(&mut rig, PIN).unwrap();
    assert_eq!(uv_retries(&mut rig), 5);
    rig.person(agreeable);
    rig.create(&request).unwrap();
}

#[test]
fn a_blocked_pin_blocks_built_in_verification() {
    let mut config = with_verification();
    config.pin.as_mut().unwrap().max_retries = 1;
    let mut rig = with_pin(config);
    let wrong = Platform::agree(&mut rig, 2).legacy_token(&mut rig, "wrong");
    assert_eq!(wrong, Err(Status::PinBlocked));
    assert_eq!(uv_retries(&mut rig), 0);
    let given = Platform::agree(&mut rig, 2).uv_token(&mut rig, Permissions::GA, Some(RP));
    assert_eq!(given, Err(Status::UvBlocked));
}

#[test]
fn always_uv_asks_for_a_pin_where_there_is_no_other_way() {
    let mut config = Config::security_key();
    config.verification.always_uv = true;
    config.verification.make_cred_uv_not_rqd = false;
    let mut rig = Rig::new(config);
    assert_eq!(rig.create(&creation(RP, "a")).unwrap_err(), Status::PuatRequired);
    assert_eq!(rig.sign_in(&assertion(RP)).unwrap_err(), Status::PuatRequired);
    let mut silent = assertion(RP);
    silent.options.up = Some(false);
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::NoCredentials);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(rig.create(&creation(RP, "a")).unwrap_err(), Status::PuatRequired);
    let mut request = creation(RP, "a");
    token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
    rig.create(&request).unwrap();
}

#[test]
fn a_credential_that_is_there_already_is_told_after_a_touch() {
    let mut rig = with_pin(Config::security_key());
    let mut request = discoverable(RP, "a");
    token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
    let (id, _) = made(&rig.create(&request).unwrap());
    request.exclude_list = listing(&id);
    rig.forget_past();
    token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
    rig.person(refusing);
    assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn with_a_display_the_person_is_asked_before_a_pin_is_compared() {
    let mut config = Config::security_key();
    config.identity.has_display = true;
    let mut rig = with_pin(config);
    rig.person(refusing);
    let platform = Platform::agree(&mut rig, 2);
    let given = platform.pin_token(&mut rig, PIN, Permissions::GA, Some(RP));
    assert_eq!(given, Err(Status::OperationDenied));
    assert_eq!(rig.questions[0].to_string(), "Let this computer sign in for example.org?");
    assert_eq!(pin_retries(&mut rig), (8, None));
}

#[test]
fn the_next_assertion_needs_the_token_to_live() {
    let mut config = Config::security_key();
    config.timing.next_assertion_timeout = Duration::from_secs(30);
    let mut rig = with_pin(config);
    for user in ["a", "b", "c"] {
        let mut request = discoverable(RP, user);
        token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
        rig.create(&request).unwrap();
    }
    let mut request = assertion(RP);
    token(&mut rig, Permissions::GA, Some(RP)).authorize_sign_in(&rig, &mut request);
    request.options.up = Some(false);
    // Used at once, so that only its life ends it.
    rig.sign_in(&request).unwrap();
    rig.pass(Duration::from_secs(590));
    assert_eq!(rig.sign_in(&request).unwrap().number_of_credentials, Some(3));
    assert!(data(&rig.next().unwrap().auth_data).flags.contains(Flags::UV));
    rig.pass(Duration::from_secs(11));
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
}

#[test]
fn a_failed_verification_sends_for_the_pin() {
    let mut rig = with_pin(with_verification());
    rig.person(|question| match question {
        Question::VerifyUser { .. } => Some(Answer::Deny),
        other => agreeable(other),
    });
    let mut request = creation(RP, "a");
    request.options.uv = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::PuatRequired);
    rig.person(absent);
    assert_eq!(rig.create(&request).unwrap_err(), Status::UserActionTimeout);
}
