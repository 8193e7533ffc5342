//! authenticatorCredentialManagement.

use super::*;

fn id() -> CredentialId {
    CredentialId::new(&[9; 16]).unwrap()
}

fn descriptor() -> V {
    map([(text("id"), bytes(&[9; 16])), (text("type"), text("public-key"))])
}

fn params() -> V {
    map([
        (int(1), bytes(&[7; 32])),
        (int(2), descriptor()),
        (int(3), map([(text("id"), bytes(&[4])), (text("name"), text("n"))])),
    ])
}

fn all(subcommand: i64) -> Vec<(i64, V)> {
    vec![(1, int(subcommand)), (2, params()), (3, int(2)), (4, bytes(&[5; 32]))]
}

fn subcommands() -> Vec<Manage> {
    vec![
        Manage::GetCredsMetadata,
        Manage::EnumerateRpsBegin,
        Manage::EnumerateRpsGetNextRp,
        Manage::EnumerateCredentialsBegin(RpIdHash::new([7; 32])),
        Manage::EnumerateCredentialsGetNextCredential,
        Manage::DeleteCredential(id()),
        Manage::UpdateUserInformation { credential: id(), user: user() },
    ]
}

#[test]
fn every_subcommand_survives_the_round_trip_and_no_truncation() {
    for (number, subcommand) in (1..).zip(subcommands()) {
        assert_eq!(subcommand.to_u8(), number);
        let mut request = CredentialManagementRequest::new(subcommand.clone());
        request.auth = (!subcommand.is_continuation()).then(auth);
        truncations_are_refused(&request.into());
        let Request::CredentialManagement(read) = read(CREDENTIAL_MANAGEMENT, &all(number.into()))
        else {
            panic!()
        };
        assert_eq!(read.subcommand(), &subcommand);
    }
}

#[test]
fn the_proof_covers_the_parameters_exactly_as_they_came() {
    // A member that is not known stays in the bytes that the MAC is over.
    let params = map([(int(1), bytes(&[7; 32])), (int(9), text("later"))]);
    let request = with(&all(4), 2, params.clone());
    let Request::CredentialManagement(read) = read(CREDENTIAL_MANAGEMENT, &request) else {
        panic!()
    };
    assert_eq!(read.authenticated_message(), [vec![4], params.encode()].concat());
    assert_eq!(Request::from(*read).encode(), message(CREDENTIAL_MANAGEMENT, &request));
}

#[test]
fn without_parameters_the_proof_covers_the_subcommand_alone() {
    let request = CredentialManagementRequest::new(Manage::GetCredsMetadata);
    assert_eq!(request.authenticated_message(), [1]);
    let request = CredentialManagementRequest::new(Manage::DeleteCredential(id()));
    let params = map([(int(2), descriptor())]);
    assert_eq!(request.authenticated_message(), [vec![6], params.encode()].concat());
}

#[test]
fn the_proof_is_missed_before_the_parameters() {
    for subcommand in [1, 2, 4, 6, 7] {
        let bare = [(1, int(subcommand))];
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &bare), Status::PuatRequired);
        let unprotocolled = [(1, int(subcommand)), (4, bytes(&[5; 32]))];
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &unprotocolled), Status::MissingParameter);
    }
    for (subcommand, missing) in [(4, 1), (6, 2), (7, 2), (7, 3)] {
        let V::Map(mut members) = params() else { unreachable!() };
        members.retain(|(key, _)| *key != int(missing));
        let request = with(&all(subcommand), 2, V::Map(members));
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &request), Status::MissingParameter);
    }
}

#[test]
fn continuations_need_no_proof() {
    for subcommand in [3, 5] {
        let request = read(CREDENTIAL_MANAGEMENT, &[(1, int(subcommand))]);
        let Request::CredentialManagement(request) = request else { panic!() };
        assert!(request.subcommand().is_continuation());
        assert_eq!(request.auth, None);
    }
}

#[test]
fn a_subcommand_that_there_is_not_is_named_so_with_and_without_proof() {
    for subcommand in [0, 8, 0xff] {
        let bare = [(1, int(subcommand))];
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &bare), Status::InvalidSubcommand);
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &all(subcommand)), Status::InvalidSubcommand);
    }
    assert_eq!(status(CREDENTIAL_MANAGEMENT, &[]), Status::MissingParameter);
}

#[test]
fn parameters_of_the_wrong_type_or_value_are_refused() {
    wrong_types_are_refused(CREDENTIAL_MANAGEMENT, &all(1));
    for (key, value, expected) in [
        (1, text("x"), Status::CborUnexpectedType),
        (1, bytes(&[7; 31]), Status::InvalidLength),
        (2, bytes(&[9; 16]), Status::CborUnexpectedType),
        (2, map([(text("id"), bytes(&[9]))]), Status::CborUnexpectedType),
        (
            2,
            map([(text("id"), bytes(&[9])), (text("type"), text("other"))]),
            Status::InvalidParameter,
        ),
        (3, map([]), Status::CborUnexpectedType),
        (3, map([(text("id"), bytes(&[]))]), Status::InvalidParameter),
    ] {
        let request = with(&all(7), 2, map([(int(key), value.clone())]));
        assert_eq!(status(CREDENTIAL_MANAGEMENT, &request), expected, "{key}: {value:?}");
    }
}

#[test]
fn responses_survive_the_round_trip() {
    let response = CredentialManagementResponse {
        existing_resident_credentials_count: Some(2),
        max_possible_remaining_resident_credentials_count: Some(98),
        rp: Some(Rp { id: rp_id(), name: None }),
        rp_id_hash: Some(RpIdHash::new([7; 32])),
        total_rps: Some(1),
        user: Some(user()),
        credential: Some(PublicKeyCredentialDescriptor::new(id())),
        public_key: Some(CosePublicKey::P256 { alg: -7, x: [1; 32], y: [2; 32] }),
        total_credentials: Some(2),
        cred_protect: Some(CredentialProtectionPolicy::UserVerificationRequired),
        large_blob_key: Some(LargeBlobKey::new(Secret::new([8; 32]))),
        third_party_payment: Some(true),
    };
    let bytes = response.encode();
    assert_eq!(CredentialManagementResponse::decode(&bytes).as_ref(), Ok(&response));
    for length in 2..bytes.len() {
        assert!(CredentialManagementResponse::decode(&bytes[..length]).is_err());
    }
    assert_eq!(CredentialManagementResponse::default().encode(), [0]);
}

#[test]
fn responses_that_break_the_standard_are_malformed() {
    for (key, value) in [
        (1, int(-1)),
        (3, map([])),
        (4, bytes(&[1; 31])),
        (6, map([(text("id"), bytes(&[]))])),
        (7, map([(text("id"), bytes(&[1])), (text("type"), text("other"))])),
        (8, map([])),
        (10, int(4)),
        (11, bytes(&[1; 31])),
        (12, int(1)),
    ] {
        let response = message(0, &[(key, value.clone())]);
        assert!(
            matches!(
                CredentialManagementResponse::decode(&response),
                Err(ResponseError::Malformed(_))
            ),
            "{key}: {value:?}"
        );
    }
}
