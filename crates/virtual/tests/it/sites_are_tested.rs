//! What a site's tests do, with `webauthn-rs-core` as the site.

use std::time::Duration;

use towline_ctap::{AuthenticatorData, Flags};
use towline_virtual::{
    Browser, Builder, Error, VirtualAuthenticator,
    person::{anything, choosing, signing_in, typing_a_pin, verifying},
};

use crate::{
    options::{ORIGIN, bytes, create, create_with, get, get_with, list},
    site::Site,
};

/// The authenticator data in an assertion.
pub(crate) fn auth_data(response: &str) -> AuthenticatorData {
    let response: serde_json::Value = serde_json::from_str(response).unwrap();
    let text = response["response"]["authenticatorData"].as_str().unwrap();
    AuthenticatorData::decode(&bytes(text)).unwrap()
}

#[test]
fn a_strict_site_takes_what_every_preset_makes() {
    for device in [
        VirtualAuthenticator::security_key(),
        VirtualAuthenticator::fingerprint_key(),
        VirtualAuthenticator::platform(),
        VirtualAuthenticator::synced_passkey(),
        VirtualAuthenticator::phone(),
    ] {
        let site = Site::new();
        site.register(&device, "alice").unwrap();
        assert_eq!(site.sign_in(&device).unwrap().0, "alice");
    }
}

#[test]
fn the_person_refuses_and_then_agrees() {
    let device = VirtualAuthenticator::platform();
    device.person().when(anything()).refuses().once();
    let refused = device.create(ORIGIN, &create("alice")).unwrap_err();
    assert_eq!(refused.name(), "NotAllowedError");
    device.create(ORIGIN, &create("alice")).unwrap();
}

#[test]
fn the_lock_is_failed_until_it_is_locked_and_opens_again() {
    let phone = VirtualAuthenticator::phone();
    phone.create(ORIGIN, &create("alice")).unwrap();
    let fails = phone.person().when(verifying()).fails_the_lock().times(5);
    let first = phone.get(ORIGIN, &get()).unwrap_err();
    assert_eq!((fails.count(), first.name()), (3, "NotAllowedError"));
    let second = phone.get(ORIGIN, &get()).unwrap_err();
    let wait = Some(Duration::from_secs(30));
    assert_eq!((fails.count(), second), (5, Error::VerificationLocked { wait }));
    phone.clock().advance(Duration::from_secs(30));
    phone.get(ORIGIN, &get()).unwrap();
}

