//! The commands around PIN/UV tokens: clientPIN, credentialManagement, largeBlobs, authenticatorConfig and bioEnrollment.
//! What is read, what is refused with which status, what is written, and what the proofs are made of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod value;

use towline_crypto::Secret;
use towline_ctap::{
    BioEnrollmentRequest, BioEnrollmentResponse, ClientPinRequest, ClientPinResponse,
    ConfigRequest, ConfigSubcommand, CosePublicKey, CredentialId, CredentialManagementRequest,
    CredentialManagementResponse, CredentialManagementSubcommand as Manage, FingerprintRequest,
    FingerprintSubcommand as Finger, KeyAgreementKey, LargeBlobKey, LargeBlobsRequest,
    LargeBlobsResponse, Permissions, PinUvAuth, PublicKeyCredentialDescriptor, Request,
    ResponseError, Rp, RpId, RpIdHash, SampleStatus, SetMinPinLength, Status, TemplateId,
    TemplateInfo, User, UserHandle, extension::CredentialProtectionPolicy,
};
use value::{V, array, bytes, int, map, text};

const CLIENT_PIN: u8 = 0x06;
const BIO_ENROLLMENT: u8 = 0x09;
const CREDENTIAL_MANAGEMENT: u8 = 0x0a;
const LARGE_BLOBS: u8 = 0x0c;
const CONFIG: u8 = 0x0d;

const KEY: KeyAgreementKey = KeyAgreementKey { x: [0xaa; 32], y: [0xbb; 32] };

fn message(command: u8, members: &[(i64, V)]) -> Vec<u8> {
    let mut members: Vec<_> =
        members.iter().map(|(key, value)| (int(*key), value.clone())).collect();
    members.sort_by_key(|(key, _)| key.encode());
    [vec![command], V::Map(members).encode()].concat()
}

fn status(command: u8, members: &[(i64, V)]) -> Status {
    Request::decode(&message(command, members), 4096).expect_err("must be refused").status()
}

fn read(command: u8, members: &[(i64, V)]) -> Request {
    Request::decode(&message(command, members), 4096).unwrap()
}

fn cose_key() -> V {
    map([
        (int(1), int(2)),
        (int(3), int(-25)),
        (int(-1), int(1)),
        (int(-2), bytes(&[0xaa; 32])),
        (int(-3), bytes(&[0xbb; 32])),
    ])
}

fn without(members: &[(i64, V)], key: i64) -> Vec<(i64, V)> {
    members.iter().filter(|(known, _)| *known != key).cloned().collect()
}

fn with(members: &[(i64, V)], key: i64, value: V) -> Vec<(i64, V)> {
    let mut members = without(members, key);
    members.push((key, value));
    members
}

/// Every member that is there in turn as each of the other types.
fn wrong_types_are_refused(command: u8, members: &[(i64, V)]) {
    for (key, right) in members {
        for wrong in [int(1), bytes(&[1]), text("x"), array([]), map([]), V::Bool(true), V::Null] {
            if std::mem::discriminant(&wrong) == std::mem::discriminant(right) {
                continue;
            }
            let request = with(members, *key, wrong.clone());
            assert_eq!(status(command, &request), Status::CborUnexpectedType, "{key} as {wrong:?}");
        }
    }
}

fn truncations_are_refused(request: &Request) {
    let bytes = request.encode();
    assert_eq!(Request::decode(&bytes, 4096).as_ref(), Ok(request));
    for length in 1..bytes.len() {
        let refusal = Request::decode(&bytes[..length], 4096).unwrap_err();
        assert_eq!(refusal.status(), Status::InvalidCbor, "{length}");
    }
}

fn auth() -> PinUvAuth {
    PinUvAuth { protocol: 2, param: vec![5; 32] }
}

fn rp_id() -> RpId {
    RpId::new("example.org").unwrap()
}

fn user() -> User {
    User { id: UserHandle::new(&[4]).unwrap(), name: Some("n".into()), display_name: None }
}

mod client_pin {
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
        let ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions { permissions, .. } =
            *request
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
            assert!(matches!(
                ClientPinResponse::decode(&response),
                Err(ResponseError::Malformed(_))
            ));
        }
        let refused = Err(ResponseError::Status(Status::PinInvalid));
        assert_eq!(ClientPinResponse::decode(&[0x31]), refused);
    }
}

mod credential_management {
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
            let Request::CredentialManagement(read) =
                read(CREDENTIAL_MANAGEMENT, &all(number.into()))
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
            (3, map([(text("id"), bytes(&[]))]), Status::InvalidLength),
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
}

