//! credProtect, in both ceremonies.

use crate::rig::*;
use towline_authenticator::{Config, Event, Purpose, Question};
use towline_ctap::{
    CredentialId, Status,
    extension::CredentialProtectionPolicy::{
        self, UserVerificationOptional, UserVerificationOptionalWithCredentialIdList,
        UserVerificationRequired,
    },
};

/// A phone that verifies only when asked to, and asks for nothing else when not.
fn obedient() -> Config {
    let mut config = Config::phone();
    config.verification.unasked = false;
    config.verification.make_cred_uv_not_rqd = true;
    config
}

fn protected(rig: &mut Rig, level: CredentialProtectionPolicy, rk: bool) -> CredentialId {
    let mut request = creation("example.org", "alice");
    request.options.rk = Some(rk);
    request.options.uv = Some(true);
    request.extensions.set(&level);
    let response = rig.create(&request).unwrap();
    let outputs = data(&response.auth_data).extensions;
    assert_eq!(outputs.get::<CredentialProtectionPolicy>(), Ok(Some(level)));
    rig.forget_past();
    made(&response).0
}

/// Whether the credential can be used so.
fn usable(level: CredentialProtectionPolicy, listed: bool, uv: bool) -> bool {
    let mut rig = Rig::new(obedient());
    let id = protected(&mut rig, level, true);
    let mut request = assertion("example.org");
    request.options.uv = Some(uv);
    request.allow_list = listed.then(|| listing(&id));
    match rig.sign_in(&request) {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status, Status::NoCredentials);
            false
        }
    }
}

#[test]
fn each_level_asks_for_as_much_as_it_says() {
    for (level, unlisted_unverified, listed_unverified) in [
        (UserVerificationOptional, true, true),
        (UserVerificationOptionalWithCredentialIdList, false, true),
        (UserVerificationRequired, false, false),
    ] {
        assert_eq!(usable(level, false, false), unlisted_unverified, "{level:?}");
        assert_eq!(usable(level, true, false), listed_unverified, "{level:?}");
        assert!(usable(level, false, true));
        assert!(usable(level, true, true));
    }
}

#[test]
fn credentials_that_are_not_discoverable_are_protected_too() {
    let mut rig = Rig::new(obedient());
    let id = protected(&mut rig, UserVerificationRequired, false);
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    request.options.uv = Some(true);
    assert!(rig.sign_in(&request).is_ok());
}

#[test]
fn hidden_accounts_are_not_counted() {
    let mut config = obedient();
    config.identity.has_display = false;
    let mut rig = Rig::new(config);
    for (name, level) in [("alice", 1), ("bob", 2), ("carol", 1), ("dave", 3)] {
        let mut request = creation("example.org", name);
        request.options.rk = Some(true);
        request.options.uv = Some(true);
        request.extensions.set(&CredentialProtectionPolicy::from_level(level).unwrap());
        rig.create(&request).unwrap();
    }
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(response.number_of_credentials, Some(2));
    assert_eq!(response.user.unwrap().id, user("carol").id);
    assert_eq!(rig.next().unwrap().user.unwrap().id, user("alice").id);
    assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
    let mut request = assertion("example.org");
    request.options.uv = Some(true);
    assert_eq!(rig.sign_in(&request).unwrap().number_of_credentials, Some(4));
}

#[test]
fn nothing_is_said_of_protection_unasked() {
    let mut rig = Rig::new(Config::phone());
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert!(data(&response.auth_data).extensions.is_empty());
}

#[test]
fn an_excluded_credential_refuses_the_creation_after_a_touch_whatever_it_was() {
    for person in [agreeable, refusing, absent] {
        let mut rig = Rig::new(Config::security_key());
        let (id, _) = rig.passkey("example.org", "alice");
        rig.forget_past();
        rig.person(person);
        let mut request = creation("example.org", "bob");
        request.exclude_list = listing(&id);
        assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
        let [
            Question::ConfirmPresence {
                purpose: Purpose::AlreadyRegistered { user: asked, holder: Some(holder), .. },
            },
        ] = &rig.questions[..]
        else {
            panic!("{:?}", rig.questions)
        };
        // The site asks for bob, and excludes what alice has here.
        assert_eq!((asked, holder), (&user("bob"), &user("alice")));
        let told = Event::AlreadyRegistered { rp: request.rp.clone(), user: Some(user("alice")) };
        assert!(rig.events.contains(&told));
        assert_eq!(rig.store.len(), 1);
    }
}

#[test]
fn an_excluded_credential_refuses_the_creation_after_the_screen_lock() {
    let mut rig = Rig::new(Config::phone());
    let (id, _) = rig.passkey("example.org", "alice");
    rig.forget_past();
    let mut request = creation("example.org", "bob");
    request.exclude_list = listing(&id);
    assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
    assert!(matches!(
        rig.questions[..],
        [Question::VerifyUser { purpose: Purpose::AlreadyRegistered { .. }, .. }]
    ));
    rig.person(refusing);
    assert_eq!(rig.create(&request).unwrap_err(), Status::OperationDenied);
}

#[test]
fn what_is_excluded_elsewhere_is_not_excluded_here() {
    let mut rig = Rig::new(Config::phone());
    let (id, _) = rig.passkey("example.com", "alice");
    let mut request = creation("example.org", "alice");
    request.exclude_list = listing(&id);
    request.exclude_list.extend(listing(&CredentialId::new(&[1; 32]).unwrap()));
    assert!(rig.create(&request).is_ok());
}

#[test]
fn a_credential_that_requires_verification_does_not_show_itself_to_the_unverified() {
    let mut rig = Rig::new(obedient());
    let id = protected(&mut rig, UserVerificationRequired, false);
    let mut request = creation("example.org", "bob");
    request.exclude_list = listing(&id);
    assert!(rig.create(&request).is_ok());
    assert!(matches!(
        rig.questions[..],
        [Question::ConfirmPresence { purpose: Purpose::Create { .. } }]
    ));
    request.options.uv = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
    // And the question before the verification does not give it away either.
    assert!(matches!(
        rig.questions[1],
        Question::VerifyUser { purpose: Purpose::Create { .. }, .. }
    ));
}

#[test]
fn a_credential_of_level_2_is_excluded_even_unverified() {
    let mut rig = Rig::new(obedient());
    let id = protected(&mut rig, UserVerificationOptionalWithCredentialIdList, false);
    let mut request = creation("example.org", "bob");
    request.exclude_list = listing(&id);
    assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
}
