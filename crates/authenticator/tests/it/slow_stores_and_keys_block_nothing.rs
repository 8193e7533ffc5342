//! A store and keys that never answer at once: everything works, waits are told, cancels are
//! honoured.

use std::time::Duration;

use crate::rig::*;
use towline_authenticator::{Answer, Config, Counters, MemoryStore, UnknownJob};
use towline_ctap::{Request, Status, hid::KeepaliveStatus};

fn slow(config: Config) -> (Rig, RiggedKeys) {
    let provider = towline_crypto::rustcrypto::provider();
    let (store, keys) = (MemoryStore::new(), RiggedKeys::slow(provider.clone()));
    let mut rig =
        Rig::with(config, provider, store.clone(), RiggedStore::slow(store), keys.clone());
    // What is read once is read.
    rig.info();
    rig.forget_past();
    (rig, keys)
}

#[test]
fn everything_works_as_with_fast_ones() {
    for mut config in [Config::phone(), storing(), Config::platform()] {
        config.credentials.counters = Counters::PerCredential;
        config.identity.has_display = false;
        let (mut rig, keys) = slow(config);
        rig.power_up();
        let (_, alice) = rig.passkey("example.org", "alice");
        let (bob, key) = rig.passkey("example.org", "bob");
        assert_eq!(keys.alive(), 2);
        let response = rig.sign_in(&assertion("example.org")).unwrap();
        rig.verify(&response, &key);
        let response = rig.next().unwrap();
        rig.verify(&response, &alice);
        let mut request = creation("example.org", "carol");
        request.exclude_list = listing(&bob);
        assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
        rig.info();
        rig.passkey("example.org", "bob");
        assert_eq!(keys.alive(), 2, "the replaced key is forgotten");
    }
}

#[test]
fn each_wait_says_that_it_is_one() {
    let (mut rig, _) = slow(Config::security_key());
    rig.works = false;
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    let mut kinds = Vec::new();
    while rig.responses.is_empty() {
        rig.pass(Duration::from_millis(250));
        kinds.push(rig.keepalives.last().unwrap().1);
        rig.work();
    }
    assert_eq!(rig.status(), Status::Ok);
    assert!(kinds.len() >= 4, "key, counter, attestation, save: {kinds:?}");
    assert!(kinds.iter().all(|kind| *kind == KeepaliveStatus::Processing));
    // Once in each wait, and once for the touch.
    assert_eq!(rig.keepalives.len(), kinds.len() + 1);
}

/// Cancels at each wait in turn, and returns what was answered at each, until the request runs
/// through.
fn cancelled_at_each_wait(
    mut make: impl FnMut() -> (Rig, RiggedKeys),
    request: &Request,
) -> Vec<(Status, usize, usize)> {
    let mut outcomes = Vec::new();
    for wait in 0.. {
        let (mut rig, keys) = make();
        rig.works = false;
        rig.send(HOME, &request.encode());
        for _ in 0..wait {
            if !rig.jobs.is_empty() {
                rig.work();
            }
        }
        if !rig.responses.is_empty() {
            return outcomes;
        }
        rig.cancel(HOME);
        let at_once = !rig.responses.is_empty();
        while !rig.jobs.is_empty() {
            rig.work(); // late results
        }
        let status = rig.status();
        assert_eq!(at_once, status == Status::KeepaliveCancel);
        assert!(!rig.authenticator.is_busy());
        outcomes.push((status, keys.alive(), rig.store.len()));
    }
    outcomes
}

#[test]
fn a_cancelled_creation_leaves_neither_key_nor_credential() {
    let make = || slow(storing());
    let outcomes = cancelled_at_each_wait(make, &Request::from(creation("example.org", "alice")));
    let (last, before) = outcomes.split_last().unwrap();
    assert!(before.len() >= 3, "{outcomes:?}");
    for outcome in before {
        assert_eq!(*outcome, (Status::KeepaliveCancel, 0, 0));
    }
    assert_eq!(*last, (Status::Ok, 1, 1), "once it is being saved, a cancel is too late");
}

#[test]
fn a_sign_in_can_be_cancelled_at_any_time() {
    let make = || {
        let (mut rig, keys) = slow(Config::security_key());
        rig.passkey("example.org", "alice");
        (rig, keys)
    };
    let outcomes = cancelled_at_each_wait(make, &Request::from(assertion("example.org")));
    assert_eq!(outcomes, [(Status::KeepaliveCancel, 1, 1); 3]);
}

#[test]
fn a_reset_under_way_is_finished() {
    let make = || {
        let (mut rig, keys) = slow(Config::security_key());
        rig.passkey("example.org", "alice");
        rig.power_up();
        (rig, keys)
    };
    let outcomes = cancelled_at_each_wait(make, &Request::Reset);
    assert_eq!(outcomes, [(Status::Ok, 0, 0); 2]);
}

#[test]
fn the_next_request_need_not_wait_for_a_cancelled_one() {
    let (mut rig, keys) = slow(Config::security_key());
    rig.works = false;
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    rig.cancel(HOME);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    let late = rig.jobs.pop_front().unwrap();
    rig.works = true;
    rig.passkey("example.org", "bob");
    rig.authenticator.handle_work(late.0, late.1.run(), rig.now).unwrap();
    rig.pump();
    assert!(rig.responses.is_empty());
    assert_eq!((keys.alive(), rig.store.len()), (1, 1));
}

#[test]
fn work_that_takes_too_long_fails_its_request() {
    let (mut rig, keys) = slow(Config::security_key());
    rig.works = false;
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.status(), Status::Other);
    rig.work();
    assert!(rig.responses.is_empty());
    assert_eq!(keys.alive(), 0);
}

#[test]
fn work_that_is_lost_fails_its_request() {
    let (mut rig, _) = slow(Config::security_key());
    rig.works = false;
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    let (token, _) = rig.jobs.pop_front().unwrap();
    rig.authenticator.handle_work_lost(token, rig.now).unwrap();
    rig.pump();
    assert_eq!(rig.status(), Status::Other);
    assert_eq!(rig.authenticator.handle_work_lost(token, rig.now), Err(UnknownJob));
}

#[test]
fn another_channel_is_busy_while_the_work_goes_on() {
    let (mut rig, _) = slow(Config::security_key());
    rig.works = false;
    rig.send(HOME, &Request::GetInfo.encode());
    rig.send(ELSEWHERE, &Request::GetInfo.encode());
    assert_eq!(rig.responses.pop_front(), Some((ELSEWHERE, vec![0x06])));
    rig.work();
    assert_eq!(rig.status(), Status::Ok);
}

#[test]
fn no_signature_is_made_that_nobody_asked_for() {
    let (mut rig, keys) = slow(Config::phone());
    rig.passkey("example.org", "alice");
    assert_eq!(keys.signatures(), 0);
    rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(keys.signatures(), 1);
    let mut request = creation("example.org", "bob");
    request.exclude_list = listing(&rig.store.credentials()[0].id);
    rig.create(&request).unwrap_err();
    rig.person(refusing);
    rig.sign_in(&assertion("example.org")).unwrap_err();
    assert_eq!(keys.signatures(), 1);
}

#[test]
fn the_screen_lock_is_asked_for_while_the_store_is_slow() {
    let (mut rig, _) = slow(Config::phone());
    rig.person(absent);
    rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
    rig.answer(Answer::NotVerified);
    rig.answer(Answer::Verified);
    assert_eq!(rig.status(), Status::Ok);
}