mod large_blobs {
    use super::*;

    fn set() -> Vec<(i64, V)> {
        vec![(2, bytes(&[1; 20])), (3, int(0)), (4, int(20)), (5, bytes(&[5; 32])), (6, int(2))]
    }

    #[test]
    fn every_form_survives_the_round_trip_and_no_truncation() {
        for request in [
            LargeBlobsRequest::Get { count: 0, offset: 0 },
            LargeBlobsRequest::Get { count: 960, offset: 70_000 },
            LargeBlobsRequest::Set {
                fragment: vec![1; 20],
                offset: 0,
                length: Some(20),
                auth: Some(auth()),
            },
            LargeBlobsRequest::Set { fragment: Vec::new(), offset: 5, length: None, auth: None },
        ] {
            truncations_are_refused(&request.into());
        }
    }

    #[test]
    fn the_proof_stands_in_the_order_of_this_command() {
        let request = LargeBlobsRequest::Set {
            fragment: vec![1; 20],
            offset: 0,
            length: Some(20),
            auth: Some(auth()),
        };
        assert_eq!(Request::from(request).encode(), message(LARGE_BLOBS, &set()));
    }

    #[test]
    fn a_missing_offset_is_an_invalid_parameter() {
        assert_eq!(status(LARGE_BLOBS, &without(&set(), 3)), Status::InvalidParameter);
        assert_eq!(status(LARGE_BLOBS, &[(1, int(1))]), Status::InvalidParameter);
        assert_eq!(status(LARGE_BLOBS, &[]), Status::InvalidParameter);
    }

    #[test]
    fn neither_and_both_of_get_and_set_are_refused() {
        assert_eq!(status(LARGE_BLOBS, &[(3, int(0))]), Status::InvalidParameter);
        assert_eq!(status(LARGE_BLOBS, &with(&set(), 1, int(1))), Status::InvalidParameter);
    }

    #[test]
    fn get_takes_nothing_that_belongs_to_set() {
        for extra in [(4, int(20)), (5, bytes(&[])), (6, int(2))] {
            let request = [(1, int(1)), (3, int(0)), extra];
            assert_eq!(status(LARGE_BLOBS, &request), Status::InvalidParameter);
        }
    }

    #[test]
    fn a_proof_without_a_protocol_misses_it_and_an_offset_beyond_32_bits_is_refused() {
        assert_eq!(status(LARGE_BLOBS, &without(&set(), 6)), Status::MissingParameter);
        let far = with(&set(), 3, int(1 << 32));
        assert_eq!(status(LARGE_BLOBS, &far), Status::InvalidParameter);
        wrong_types_are_refused(LARGE_BLOBS, &set());
    }

    #[test]
    fn the_proof_of_a_write_covers_its_place_and_its_hash() {
        let provider = towline_crypto::rustcrypto::provider();
        let message = LargeBlobsRequest::authenticated_message(&provider, 0x0102_0304, b"abc");
        let expected =
            [&[0xff; 32][..], &[0x0c, 0x00, 4, 3, 2, 1], &provider.sha256.hash(&[b"abc"])].concat();
        assert_eq!(message, expected);
    }

    #[test]
    fn an_empty_fragment_is_not_an_absent_one() {
        let empty = LargeBlobsResponse { config: Some(Vec::new()) };
        assert_eq!(empty.encode(), [0, 0xa1, 1, 0x40]);
        assert_eq!(LargeBlobsResponse::decode(&empty.encode()).as_ref(), Ok(&empty));
        assert_eq!(LargeBlobsResponse::decode(&[0]), Ok(LargeBlobsResponse { config: None }));
        assert!(LargeBlobsResponse::decode(&[0, 0xa1, 1, 1]).is_err());
    }
}

mod config {
    use super::*;

    fn set_min_pin_length() -> SetMinPinLength {
        SetMinPinLength {
            new_min_pin_length: Some(6),
            min_pin_length_rp_ids: Some(vec!["example.org".into()]),
            force_change_pin: Some(true),
            pin_complexity_policy: Some(false),
        }
    }

    fn subcommands() -> Vec<(i64, ConfigSubcommand)> {
        vec![
            (1, ConfigSubcommand::EnableEnterpriseAttestation),
            (2, ConfigSubcommand::ToggleAlwaysUv),
            (3, ConfigSubcommand::SetMinPinLength(set_min_pin_length())),
            (3, ConfigSubcommand::SetMinPinLength(SetMinPinLength::default())),
            (4, ConfigSubcommand::EnableLongTouchForReset),
            (0xff, ConfigSubcommand::VendorPrototype { command: Some(7) }),
            (0xff, ConfigSubcommand::VendorPrototype { command: None }),
        ]
    }

