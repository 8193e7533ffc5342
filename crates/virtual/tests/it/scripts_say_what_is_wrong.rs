//! A script that does not fit fails the test, and says why.

use std::panic::{AssertUnwindSafe, catch_unwind};

use towline_virtual::{
    VirtualAuthenticator,
    person::{
        Reply, already_registered, anything, asked, choosing, creating, signing_in, verifying,
    },
};

use crate::options::{ORIGIN, create, get};

/// What the test fails with.
fn failure(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn a_question_that_fits_no_rule_is_printed_with_the_nearest_rule() {
    let text = failure(|| {
        let device = VirtualAuthenticator::platform();
        device.person().strict();
        device.person().when(creating().at("example.com")).consents().named("elsewhere");
        device.person().when(signing_in()).consents();
        let _refused = device.create(ORIGIN, &create("alice"));
    });
    for says in [
        "no rule fits what the person was asked",
        "example.org",
        "alice",
        "MakeCredential",
        "nearest rule 1: \"elsewhere\" (when creating a passkey, at example.com: consents)",
        "holds: creating a passkey",
        "not so: at example.com",
    ] {
        assert!(text.contains(says), "{says:?} is not in:\n{text}");
    }
}

#[test]
fn a_rule_that_is_used_up_is_named_as_such() {
    let text = failure(|| {
        let device = VirtualAuthenticator::platform();
        device.person().strict();
        device.person().when(creating()).consents().once();
        device.create(ORIGIN, &create("alice")).unwrap();
        let _refused = device.create(ORIGIN, &create("bob"));
    });
    assert!(text.contains("used up: it came once already"), "{text}");
}

#[test]
fn a_reply_that_does_not_fit_is_printed_with_the_question() {
    let text = failure(|| {
        let key = VirtualAuthenticator::security_key();
        key.person().when(creating()).fails_the_lock();
        let _refused = key.create(ORIGIN, &create("alice"));
    });
    assert!(text.contains("does not fit what they were asked"), "{text}");
    assert!(text.contains("rule 1: (when creating a passkey: fails the lock)"), "{text}");

    let text = failure(|| {
        let phone = VirtualAuthenticator::phone();
        phone
            .person()
            .when(anything())
            .does(Reply::Exactly(towline_authenticator::Answer::Account(7)));
        let _refused = phone.create(ORIGIN, &create("alice"));
    });
    assert!(text.contains("answers Account(7)"), "{text}");
}

#[test]
fn an_expectation_that_is_not_met_fails_at_the_latest_when_the_person_is_dropped() {
    let text = failure(|| {
        let device = VirtualAuthenticator::platform();
        let twice = already_registered().at("example.org");
        device.person().when(twice).consents().named("twice").expect(1);
        device.person().when(verifying()).consents().expect(1..=2);
        device.create(ORIGIN, &create("alice")).unwrap();
    });
    for says in [
        "\"twice\" (when already registered, at example.org: consents) was expected once",
        "and came never",
        "nearest: Create a passkey for example.org?",
        "not so: already registered",
        "holds: at example.org",
    ] {
        assert!(text.contains(says), "{says:?} is not in:\n{text}");
    }
    assert!(!text.contains("verifying"), "that one is met:\n{text}");
    assert!(text.contains("the person was asked once\n"), "{text}");
}

#[test]
fn what_was_verified_is_not_told_again() {
    let device = VirtualAuthenticator::platform();
    device.person().when(creating()).consents().expect(2..);
    let unmet = device.person().verify().unwrap_err();
    assert!(unmet.to_string().contains("expected at least 2 times, and came never"), "{unmet}");
    assert_eq!(device.person().verify(), Ok(()));
}

#[test]
fn a_rule_that_was_forgotten_is_no_other() {
    let device = VirtualAuthenticator::platform();
    let old = device.person().when(creating()).refuses().expect(7);
    device.person().forget().when(creating()).consents().expect(1);
    device.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(old.once().named("old").count(), 0);
    device.create(ORIGIN, &create("bob")).unwrap();
    assert!(device.person().verify().unwrap_err().to_string().contains("and came 2 times"));
}

#[test]
fn rules_are_tried_in_order_and_replies_given_in_turn() {
    let device = VirtualAuthenticator::platform();
    let person = device.person();
    person.in_turn([Reply::Refuse, Reply::FailTheLock, Reply::Consent]);
    person
        .when(asked("of bob", |it| it.user().is_some_and(|it| it.name.as_deref() == Some("bob"))))
        .does_as(|asked| if asked.purpose().is_some() { Reply::Refuse } else { Reply::Consent });
    assert!(device.create(ORIGIN, &create("alice")).is_err());
    device.create(ORIGIN, &create("alice")).unwrap();
    assert!(device.create(ORIGIN, &create("bob")).is_err());
    device.get(ORIGIN, &get()).unwrap();
    assert_eq!(device.passkeys().len(), 1);
}

#[test]
fn a_program_is_told_by_verify_alone() {
    let device = VirtualAuthenticator::security_key();
    device.person().leaves_it_to_verify().when(creating()).fails_the_lock();
    assert!(device.create(ORIGIN, &create("alice")).is_err());
    let unmet = device.person().verify().unwrap_err();
    assert!(unmet.to_string().contains("does not fit what they were asked"), "{unmet}");
    assert_eq!(device.person().verify(), Ok(()));
    // Nor does its drop fail this test.
    device.person().when(signing_in()).refuses().expect(1);
}

#[test]
fn an_account_without_a_name_says_what_to_do() {
    let text = failure(|| {
        let key = VirtualAuthenticator::security_key();
        key.create(ORIGIN, &create("alice")).unwrap();
        key.create(ORIGIN, &create("bob")).unwrap();
        key.person().when(choosing()).picks_the_account("alice");
        let _refused = key.get(ORIGIN, &get());
    });
    assert!(text.contains("give the key a PIN (`Builder::pin`)"), "{text}");
    assert!(text.contains("picks(k)"), "{text}");
}
