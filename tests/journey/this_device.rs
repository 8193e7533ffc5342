//! Steps 3, 8, 9, 13 and 14 without a second device.

use std::time::Duration;

use towline::{
    LocalAuthenticator,
    authenticator::{Event, Purpose, Question},
    client::Error,
};
use towline_ctap::Status;
use towline_rp::ErrorCode;
use towline_virtual::{Builder, ScriptedPerson, SyncedSet, person::*};

use crate::support::*;

fn here() -> (LocalAuthenticator<ScriptedPerson>, ScriptedPerson, SyncedSet) {
    device(Builder::platform())
}

#[tokio::test]
async fn step_3_the_screen_lock_is_asked_for_and_names_site_and_account() {
    let site = Site::open().await;
    let (mut device, person, _) = here();
    let made = register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    assert_eq!(made.key.name, "My laptop");
    let [Question::VerifyUser { purpose: Purpose::Create { rp, user, replaces: false }, .. }] =
        &questions(&person)[..]
    else {
        panic!("{:?}", person.heard())
    };
    assert_eq!(rp.id.as_str(), "localhost");
    assert_eq!(user.name.as_deref(), Some("alice"));
    let sentence = questions(&person)[0].to_string();
    assert!(sentence.contains("alice") && sentence.contains("localhost"), "{sentence}");
}

