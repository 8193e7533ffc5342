//! Requests: what is read, what is refused with which status, and what is written.

use towline_ctap::{
    ClientDataHash, CredentialId, DecodeError, GetAssertionRequest, MakeCredentialRequest,
    PublicKeyCredentialDescriptor, Request, RequestOptions, Rp, RpId, Status, Transport, User,
    UserHandle,
    extension::CredentialProtectionPolicy::{self, UserVerificationRequired},
};

use crate::value::{V, array, bytes, int, map, text};

const MAX: usize = 1024;

fn status(request: &[u8]) -> Status {
    Request::decode(request, MAX).expect_err("must be refused").status()
}

fn message(command: u8, parameters: &V) -> Vec<u8> {
    let mut message = vec![command];
    message.extend(parameters.encode());
    message
}

fn key_parameters(alg: i64, kind: &str) -> V {
    map([(text("alg"), int(alg)), (text("type"), text(kind))])
}

fn descriptor(id: &[u8], kind: &str) -> V {
    map([(text("id"), bytes(id)), (text("type"), text(kind))])
}

/// The required parameters of makeCredential, and nothing else.
fn creation() -> Vec<(V, V)> {
    vec![
        (int(1), bytes(&[0xcd; 32])),
        (int(2), map([(text("id"), text("example.org"))])),
        (int(3), map([(text("id"), bytes(&[1, 2, 3]))])),
        (int(4), array([key_parameters(-7, "public-key")])),
    ]
}

/// The required parameters of getAssertion, and nothing else.
fn assertion() -> Vec<(V, V)> {
    vec![(int(1), text("example.org")), (int(2), bytes(&[0xcd; 32]))]
}

fn with(mut members: Vec<(V, V)>, key: i64, value: V) -> V {
    members.retain(|(known, _)| *known != int(key));
    members.push((int(key), value));
    members.sort_by_key(|(known, _)| known.encode());
    V::Map(members)
}

