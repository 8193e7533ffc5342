//! Stores, keys and randomness that fail at every place in turn, and a store that is full.

use crate::rig::*;
use towline_authenticator::{Config, Counters, MemoryStore, Replaces, ResetTime};
use towline_ctap::{Request, Status};

fn fragile(config: Config) -> (Rig, Fuse) {
    let fuse = Fuse::default();
    let provider = fragile_provider(&fuse);
    let memory = MemoryStore::new();
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let keys = RiggedKeys::fragile(provider.clone(), &fuse);
    (Rig::with(config, provider, memory, store, keys), fuse)
}

/// Lets every operation of a request fail in turn, and checks what is left each time.
fn fail_everywhere(
    make: impl Fn() -> (Rig, Fuse),
    request: &Request,
    check: impl Fn(&mut Rig, bool),
) {
    let (mut rig, fuse) = make();
    fuse.blow_at(None);
    rig.call(request).unwrap();
    let operations = fuse.used();
    assert!(operations >= 2);
    check(&mut rig, true);
    for operation in 0..operations {
        let (mut rig, fuse) = make();
        fuse.blow_at(Some(operation));
        let failed = rig.call(request);
        fuse.blow_at(None);
        let Err(status) = failed else {
            panic!("operation {operation} of {operations} may fail unnoticed")
        };
        assert_eq!(status, Status::Other, "operation {operation}");
        check(&mut rig, false);
        // And it is as usable as before.
        rig.call(request).unwrap();
        check(&mut rig, true);
    }
}

#[test]
fn a_failed_creation_stores_nothing_and_keeps_what_it_would_have_replaced() {
    for config in [Config::security_key(), Config::phone().with_counters(Counters::Global)] {
        let make = || {
            let (mut rig, fuse) = fragile(config.clone());
            rig.passkey("example.org", "alice");
            (rig, fuse)
        };
        let before = |rig: &Rig| rig.store.credentials()[0].clone();
        let mut request = creation("example.org", "alice");
        request.options.rk = Some(true);
        request.user.display_name = Some("after".into());
        fail_everywhere(make, &Request::from(request), |rig, succeeded| {
            assert_eq!(rig.store.len(), 1);
            let after = before(rig).user.display_name == Some("after".into());
            assert_eq!(after, succeeded);
            rig.sign_in(&assertion("example.org")).unwrap();
        });
    }
}

#[test]
fn a_failed_sign_in_can_be_repeated() {
    for config in [Config::security_key(), Config::phone().with_counters(Counters::PerCredential)] {
        let make = || {
            let (mut rig, fuse) = fragile(config.clone());
            rig.passkey("example.org", "alice");
            (rig, fuse)
        };
        let request = Request::from(assertion("example.org"));
        fail_everywhere(make, &request, |rig, _| assert_eq!(rig.store.len(), 1));
    }
}

#[test]
fn verification_is_refused_when_its_counter_can_not_be_kept() {
    let (mut rig, fuse) = fragile(Config::phone());
    rig.info();
    fuse.blow_at(Some(0));
    assert_eq!(rig.create(&creation("example.org", "alice")).unwrap_err(), Status::Other);
    fuse.blow_at(Some(1));
    assert_eq!(rig.create(&creation("example.org", "alice")).unwrap_err(), Status::Other);
    assert!(rig.questions.is_empty());
}

#[test]
fn a_failed_reset_leaves_all_credentials() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let (mut rig, fuse) = fragile(config);
    rig.passkey("example.org", "alice");
    fuse.blow_at(Some(0));
    assert_eq!(rig.call(&Request::Reset).unwrap_err(), Status::Other);
    fuse.blow_at(None);
    assert_eq!(rig.store.len(), 1);
    rig.sign_in(&assertion("example.org")).unwrap();
}

#[test]
fn get_info_works_without_the_store() {
    let (mut rig, fuse) = fragile(Config::phone());
    fuse.blow_at(Some(0));
    rig.info();
    fuse.blow_at(None);
    rig.info();
    fuse.blow_at(Some(0));
    assert_eq!(rig.info().remaining_discoverable_credentials, None);
}