    #[test]
    fn every_subcommand_survives_the_round_trip_and_no_truncation() {
        for (number, subcommand) in subcommands() {
            assert_eq!(i64::from(subcommand.to_u8()), number);
            for auth in [None, Some(auth())] {
                let mut request = ConfigRequest::new(subcommand.clone());
                request.auth = auth;
                truncations_are_refused(&request.into());
            }
        }
    }

    #[test]
    fn the_proof_covers_a_prefix_the_command_and_the_parameters_as_they_came() {
        let params = map([(int(1), int(6)), (int(0x30), text("later"))]);
        let request = [(1, int(3)), (2, params.clone()), (3, int(2)), (4, bytes(&[5; 32]))];
        let Request::Config(read) = read(CONFIG, &request) else { panic!() };
        assert_eq!(read.params(), params.encode());
        let expected = [&[0xff; 32][..], &[0x0d, 3], &params.encode()].concat();
        assert_eq!(read.authenticated_message(), expected);
        assert_eq!(Request::from(*read).encode(), message(CONFIG, &request));

        let bare = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
        assert_eq!(bare.authenticated_message(), [&[0xff; 32][..], &[0x0d, 2]].concat());
    }

    #[test]
    fn subcommands_without_parameters_keep_those_that_come() {
        let params = map([(int(1), text("x"))]);
        let Request::Config(read) = read(CONFIG, &[(1, int(2)), (2, params.clone())]) else {
            panic!()
        };
        assert_eq!(read.subcommand(), &ConfigSubcommand::ToggleAlwaysUv);
        assert_eq!(read.params(), params.encode());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(status(CONFIG, &[]), Status::MissingParameter);
        for subcommand in [0, 5, 0xfe, 0x100] {
            assert_eq!(status(CONFIG, &[(1, int(subcommand))]), Status::InvalidSubcommand);
        }
        let unprotocolled = [(1, int(2)), (4, bytes(&[5; 32]))];
        assert_eq!(status(CONFIG, &unprotocolled), Status::MissingParameter);
        wrong_types_are_refused(
            CONFIG,
            &[(1, int(3)), (2, map([])), (3, int(2)), (4, bytes(&[5; 32]))],
        );
        for (key, value) in [
            (1, int(-1)),
            (1, text("6")),
            (2, text("example.org")),
            (2, array([bytes(b"example.org")])),
            (3, int(1)),
            (4, int(1)),
        ] {
            let request = [(1, int(3)), (2, map([(int(key), value.clone())]))];
            assert_eq!(status(CONFIG, &request), Status::CborUnexpectedType, "{key}: {value:?}");
        }
    }