fn create(parameters: &V) -> MakeCredentialRequest {
    match Request::decode(&message(1, parameters), MAX).unwrap() {
        Request::MakeCredential(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn get(parameters: &V) -> GetAssertionRequest {
    match Request::decode(&message(2, parameters), MAX).unwrap() {
        Request::GetAssertion(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn full_creation() -> MakeCredentialRequest {
    let mut request = MakeCredentialRequest::new(
        ClientDataHash::new([0xcd; 32]),
        Rp { id: RpId::new("example.org").unwrap(), name: Some("Example".into()) },
        User {
            id: UserHandle::new(&[1, 2, 3]).unwrap(),
            name: Some("jo@example.org".into()),
            display_name: Some("Jo".into()),
        },
        vec![-8, -7, -257],
    );
    request.exclude_list = vec![PublicKeyCredentialDescriptor {
        id: CredentialId::new(&[9; 16]).unwrap(),
        transports: vec![Transport::Usb, Transport::from("carrier-pigeon")],
    }];
    request.extensions.set(&UserVerificationRequired);
    request.extensions.set_raw("zz", &[0xf5]).unwrap();
    request.options = RequestOptions { rk: Some(true), up: None, uv: Some(false) };
    request.pin_uv_auth_param = Some(vec![5; 16]);
    request.pin_uv_auth_protocol = Some(2);
    request.enterprise_attestation = Some(1);
    request.attestation_formats_preference = vec!["packed".into(), "none".into()];
    request
}

#[test]
fn a_creation_with_every_parameter_survives_the_round_trip() {
    let request = Request::from(full_creation());
    assert_eq!(Request::decode(&request.encode(), MAX).unwrap(), request);
}

#[test]
fn an_assertion_with_every_parameter_survives_the_round_trip() {
    let mut request = GetAssertionRequest::new(
        RpId::new("example.org").unwrap(),
        ClientDataHash::new([0xcd; 32]),
    );
    request.allow_list =
        Some(vec![PublicKeyCredentialDescriptor::new(CredentialId::new(&[9; 16]).unwrap())]);
    request.extensions.set_raw("hmac-secret", &[0xa0]).unwrap();
    request.options = RequestOptions { rk: None, up: Some(false), uv: Some(true) };
    request.pin_uv_auth_param = Some(Vec::new());
    request.pin_uv_auth_protocol = Some(1);
    let request = Request::from(request);
    assert_eq!(Request::decode(&request.encode(), MAX).unwrap(), request);
}

#[test]
fn commands_without_parameters_are_one_byte() {
    for (request, byte) in [
        (Request::GetInfo, 4),
        (Request::Reset, 7),
        (Request::GetNextAssertion, 8),
        (Request::Selection, 0x0b),
    ] {
        assert_eq!(request.encode(), [byte]);
        assert_eq!(Request::decode(&[byte], MAX).unwrap(), request);
    }
}

#[test]
fn a_minimal_creation_is_written_in_canonical_form() {
    let request = MakeCredentialRequest::new(
        ClientDataHash::new([0xcd; 32]),
        Rp { id: RpId::new("a.b").unwrap(), name: None },
        User { id: UserHandle::new(&[7]).unwrap(), name: None, display_name: Some("J".into()) },
        vec![-7],
    );
    let mut expected = vec![0x01, 0xa4, 0x01, 0x58, 0x20];
    expected.extend([0xcd; 32]);
    expected.extend(*b"\x02\xa1\x62id\x63a.b");
    expected.extend(*b"\x03\xa2\x62id\x41\x07\x6bdisplayName\x61J");
    expected.extend(*b"\x04\x81\xa2\x63alg\x26\x64type\x6apublic-key");
    assert_eq!(Request::from(request).encode(), expected);
}

#[test]
fn an_empty_request_or_an_unknown_command_is_an_invalid_command() {
    assert_eq!(status(&[]), Status::InvalidCommand);
    for byte in [0x00, 0x03, 0x05, 0x0e, 0x40, 0x41, 0xbf, 0xff] {
        assert_eq!(status(&[byte]), Status::InvalidCommand);
        assert_eq!(status(&[byte, 0xa0]), Status::InvalidCommand);
    }
}

#[test]
fn parameters_are_refused_where_a_command_takes_none() {
    for byte in [0x04, 0x07, 0x08, 0x0b] {
        assert_eq!(
            Request::decode(&[byte, 0xa0], MAX),
            Err(DecodeError::UnexpectedParameters(byte))
        );
        assert_eq!(status(&[byte, 0xa0]), Status::InvalidLength);
    }
}

#[test]
fn a_request_is_accepted_up_to_the_limit_and_not_beyond() {
    let bytes = Request::from(full_creation()).encode();
    assert!(Request::decode(&bytes, bytes.len()).is_ok());
    let refusal = Request::decode(&bytes, bytes.len() - 1).unwrap_err();
    assert_eq!(refusal.status(), Status::RequestTooLarge);
}

#[test]
fn each_required_parameter_is_missed() {
    for missing in 1..=4 {
        let members = creation().into_iter().filter(|(key, _)| *key != int(missing)).collect();
        assert_eq!(status(&message(1, &V::Map(members))), Status::MissingParameter, "mc {missing}");
    }
    for missing in 1..=2 {
        let members = assertion().into_iter().filter(|(key, _)| *key != int(missing)).collect();
        assert_eq!(status(&message(2, &V::Map(members))), Status::MissingParameter, "ga {missing}");
    }
}

#[test]
fn every_parameter_of_the_wrong_type_is_refused() {
    let wrong_for = |right: &str| {
        [
            ("uint", int(1)),
            ("bytes", bytes(&[1; 32])),
            ("text", text("x")),
            ("array", array([])),
            ("map", map([])),
            ("bool", V::Bool(true)),
            ("null", V::Null),
        ]
        .into_iter()
        .filter(|(kind, _)| *kind != right)
        .map(|(_, value)| value)
        .collect::<Vec<_>>()
    };
    let creation_kinds =
        ["bytes", "map", "map", "array", "array", "map", "map", "bytes", "uint", "uint", "array"];
    for (key, right) in (1..).zip(creation_kinds) {
        for wrong in wrong_for(right) {
            let request = message(1, &with(creation(), key, wrong.clone()));
            assert_eq!(status(&request), Status::CborUnexpectedType, "mc {key} as {wrong:?}");
        }
    }
    for (key, right) in (1..).zip(["text", "bytes", "array", "map", "map", "bytes", "uint"]) {
        for wrong in wrong_for(right) {
            let request = message(2, &with(assertion(), key, wrong.clone()));
            assert_eq!(status(&request), Status::CborUnexpectedType, "ga {key} as {wrong:?}");
        }
    }
}

#[test]
fn nested_members_of_the_wrong_type_are_refused() {
    let id = |value| map([(text("id"), value)]);
    let user = |key, value| map([(text("id"), bytes(&[1])), (text(key), value)]);
    for (key, value) in [
        (2, id(bytes(&[1]))),
        (2, id(int(1))),
        (2, map([(text("id"), text("a.b")), (text("name"), bytes(b"x"))])),
        (3, id(text("x"))),
        (3, user("name", bytes(b"x"))),
        (3, user("displayName", V::Bool(true))),
        (4, array([text("public-key")])),
        (4, array([map([(text("alg"), text("-7")), (text("type"), text("public-key"))])])),
        (4, array([map([(text("alg"), int(-7)), (text("type"), bytes(b"public-key"))])])),
        (5, array([bytes(&[1])])),
        (5, array([map([(text("id"), text("x")), (text("type"), text("public-key"))])])),
        (5, array([map([(text("id"), bytes(&[1])), (text("type"), int(1))])])),
        (7, map([(text("rk"), int(1))])),
        (7, map([(text("up"), text("true"))])),
        (7, map([(text("uv"), V::Null)])),
        (9, int(-1)),
        (10, int(-1)),
        (11, array([int(1)])),
    ] {
        let request = message(1, &with(creation(), key, value.clone()));
        assert_eq!(status(&request), Status::CborUnexpectedType, "{key}: {value:?}");
    }
}

#[test]
fn nested_members_that_are_missing_are_refused() {
    for (key, value) in [
        (2, map([])),
        (2, map([(text("name"), text("x"))])),
        (3, map([(text("name"), text("x"))])),
        (4, array([map([(text("alg"), int(-7))])])),
        (4, array([map([(text("type"), text("public-key"))])])),
        (5, array([map([(text("id"), bytes(&[1]))])])),
        (5, array([map([(text("type"), text("public-key"))])])),
    ] {
        let request = message(1, &with(creation(), key, value.clone()));
        assert_eq!(status(&request), Status::CborUnexpectedType, "{key}: {value:?}");
    }
}

#[test]
fn identifiers_of_a_length_that_is_not_allowed_are_refused() {
    let rp = |id: &str| map([(text("id"), text(id))]);
    let user = |id: &[u8]| map([(text("id"), bytes(id))]);
    for (key, value) in [
        (1, bytes(&[0; 31])),
        (1, bytes(&[0; 33])),
        (1, bytes(&[])),
        (2, rp("")),
        (2, rp(&"a".repeat(254))),
        (3, user(&[])),
        (3, user(&[0; 65])),
    ] {
        assert_eq!(status(&message(1, &with(creation(), key, value))), Status::InvalidLength);
    }
    assert_eq!(status(&message(2, &with(assertion(), 1, text("")))), Status::InvalidLength);
}

#[test]
fn what_is_not_known_is_ignored() {
    let deep = array([array([map([(text("x"), array([int(1)]))])])]);
    let mut members = creation();
    members[1].1 = map([
        (text("id"), text("example.org")),
        (text("icon"), bytes(b"not even a text")),
        (text("name"), text("n")),
    ]);
    members[3].1 = array([map([
        (text("alg"), int(-7)),
        (text("type"), text("public-key")),
        (text("later"), int(1)),
    ])]);
    members.push((int(7), map([(text("rk"), V::Bool(true)), (text("zap"), int(3))])));
    members.push((int(0x30), deep));
    members.push((int(-1), int(0)));
    members.push((text("x"), V::Null));
    let request = create(&V::Map(members));
    assert_eq!(request.rp.name.as_deref(), Some("n"));
    assert_eq!(request.pub_key_cred_params, [-7]);
    assert_eq!(request.options, RequestOptions { rk: Some(true), up: None, uv: None });
}

#[test]
fn entries_of_another_type_are_skipped_and_the_others_keep_their_order() {
    let algorithms = array([
        key_parameters(-257, "public-key"),
        key_parameters(-7, "post-quantum-key"),
        key_parameters(-8, "public-key"),
        key_parameters(-9, "public-key"),
    ]);
    let list = array([
        descriptor(&[1], "public-key"),
        descriptor(&[2], "private-key"),
        descriptor(&[], "public-key"),
        descriptor(&[3; 1024 - 200], "public-key"),
    ]);
    let members = with(creation(), 4, algorithms);
    let V::Map(members) = members else { unreachable!() };
    let request = create(&with(members, 5, array([descriptor(&[2], "private-key")])));
    assert_eq!(request.pub_key_cred_params, [-257, -8, -9]);
    assert_eq!(request.first_supported(&[-7, -9, -8]), Some(-8));
    assert_eq!(request.first_supported(&[-7]), None);
    assert_eq!(request.exclude_list, []);

    let request = get(&with(assertion(), 3, list));
    let ids: Vec<_> = request.allow_list.unwrap().iter().map(|d| d.id.as_bytes().len()).collect();
    assert_eq!(ids, [1, 824]);
}

#[test]
fn an_entry_with_a_member_more_is_the_same_entry() {
    let more = |entry: V| {
        let V::Map(mut members) = entry else { unreachable!() };
        members.push((text("unknown"), int(1)));
        V::Map(members)
    };
    let read = |change: &dyn Fn(V) -> V| {
        let parameters = array([-7, -257].map(|alg| change(key_parameters(alg, "public-key"))));
        let V::Map(members) = with(creation(), 4, parameters) else { unreachable!() };
        let ids: [&[u8]; 3] = [&[1], &[2; 32], &[3; 300]];
        create(&with(members, 5, array(ids.map(|id| change(descriptor(id, "public-key"))))))
    };
    let usual = read(&|entry| entry);
    assert_eq!(usual.pub_key_cred_params, [-7, -257]);
    assert_eq!(usual.exclude_list.len(), 3);
    assert_eq!(read(&more), usual);
}

#[test]
fn a_list_that_is_there_stays_there_when_no_entry_is_left() {
    assert_eq!(get(&V::Map(assertion())).allow_list, None);
    assert_eq!(get(&with(assertion(), 3, array([]))).allow_list, Some(Vec::new()));
    let other = array([descriptor(&[2], "private-key")]);
    assert_eq!(get(&with(assertion(), 3, other)).allow_list, Some(Vec::new()));
}

#[test]
fn an_empty_pin_uv_auth_param_is_not_an_absent_one() {
    let request = create(&with(creation(), 8, bytes(&[])));
    assert_eq!(request.pin_uv_auth_param, Some(Vec::new()));
    assert_eq!(create(&V::Map(creation())).pin_uv_auth_param, None);
}

#[test]
fn forms_that_are_not_canonical_are_invalid_cbor() {
    let valid = message(1, &V::Map(creation()));
    let trailing = [&valid[..], &[0]].concat();
    let truncated = &valid[..valid.len() - 1];
    let mut not_shortest = valid.clone();
    not_shortest.splice(1..2, [0xb8, 4]);
    let mut indefinite = valid.clone();
    indefinite[1] = 0xbf;
    indefinite.push(0xff);
    let mut tagged = valid.clone();
    tagged.insert(1, 0xc1);
    let mut unsorted = creation();
    unsorted.swap(1, 2);
    let mut repeated = creation();
    repeated.insert(1, repeated[0].clone());
    let unsorted_inside =
        array([map([(text("type"), text("public-key")), (text("alg"), int(-7))])]);
    let bad_text = V::Raw(b"\xa1\x62id\x61\xff".to_vec());
    for request in [
        &trailing,
        truncated,
        &not_shortest,
        &indefinite,
        &tagged,
        &message(1, &V::Map(unsorted)),
        &message(1, &V::Map(repeated)),
        &message(1, &with(creation(), 4, unsorted_inside)),
        &message(1, &with(creation(), 2, bad_text)),
        &[1],
        &[2],
    ] {
        assert_eq!(status(request), Status::InvalidCbor, "{request:02x?}");
    }
}

#[test]
fn parameters_that_are_not_a_map_are_of_the_wrong_type() {
    for command in 1..=2 {
        for value in [int(0), bytes(&[]), text("x"), array([]), V::Bool(true), V::Null] {
            assert_eq!(status(&message(command, &value)), Status::CborUnexpectedType);
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = Request::from(full_creation()).encode();
    for length in 1..bytes.len() {
        assert_eq!(status(&bytes[..length]), Status::InvalidCbor, "{length}");
    }
}

#[test]
fn a_prf_extension_may_nest_five_levels_and_nothing_may_nest_nine() {
    let salts = map([(text("first"), bytes(&[1; 32]))]);
    let prf = map([(text("evalByCredential"), map([(bytes(&[7]), salts)]))]);
    let request = get(&with(assertion(), 4, map([(text("prf"), prf)])));
    assert!(request.extensions.contains("prf"));

    let nest = |levels: usize| (0..levels).fold(int(0), |inner, _| array([inner]));
    assert!(Request::decode(&message(2, &with(assertion(), 0x20, nest(7))), MAX).is_ok());
    assert_eq!(status(&message(2, &with(assertion(), 0x20, nest(8)))), Status::InvalidCbor);
}

#[test]
fn cred_protect_is_read_from_the_extensions() {
    let read = |value| {
        create(&with(creation(), 6, map([(text("credProtect"), value)])))
            .extensions
            .get::<CredentialProtectionPolicy>()
            .map_err(|malformed| malformed.status())
    };
    assert_eq!(read(int(3)), Ok(Some(UserVerificationRequired)));
    assert_eq!(read(int(0)), Err(Status::InvalidParameter));
    assert_eq!(read(int(4)), Err(Status::InvalidParameter));
    assert_eq!(read(int(-1)), Err(Status::CborUnexpectedType));
    assert_eq!(read(text("3")), Err(Status::CborUnexpectedType));
    assert_eq!(
        create(&V::Map(creation())).extensions.get::<CredentialProtectionPolicy>(),
        Ok(None)
    );
}
