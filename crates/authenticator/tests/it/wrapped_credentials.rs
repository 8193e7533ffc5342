//! Credentials that are their ids: whose they are not, that nothing of them is stored, and what a
//! failure leaves.

use std::sync::Arc;

use crate::rig::*;
use towline_authenticator::{
    Config, ConfigError, Counters, CredentialStore, Event, KeyHandle, MemoryStore, NonDiscoverable,
    Purpose, Question, Record, SoftwareKeys, Work,
};
use towline_crypto::{Error, Random};
use towline_ctap::{CosePublicKey, CredentialId, Request, Status};
use zeroize::Zeroizing;

fn wrapped(rig: &mut Rig, rp: &str) -> (CredentialId, CosePublicKey) {
    let made = made(&rig.create(&creation(rp, "alice")).unwrap());
    rig.forget_past();
    made
}

fn use_of(rig: &mut Rig, rp: &str, id: &[u8]) -> Result<(), Status> {
    let mut request = assertion(rp);
    request.allow_list = Some(listing(&CredentialId::new(id).unwrap()));
    request.options.up = Some(false);
    rig.sign_in(&request).map(drop)
}

fn secret(store: &mut MemoryStore) -> Option<Zeroizing<Vec<u8>>> {
    match store.record(Record::WrappingSecret) {
        Work::Done(record) => record.unwrap(),
        Work::Later(_) => panic!("the memory answers at once"),
    }
}

#[test]
fn an_id_with_any_bit_changed_is_of_nobody() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = wrapped(&mut rig, "example.org");
    for place in 0..id.as_bytes().len() * 8 {
        let mut bent = id.as_bytes().to_vec();
        bent[place / 8] ^= 1 << (place % 8);
        assert_eq!(use_of(&mut rig, "example.org", &bent), Err(Status::NoCredentials), "{place}");
    }
    assert_eq!(use_of(&mut rig, "example.org", id.as_bytes()), Ok(()));
}

#[test]
fn an_id_that_is_cut_or_longer_is_of_nobody() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = wrapped(&mut rig, "example.org");
    for length in 1..id.as_bytes().len() {
        let cut = &id.as_bytes()[..length];
        assert_eq!(use_of(&mut rig, "example.org", cut), Err(Status::NoCredentials), "{length}");
    }
    for more in [1, 16, 189, 190, 900] {
        let longer = [id.as_bytes(), &vec![0; more]].concat();
        assert_eq!(use_of(&mut rig, "example.org", &longer), Err(Status::NoCredentials), "{more}");
    }
}

#[test]
fn an_id_that_was_made_up_is_of_nobody() {
    let mut rig = Rig::new(Config::security_key());
    for ours in [false, true] {
        if ours {
            wrapped(&mut rig, "example.org");
        }
        for id in [vec![1; 66], vec![1; 34], vec![1; 35], vec![1; 255], vec![0; 66], vec![1]] {
            assert_eq!(use_of(&mut rig, "example.org", &id), Err(Status::NoCredentials));
        }
        let secret = secret(&mut rig.store);
        assert_eq!(secret.is_some(), ours, "to ask for an id makes no secret");
    }
}

#[test]
fn an_id_is_of_no_use_to_another_relying_party() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = wrapped(&mut rig, "example.org");
    for other in ["example.com", "EXAMPLE.org", "example.org."] {
        assert_eq!(use_of(&mut rig, other, id.as_bytes()), Err(Status::NoCredentials));
        let mut request = creation(other, "alice");
        request.exclude_list = listing(&id);
        rig.create(&request).unwrap();
    }
}

#[test]
fn an_id_is_of_no_use_to_another_device() {
    let (id, _) = wrapped(&mut Rig::new(Config::security_key()), "example.org");
    let mut other = Rig::new(Config::security_key());
    wrapped(&mut other, "example.org");
    assert_eq!(use_of(&mut other, "example.org", id.as_bytes()), Err(Status::NoCredentials));
}

#[test]
fn an_id_from_before_a_reset_is_of_no_use_for_good() {
    let mut rig = Rig::new(Config::security_key());
    let (before, _) = wrapped(&mut rig, "example.org");
    rig.power_up();
    rig.call(&Request::Reset).unwrap();
    assert_eq!(use_of(&mut rig, "example.org", before.as_bytes()), Err(Status::NoCredentials));
    let (after, _) = wrapped(&mut rig, "example.org");
    assert_eq!(use_of(&mut rig, "example.org", before.as_bytes()), Err(Status::NoCredentials));
    assert_eq!(use_of(&mut rig, "example.org", after.as_bytes()), Ok(()));
}

