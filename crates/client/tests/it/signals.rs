//! What sites signal about their passkeys (WebAuthn L3 §5.1.10).

use serde_json::{Value, json};
use towline_client::{Error, Signal, SignalKind, Verdict};
use towline_ctap::{CredentialId, UserHandle};

use crate::scripted::*;

fn signal(kind: SignalKind, options: &Value) -> Result<Signal, Error> {
    Signal::new(&client(), &caller(), kind, &options.to_string())
}

fn verdict(signal: &Signal, id: &[u8], user: &[u8]) -> Verdict {
    signal.verdict(&CredentialId::new(id).unwrap(), &UserHandle::new(user).unwrap())
}

fn unknown() -> Value {
    json!({"rpId": "example.org", "credentialId": b64(&[1, 2])})
}

fn accepted() -> Value {
    let ids = [b64(&[1, 2]), b64(&[3])];
    json!({"rpId": "example.org", "userId": b64(&[7]), "allAcceptedCredentialIds": ids})
}

fn details() -> Value {
    json!({"rpId": "example.org", "userId": b64(&[7]), "name": "jo", "displayName": ""})
}

#[test]
fn a_passkey_that_is_not_known_is_removed_and_no_other() {
    let signal = signal(SignalKind::UnknownCredential, &unknown()).unwrap();
    assert_eq!(signal.rp_id().as_str(), "example.org");
    assert_eq!(verdict(&signal, &[1, 2], &[9]), Verdict::Remove);
    assert_eq!(verdict(&signal, &[1], &[9]), Verdict::Keep);
}

#[test]
fn of_one_account_those_that_are_not_accepted_are_removed() {
    let signal = signal(SignalKind::AllAcceptedCredentials, &accepted()).unwrap();
    assert_eq!(verdict(&signal, &[4], &[7]), Verdict::Remove);
    assert_eq!(verdict(&signal, &[3], &[7]), Verdict::Keep);
    assert_eq!(verdict(&signal, &[4], &[8]), Verdict::Keep);
}

#[test]
fn names_of_an_account_are_those_of_now() {
    let signal = signal(SignalKind::CurrentUserDetails, &details()).unwrap();
    let renamed = Verdict::Rename { name: "jo".into(), display_name: String::new() };
    assert_eq!(verdict(&signal, &[4], &[7]), renamed);
    assert_eq!(verdict(&signal, &[4], &[8]), Verdict::Keep);
}

#[test]
fn signals_that_are_not_as_they_must_be_are_refused() {
    use SignalKind::{AllAcceptedCredentials, CurrentUserDetails, UnknownCredential};
    for (kind, options, member, value, name) in [
        (UnknownCredential, unknown(), "credentialId", json!("AQI="), "TypeError"),
        (UnknownCredential, unknown(), "credentialId", json!("?"), "TypeError"),
        (UnknownCredential, unknown(), "rpId", json!("example.com"), "SecurityError"),
        (UnknownCredential, unknown(), "rpId", json!("org"), "SecurityError"),
        (AllAcceptedCredentials, accepted(), "userId", json!("?"), "TypeError"),
        (AllAcceptedCredentials, accepted(), "allAcceptedCredentialIds", json!("AA"), "TypeError"),
        (AllAcceptedCredentials, accepted(), "allAcceptedCredentialIds", json!(["?"]), "TypeError"),
        (AllAcceptedCredentials, accepted(), "rpId", json!("evil.net"), "SecurityError"),
        (CurrentUserDetails, details(), "userId", json!("?"), "TypeError"),
        (CurrentUserDetails, details(), "rpId", json!("evil.net"), "SecurityError"),
    ] {
        signal(kind, &options).unwrap();
        let error = signal(kind, &with(options.clone(), member, value)).unwrap_err();
        assert_eq!(error.name(), name, "{member}");
        let mut lacking = options;
        lacking.as_object_mut().unwrap().remove(member);
        assert_eq!(signal(kind, &lacking).unwrap_err().name(), "TypeError", "{member}");
    }
    // What is no signal is found before whose it is.
    let both = with(with(unknown(), "rpId", json!("evil.net")), "credentialId", json!("?"));
    assert_eq!(signal(UnknownCredential, &both).unwrap_err().name(), "TypeError");
}