#[tokio::test]
async fn step_3_a_failed_screen_lock_can_be_tried_again() {
    let site = Site::open().await;
    let (mut device, person, _) = here();
    person.when(verifying()).fails_the_lock().times(2).expect(2);
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let attempts: Vec<_> = questions(&person)
        .into_iter()
        .map(|question| match question {
            Question::VerifyUser { attempts_left, failed_before, .. } => {
                (attempts_left, failed_before)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(attempts, [(3, false), (2, true), (1, true)]);
    assert!(sign_in_here(&site, &mut device, None).await.unwrap().user_verified);
}

#[tokio::test]
async fn step_3_a_screen_lock_that_fails_again_and_again_locks_with_a_wait() {
    let site = Site::open().await;
    let lock_wait = Duration::from_millis(700);
    let (mut device, person, passkeys) = device(Builder::platform().configure(|config| {
        config.verification.built_in.as_mut().unwrap().lock_wait = Some(lock_wait);
    }));

    // Three attempts a request, five in a row.
    person.when(verifying()).fails_the_lock().times(5).expect(5);
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    let wait = Some(lock_wait);
    assert_eq!(refused.client(), Error::VerificationLocked { wait });
    assert_eq!(person.noticed(), [Event::VerificationLocked { wait }]);

    // Locked: nobody is asked, and the site's account has no key.
    let refused =
        register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err().client();
    let Error::VerificationLocked { wait: Some(left) } = &refused else { panic!("{refused:?}") };
    assert!(*left <= lock_wait);
    assert_eq!(
        refused.to_string(),
        "too many attempts to unlock this device failed; try again in 1 second"
    );
    assert_eq!(refused.name(), "NotAllowedError");
    assert_eq!(questions(&person).len(), 5);
    assert!(passkeys.is_empty());
    assert!(site.rp.status().await.unwrap().accounts.is_empty());

    tokio::time::sleep(lock_wait).await;
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    assert_eq!(questions(&person).len(), 6);
}

#[tokio::test]
async fn step_3_a_person_who_says_no_gets_no_passkey() {
    let site = Site::open().await;
    let (mut device, person, passkeys) = here();
    person.when(creating()).refuses().once().expect(1);
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    assert!(passkeys.is_empty());
    assert!(person.noticed().is_empty());
}

#[tokio::test]
async fn step_8_this_device_is_excluded_where_it_is_registered() {
    let site = Site::open().await;
    let (mut device, person, passkeys) = here();
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let refused = register_here(&site, &mut device, "alice", "again").await.unwrap_err().client();
    assert_eq!(refused, Error::AlreadyRegistered);
    assert_eq!(refused.name(), "InvalidStateError");
    assert!(refused.to_string().contains("already"), "{refused}");
    assert_eq!(passkeys.len(), 1);
    assert_eq!(site.rp.keys("alice").await.unwrap().len(), 1);
    assert!(person.noticed().iter().any(|event| matches!(event, Event::AlreadyRegistered { .. })));

    // Another account of the same person is another matter.
    register_here(&site, &mut device, "alice-at-work", "My laptop").await.unwrap();
    assert_eq!(passkeys.len(), 2);
}

#[tokio::test]
async fn step_9_this_device_signs_in_with_and_without_an_allow_list() {
    let site = Site::open().await;
    let (mut device, person, _) = here();
    let made = register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    for account in [Some("alice"), None] {
        let used = sign_in_here(&site, &mut device, account).await.unwrap();
        assert_eq!((used.account.as_str(), &used.key.id), ("alice", &made.key.id));
        assert!(used.user_verified);
    }
    let log = site.rp.status().await.unwrap().sign_ins;
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|entry| entry.refused.is_none()));
    assert_eq!(questions(&person).len(), 3);
}

#[tokio::test]
async fn step_9_a_device_without_a_passkey_for_the_account_says_so() {
    let site = Site::open().await;
    let (mut device, ..) = here();
    let (mut other, ..) = here();
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    for account in [Some("alice"), None] {
        let refused = sign_in_here(&site, &mut other, account).await.unwrap_err().client();
        assert_eq!(refused, Error::NoCredentials);
        assert_eq!(refused.name(), "NotAllowedError");
    }
}

#[tokio::test]
async fn step_13_the_person_picks_one_of_several_accounts_on_the_device() {
    let site = Site::open().await;
    let (mut device, person, _) = here();
    for account in ["alice", "bob", "carol"] {
        register_here(&site, &mut device, account, "My laptop").await.unwrap();
    }
    let asked_before = questions(&person).len();
    // Newest first: carol, bob, alice.
    person.when(choosing()).picks_the_account("bob").once().expect(1);
    let used = sign_in_here(&site, &mut device, None).await.unwrap();
    assert_eq!(used.account, "bob");
    let questions = questions(&person).split_off(asked_before);
    let names = questions.iter().find_map(|question| match question {
        Question::ChooseAccount { accounts, .. } => {
            Some(accounts.iter().map(|user| user.name.clone().unwrap()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(names.unwrap(), ["carol", "bob", "alice"]);

    for when in [choosing(), verifying()] {
        person.when(when).refuses().once().expect(1);
        let refused = sign_in_here(&site, &mut device, None).await.unwrap_err();
        assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    }
}

#[tokio::test]
async fn step_13_without_a_display_the_client_lets_the_person_pick() {
    let site = Site::open().await;
    let (device, ..) = device(Builder::platform().display(false));
    let mut device = device.with_chooser(|accounts| {
        accounts.iter().position(|account| account.user.name.as_deref() == Some("alice"))
    });
    for account in ["alice", "bob", "carol"] {
        register_here(&site, &mut device, account, "My laptop").await.unwrap();
    }
    assert_eq!(sign_in_here(&site, &mut device, None).await.unwrap().account, "alice");
    let mut device = device.with_chooser(|_| None);
    assert_eq!(
        sign_in_here(&site, &mut device, None).await.unwrap_err().client(),
        Error::Cancelled
    );
}

#[tokio::test]
async fn step_14_a_removed_key_no_longer_signs_in() {
    let site = Site::open().await;
    let (mut first, ..) = here();
    let (mut second, ..) = here();
    let removed = register_here(&site, &mut first, "alice", "Old laptop").await.unwrap().key;
    register_here(&site, &mut second, "alice", "New laptop").await.unwrap();
    let renamed = site.rp.rename_key("alice", &removed.id, "Lost laptop").await.unwrap();
    assert_eq!(renamed.name, "Lost laptop");
    assert_eq!(site.rp.remove_key("alice", &removed.id).await.unwrap().id, removed.id);

    // The device still has it, and offers it; the site does not know it any more.
    let refused = sign_in_here(&site, &mut first, None).await.unwrap_err().site();
    assert_eq!(refused, ErrorCode::UnknownKey);
    let refused = sign_in_here(&site, &mut first, Some("alice")).await.unwrap_err();
    assert_eq!(refused.client(), Error::NoCredentials);
    assert_eq!(sign_in_here(&site, &mut second, None).await.unwrap().key.name, "New laptop");
}

#[tokio::test]
async fn a_site_gets_nothing_of_another_site() {
    let site = Site::open().await;
    let (mut device, person, _) = here();
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let asked = questions(&person).len();
    let begun = site.rp.begin_sign_in(Some("alice")).await.unwrap();
    let options = begun.public_key.to_string();

    // The options name localhost; whoever else asks with them is refused before the device is.
    for origin in ["https://evil.example", "https://localhost.evil.example", "http://example.org"] {
        let refused = device.get(origin, &options).await.unwrap_err();
        assert_eq!(refused.name(), "SecurityError", "{origin}: {refused}");
    }
    // Without a name of their own they get what is theirs: nothing.
    let mut anonymous = begun.public_key.clone();
    anonymous.as_object_mut().unwrap().remove("rpId").unwrap();
    let refused = device.get("https://evil.example", &anonymous.to_string()).await.unwrap_err();
    assert_eq!(refused, Error::NoCredentials);
    // The person is told so, in the name of the site that really asks, before that site is.
    let asked = questions(&person).split_off(asked);
    assert!(
        matches!(&asked[..], [Question::NothingToUse { rp_id }] if rp_id.as_str() == "evil.example"),
        "{asked:?}"
    );
    assert!(site.rp.status().await.unwrap().sign_ins.is_empty());
}