#[test]
fn a_reset_that_is_declined_takes_no_credential() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = wrapped(&mut rig, "example.org");
    rig.power_up();
    rig.person(refusing).call(&Request::Reset).unwrap_err();
    assert_eq!(use_of(&mut rig, "example.org", id.as_bytes()), Ok(()));
}

#[test]
fn the_same_device_knows_its_ids_after_a_restart() {
    let store = MemoryStore::new();
    let mut rig = Rig::over(Config::security_key(), store.clone());
    let (id, key) = wrapped(&mut rig, "example.org");
    let mut rig = Rig::over(Config::security_key(), store);
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    let response = rig.sign_in(&request).unwrap();
    rig.verify(&response, &key);
}

#[test]
fn a_damaged_secret_is_an_error_and_is_not_replaced() {
    let store = MemoryStore::new();
    let mut rig = Rig::over(Config::security_key(), store.clone());
    let (id, _) = wrapped(&mut rig, "example.org");
    let record = Record::WrappingSecret;
    let damaged = Some(Zeroizing::new(vec![7; 31]));
    let change = towline_authenticator::Change::Record { record, value: damaged.clone() };
    let Work::Done(Ok(())) = rig.store.commit(vec![change]) else { panic!() };
    let mut rig = Rig::over(Config::security_key(), store);
    assert_eq!(use_of(&mut rig, "example.org", id.as_bytes()), Err(Status::Other));
    assert_eq!(rig.create(&creation("example.org", "bob")).unwrap_err(), Status::Other);
    assert_eq!(secret(&mut rig.store), damaged);
    // What is stored is there all the same.
    rig.passkey("example.org", "carol");
    rig.sign_in(&assertion("example.org")).unwrap();
}

#[test]
fn nothing_is_stored_and_no_room_is_needed() {
    let mut rig = Rig::over(Config::security_key(), MemoryStore::with_limit(1));
    rig.passkey("example.org", "bob");
    for _ in 0..3 {
        wrapped(&mut rig, "example.org");
    }
    assert_eq!(rig.store.len(), 1);
    assert_eq!(rig.info().remaining_discoverable_credentials, Some(0));
    // Nor does it take the place of another one of the account.
    let mut request = creation("example.org", "bob");
    request.options.rk = Some(false);
    rig.create(&request).unwrap();
    assert_eq!(rig.store.len(), 1);
    assert!(matches!(rig.events.last(), Some(Event::Created { replaced: false, .. })));
}

#[test]
fn discoverable_ones_are_stored() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = rig.passkey("example.org", "alice");
    assert_eq!(id.as_bytes().len(), 32);
    assert_eq!(rig.store.len(), 1);
    assert_eq!(secret(&mut rig.store), None, "no secret before there is need for one");
}

#[test]
fn without_a_list_they_are_not_found() {
    let mut rig = Rig::new(Config::security_key());
    wrapped(&mut rig, "example.org");
    assert_eq!(rig.sign_in(&assertion("example.org")).unwrap_err(), Status::NoCredentials);
}

