//! Keepalive, cancel, time-outs, and one request at a time.

use std::time::Duration;

use crate::rig::*;
use towline_authenticator::{Answer, AnswerError, Config, MemoryStore, UnknownJob};
use towline_ctap::{Request, Status, hid::KeepaliveStatus};

fn waiting(config: Config) -> Rig {
    let mut rig = Rig::new(config);
    rig.person(absent);
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    assert_eq!(rig.open.len(), 1);
    rig
}

#[test]
fn what_a_request_waits_for_is_told_when_it_begins_to_and_not_again() {
    let mut rig = waiting(Config::security_key());
    assert_eq!(rig.keepalives, [(HOME, KeepaliveStatus::UpNeeded)]);
    rig.pass(Duration::from_secs(5));
    assert_eq!(rig.keepalives.len(), 1, "how often a client hears it is the transport's business");
    rig.answer(Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
    assert_eq!(rig.authenticator.poll_timeout(), None);
}

#[test]
fn an_idle_authenticator_wants_nothing() {
    let mut rig = Rig::new(Config::security_key());
    assert_eq!(rig.authenticator.poll_timeout(), None);
    assert!(rig.authenticator.poll_output().is_none());
    rig.info();
    assert_eq!(rig.authenticator.poll_timeout(), None);
    rig.authenticator.handle_timeout(rig.now);
    assert!(rig.authenticator.poll_output().is_none());
}

#[test]
fn a_cancel_is_answered_once_and_takes_the_question_away() {
    let mut rig = waiting(Config::security_key());
    let (token, _) = rig.open[0].clone();
    rig.cancel(HOME);
    assert_eq!(rig.withdrawn, [token]);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.cancel(HOME);
    rig.pass(Duration::from_secs(100));
    assert!(rig.responses.is_empty());
    let late = rig.authenticator.handle_answer(token, Answer::Approve, rig.now);
    assert_eq!(late, Err(AnswerError::UnknownToken));
    assert!(rig.store.is_empty());
}

#[test]
fn every_command_that_asks_can_be_cancelled() {
    for request in [
        Request::from(creation("example.org", "alice")),
        Request::from(assertion("example.org")),
        Request::Selection,
        Request::Reset,
    ] {
        let mut rig = Rig::new(Config::security_key());
        rig.power_up();
        rig.person(absent);
        rig.send(HOME, &request.encode());
        rig.cancel(HOME);
        assert_eq!(rig.status(), Status::KeepaliveCancel);
        assert!(!rig.authenticator.is_busy());
    }
}

#[test]
fn nobody_cancels_what_is_not_theirs() {
    let mut rig = waiting(Config::security_key());
    rig.cancel(ELSEWHERE);
    assert!(rig.responses.is_empty());
    rig.answer(Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
    rig.cancel(HOME);
    assert!(rig.responses.is_empty(), "a cancel without a request is ignored");
}

#[test]
fn a_second_request_is_told_that_the_authenticator_is_busy() {
    let mut rig = waiting(Config::security_key());
    for (channel, request) in [(ELSEWHERE, Request::GetInfo), (HOME, Request::Selection)] {
        rig.send(channel, &request.encode());
        assert_eq!(rig.responses.pop_front(), Some((channel, vec![0x06])));
    }
    rig.answer(Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
    rig.person(agreeable).send(ELSEWHERE, &Request::Selection.encode());
    assert_eq!(rig.responses.pop_front(), Some((ELSEWHERE, vec![0x00])));
}

#[test]
fn an_unanswered_question_ends_in_the_status_of_its_command() {
    let verified = |config: Config| config;
    for (config, request, status) in [
        (Config::phone(), Request::from(creation("a.example", "b")), Status::UserActionTimeout),
        (Config::phone(), Request::from(assertion("a.example")), Status::UserActionTimeout),
        (
            Config::security_key(),
            Request::from(creation("a.example", "b")),
            Status::OperationDenied,
        ),
        (Config::security_key(), Request::Selection, Status::UserActionTimeout),
        (Config::security_key(), Request::Reset, Status::UserActionTimeout),
    ] {
        let mut rig = Rig::new(verified(config));
        rig.power_up();
        rig.person(absent);
        rig.send(HOME, &request.encode());
        let patience = rig.authenticator.config().timing.user_action_timeout;
        rig.pass(patience - Duration::from_millis(1));
        assert!(rig.responses.is_empty());
        rig.pass(Duration::from_millis(1));
        assert_eq!(rig.status(), status, "{request:?}");
        assert_eq!(rig.withdrawn.len(), 1);
        assert_eq!(rig.authenticator.poll_timeout(), None);
    }
}

#[test]
fn an_unanswered_sign_in_by_touch_is_denied() {
    let mut rig = Rig::new(Config::security_key());
    rig.passkey("example.org", "alice");
    rig.person(absent);
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::OperationDenied);
}

#[test]
fn a_clock_that_jumps_ends_the_wait_once() {
    let mut rig = waiting(Config::security_key());
    rig.now += Duration::from_secs(1_000_000);
    rig.authenticator.handle_timeout(rig.now);
    rig.authenticator.handle_timeout(rig.now);
    rig.pump();
    assert_eq!(rig.status(), Status::OperationDenied);
}

#[test]
fn a_power_cycle_ends_what_is_under_way() {
    let mut rig = waiting(Config::security_key());
    rig.power_up();
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    assert_eq!(rig.withdrawn.len(), 1);
}

#[test]
fn an_answer_of_the_wrong_kind_changes_nothing() {
    let mut rig = waiting(Config::security_key());
    let (token, _) = rig.open[0].clone();
    for wrong in [Answer::Verified, Answer::NotVerified, Answer::Account(0)] {
        let refused = rig.authenticator.handle_answer(token, wrong, rig.now);
        assert_eq!(refused, Err(AnswerError::DoesNotFit));
    }
    rig.answer(Answer::Approve);
    assert_eq!(rig.status(), Status::Ok);
    let again = rig.authenticator.handle_answer(token, Answer::Approve, rig.now);
    assert_eq!(again, Err(AnswerError::UnknownToken));
}

#[test]
fn a_touch_does_not_answer_for_the_screen_lock() {
    let mut rig = waiting(Config::phone());
    let (token, _) = rig.open[0].clone();
    let refused = rig.authenticator.handle_answer(token, Answer::Approve, rig.now);
    assert_eq!(refused, Err(AnswerError::DoesNotFit));
}

/// Two authenticators at the same point of the same ceremony.
fn twins(person: Script, slow: bool) -> [Rig; 2] {
    [(), ()].map(|()| {
        let mut rig = if slow {
            let provider = towline_crypto::rustcrypto::provider();
            let store = MemoryStore::new();
            let keys = RiggedKeys::slow(provider.clone());
            Rig::with(Config::phone(), provider, store.clone(), RiggedStore::slow(store), keys)
        } else {
            Rig::new(Config::phone())
        };
        rig.works = false;
        rig.person(person);
        rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
        rig
    })
}

type Script = fn(&towline_authenticator::Question) -> Option<Answer>;

#[test]
fn an_authenticator_takes_neither_the_answer_nor_the_job_of_another_one() {
    let [mut one, mut other] = twins(absent, false);
    let (token, _) = other.open[0].clone();
    let now = one.now;
    let taken = one.authenticator.handle_answer(token, Answer::Verified, now);
    assert_eq!(taken, Err(AnswerError::UnknownToken));
    assert!(one.authenticator.is_busy() && one.responses.is_empty());
    other.answer(Answer::Verified);
    assert_eq!(other.status(), Status::Ok);

    let [mut one, mut other] = twins(agreeable, true);
    let (of_one, own) = one.jobs.pop_front().unwrap();
    let (of_other, job) = other.jobs.pop_front().unwrap();
    assert_eq!(one.authenticator.handle_work(of_other, job.run(), now), Err(UnknownJob));
    // Nor the result of one under the name of another.
    let [_, mut third] = twins(agreeable, true);
    let (_, job) = third.jobs.pop_front().unwrap();
    assert_eq!(one.authenticator.handle_work(of_one, job.run(), now), Err(UnknownJob));
    one.authenticator.handle_work(of_one, own.run(), now).unwrap();
}
