//! Built-in verification: attempts, the retry counter, the lock and its wait.

use std::time::Duration;

use crate::rig::*;
use towline_authenticator::{Answer, Config, Event, MemoryStore, Question};
use towline_ctap::{Flags, Status};

fn config() -> Config {
    let mut config = Config::phone();
    config.identity.has_display = true;
    config
}

/// Fails so many times, then succeeds.
fn failing(mut times: usize) -> impl FnMut(&Question) -> Option<Answer> {
    move |question| match question {
        Question::VerifyUser { .. } if times > 0 => {
            times -= 1;
            Some(Answer::NotVerified)
        }
        other => agreeable(other),
    }
}

fn create(rig: &mut Rig) -> Result<(), Status> {
    rig.create(&creation("example.org", "alice")).map(drop)
}

#[test]
fn a_failed_attempt_can_be_tried_again_in_the_same_request() {
    let mut rig = Rig::new(config());
    rig.person(failing(2));
    create(&mut rig).unwrap();
    let asked: Vec<(u8, bool)> = rig
        .questions
        .iter()
        .map(|question| match question {
            Question::VerifyUser { attempts_left, failed_before, .. } => {
                (*attempts_left, *failed_before)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [(3, false), (2, true), (1, true)]);
}

#[test]
fn after_all_attempts_the_request_is_refused() {
    let mut rig = Rig::new(config());
    rig.person(clumsy);
    assert_eq!(create(&mut rig), Err(Status::OperationDenied));
    assert_eq!(rig.questions.len(), 3);
    assert!(rig.store.is_empty());
}

#[test]
fn after_too_many_failures_in_a_row_it_is_locked_for_a_while() {
    let mut rig = Rig::new(config());
    rig.person(clumsy);
    assert_eq!(create(&mut rig), Err(Status::OperationDenied));
    assert_eq!(create(&mut rig), Err(Status::PinBlocked));
    assert_eq!(rig.questions.len(), 5);
    let wait = Some(Duration::from_secs(30));
    assert_eq!(rig.events, [Event::VerificationLocked { wait }]);
    rig.person(agreeable);
    assert_eq!(create(&mut rig), Err(Status::PinBlocked), "even the right finger has to wait");
    rig.pass(Duration::from_secs(29));
    assert_eq!(create(&mut rig), Err(Status::PinBlocked));
    // Each time it is said how long it still lasts.
    let lasts = [30, 30, 1].map(|left| Some(Duration::from_secs(left)));
    assert_eq!(rig.events, lasts.map(|wait| Event::VerificationLocked { wait }));
    rig.pass(Duration::from_secs(1));
    assert_eq!(create(&mut rig), Ok(()));
    assert_eq!(rig.questions.len(), 6);
}

#[test]
fn without_a_wait_it_stays_locked() {
    let mut config = config();
    config.verification.built_in.as_mut().unwrap().lock_wait = None;
    let mut rig = Rig::new(config);
    rig.person(clumsy);
    for _ in 0..2 {
        assert!(create(&mut rig).is_err());
    }
    rig.person(agreeable);
    rig.pass(Duration::from_secs(1_000_000));
    rig.power_up();
    assert_eq!(create(&mut rig), Err(Status::PinBlocked));
}

#[test]
fn a_success_gives_all_attempts_back() {
    let mut rig = Rig::new(config());
    for _ in 0..10 {
        rig.person(failing(2));
        create(&mut rig).unwrap();
    }
}

#[test]
fn declining_or_doing_nothing_costs_no_attempt() {
    let mut rig = Rig::new(config());
    for _ in 0..10 {
        rig.person(refusing);
        assert_eq!(create(&mut rig), Err(Status::OperationDenied));
        rig.person(absent);
        assert_eq!(create(&mut rig), Err(Status::UserActionTimeout));
        rig.person(absent)
            .send(HOME, &towline_ctap::Request::from(creation("a.example", "b")).encode());
        rig.cancel(HOME);
        assert_eq!(rig.status(), Status::KeepaliveCancel);
    }
    rig.person(failing(2));
    create(&mut rig).unwrap();
}

#[test]
fn a_restart_wins_no_attempt_back() {
    let store = MemoryStore::new();
    let mut wrong = 0;
    for _ in 0..20 {
        let mut rig = Rig::over(config(), store.clone());
        // The power is cut as soon as the answer is known to be wrong, before the authenticator
        // learns of it.
        rig.person(absent);
        rig.send(HOME, &towline_ctap::Request::from(creation("example.org", "alice")).encode());
        if rig.open.is_empty() {
            assert_eq!(rig.status(), Status::PinBlocked);
        } else {
            wrong += 1;
        }
    }
    assert_eq!(wrong, 5);
}

#[test]
fn a_restart_does_not_shorten_the_wait() {
    let mut rig = Rig::new(config());
    rig.person(clumsy);
    for _ in 0..2 {
        assert!(create(&mut rig).is_err());
    }
    let mut rig = Rig::over(config(), rig.store);
    assert_eq!(create(&mut rig), Err(Status::PinBlocked));
    rig.pass(Duration::from_secs(29));
    assert_eq!(create(&mut rig), Err(Status::PinBlocked));
    rig.pass(Duration::from_secs(1));
    assert_eq!(create(&mut rig), Ok(()));
}

#[test]
fn a_failed_sign_in_shows_nothing() {
    let mut rig = Rig::new(config());
    rig.passkey("example.org", "alice");
    rig.person(clumsy);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::OperationDenied);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::PinBlocked);
    rig.forget_past();
    for rp in ["example.org", "example.com"] {
        assert_eq!(rig.sign_in(&assertion(rp)).unwrap_err(), Status::PinBlocked);
    }
    assert!(rig.questions.is_empty(), "a lock looks the same with a passkey and without");
}

