//! Names for people that are not UTF-8: an authenticator may have cut them, a client may not.

use towline_ctap::{
    ClientDataHash, CredentialId, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand, GetAssertionResponse, MakeCredentialRequest,
    PublicKeyCredentialDescriptor, Request, Rp, RpId, Status, User, UserHandle,
};

const NAME: &str = "abc\u{e9}";

/// The same message with the last byte of every name cut off, as far as its meaning goes: it is the
/// first of two that never comes.
fn cut(message: &[u8]) -> Vec<u8> {
    let name = NAME.as_bytes();
    let mut message = message.to_vec();
    let mut found = 0;
    for start in 0..=message.len() - name.len() {
        if message[start..].starts_with(name) {
            message[start + name.len() - 1] = 0xc3;
            found += 1;
        }
    }
    assert!(found > 0, "a name was there");
    message
}

fn user() -> User {
    let id = UserHandle::new(&[1]).unwrap();
    User { id, name: Some(NAME.into()), display_name: Some(NAME.into()) }
}

fn rp() -> Rp {
    Rp { id: RpId::new("example.org").unwrap(), name: Some(NAME.into()) }
}

fn shown(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.starts_with("abc") && name.trim_end_matches('\u{fffd}') == "abc")
}

#[test]
fn a_name_that_was_cut_in_the_middle_of_a_character_does_not_make_a_response_malformed() {
    let id = CredentialId::new(&[7; 16]).unwrap();
    let credential = PublicKeyCredentialDescriptor::new(id);
    let mut response = GetAssertionResponse::new(credential, vec![0; 37], vec![0; 70]);
    response.user = Some(user());
    let read = GetAssertionResponse::decode(&cut(&response.encode())).unwrap().user.unwrap();
    assert!(shown(read.name.as_deref()) && shown(read.display_name.as_deref()), "{read:?}");

    let response = CredentialManagementResponse {
        rp: Some(rp()),
        user: Some(user()),
        ..CredentialManagementResponse::default()
    };
    let read = CredentialManagementResponse::decode(&cut(&response.encode())).unwrap();
    let (rp, user) = (read.rp.unwrap(), read.user.unwrap());
    assert!(shown(rp.name.as_deref()) && shown(user.name.as_deref()), "{rp:?} {user:?}");
}

#[test]
fn in_a_request_it_is_refused() {
    let hash = ClientDataHash::new([0; 32]);
    let update = CredentialManagementSubcommand::UpdateUserInformation {
        credential: CredentialId::new(&[7; 16]).unwrap(),
        user: user(),
    };
    for request in [
        Request::from(MakeCredentialRequest::new(hash, rp(), user(), vec![-7])),
        Request::from(CredentialManagementRequest::new(update)),
    ] {
        let refused = Request::decode(&cut(&request.encode()), 1024).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidCbor);
    }
}
