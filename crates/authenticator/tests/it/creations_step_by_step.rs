//! authenticatorMakeCredential: what each step judges, and that the steps come in their order.

use crate::rig::{commands::*, *};
use towline_authenticator::{BuiltInVerification, Config, Question};
use towline_ctap::{
    CredentialId, Extensions, Flags, MakeCredentialRequest, Permissions,
    PublicKeyCredentialDescriptor, Request, RequestOptions, Status,
};

const RP: &str = "example.org";

#[test]
fn the_first_step_that_fails_decides() {
    type Mend = fn(&mut Rig, &mut MakeCredentialRequest);
    let mut rig = with_pin(Config::security_key());
    let id = CredentialId::new(&[1; 16]).unwrap();
    let longest = rig.authenticator.config().limits.max_credential_count_in_list;
    let mut request = creation(RP, "alice");
    request.pub_key_cred_params = vec![7];
    request.options = RequestOptions { rk: Some(true), up: Some(false), uv: Some(true) };
    request.enterprise_attestation = Some(1);
    request.exclude_list = vec![PublicKeyCredentialDescriptor::new(id); longest + 1];
    request.extensions.set_raw("credProtect", &[9]).unwrap();
    request.pin_uv_auth_param = Some(vec![0; 32]);
    let steps: [(Status, Mend); 8] = [
        (Status::MissingParameter, |_, r| r.pin_uv_auth_protocol = Some(9)),
        (Status::InvalidParameter, |_, r| r.pin_uv_auth_protocol = Some(2)),
        (Status::UnsupportedAlgorithm, |_, r| r.pub_key_cred_params = vec![-7]),
        (Status::InvalidOption, |_, r| r.options.up = None),
        (Status::InvalidParameter, |_, r| r.enterprise_attestation = None),
        (Status::PinAuthInvalid, |rig, r| token(rig, Permissions::MC, Some(RP)).authorize(rig, r)),
        (Status::LimitExceeded, |_, r| r.exclude_list.clear()),
        (Status::InvalidParameter, |_, r| r.extensions = Extensions::new()),
    ];
    for (step, (status, mend)) in steps.into_iter().enumerate() {
        assert_eq!(rig.create(&request).unwrap_err(), status, "{step}");
        assert!(rig.questions.is_empty() && rig.store.is_empty(), "{step}");
        mend(&mut rig, &mut request);
    }
    rig.create(&request).unwrap();
}

#[test]
fn an_empty_proof_is_a_proof_where_there_are_no_tokens() {
    let mut rig = Rig::new(Config::phone());
    let mut request = creation(RP, "alice");
    request.pin_uv_auth_param = Some(Vec::new());
    assert_eq!(rig.create(&request).unwrap_err(), Status::MissingParameter);
    request.pin_uv_auth_protocol = Some(1);
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidParameter);
    assert!(rig.questions.is_empty());
}

#[test]
fn an_algorithm_that_is_not_taken_is_judged_too() {
    let mut rig = Rig::new(Config::security_key());
    let mut request = creation(RP, "alice");
    request.pub_key_cred_params = vec![-7, -8];
    let mut bytes = Request::from(request).encode();
    let last = bytes.windows(3).rposition(|part| part == b"alg").unwrap() + 3;
    assert_eq!(bytes[last], 0x27);
    bytes[last] = 0xf6;
    rig.send(HOME, &bytes);
    assert_eq!(rig.status(), Status::CborUnexpectedType);
    assert!(rig.questions.is_empty());
}

#[test]
fn beside_a_token_the_option_uv_does_not_count() {
    let mut rig = with_pin(Config::security_key());
    let mut request = creation(RP, "alice");
    request.options.uv = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidOption);
    token(&mut rig, Permissions::MC, Some(RP)).authorize(&rig, &mut request);
    let made = rig.create(&request).unwrap();
    assert!(data(&made.auth_data).flags.contains(Flags::UV));
}

#[test]
fn without_options_a_creation_asks_for_presence_and_is_not_discoverable() {
    let mut rig = Rig::new(Config::security_key());
    let request = creation(RP, "alice");
    assert_eq!(request.options, RequestOptions::default());
    let (id, _) = made(&rig.create(&request).unwrap());
    assert!(matches!(rig.questions[..], [Question::ConfirmPresence { .. }]));
    assert_eq!(rig.sign_in(&assertion(RP)).unwrap_err(), Status::NoCredentials);
    let mut listed = assertion(RP);
    listed.allow_list = Some(listing(&id));
    rig.sign_in(&listed).unwrap();
}

#[test]
fn a_pin_that_is_not_set_is_not_asked_for() {
    for (not_rqd, rk) in [(true, true), (false, true), (false, false)] {
        let mut config = Config::security_key();
        config.verification.built_in = Some(BuiltInVerification::screen_lock());
        config.verification.make_cred_uv_not_rqd = not_rqd;
        let mut request = creation(RP, "alice");
        request.options.rk = Some(rk);
        let refused = Rig::new(config.clone()).create(&request);
        assert_eq!(refused.unwrap_err(), Status::OperationDenied);
        let refused = with_pin(config).create(&request);
        assert_eq!(refused.unwrap_err(), Status::PuatRequired);
    }
}

#[test]
fn a_proof_of_another_request_or_none_is_refused() {
    let mut rig = with_pin(Config::security_key());
    let good = token(&mut rig, Permissions::MC, Some(RP));
    let mut request = creation(RP, "alice");
    let other = good.auth(&rig, &[0xce; 32]).param;
    good.authorize(&rig, &mut request);
    let param = request.pin_uv_auth_param.clone().unwrap();
    let cut = param[..16].to_vec();
    let longer = [param.clone(), vec![0]].concat();
    for wrong in [other, cut, longer, vec![0; 32], vec![0]] {
        request.pin_uv_auth_param = Some(wrong);
        assert_eq!(rig.create(&request).unwrap_err(), Status::PinAuthInvalid);
    }
    assert!(rig.questions.is_empty());
    request.pin_uv_auth_param = Some(param);
    rig.create(&request).unwrap();
}

#[test]
fn every_creation_has_a_new_key_and_a_new_id() {
    for config in [Config::phone(), Config::platform(), Config::security_key()] {
        let mut rig = Rig::new(config);
        let mut request = creation(RP, "alice");
        let mut seen: Vec<(CredentialId, towline_ctap::CosePublicKey)> = Vec::new();
        for rk in [true, true, false, false] {
            request.options.rk = Some(rk);
            let (id, key) = made(&rig.create(&request).unwrap());
            assert!(seen.iter().all(|(known, other)| *known != id && *other != key));
            seen.push((id, key));
        }
    }
}