#[test]
fn where_a_pin_may_be_set_get_info_does_not_guess() {
    let (mut rig, fuse) = fragile(Config::security_key());
    fuse.blow_at(Some(0));
    assert_eq!(rig.call(&Request::GetInfo), Err(Status::Other));
    fuse.blow_at(None);
    rig.info();
    fuse.blow_at(Some(1));
    assert_eq!(rig.call(&Request::GetInfo), Err(Status::Other), "no fresh IV");
    fuse.blow_at(Some(0));
    assert_eq!(rig.info().remaining_discoverable_credentials, None);
}

#[test]
fn a_damaged_key_fails_its_sign_in_only() {
    let mut rig = Rig::new(Config::security_key());
    rig.passkey("example.org", "alice");
    let mut damaged = rig.store.credentials()[0].clone();
    damaged.id = towline_ctap::CredentialId::new(&[1; 32]).unwrap();
    damaged.rp_id = rp_id("example.com");
    damaged.key =
        towline_authenticator::KeyHandle::new(-7, zeroize::Zeroizing::new([0; 32].into()));
    let change = towline_authenticator::Change::Save {
        credential: Box::new(damaged),
        replaces: Replaces::Account,
    };
    let saved = towline_authenticator::CredentialStore::commit(&mut rig.store, vec![change]);
    assert!(matches!(saved, towline_authenticator::Work::Done(Ok(()))));
    assert_eq!(rig.sign_in(&assertion("example.com")).unwrap_err(), Status::Other);
    rig.sign_in(&assertion("example.org")).unwrap();
}

#[test]
fn a_full_store_takes_no_more_and_keeps_what_it_has() {
    let mut rig = Rig::over(storing(), MemoryStore::with_limit(2));
    let (alice, _) = rig.passkey("example.org", "alice");
    rig.passkey("example.org", "bob");
    let mut request = creation("example.org", "carol");
    for rk in [true, false] {
        request.options.rk = Some(rk);
        assert_eq!(rig.create(&request).unwrap_err(), Status::KeyStoreFull);
    }
    assert_eq!(rig.store.len(), 2);
    // One that takes the place of another still fits.
    let (new, _) = rig.passkey("example.org", "alice");
    assert_eq!(rig.store.len(), 2);
    assert_eq!(rig.store.credential(&alice), None);
    assert!(rig.store.credential(&new).is_some());
}

#[test]
fn a_new_passkey_for_the_same_account_takes_the_place_of_the_old_one() {
    let mut rig = Rig::new(Config::security_key());
    let (old, old_key) = rig.passkey("example.org", "alice");
    let (other_site, _) = rig.passkey("example.com", "alice");
    let (new, new_key) = rig.passkey("example.org", "alice");
    assert_ne!(old, new);
    assert_ne!(old_key, new_key);
    assert_eq!(rig.store.len(), 2);
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&old));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    request.allow_list = None;
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(response.number_of_credentials, None);
    rig.verify(&response, &new_key);
    assert!(rig.store.credential(&other_site).is_some());
}

#[test]
fn a_provider_of_passkeys_makes_nothing_else_and_one_for_an_account() {
    let mut config = storing();
    config.credentials.only_discoverable = true;
    let mut rig = Rig::new(config);
    let (first, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    let mut not = creation("example.org", "alice");
    not.options.rk = Some(false);
    let (second, _) = made(&rig.create(&not).unwrap());
    assert!(rig.store.credential(&first).is_none(), "another one of the account has its place");
    let found = rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(found.credential.unwrap().id, second);
}

#[test]
fn one_that_is_not_discoverable_replaces_nothing() {
    let mut rig = Rig::new(storing());
    let (first, _) = rig.passkey("example.org", "alice");
    let (second, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    let (third, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    for id in [first, second, third] {
        assert!(rig.store.credential(&id).is_some());
    }
}