    #[test]
    fn an_empty_list_of_rp_ids_is_not_an_absent_one() {
        let read = |params| match read(CONFIG, &[(1, int(3)), (2, params)]) {
            Request::Config(request) => match request.subcommand() {
                ConfigSubcommand::SetMinPinLength(set) => set.min_pin_length_rp_ids.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(read(map([])), None);
        assert_eq!(read(map([(int(2), array([]))])), Some(Vec::new()));
    }
}

mod bio_enrollment {
    use super::*;

    fn template() -> TemplateId {
        TemplateId::new(&[1, 2])
    }

    fn params() -> V {
        map([(int(1), bytes(&[1, 2])), (int(2), text("thumb")), (int(3), int(9000))])
    }

    fn all(subcommand: i64) -> Vec<(i64, V)> {
        vec![(1, int(1)), (2, int(subcommand)), (3, params()), (4, int(2)), (5, bytes(&[5; 32]))]
    }

    fn subcommands() -> Vec<Finger> {
        vec![
            Finger::EnrollBegin { timeout: Some(9000) },
            Finger::EnrollCaptureNextSample { template: template(), timeout: Some(9000) },
            Finger::CancelCurrentEnrollment,
            Finger::EnumerateEnrollments,
            Finger::SetFriendlyName { template: template(), name: "thumb".into() },
            Finger::RemoveEnrollment(template()),
            Finger::GetFingerprintSensorInfo,
        ]
    }

    const WITH_PROOF: [u8; 5] = [1, 2, 4, 5, 6];

    #[test]
    fn every_subcommand_survives_the_round_trip_and_no_truncation() {
        for (number, subcommand) in (1_u8..).zip(subcommands()) {
            assert_eq!(subcommand.to_u8(), number);
            let mut request = FingerprintRequest::new(subcommand.clone());
            request.auth = WITH_PROOF.contains(&number).then(auth);
            truncations_are_refused(&BioEnrollmentRequest::from(request).into());
            let Request::BioEnrollment(read) = read(BIO_ENROLLMENT, &all(number.into())) else {
                panic!()
            };
            let BioEnrollmentRequest::Fingerprint(read) = *read else { panic!() };
            assert_eq!(read.subcommand(), &subcommand);
            assert_eq!(read.authenticated_message(), [vec![1, number], params().encode()].concat());
        }
        truncations_are_refused(&BioEnrollmentRequest::GetModality.into());
        truncations_are_refused(
            &BioEnrollmentRequest::from(FingerprintRequest::new(Finger::CancelCurrentEnrollment))
                .into(),
        );
    }

    #[test]
    fn get_modality_stands_alone() {
        let request = [(6, V::Bool(true))];
        assert_eq!(read(BIO_ENROLLMENT, &request), BioEnrollmentRequest::GetModality.into());
        assert_eq!(status(BIO_ENROLLMENT, &[(6, V::Bool(false))]), Status::MissingParameter);
        assert_eq!(status(BIO_ENROLLMENT, &[(6, int(1))]), Status::CborUnexpectedType);
        assert_eq!(status(BIO_ENROLLMENT, &[]), Status::MissingParameter);
    }

    #[test]
    fn the_modality_is_fingerprints() {
        assert_eq!(status(BIO_ENROLLMENT, &without(&all(7), 1)), Status::MissingParameter);
        assert_eq!(status(BIO_ENROLLMENT, &with(&all(7), 1, int(2))), Status::InvalidParameter);
    }

    #[test]
    fn the_proof_is_missed_before_the_parameters() {
        for subcommand in WITH_PROOF {
            let bare = [(1, int(1)), (2, int(subcommand.into()))];
            assert_eq!(status(BIO_ENROLLMENT, &bare), Status::PuatRequired);
            let unprotocolled = without(&all(subcommand.into()), 4);
            assert_eq!(status(BIO_ENROLLMENT, &unprotocolled), Status::MissingParameter);
        }
        for (subcommand, missing) in [(2, 1), (5, 1), (5, 2), (6, 1)] {
            let V::Map(mut members) = params() else { unreachable!() };
            members.retain(|(key, _)| *key != int(missing));
            let request = with(&all(subcommand), 3, V::Map(members));
            assert_eq!(status(BIO_ENROLLMENT, &request), Status::MissingParameter);
        }
    }

    #[test]
    fn what_else_is_wrong_is_named() {
        for subcommand in [0, 8, 0x101] {
            let request = [(1, int(1)), (2, int(subcommand))];
            assert_eq!(status(BIO_ENROLLMENT, &request), Status::InvalidSubcommand);
        }
        wrong_types_are_refused(BIO_ENROLLMENT, &all(1));
        for (key, value) in [(1, text("x")), (2, bytes(b"x")), (3, int(-1))] {
            let request = with(&all(5), 3, map([(int(key), value)]));
            assert_eq!(status(BIO_ENROLLMENT, &request), Status::CborUnexpectedType);
        }
    }

    #[test]
    fn responses_survive_the_round_trip() {
        let response = BioEnrollmentResponse {
            modality: Some(1),
            fingerprint_kind: Some(2),
            max_capture_samples_required_for_enroll: Some(5),
            template: Some(template()),
            last_enroll_sample_status: Some(SampleStatus::TooSkewed),
            remaining_samples: Some(3),
            template_infos: Some(vec![
                TemplateInfo { id: template(), friendly_name: Some("thumb".into()) },
                TemplateInfo { id: TemplateId::new(&[]), friendly_name: None },
            ]),
            max_template_friendly_name: Some(64),
        };
        let bytes = response.encode();
        assert_eq!(BioEnrollmentResponse::decode(&bytes).as_ref(), Ok(&response));
        for length in 2..bytes.len() {
            assert!(BioEnrollmentResponse::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn every_sample_status_is_one_of_fifteen() {
        for code in 0..=u8::MAX {
            let status = SampleStatus::from_u64(code.into());
            assert_eq!(status.is_some(), code <= 0x0e);
            assert!(status.is_none_or(|status| status.to_u8() == code));
        }
        for (key, value) in [(5, int(15)), (7, array([map([])])), (7, map([])), (4, text("x"))] {
            let response = message(0, &[(key, value)]);
            assert!(BioEnrollmentResponse::decode(&response).is_err());
        }
    }
}
