//! Steps 3, 8, 9, 13 and 14 without a second device.

use std::time::Duration;

use towline::{
    authenticator::{Answer, Config, Event, MemoryStore, Purpose, Question},
    client::Error,
};
use towline_ctap::Status;
use towline_rp::ErrorCode;

use crate::support::*;

fn here() -> (towline::LocalAuthenticator<Hand>, Hand, MemoryStore) {
    let (hand, store) = (Hand::new(), MemoryStore::new());
    (device(Config::platform(), &hand, &store), hand, store)
}

#[tokio::test]
async fn step_3_the_screen_lock_is_asked_for_and_names_site_and_account() {
    let site = Site::open().await;
    let (mut device, hand, _) = here();
    let made = register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    assert_eq!(made.key.name, "My laptop");
    let [Question::VerifyUser { purpose: Purpose::Create { rp, user, replaces: false }, .. }] =
        &hand.questions()[..]
    else {
        panic!("{:?}", hand.questions())
    };
    assert_eq!(rp.id.as_str(), "localhost");
    assert_eq!(user.name.as_deref(), Some("alice"));
    let sentence = hand.questions()[0].to_string();
    assert!(sentence.contains("alice") && sentence.contains("localhost"), "{sentence}");
}

#[tokio::test]
async fn step_3_a_failed_screen_lock_can_be_tried_again() {
    let site = Site::open().await;
    let (mut device, hand, _) = here();
    hand.will_say([Answer::NotVerified, Answer::NotVerified, Answer::Verified]);
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let attempts: Vec<_> = hand
        .questions()
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
    let (hand, store) = (Hand::new(), MemoryStore::new());
    let mut config = Config::platform();
    let lock_wait = Duration::from_millis(700);
    config.verification.built_in.as_mut().unwrap().lock_wait = Some(lock_wait);
    let mut device = device(config, &hand, &store);

    // Three attempts a request, five in a row.
    hand.will_say(vec![Answer::NotVerified; 5]);
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    let wait = Some(lock_wait);
    assert_eq!(refused.client(), Error::VerificationLocked { wait });
    assert_eq!(hand.notices(), [Event::VerificationLocked { wait }]);

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
    assert_eq!(hand.questions().len(), 5);
    assert!(store.is_empty());
    assert!(site.rp.status().await.unwrap().accounts.is_empty());

    tokio::time::sleep(lock_wait).await;
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    assert_eq!(hand.questions().len(), 6);
}

#[tokio::test]
async fn step_3_a_person_who_says_no_gets_no_passkey() {
    let site = Site::open().await;
    let (mut device, hand, store) = here();
    hand.will_say([Answer::Deny]);
    let refused = register_here(&site, &mut device, "alice", "My laptop").await.unwrap_err();
    assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    assert!(store.is_empty());
    assert!(hand.notices().is_empty());
}

#[tokio::test]
async fn step_8_this_device_is_excluded_where_it_is_registered() {
    let site = Site::open().await;
    let (mut device, hand, store) = here();
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let refused = register_here(&site, &mut device, "alice", "again").await.unwrap_err().client();
    assert_eq!(refused, Error::AlreadyRegistered);
    assert_eq!(refused.name(), "InvalidStateError");
    assert!(refused.to_string().contains("already"), "{refused}");
    assert_eq!(store.len(), 1);
    assert_eq!(site.rp.keys("alice").await.unwrap().len(), 1);
    assert!(hand.notices().iter().any(|event| matches!(event, Event::AlreadyRegistered { .. })));

    // Another account of the same person is another matter.
    register_here(&site, &mut device, "alice-at-work", "My laptop").await.unwrap();
    assert_eq!(store.len(), 2);
}

#[tokio::test]
async fn step_9_this_device_signs_in_with_and_without_an_allow_list() {
    let site = Site::open().await;
    let (mut device, hand, _) = here();
    let made = register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    for account in [Some("alice"), None] {
        let used = sign_in_here(&site, &mut device, account).await.unwrap();
        assert_eq!((used.account.as_str(), &used.key.id), ("alice", &made.key.id));
        assert!(used.user_verified);
    }
    let log = site.rp.status().await.unwrap().sign_ins;
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|entry| entry.refused.is_none()));
    assert_eq!(hand.questions().len(), 3);
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
    let (mut device, hand, _) = here();
    for account in ["alice", "bob", "carol"] {
        register_here(&site, &mut device, account, "My laptop").await.unwrap();
    }
    let asked_before = hand.questions().len();
    // Newest first: carol, bob, alice.
    hand.will_say([Answer::Account(1), Answer::Verified]);
    let used = sign_in_here(&site, &mut device, None).await.unwrap();
    assert_eq!(used.account, "bob");
    let questions = hand.questions().split_off(asked_before);
    let names = questions.iter().find_map(|question| match question {
        Question::ChooseAccount { accounts, .. } => {
            Some(accounts.iter().map(|user| user.name.clone().unwrap()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(names.unwrap(), ["carol", "bob", "alice"]);

    for answers in [vec![Answer::Deny], vec![Answer::Account(0), Answer::Deny]] {
        hand.will_say(answers);
        let refused = sign_in_here(&site, &mut device, None).await.unwrap_err();
        assert_eq!(refused.client(), Error::Refused(Status::OperationDenied));
    }
}

#[tokio::test]
async fn step_13_without_a_display_the_client_lets_the_person_pick() {
    let site = Site::open().await;
    let (hand, store) = (Hand::new(), MemoryStore::new());
    let mut config = Config::platform();
    config.identity.has_display = false;
    let mut device = device(config, &hand, &store).with_chooser(|accounts| {
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
    let (mut device, hand, _) = here();
    register_here(&site, &mut device, "alice", "My laptop").await.unwrap();
    let asked = hand.questions().len();
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
    let asked = hand.questions().split_off(asked);
    assert!(
        matches!(&asked[..], [Question::NothingToUse { rp_id }] if rp_id.as_str() == "evil.example"),
        "{asked:?}"
    );
    assert!(site.rp.status().await.unwrap().sign_ins.is_empty());
}
