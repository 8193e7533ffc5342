//! authenticatorClientPIN.

use super::*;

fn subcommands() -> Vec<ClientPinRequest> {
    let (protocol, key_agreement) = (2, KEY);
    vec![
        ClientPinRequest::GetPinRetries,
        ClientPinRequest::GetKeyAgreement { protocol },
        ClientPinRequest::SetPin {
            protocol,
            key_agreement,
            param: vec![1; 32],
            new_pin_enc: vec![2; 80],
        },
        ClientPinRequest::ChangePin {
            protocol,
            key_agreement,
            param: vec![1; 32],
            new_pin_enc: vec![2; 80],
            pin_hash_enc: vec![3; 32],
        },
        ClientPinRequest::GetPinToken { protocol, key_agreement, pin_hash_enc: vec![3; 32] },
        ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
            protocol,
            key_agreement,
            permissions: Permissions::MC | Permissions::LBW,
            rp_id: Some(rp_id()),
        },
        ClientPinRequest::GetUvRetries,
        ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
            protocol,
            key_agreement,
            pin_hash_enc: vec![3; 32],
            permissions: Permissions::CM,
            rp_id: None,
        },
    ]
}

/// Every parameter that there is.
fn all(subcommand: i64) -> Vec<(i64, V)> {
    vec![
        (1, int(2)),
        (2, int(subcommand)),
        (3, cose_key()),
        (4, bytes(&[1; 32])),
        (5, bytes(&[2; 80])),
        (6, bytes(&[3; 32])),
        (9, int(3)),
        (10, text("example.org")),
    ]
}

#[test]
fn every_subcommand_survives_the_round_trip_and_no_truncation() {
    for request in subcommands() {
        truncations_are_refused(&request.into());
    }
}

#[test]
fn a_request_is_written_in_canonical_form() {
    let request = Request::from(ClientPinRequest::SetPin {
        protocol: 1,
        key_agreement: KEY,
        param: vec![1; 2],
        new_pin_enc: vec![2; 3],
    });
    let expected =
        [(1, int(1)), (2, int(3)), (3, cose_key()), (4, bytes(&[1; 2])), (5, bytes(&[2; 3]))];
    assert_eq!(request.encode(), message(CLIENT_PIN, &expected));
}

#[test]
fn each_mandatory_parameter_is_missed() {
    let mandatory: [(i64, &[i64]); 6] = [
        (2, &[1]),
        (3, &[1, 3, 4, 5]),
        (4, &[1, 3, 4, 5, 6]),
        (5, &[1, 3, 6]),
        (6, &[1, 3, 9, 10]),
        (9, &[1, 3, 6, 9, 10]),
    ];
    for (subcommand, keys) in mandatory {
        for key in keys {
            let request = without(&all(subcommand), *key);
            assert_eq!(
                status(CLIENT_PIN, &request),
                Status::MissingParameter,
                "{subcommand}: {key}"
            );
        }
    }
    assert_eq!(status(CLIENT_PIN, &without(&all(1), 2)), Status::MissingParameter);
}

#[test]
fn a_subcommand_that_there_is_not_is_named_so() {
    for subcommand in [0, 8, 10, 0x1_0000_0001] {
        assert_eq!(status(CLIENT_PIN, &[(2, int(subcommand))]), Status::InvalidSubcommand);
    }
}

#[test]
fn parameters_of_the_wrong_type_are_refused_whether_needed_or_not() {
    wrong_types_are_refused(CLIENT_PIN, &with(&all(1), 3, cose_key()));
}

#[test]
fn a_key_that_is_not_on_p256_is_an_invalid_parameter() {
    let member = |key: i64, value: V| {
        let V::Map(members) = cose_key() else { unreachable!() };
        V::Map(
            members
                .into_iter()
                .map(|(k, v)| if k == int(key) { (k, value.clone()) } else { (k, v) })
                .collect(),
        )
    };
    for key in [
        map([]),
        member(1, int(1)),
        member(1, text("EC2")),
        member(-1, int(2)),
        member(-2, bytes(&[1; 31])),
        member(-2, bytes(&[1; 33])),
        member(-3, bytes(&[])),
        member(-3, V::Bool(true)),
    ] {
        let request = with(&all(3), 3, key.clone());
        assert_eq!(status(CLIENT_PIN, &request), Status::InvalidParameter, "{key:?}");
    }
}