#[test]
fn who_has_no_passkey_for_the_site_is_told_so_and_need_not_unlock_for_that() {
    let mut rig = Rig::new(config());
    let answers: [(fn(&Question) -> _, _); 3] = [
        (refusing, Status::OperationDenied),
        (absent, Status::UserActionTimeout),
        (agreeable, Status::NoCredentials),
    ];
    for (answer, status) in answers {
        rig.person(answer).forget_past();
        assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), status);
        assert_eq!(rig.questions, [Question::NothingToUse { rp_id: rp_id("example.org") }]);
        assert!(rig.questions[0].to_string().starts_with("No passkey for example.org"));
    }
}

#[test]
fn nobody_learns_that_there_is_nothing_from_somebody_who_refuses_or_is_away() {
    let answers: [fn(&Question) -> _; 2] = [refusing, absent];
    for answer in answers {
        for config in [config(), Config::platform(), Config::security_key()] {
            let mut rig = Rig::new(config);
            rig.passkey("example.org", "alice");
            rig.person(answer);
            let there = rig.sign_in(&assertion("example.org")).unwrap_err();
            assert_eq!(rig.sign_in(&assertion("example.com")).unwrap_err(), there);
        }
    }
}

#[test]
fn verification_is_presence_too() {
    let mut rig = Rig::new(config());
    rig.passkey("example.org", "alice");
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::UP | Flags::UV);
}

#[test]
fn a_client_that_wants_none_gets_none_where_the_policy_allows_it() {
    let mut config = config();
    config.verification.unasked = false;
    let mut rig = Rig::new(config);
    let mut request = creation("example.org", "alice");
    request.options.uv = Some(true);
    request.options.rk = Some(true);
    rig.create(&request).unwrap();
    let response = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::UP);
    assert!(matches!(rig.questions[1], Question::ConfirmPresence { .. }));
}

#[test]
fn always_verified_means_always_but_for_silent_look_ups() {
    let mut config = config();
    config.verification.unasked = false;
    config.verification.always_uv = true;
    let mut rig = Rig::new(config);
    rig.passkey("example.org", "alice");
    let mut request = assertion("example.org");
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::UP | Flags::UV);
    request.options.up = Some(false);
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(data(&response.auth_data).flags, Flags::empty());
    assert_eq!(rig.info().options.always_uv, Some(true));
}

fn with_tokens(platform_attempts: Option<u8>) -> Rig {
    let mut config = Config::security_key();
    let mut lock = towline_authenticator::BuiltInVerification::screen_lock();
    lock.platform_attempts = platform_attempts;
    config.verification.built_in = Some(lock);
    Rig::new(config)
}

#[test]
fn a_platform_that_retries_itself_gets_one_attempt_a_token() {
    for (preferred, attempts) in [(None, 3), (Some(1), 3), (Some(2), 1), (Some(5), 1)] {
        let mut rig = with_tokens(preferred);
        assert_eq!(rig.info().preferred_platform_uv_attempts, preferred.map(u64::from));
        rig.person(clumsy);
        let platform = platform::Platform::agree(&mut rig, 2);
        let refused = platform.uv_token(&mut rig, towline_ctap::Permissions::CM, None);
        assert_eq!(refused, Err(Status::UvInvalid));
        assert_eq!(rig.questions.len(), attempts, "{preferred:?}");
        // Without a token nobody but the authenticator can retry.
        rig.forget_past();
        let mut request = creation("example.org", "alice");
        request.options.uv = Some(true);
        rig.create(&request).unwrap_err();
        assert_eq!(rig.questions.len(), (5 - attempts).min(3), "{preferred:?}");
    }
}

#[test]
fn nobody_is_sent_to_a_pin_that_is_not_set() {
    let mut rig = with_tokens(None);
    verified_passkey(&mut rig);
    let mut request = assertion("example.org");
    request.options.uv = Some(true);
    for (answer, status) in [
        (refusing as fn(&Question) -> _, Status::OperationDenied),
        (clumsy, Status::OperationDenied),
        (clumsy, Status::PinBlocked),
    ] {
        rig.person(answer);
        assert_eq!(rig.sign_in(&request).unwrap_err(), status);
    }
    // With one that is, it is the way out.
    let mut rig = with_tokens(None);
    verified_passkey(&mut rig);
    platform::Platform::agree(&mut rig, 2).set_pin(&mut rig, "2468-blue").unwrap();
    rig.person(refusing);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::PuatRequired);
}

fn verified_passkey(rig: &mut Rig) {
    let mut request = creation("example.org", "alice");
    (request.options.rk, request.options.uv) = (Some(true), Some(true));
    rig.create(&request).unwrap();
}
