//! Every refusal of authenticatorMakeCredential but those of time, and that it is the first that
//! applies.

use crate::rig::*;
use towline_authenticator::Config;
use towline_ctap::{MakeCredentialRequest, PublicKeyCredentialDescriptor, Request, Status};

/// What the authenticator says to a request that differs from a good one, and that it neither asks
/// nor stores anything.
#[track_caller]
fn refuses(config: Config, status: Status, change: impl FnOnce(&mut MakeCredentialRequest)) {
    let mut rig = Rig::new(config);
    let mut request = creation("example.org", "alice");
    change(&mut request);
    assert_eq!(rig.create(&request).unwrap_err(), status);
    assert!(rig.questions.is_empty());
    assert!(rig.store.is_empty());
}

fn without_lock() -> Config {
    let mut config = Config::phone();
    config.verification.built_in.as_mut().unwrap().configured = false;
    config
}

/// A phone that does as the client says.
fn obedient() -> Config {
    let mut config = Config::phone();
    config.verification.unasked = false;
    config
}

#[test]
fn an_authentication_parameter_without_a_protocol() {
    refuses(Config::phone(), Status::MissingParameter, |r| r.pin_uv_auth_param = Some(vec![1; 16]));
    refuses(Config::security_key(), Status::MissingParameter, |r| {
        r.pin_uv_auth_param = Some(vec![1; 16]);
    });
}

#[test]
fn an_authentication_parameter_of_a_protocol_that_is_not_supported() {
    refuses(Config::phone(), Status::InvalidParameter, |r| {
        r.pin_uv_auth_param = Some(vec![1; 32]);
        r.pin_uv_auth_protocol = Some(2);
        r.pub_key_cred_params = vec![-257]; // step 2 comes before step 3
    });
}

#[test]
fn algorithms_none_of_which_is_supported() {
    for algorithms in [vec![], vec![-257], vec![-8, -257, 7]] {
        refuses(Config::phone(), Status::UnsupportedAlgorithm, |r| {
            r.pub_key_cred_params = algorithms;
            r.options.up = Some(false); // step 3 comes before step 5
        });
    }
}

#[test]
fn verification_that_is_not_there() {
    refuses(Config::security_key(), Status::InvalidOption, |r| r.options.uv = Some(true));
    refuses(without_lock(), Status::InvalidOption, |r| r.options.uv = Some(true));
}

#[test]
fn a_discoverable_credential_where_there_are_none() {
    let mut config = Config::security_key();
    config.credentials.discoverable = false;
    config.tokens.persistent_token = false;
    config.tokens.credential_management = false;
    for rk in [true, false] {
        refuses(config.clone(), Status::UnsupportedOption, |r| {
            r.options.rk = Some(rk);
            r.options.up = Some(false);
        });
    }
}

#[test]
fn a_creation_without_presence() {
    refuses(Config::phone(), Status::InvalidOption, |r| r.options.up = Some(false));
    refuses(Config::security_key(), Status::InvalidOption, |r| r.options.up = Some(false));
}

#[test]
fn always_verified_but_nothing_to_verify_with() {
    let mut config = without_lock();
    config.verification.always_uv = true;
    refuses(config, Status::OperationDenied, |_| {});
}

#[test]
fn unverified_where_verification_is_required() {
    refuses(obedient(), Status::OperationDenied, |_| {});
    refuses(obedient(), Status::OperationDenied, |r| {
        r.options.uv = Some(false);
        r.enterprise_attestation = Some(1); // step 8 comes before step 9
    });
}

#[test]
fn a_discoverable_credential_unverified_where_only_others_may_be() {
    let mut config = obedient();
    config.verification.make_cred_uv_not_rqd = true;
    refuses(config, Status::OperationDenied, |r| r.options.rk = Some(true));
}

#[test]
fn enterprise_attestation_whatever_its_value() {
    for value in [0, 1, 2, 3] {
        refuses(Config::phone(), Status::InvalidParameter, |r| {
            r.enterprise_attestation = Some(value);
        });
    }
}

#[test]
fn an_exclude_list_that_is_too_long() {
    let config = Config::security_key();
    let id = towline_ctap::CredentialId::new(&[1; 16]).unwrap();
    let list = vec![
        PublicKeyCredentialDescriptor::new(id);
        config.limits.max_credential_count_in_list + 1
    ];
    refuses(config, Status::LimitExceeded, |r| r.exclude_list = list);
}

#[test]
fn a_protection_level_that_does_not_exist_or_is_none() {
    for level in [[0x00], [0x04]] {
        refuses(Config::phone(), Status::InvalidParameter, |r| {
            r.extensions.set_raw("credProtect", &level).unwrap();
        });
    }
    for other in [&[0xf5][..], &[0x61, b'1'], &[0x20]] {
        refuses(Config::phone(), Status::CborUnexpectedType, |r| {
            r.extensions.set_raw("credProtect", other).unwrap();
        });
    }
}

#[test]
fn a_person_who_says_no() {
    for config in [Config::phone(), Config::security_key()] {
        let mut rig = Rig::new(config);
        rig.person(refusing);
        let refused = rig.create(&creation("example.org", "alice"));
        assert_eq!(refused.unwrap_err(), Status::OperationDenied);
        assert_eq!(rig.questions.len(), 1);
        assert!(rig.store.is_empty());
    }
}

#[test]
fn requests_that_are_not_requests() {
    let mut rig = Rig::new(Config::security_key());
    let good = Request::from(creation("example.org", "alice")).encode();
    let mut trailing = good.clone();
    trailing.push(0);
    let max = rig.authenticator.config().limits.max_msg_size;
    let cases: [(&[u8], Status); 9] = [
        (&[], Status::InvalidCommand),
        (&[0x03], Status::InvalidCommand),
        (&[0x42, 0xa0], Status::InvalidCommand),
        (&[0x06, 0xa0], Status::MissingParameter),
        (&[0x01], Status::InvalidCbor),
        (&[0x01, 0xa0], Status::MissingParameter),
        (&[0x01, 0x80], Status::CborUnexpectedType),
        (&trailing, Status::InvalidCbor),
        (&vec![0x01; max + 1], Status::RequestTooLarge),
    ];
    for (request, status) in cases {
        rig.send(HOME, request);
        assert_eq!(rig.status(), status, "{request:02x?}");
    }
    assert!(rig.questions.is_empty());
    rig.send(HOME, &good);
    assert_eq!(rig.status(), Status::Ok);
}

#[test]
fn unknown_options_extensions_and_versions_of_lists_do_not_hurt() {
    let mut rig = Rig::new(Config::phone());
    let mut request = creation("example.org", "alice");
    request.extensions.set_raw("unknown", &[0xa1, 0x01, 0x80]).unwrap();
    request.pub_key_cred_params = vec![-999, -7];
    request.pin_uv_auth_protocol = Some(9);
    request.attestation_formats_preference = vec!["of the future".into()];
    let response = rig.create(&request).unwrap();
    assert!(data(&response.auth_data).extensions.is_empty());
}