#[test]
fn the_label_of_a_key_is_not_judged() {
    let V::Map(mut members) = cose_key() else { unreachable!() };
    members[1].1 = int(-7);
    let request = with(&all(2), 3, V::Map(members.clone()));
    assert_eq!(
        read(CLIENT_PIN, &request),
        ClientPinRequest::GetKeyAgreement { protocol: 2 }.into()
    );
    members.remove(1);
    assert!(
        Request::decode(&message(CLIENT_PIN, &with(&all(3), 3, V::Map(members))), 4096).is_ok()
    );
}

#[test]
fn get_pin_token_takes_neither_permissions_nor_an_rp_id() {
    assert_eq!(status(CLIENT_PIN, &without(&all(5), 9)), Status::InvalidParameter);
    assert_eq!(status(CLIENT_PIN, &without(&all(5), 10)), Status::InvalidParameter);
    let neither = without(&without(&all(5), 9), 10);
    assert!(Request::decode(&message(CLIENT_PIN, &neither), 4096).is_ok());
}

#[test]
fn a_token_needs_a_permission_that_is_known() {
    for subcommand in [6, 9] {
        for permissions in [0, 0x80, 0x100] {
            let request = with(&all(subcommand), 9, int(permissions));
            assert_eq!(status(CLIENT_PIN, &request), Status::InvalidParameter);
        }
    }
}

#[test]
fn only_mc_and_ga_need_an_rp_id() {
    for bit in 0..7 {
        let request = without(&with(&all(9), 9, int(1 << bit)), 10);
        let refused = Request::decode(&message(CLIENT_PIN, &request), 4096).is_err();
        assert_eq!(refused, bit < 2, "{bit}");
    }
}

#[test]
fn unknown_permissions_are_ignored() {
    let request = with(&all(9), 9, int(0x184));
    let Request::ClientPin(request) = read(CLIENT_PIN, &request) else { panic!() };
    let ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions { permissions, .. } = *request
    else {
        panic!()
    };
    assert_eq!(permissions, Permissions::CM);
    assert!(!permissions.contains(Permissions::CM | Permissions::GA));
    assert!(permissions.intersects(Permissions::CM | Permissions::GA));
    assert!(permissions.without(Permissions::CM).is_empty());
}

#[test]
fn responses_survive_the_round_trip_and_are_empty_without_members() {
    assert_eq!(ClientPinResponse::default().encode(), [0]);
    assert_eq!(ClientPinResponse::decode(&[0]), Ok(ClientPinResponse::default()));
    let response = ClientPinResponse {
        key_agreement: Some(KEY),
        pin_uv_auth_token: Some(vec![9; 48]),
        pin_retries: Some(8),
        power_cycle_state: Some(false),
        uv_retries: Some(0),
    };
    assert_eq!(ClientPinResponse::decode(&response.encode()).as_ref(), Ok(&response));
    let retries = ClientPinResponse { pin_retries: Some(8), ..ClientPinResponse::default() };
    assert_eq!(retries.encode(), [0, 0xa1, 3, 8]);
}

#[test]
fn responses_that_break_the_standard_are_malformed() {
    for (key, value) in
        [(1, map([])), (1, int(1)), (2, text("x")), (3, int(-1)), (4, int(1)), (5, V::Null)]
    {
        let response = message(0, &[(key, value)]);
        assert!(matches!(ClientPinResponse::decode(&response), Err(ResponseError::Malformed(_))));
    }
    let refused = Err(ResponseError::Status(Status::PinInvalid));
    assert_eq!(ClientPinResponse::decode(&[0x31]), refused);
}
