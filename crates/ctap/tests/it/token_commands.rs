//! The commands around PIN/UV tokens: clientPIN, credentialManagement, largeBlobs,
//! authenticatorConfig and bioEnrollment. What is read, what is refused with which status, what is
//! written, and what the proofs are made of.

mod bio_enrollment;
mod client_pin;
mod config;
mod credential_management;
mod large_blobs;

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

use crate::value::{V, array, bytes, int, map, text};

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