#[test]
fn a_wrong_pin_is_asked_for_again_and_the_right_one_verifies() {
    let key = Builder::security_key().pin("2580").build().unwrap();
    key.create(ORIGIN, &create("alice")).unwrap();
    let wrong = key.person().when(typing_a_pin()).types("0000").once().expect(1);
    let required = get_with(r#", "userVerification": "required""#);
    let response = key.get(ORIGIN, &required).unwrap();
    assert!(auth_data(&response).flags.contains(Flags::UV | Flags::UP));
    assert_eq!(wrong.count(), 1);
    assert!(key.person().heard().iter().any(|asked| asked.to_string().contains("not the PIN")));
}

#[test]
fn the_person_picks_an_account_on_the_device_and_in_the_client() {
    // A phone has a display; at a security key the client asks.
    for device in [VirtualAuthenticator::phone(), VirtualAuthenticator::fingerprint_key()] {
        for name in ["alice", "bob", "carol"] {
            device.create(ORIGIN, &create(name)).unwrap();
        }
        let handle = |response: String| {
            let response: serde_json::Value = serde_json::from_str(&response).unwrap();
            bytes(response["response"]["userHandle"].as_str().unwrap())
        };
        let of = |name: &str| {
            let passkeys = device.passkeys();
            let is =
                |it: &&towline_virtual::Passkey| it.credential.user.name.as_deref() == Some(name);
            passkeys.iter().find(is).unwrap().credential.user.id.as_bytes().to_vec()
        };
        device.person().when(choosing()).picks(2).once();
        device.person().when(choosing()).picks_the_account("bob").once();
        let chosen = [(); 3].map(|()| handle(device.get(ORIGIN, &get()).unwrap()));
        assert_eq!(chosen, [of("alice"), of("bob"), of("carol")], "{device:?}");
    }
}

#[test]
fn the_person_closes_the_dialog_and_the_site_aborts() {
    let device = VirtualAuthenticator::platform();
    device.person().when(signing_in()).calls_it_off().once();
    device.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(device.get(ORIGIN, &get()), Err(Error::Cancelled));

    device.person().when(signing_in()).ignores_it().once();
    let mut ceremony = device.begin_get(ORIGIN, &get()).unwrap();
    assert_eq!(ceremony.poll(), None);
    ceremony.abort();
    assert_eq!(ceremony.poll(), Some(Err(Error::Aborted)));
    device.get(ORIGIN, &get()).unwrap();
}

#[test]
fn origins_and_lists_are_those_of_a_browser() {
    let device = VirtualAuthenticator::security_key();
    let wrong = device.create("https://example.com", &create("alice")).unwrap_err();
    assert_eq!(wrong.name(), "SecurityError");
    device.create("https://login.example.org", &create("alice")).unwrap();
    let id = device.passkeys()[0].id().clone();
    let excluded = create_with("bob", &list("excludeCredentials", &id));
    assert_eq!(device.create(ORIGIN, &excluded), Err(Error::AlreadyRegistered));
    device.get(ORIGIN, &get_with(&list("allowCredentials", &id))).unwrap();
    let other = towline_ctap::CredentialId::new(&[7; 32]).unwrap();
    let none = device.get(ORIGIN, &get_with(&list("allowCredentials", &other)));
    assert_eq!(none, Err(Error::NoCredentials));
}

#[test]
fn a_passkey_of_a_synced_set_signs_in_on_the_other_device() {
    let phone = VirtualAuthenticator::phone();
    let tablet = Builder::platform().synced_with(&phone.synced_set()).build().unwrap();
    phone.create(ORIGIN, &create("alice")).unwrap();
    tablet.get(ORIGIN, &get()).unwrap();
    assert_eq!(tablet.passkeys()[0].id(), phone.passkeys()[0].id());
    let _was_there = tablet.remove(phone.passkeys()[0].id());
    assert_eq!(phone.get(ORIGIN, &get()), Err(Error::NoCredentials));
}

#[test]
fn a_browser_takes_the_device_that_has_the_passkey() {
    let (laptop, key) = (VirtualAuthenticator::platform(), VirtualAuthenticator::security_key());
    let browser = Browser::new().with(&laptop).with(&key);
    key.create(ORIGIN, &create("alice")).unwrap();
    let allowed = get_with(&list("allowCredentials", key.passkeys()[0].id()));
    assert_eq!(auth_data(&browser.get(ORIGIN, &allowed).unwrap()).sign_count, 1);
    laptop.person().when(anything()).refuses().once();
    let refused = browser.create(ORIGIN, &create("alice")).unwrap_err();
    assert_eq!(refused.name(), "NotAllowedError", "whoever says no is not asked by another");
    assert_eq!(key.passkeys().len(), 1);
}

#[test]
fn a_browser_stands_in_the_place_of_one_authenticator() {
    let site = Site::new();
    let (laptop, key) = (VirtualAuthenticator::platform(), VirtualAuthenticator::security_key());
    let browser = Browser::new().with(&laptop).with(&key);
    site.register(&browser, "alice").unwrap();
    assert_eq!(site.sign_in(&browser).unwrap().0, "alice");
    assert_eq!((laptop.passkeys().len(), key.passkeys().len()), (1, 0));
    // What the first does not hold, the second may.
    laptop.remove_all();
    site.register(&key, "bob").unwrap();
    assert_eq!(site.sign_in(&browser).unwrap().0, "bob");
}

#[test]
fn a_hint_chooses_among_several_authenticators() {
    for (hint, made) in
        [("client-device", [1, 0, 0]), ("security-key", [0, 1, 0]), ("hybrid", [0, 0, 1])]
    {
        let devices = [
            VirtualAuthenticator::platform(),
            VirtualAuthenticator::security_key(),
            VirtualAuthenticator::phone(),
        ];
        let browser = devices.iter().fold(Browser::new(), |all, device| all.with(device));
        let hints = format!(r#", "hints": ["unheard-of", "{hint}"]"#);
        browser.create(ORIGIN, &create_with("alice", &hints)).unwrap();
        assert_eq!(devices.map(|it| it.passkeys().len()), made, "{hint}");
    }
}
