//! The command bytes of FIDO_2_1_PRE, which libraries still send.

use crate::rig::{platform::*, *};
use towline_authenticator::{Config, MemoryStore};
use towline_ctap::{
    CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand as Sub, Permissions, Request, Status,
};

const PIN: &str = "2468-blue";
const CREDENTIAL_MANAGEMENT: u8 = 0x41;
const BIO_ENROLLMENT: u8 = 0x40;

fn key(preview_commands: bool) -> Rig {
    let mut config = Config::security_key();
    config.tokens.preview_commands = preview_commands;
    let mut rig = Rig::over(config, MemoryStore::new());
    rig.passkey("example.org", "alice");
    rig.passkey("example.com", "carol");
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    rig
}

fn token(rig: &mut Rig, permissions: Permissions) -> PlatformToken {
    let rp = (permissions == Permissions::GA).then_some("example.org");
    Platform::agree(rig, 2).pin_token(rig, PIN, permissions, rp).unwrap()
}

/// Sends the request with another command byte.
fn send(rig: &mut Rig, command: u8, sub: Sub, token: Option<&PlatformToken>) -> Answered {
    let mut request = CredentialManagementRequest::new(sub);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    let mut bytes = Request::from(request).encode();
    bytes[0] = command;
    rig.send(HOME, &bytes);
    let response = rig.response();
    match Status::from_u8(response[0]) {
        Status::Ok => Ok(CredentialManagementResponse::decode(&response).unwrap()),
        status => Err(status),
    }
}

type Answered = Result<CredentialManagementResponse, Status>;

#[test]
fn credentials_are_listed_with_the_byte_of_before() {
    let mut rig = key(true);
    let token = token(&mut rig, Permissions::CM);
    let first = send(&mut rig, CREDENTIAL_MANAGEMENT, Sub::EnumerateRpsBegin, Some(&token));
    assert_eq!(first.unwrap().total_rps, Some(2));
    let second = send(&mut rig, CREDENTIAL_MANAGEMENT, Sub::EnumerateRpsGetNextRp, None);
    assert!(second.unwrap().rp.is_some(), "the list goes on");
}

#[test]
fn the_byte_of_before_asks_for_the_same_permission() {
    let mut rig = key(true);
    let ga = token(&mut rig, Permissions::GA);
    let refused = send(&mut rig, CREDENTIAL_MANAGEMENT, Sub::GetCredsMetadata, Some(&ga));
    assert_eq!(refused, Err(Status::PinAuthInvalid));
    let refused = send(&mut rig, CREDENTIAL_MANAGEMENT, Sub::GetCredsMetadata, None);
    assert_eq!(refused, Err(Status::PuatRequired));
}

#[test]
fn the_bytes_of_before_are_unknown_where_they_are_not_wanted() {
    let mut rig = key(false);
    let token = token(&mut rig, Permissions::CM);
    for command in [CREDENTIAL_MANAGEMENT, BIO_ENROLLMENT] {
        let refused = send(&mut rig, command, Sub::GetCredsMetadata, Some(&token));
        assert_eq!(refused, Err(Status::InvalidCommand), "{command:#x}");
    }
}

#[test]
fn the_bytes_of_before_are_not_claimed() {
    let info = key(true).info();
    assert_eq!(info.options.credential_mgmt_preview, None);
    assert_eq!(info.options.user_verification_mgmt_preview, None);
}
