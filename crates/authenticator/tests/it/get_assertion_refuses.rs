//! Every refusal of authenticatorGetAssertion but those of time, and that it is the first that
//! applies.

use crate::rig::*;
use towline_authenticator::{Config, Question};
use towline_ctap::{CredentialId, GetAssertionRequest, PublicKeyCredentialDescriptor, Status};

#[track_caller]
fn refuses(config: Config, status: Status, change: impl FnOnce(&mut GetAssertionRequest)) {
    let mut rig = Rig::new(config);
    rig.passkey("example.org", "alice");
    rig.forget_past();
    let mut request = assertion("example.org");
    change(&mut request);
    assert_eq!(rig.sign_in(&request).unwrap_err(), status);
    assert!(rig.questions.is_empty());
}

#[test]
fn an_authentication_parameter_without_a_protocol() {
    refuses(Config::phone(), Status::MissingParameter, |r| r.pin_uv_auth_param = Some(vec![1; 16]));
}

#[test]
fn an_authentication_parameter_of_a_protocol_that_is_not_supported() {
    refuses(Config::security_key(), Status::InvalidParameter, |r| {
        r.pin_uv_auth_param = Some(vec![1; 32]);
        r.pin_uv_auth_protocol = Some(3);
        r.options.rk = Some(true); // step 2 comes before step 4
    });
}

#[test]
fn verification_that_is_not_there() {
    refuses(Config::security_key(), Status::InvalidOption, |r| r.options.uv = Some(true));
}

#[test]
fn the_option_rk_whatever_its_value() {
    for rk in [true, false] {
        refuses(Config::phone(), Status::UnsupportedOption, |r| r.options.rk = Some(rk));
    }
}

#[test]
fn a_list_that_is_too_long() {
    let config = Config::security_key();
    let id = CredentialId::new(&[1; 16]).unwrap();
    let list = vec![
        PublicKeyCredentialDescriptor::new(id);
        config.limits.max_credential_count_in_list + 1
    ];
    refuses(config, Status::LimitExceeded, |r| r.allow_list = Some(list));
}

#[test]
fn always_verified_but_nothing_to_verify_with() {
    let mut config = Config::phone();
    config.verification.always_uv = true;
    config.verification.built_in.as_mut().unwrap().configured = false;
    let mut rig = Rig::new(config);
    let mut request = assertion("example.org");
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::OperationDenied);
    // A silent look-up is exempt.
    request.options.up = Some(false);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
}

#[test]
fn a_credential_of_another_site_even_if_it_is_listed() {
    let mut rig = Rig::new(Config::phone());
    let (id, _) = rig.passkey("example.org", "alice");
    for other in ["example.com", "EXAMPLE.org", "sub.example.org", "org"] {
        let mut request = assertion(other);
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
        request.allow_list = Some(listing(&id));
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    }
}

#[test]
fn an_empty_list_allows_nothing() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey("example.org", "alice");
    let mut request = assertion("example.org");
    request.allow_list = Some(Vec::new());
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
}

#[test]
fn a_person_who_says_no() {
    for config in [Config::phone(), Config::security_key()] {
        let mut rig = Rig::new(config);
        rig.passkey("example.org", "alice");
        rig.person(refusing);
        let refused = rig.sign_in(&assertion("example.org"));
        assert_eq!(refused.unwrap_err(), Status::OperationDenied);
    }
}

#[test]
fn nothing_to_use_is_told_only_after_a_touch() {
    let answers: [(fn(&Question) -> _, _); 3] = [
        (agreeable, Status::NoCredentials),
        (refusing, Status::OperationDenied),
        (absent, Status::OperationDenied),
    ];
    for (answer, status) in answers {
        let mut rig = Rig::new(Config::security_key());
        rig.person(answer);
        assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), status);
        let [Question::NothingToUse { rp_id }] = &rig.questions[..] else {
            panic!("{:?}", rig.questions)
        };
        assert_eq!(rp_id.as_str(), "example.org");
    }
}

#[test]
fn nothing_to_use_is_told_at_once_where_the_policy_says_so() {
    let mut config = Config::security_key();
    config.presence.confirm_no_credentials = false;
    let mut rig = Rig::new(config);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::NoCredentials);
    assert!(rig.questions.is_empty());
}

#[test]
fn a_silent_look_up_asks_nobody_and_shows_no_presence() {
    for config in [Config::phone(), Config::security_key()] {
        let mut rig = Rig::new(config);
        let (id, key) = rig.passkey("example.org", "alice");
        rig.forget_past();
        let mut request = assertion("example.org");
        request.options.up = Some(false);
        request.allow_list = Some(listing(&id));
        let response = rig.sign_in(&request).unwrap();
        rig.verify(&response, &key);
        assert_eq!(data(&response.auth_data).flags, towline_ctap::Flags::empty());
        assert_eq!(response.user.unwrap().name, None);
        request.allow_list = Some(listing(&CredentialId::new(&[7; 32]).unwrap()));
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
        assert!(rig.questions.is_empty());
        assert!(rig.events.is_empty());
    }
}

#[test]
fn verification_here_is_presence_also_where_none_is_asked_for() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey("example.org", "alice");
    let mut request = assertion("example.org");
    request.options.up = Some(false);
    request.options.uv = Some(true);
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(data(&response.auth_data).flags, towline_ctap::Flags::UP | towline_ctap::Flags::UV);
}

#[test]
fn long_ids_are_simply_not_ours() {
    let mut rig = Rig::new(Config::phone());
    let (id, _) = rig.passkey("example.org", "alice");
    let mut request = assertion("example.org");
    let mut list = listing(&CredentialId::new(&[7; 1023]).unwrap());
    request.allow_list = Some(list.clone());
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    list.extend(listing(&id));
    request.allow_list = Some(list);
    assert_eq!(rig.sign_in(&request).unwrap().credential.unwrap().id, id);
}
