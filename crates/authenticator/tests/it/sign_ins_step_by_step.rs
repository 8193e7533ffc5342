//! authenticatorGetAssertion: what each step judges, and that the steps come in their order.

use crate::rig::{commands::*, platform::*, *};
use towline_authenticator::{BuiltInVerification, Config};
use towline_ctap::{
    CredentialId, Extensions, Flags, GetAssertionRequest, Permissions,
    PublicKeyCredentialDescriptor, Status, extension::GetLargeBlobKey,
};

const RP: &str = "example.org";

/// A key with a PIN and a passkey.
fn stocked() -> Rig {
    let mut rig = with_pin(Config::security_key());
    let mut request = creation(RP, "alice");
    request.options.rk = Some(true);
    token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
    rig.create(&request).unwrap();
    rig.forget_past();
    rig
}

#[test]
fn the_first_step_that_fails_decides() {
    type Mend = fn(&mut Rig, &mut GetAssertionRequest);
    let mut rig = stocked();
    let id = CredentialId::new(&[1; 16]).unwrap();
    let longest = rig.authenticator.config().limits.max_credential_count_in_list;
    let mut request = assertion(RP);
    request.options.rk = Some(false);
    request.options.uv = Some(true);
    request.allow_list = Some(vec![PublicKeyCredentialDescriptor::new(id); longest + 1]);
    request.extensions.set(&GetLargeBlobKey(false));
    request.pin_uv_auth_param = Some(vec![0; 32]);
    let ga = |rig: &mut Rig, request: &mut GetAssertionRequest| {
        token(rig, Permissions::GA, Some(RP)).authorize_sign_in(rig, request);
    };
    let steps: [(Status, Mend); 6] = [
        (Status::MissingParameter, |_, r| r.pin_uv_auth_protocol = Some(9)),
        (Status::InvalidParameter, |_, r| r.pin_uv_auth_protocol = Some(2)),
        (Status::UnsupportedOption, |_, r| r.options.rk = None),
        (Status::PinAuthInvalid, ga),
        (Status::LimitExceeded, |_, r| r.allow_list = None),
        (Status::InvalidOption, |_, r| r.extensions = Extensions::new()),
    ];
    for (step, (status, mend)) in steps.into_iter().enumerate() {
        assert_eq!(rig.sign_in(&request).unwrap_err(), status, "{step}");
        assert!(rig.questions.is_empty(), "{step}");
        mend(&mut rig, &mut request);
    }
    rig.sign_in(&request).unwrap();
}

#[test]
fn beside_a_token_the_option_uv_does_not_count() {
    let mut rig = stocked();
    let mut request = assertion(RP);
    request.options.uv = Some(true);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::InvalidOption);
    token(&mut rig, Permissions::GA, Some(RP)).authorize_sign_in(&rig, &mut request);
    let response = rig.sign_in(&request).unwrap();
    assert!(data(&response.auth_data).flags.contains(Flags::UV));
}

#[test]
fn a_proof_of_another_request_or_none_is_refused() {
    let mut rig = stocked();
    let good = token(&mut rig, Permissions::GA, Some(RP));
    let mut request = assertion(RP);
    let other = good.auth(&rig, &[0xce; 32]).param;
    good.authorize_sign_in(&rig, &mut request);
    let param = request.pin_uv_auth_param.clone().unwrap();
    let cut = param[..16].to_vec();
    let longer = [param.clone(), vec![0]].concat();
    for wrong in [other, cut, longer, vec![0; 32], vec![0]] {
        request.pin_uv_auth_param = Some(wrong);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PinAuthInvalid);
    }
    assert!(rig.questions.is_empty());
    request.pin_uv_auth_param = Some(param);
    rig.sign_in(&request).unwrap();
}

#[test]
fn a_verification_that_fails_has_the_status_of_its_reason() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey(RP, "alice");
    let mut request = assertion(RP);
    request.options.uv = Some(true);
    let mut signs_in = |person: fn(&towline_authenticator::Question) -> _| {
        rig.person(person);
        rig.sign_in(&request).unwrap_err()
    };
    assert_eq!(signs_in(refusing), Status::OperationDenied);
    assert_eq!(signs_in(absent), Status::UserActionTimeout);
    assert_eq!(signs_in(clumsy), Status::OperationDenied);
    assert_eq!(signs_in(clumsy), Status::PinBlocked);
    assert_eq!(signs_in(agreeable), Status::PinBlocked);

    let mut config = Config::security_key();
    config.verification.built_in = Some(BuiltInVerification::screen_lock());
    let mut rig = with_pin(config);
    for person in [refusing, clumsy, clumsy] {
        rig.person(person);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PuatRequired);
    }
}

#[test]
fn the_credential_is_named_also_where_the_list_has_one_entry() {
    for config in [Config::phone(), Config::platform(), Config::security_key()] {
        let mut rig = Rig::new(config);
        let (id, _) = rig.passkey(RP, "alice");
        let mut request = assertion(RP);
        request.allow_list = Some(listing(&id));
        let response = rig.sign_in(&request).unwrap();
        assert_eq!(response.credential.unwrap().id, id);
        assert_eq!(response.user.unwrap().id, user("alice").id);
        assert_eq!(response.number_of_credentials, None);
        assert_eq!(response.user_selected, None);
    }
}

#[test]
fn salts_that_are_not_whole_blocks_are_refused() {
    for protocol in [1, 2] {
        let mut rig = stocked();
        let platform = Platform::agree(&mut rig, protocol);
        for length in [0, 1, 15, 31, 33, 63, 65] {
            let mut input = salts(&platform, &[1; 32]);
            input.salt_enc = vec![1; length];
            input.salt_auth = platform.mac(&input.salt_enc);
            let mut request = assertion(RP);
            request.extensions.set(&input);
            let refused = rig.sign_in(&request).unwrap_err();
            assert_eq!(refused, Status::InvalidParameter, "{protocol}: {length}");
        }
        assert!(rig.questions.is_empty());
    }
}
