//! An authenticator that answers as a test tells it to, and helpers to look into JSON.
#![allow(dead_code)]

use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_client::{Caller, CeremonyOutput, Client, Create, Error, Get, Origin};
use towline_crypto::rustcrypto;
use towline_ctap::{
    Aaguid, AttestationStatement, AttestedCredentialData, AuthenticatorData, CosePublicKey,
    CredentialId, Extensions, Flags, GetAssertionRequest, GetAssertionResponse, GetInfo,
    MakeCredentialRequest, MakeCredentialResponse, PublicKeyCredentialDescriptor, Request, RpId,
    Transport, User, UserHandle, Version,
};

pub(crate) const AAGUID: Aaguid = Aaguid::new([0xa1; 16]);

pub(crate) fn client() -> Client {
    Client::new(rustcrypto::provider())
}

pub(crate) fn caller() -> Caller {
    Origin::parse("https://login.example.org").unwrap().into()
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unb64(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

/// What a site sends to register, with nothing but what is required.
pub(crate) fn creation() -> Value {
    json!({
        "rp": {"id": "example.org", "name": "Example"},
        "user": {"id": b64(&[1, 2, 3]), "name": "jo@example.org", "displayName": "Jo"},
        "challenge": b64(&[0xc4; 32]),
        "pubKeyCredParams": [{"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -7}],
    })
}

/// What a site sends to sign in, with nothing but what is required, and its RP ID.
pub(crate) fn request() -> Value {
    json!({"challenge": b64(&[0xc4; 32]), "rpId": "example.org"})
}

pub(crate) fn with(mut options: Value, member: &str, value: Value) -> Value {
    options[member] = value;
    options
}

/// A phone: discoverable credentials, built-in verification.
pub(crate) fn phone() -> GetInfo {
    let mut info = GetInfo::new(AAGUID, vec![Version::Fido2_0, Version::Fido2_1]);
    info.options.rk = Some(true);
    info.options.uv = Some(true);
    info.extensions = Some(vec!["credProtect".into()]);
    info.transports = Some(vec![Transport::Internal, Transport::Hybrid]);
    info
}

/// A security key without any means of verification.
pub(crate) fn simple_key() -> GetInfo {
    GetInfo::new(AAGUID, vec![Version::Fido2_0])
}

pub(crate) fn auth_data(flags: Flags) -> AuthenticatorData {
    AuthenticatorData {
        rp_id_hash: RpId::new("example.org").unwrap().hash(&rustcrypto::provider()),
        flags,
        sign_count: 0,
        attested: None,
        extensions: Extensions::new(),
    }
}

pub(crate) fn new_credential() -> AuthenticatorData {
    let mut data = auth_data(Flags::UP | Flags::UV);
    data.attested = Some(AttestedCredentialData {
        aaguid: AAGUID,
        credential_id: CredentialId::new(&[0x1d; 16]).unwrap(),
        public_key: CosePublicKey::P256 { alg: -7, x: [1; 32], y: [2; 32] },
    });
    data
}

pub(crate) fn created(data: &AuthenticatorData) -> Vec<u8> {
    MakeCredentialResponse::new(AttestationStatement::None, data.encode()).encode()
}

pub(crate) fn descriptor(id: &[u8]) -> PublicKeyCredentialDescriptor {
    PublicKeyCredentialDescriptor::new(CredentialId::new(id).unwrap())
}

pub(crate) fn listed(id: &[u8]) -> Value {
    json!({"type": "public-key", "id": b64(id)})
}

pub(crate) fn user(id: u8, name: Option<&str>) -> User {
    User { id: UserHandle::new(&[id]).unwrap(), name: name.map(Into::into), display_name: None }
}

pub(crate) fn asserted(id: &[u8], user: Option<User>) -> GetAssertionResponse {
    let data = auth_data(Flags::UP | Flags::UV).encode();
    let mut response = GetAssertionResponse::new(descriptor(id), data, vec![0x51; 70]);
    response.user = user;
    response
}

pub(crate) fn start_create(options: &Value) -> Result<Create, Error> {
    Create::new(&client(), &caller(), &options.to_string(), Instant::now())
}

pub(crate) fn start_get(options: &Value) -> Result<Get, Error> {
    Get::new(&client(), &caller(), &options.to_string(), Instant::now())
}

pub(crate) fn make_credential(output: Option<CeremonyOutput>) -> MakeCredentialRequest {
    match Request::decode(&sent(output), usize::MAX).unwrap() {
        Request::MakeCredential(request) => *request,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn get_assertion(output: Option<CeremonyOutput>) -> GetAssertionRequest {
    match Request::decode(&sent(output), usize::MAX).unwrap() {
        Request::GetAssertion(request) => *request,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn sent(output: Option<CeremonyOutput>) -> Vec<u8> {
    match output {
        Some(CeremonyOutput::Request(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn finished(output: Option<CeremonyOutput>) -> Result<Value, Error> {
    match output {
        Some(CeremonyOutput::Finished(result)) => {
            result.map(|json| serde_json::from_str(&json).expect("it is JSON"))
        }
        other => panic!("{other:?}"),
    }
}

/// Registers with one exchange: what was asked for, and what came of the answer.
pub(crate) fn register(
    options: &Value,
    info: &GetInfo,
    response: &[u8],
) -> (MakeCredentialRequest, Result<Value, Error>) {
    let mut create = start_create(options).unwrap();
    create.handle_info(&info.to_cbor(), &Transport::Usb);
    let request = make_credential(create.poll_output());
    create.handle_response(response);
    (request, finished(create.poll_output()))
}

/// Signs in with one exchange: what was asked for, and what came of the answer.
pub(crate) fn sign_in(
    options: &Value,
    info: &GetInfo,
    response: &[u8],
) -> (GetAssertionRequest, Result<Value, Error>) {
    let mut get = start_get(options).unwrap();
    get.handle_info(&info.to_cbor(), &Transport::Usb);
    let request = get_assertion(get.poll_output());
    get.handle_response(response);
    (request, finished(get.poll_output()))
}
