//! What pages ask for beside `publicKey`, and what they signal.

use serde_json::{Value, json};
use towline_virtual::{Browser, Error, VirtualAuthenticator, client::SignalKind, person::*};

use crate::options::{ORIGIN, base64url, create, get};

fn beside(options: &str, member: &str, value: &str) -> String {
    let options: Value = serde_json::from_str(options).unwrap();
    json!({"publicKey": options, member: value}).to_string()
}

fn conditional() -> String {
    beside(&get(), "mediation", "conditional")
}

fn immediate() -> String {
    beside(&get(), "uiMode", "immediate")
}

#[test]
fn a_form_offers_what_there_is_and_waits_where_there_is_nothing() {
    let device = VirtualAuthenticator::platform();
    device.person().strict();
    let mut page = device.begin_get(ORIGIN, &conditional()).unwrap();
    assert_eq!((page.poll(), page.poll_timeout()), (None, None));
    assert_eq!(page.untold(), Some(&Error::NoCredentials));
    page.abort();
    assert_eq!(page.poll().unwrap().unwrap_err().name(), "AbortError");

    device.person().when(creating()).consents().once();
    device.create(ORIGIN, &create("alice")).unwrap();
    device.person().when(signing_in()).consents().times(2).expect(2);
    device.get(ORIGIN, &conditional()).unwrap();
    device.get(ORIGIN, &immediate()).unwrap();
}

#[test]
fn a_form_whose_offer_is_not_taken_tells_nobody() {
    let device = VirtualAuthenticator::platform();
    device.create(ORIGIN, &create("alice")).unwrap();
    device.person().when(signing_in()).refuses().once();
    let mut page = device.begin_get(ORIGIN, &conditional()).unwrap();
    assert_eq!(page.poll(), None);
    assert!(page.untold().is_some());
}

#[test]
fn an_immediate_sign_in_asks_nobody_where_there_is_nothing() {
    let device = VirtualAuthenticator::platform();
    device.person().strict();
    assert_eq!(device.get(ORIGIN, &immediate()), Err(Error::NoCredentials));
    // A key is not on this device.
    let key = VirtualAuthenticator::security_key();
    key.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(key.get(ORIGIN, &immediate()).unwrap_err().name(), "NotAllowedError");
}

#[test]
fn a_passkey_is_made_after_a_sign_in_by_other_means() {
    let options = beside(&create("alice"), "mediation", "conditional");
    let device = VirtualAuthenticator::synced_passkey();
    device.create(ORIGIN, &options).unwrap();
    assert_eq!(device.passkeys().len(), 1);
    let key = VirtualAuthenticator::security_key();
    assert_eq!(key.create(ORIGIN, &options), Err(Error::NotConditional));
}

#[test]
fn of_two_authenticators_the_one_with_a_passkey_is_offered() {
    let (empty, full) = (VirtualAuthenticator::platform(), VirtualAuthenticator::synced_passkey());
    full.create(ORIGIN, &create("alice")).unwrap();
    let browser = Browser::new().with(&empty).with(&full);
    browser.get(ORIGIN, &conditional()).unwrap();
    browser.get(ORIGIN, &immediate()).unwrap();
}

#[test]
fn what_a_site_signals_changes_its_passkeys_and_no_others() {
    use SignalKind::{AllAcceptedCredentials, CurrentUserDetails, UnknownCredential};

    let device = VirtualAuthenticator::platform();
    for account in ["alice", "bob", "carol"] {
        device.create(ORIGIN, &create(account)).unwrap();
    }
    let of = |name: &str| {
        let mut all = device.passkeys().into_iter();
        all.find(|it| it.credential.user.name.as_deref() == Some(name))
    };
    let id = |name: &str| of(name).map(|it| it.id().clone());
    let handle = |name: &str| base64url(of(name).unwrap().credential.user.id.as_bytes());

    let alice = id("alice").unwrap();
    let unknown = json!({"rpId": "example.org", "credentialId": base64url(alice.as_bytes())});
    let foreign = device.signal("https://example.com", UnknownCredential, &unknown.to_string());
    assert_eq!(foreign.unwrap_err().name(), "SecurityError");
    let signalled = device.signal(ORIGIN, UnknownCredential, &unknown.to_string());
    assert_eq!(signalled.unwrap(), [alice]);
    assert_eq!(id("alice"), None);

    let accepted = json!({
        "rpId": "example.org", "userId": handle("bob"), "allAcceptedCredentialIds": [],
    });
    device.signal(ORIGIN, AllAcceptedCredentials, &accepted.to_string()).unwrap();
    assert_eq!((id("bob"), id("carol").is_some()), (None, true));

    let details = json!({
        "rpId": "example.org", "userId": handle("carol"), "name": "c@x", "displayName": "Carol",
    });
    device.signal(ORIGIN, CurrentUserDetails, &details.to_string()).unwrap();
    let user = &device.passkeys()[0].credential.user;
    assert_eq!((user.name.as_deref(), user.display_name.as_deref()), (Some("c@x"), Some("Carol")));
    // Nothing to do is no error, and nothing that a page could see.
    assert!(device.signal(ORIGIN, UnknownCredential, &unknown.to_string()).unwrap().is_empty());
}
