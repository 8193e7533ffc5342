//! webauthn-authenticator-rs: its `SoftPasskey` behind its client, from JSON to JSON. It signs its
//! registrations itself, asked or not, and its credentials are not discoverable.

use url::Url;
use webauthn_authenticator_rs::{WebauthnAuthenticator, softpasskey::SoftPasskey};
use webauthn_rs_proto::{CreationChallengeResponse, RequestChallengeResponse};

use super::{CREATION, ORIGIN, id_of, request};

/// A registration.
pub fn create() -> impl FnMut() -> String {
    let (mut device, origin) = (SoftPasskey::new(true), Url::parse(ORIGIN).expect("an origin"));
    move || register(&mut device, &origin)
}

/// A sign-in.
pub fn get() -> impl FnMut() -> String {
    let (mut device, origin) = (SoftPasskey::new(true), Url::parse(ORIGIN).expect("an origin"));
    let options =
        format!(r#"{{"publicKey": {}}}"#, request(&id_of(&register(&mut device, &origin))));
    move || sign_in(&mut device, &origin, &options)
}

pub(super) fn sign_in(
    device: &mut impl WebauthnAuthenticator,
    origin: &Url,
    options: &str,
) -> String {
    let options: RequestChallengeResponse = serde_json::from_str(options).expect("options");
    let response = device.do_authentication(origin.clone(), options).expect("an assertion");
    serde_json::to_string(&response).expect("JSON")
}

pub(super) fn register(device: &mut impl WebauthnAuthenticator, origin: &Url) -> String {
    // It has no others.
    let options = format!(r#"{{"publicKey": {CREATION}}}"#);
    let options = options.replace(r#""residentKey": "required""#, r#""requireResidentKey": false"#);
    let options: CreationChallengeResponse = serde_json::from_str(&options).expect("options");
    let response = device.do_registration(origin.clone(), options).expect("a registration");
    serde_json::to_string(&response).expect("JSON")
}