#[test]
fn who_stores_all_of_them_still_knows_those_that_it_did_not() {
    let store = MemoryStore::new();
    let mut rig = Rig::over(Config::security_key(), store.clone());
    let (id, _) = wrapped(&mut rig, "example.org");
    let mut rig = Rig::over(storing(), store);
    assert_eq!(use_of(&mut rig, "example.org", id.as_bytes()), Ok(()));
    let (stored, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
    assert!(rig.store.credential(&stored).is_some());
}

#[test]
fn a_key_that_does_not_fit_is_stored() {
    /// Keys whose handles have a tail.
    struct Long(SoftwareKeys, usize);
    impl towline_authenticator::KeyStore for Long {
        fn algorithms(&self) -> Vec<i64> {
            self.0.algorithms()
        }
        fn generate(
            &mut self,
            algorithm: i64,
        ) -> Work<towline_authenticator::NewKey, towline_authenticator::KeyError> {
            let Work::Done(Ok(mut key)) = self.0.generate(algorithm) else { panic!() };
            let long = [key.handle.expose(), &vec![0; self.1 - 32]].concat();
            key.handle = KeyHandle::new(algorithm, Zeroizing::new(long.into()));
            Work::ready(key)
        }
        fn sign(
            &mut self,
            key: &KeyHandle,
            parts: &[&[u8]],
        ) -> Work<Vec<u8>, towline_authenticator::KeyError> {
            let short = key.expose()[..32].into();
            self.0.sign(&KeyHandle::new(key.algorithm(), Zeroizing::new(short)), parts)
        }
        fn public_key(
            &mut self,
            key: &KeyHandle,
        ) -> Work<CosePublicKey, towline_authenticator::KeyError> {
            self.0.public_key(key)
        }
        fn custody(&self, key: &KeyHandle) -> towline_authenticator::Custody {
            self.0.custody(key)
        }
        fn forget(&mut self, _: &KeyHandle) -> Work<(), towline_authenticator::KeyError> {
            Work::ready(())
        }
        fn clear(&mut self) -> Work<(), towline_authenticator::KeyError> {
            self.0.clear()
        }
    }
    for (length, id_length, stored) in [(221, 255, 0), (222, 32, 1)] {
        let provider = towline_crypto::rustcrypto::provider();
        let keys = Long(SoftwareKeys::new(provider.clone()), length);
        let store = MemoryStore::new();
        let mut rig = Rig::with(Config::security_key(), provider, store.clone(), store, keys);
        let (id, key) = wrapped(&mut rig, "example.org");
        assert_eq!((id.as_bytes().len(), rig.store.len()), (id_length, stored));
        let mut request = assertion("example.org");
        request.allow_list = Some(listing(&id));
        let response = rig.sign_in(&request).unwrap();
        rig.verify(&response, &key);
    }
}

#[test]
fn a_counter_for_each_can_not_be_had() {
    let config = Config::security_key().with_counters(Counters::PerCredential);
    assert!(matches!(config.validate(), Err(ConfigError::Needs { .. })));
    assert_eq!(storing().with_counters(Counters::PerCredential).validate(), Ok(()));
    assert_eq!(Config::phone().credentials.non_discoverable, NonDiscoverable::Stored);
}

#[test]
fn a_failure_at_any_place_makes_no_credential_and_breaks_none() {
    for first in [true, false] {
        let make = || {
            let fuse = Fuse::default();
            let provider = fragile_provider(&fuse);
            let memory = MemoryStore::new();
            let store = RiggedStore::fragile(memory.clone(), &fuse);
            let keys = RiggedKeys::fragile(provider.clone(), &fuse);
            let mut rig = Rig::with(Config::security_key(), provider, memory, store, keys);
            let earlier = (!first).then(|| wrapped(&mut rig, "example.org").0);
            (rig, fuse, earlier)
        };
        let request = Request::from(creation("example.org", "alice"));
        let (mut rig, fuse, _) = make();
        fuse.blow_at(None);
        rig.call(&request).unwrap();
        let operations = fuse.used();
        assert!(operations >= 3);
        let mut harmless = 0;
        for operation in 0..operations {
            let (mut rig, fuse, earlier) = make();
            fuse.blow_at(Some(operation));
            let made = rig.call(&request);
            if made.is_ok() {
                harmless += 1;
                continue;
            }
            assert_eq!(made, Err(Status::Other), "{operation}");
            fuse.blow_at(None);
            assert!(rig.store.is_empty());
            assert!(rig.events.is_empty());
            if let Some(earlier) = earlier {
                assert_eq!(use_of(&mut rig, "example.org", earlier.as_bytes()), Ok(()));
            }
            let (id, _) = wrapped(&mut rig, "example.org");
            assert_eq!(use_of(&mut rig, "example.org", id.as_bytes()), Ok(()));
        }
        // The list of keys that are to be deleted, which is read once, holds nobody up.
        assert_eq!(harmless, usize::from(first));
    }
}

fn slow() -> (Rig, RiggedKeys) {
    let provider = towline_crypto::rustcrypto::provider();
    let (store, keys) = (MemoryStore::new(), RiggedKeys::slow(provider.clone()));
    let slow = RiggedStore::slow(store.clone());
    let mut rig = Rig::with(Config::security_key(), provider, store, slow, keys.clone());
    rig.info();
    rig.forget_past();
    (rig, keys)
}

#[test]
fn a_creation_that_is_cancelled_at_any_wait_leaves_no_key() {
    for waits in 0.. {
        let (mut rig, keys) = slow();
        rig.works = false;
        rig.send(HOME, &Request::from(creation("example.org", "alice")).encode());
        for _ in 0..waits {
            rig.work();
        }
        if !rig.responses.is_empty() {
            assert_eq!(rig.status(), Status::Ok);
            assert!(waits >= 5, "secret read and saved, key, counter, attestation: {waits}");
            assert_eq!(keys.alive(), 1);
            break;
        }
        rig.cancel(HOME);
        assert_eq!(rig.status(), Status::KeepaliveCancel);
        rig.work();
        assert_eq!((keys.alive(), rig.store.len()), (0, 0), "{waits}");
        // Whether the secret was saved or not: the next one works, and lasts.
        rig.works = true;
        let (id, _) = wrapped(&mut rig, "example.org");
        let mut rig = Rig::over(Config::security_key(), rig.store);
        // The keys of the slow store are not those of this one, but it knows the id.
        let mut request = creation("example.org", "alice");
        request.exclude_list = listing(&id);
        assert_eq!(rig.create(&request).unwrap_err(), Status::CredentialExcluded);
    }
}

#[test]
fn once_the_secret_is_read_an_id_costs_the_store_a_count_and_a_look_up_nothing() {
    let (mut rig, _) = slow();
    let (id, _) = wrapped(&mut rig, "example.org");
    rig.works = false;
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    rig.send(HOME, &Request::from(request.clone()).encode());
    rig.work(); // the counter
    rig.work(); // the signature
    assert_eq!(rig.status(), Status::Ok);
    let mut again = creation("example.org", "alice");
    again.exclude_list = listing(&id);
    rig.send(HOME, &Request::from(again).encode());
    assert_eq!(rig.status(), Status::CredentialExcluded);
}

#[test]
fn what_is_left_of_a_list_is_looked_up_in_the_order_of_the_list() {
    let mut rig = Rig::new(Config::security_key());
    let (wrapped_id, _) = wrapped(&mut rig, "example.org");
    let (stored_id, _) = rig.passkey("example.org", "bob");
    let unknown = CredentialId::new(&[1; 66]).unwrap();
    for (list, first) in [
        ([&unknown, &wrapped_id, &stored_id], &wrapped_id),
        ([&stored_id, &unknown, &wrapped_id], &stored_id),
        ([&stored_id, &stored_id, &unknown], &stored_id),
        ([&unknown, &unknown, &stored_id], &stored_id),
    ] {
        let mut request = assertion("example.org");
        request.allow_list = Some(list.into_iter().flat_map(listing).collect());
        assert_eq!(rig.sign_in(&request).unwrap().credential.unwrap().id, *first);
    }
}

#[test]
fn the_person_is_asked_and_told_without_the_account() {
    let mut rig = Rig::new(Config::security_key());
    let (id, _) = wrapped(&mut rig, "example.org");
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    let response = rig.sign_in(&request).unwrap();
    assert_eq!(response.user, None);
    let [Question::ConfirmPresence { purpose: Purpose::Use { user: None, .. } }] =
        &rig.questions[..]
    else {
        panic!("{:?}", rig.questions)
    };
    assert_eq!(rig.questions[0].to_string(), "Sign in to example.org?");
    assert_eq!(rig.events, [Event::Used { rp_id: rp_id("example.org"), user: None }]);
}

#[test]
fn two_ids_have_nothing_in_common_but_the_form() {
    let mut rig = Rig::new(Config::security_key());
    let ids: Vec<_> = (0..2).map(|_| wrapped(&mut rig, "example.org").0).collect();
    let common = ids[0].as_bytes().iter().zip(ids[1].as_bytes()).filter(|(a, b)| a == b).count();
    assert!(common < 8, "{common} of 66 bytes");
    assert_eq!(ids[0].as_bytes().len(), 66);
}

#[test]
fn without_randomness_there_is_no_id() {
    struct None;
    impl Random for None {
        fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
            Err(Error::Random)
        }
    }
    let mut provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    provider.random = Arc::new(None);
    let store = MemoryStore::new();
    let mut config = Config::security_key();
    config.tokens.persistent_token = false;
    let mut rig = Rig::with(config, provider, store.clone(), store, keys);
    assert_eq!(rig.create(&creation("example.org", "alice")).unwrap_err(), Status::Other);
    assert_eq!(secret(&mut rig.store), Option::None);
}
