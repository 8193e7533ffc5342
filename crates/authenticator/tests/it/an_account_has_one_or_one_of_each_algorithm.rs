//! Which passkeys of an account a new one takes the place of, and that all that are there can be
//! used.

use std::collections::BTreeSet;

use crate::rig::*;
use towline_authenticator::{
    Answer, Change, Config, Credential, CredentialStore, Event, MemoryStore, Purpose, Question,
    Replaces, Work,
};
use towline_ctap::{CredentialId, algorithm};

const ALGORITHMS: [i64; 2] = [algorithm::ES256, algorithm::EDDSA];

fn config(one_per_algorithm: bool) -> Config {
    let mut config = storing().with_algorithms(&ALGORITHMS);
    config.credentials.one_per_algorithm = one_per_algorithm;
    config
}

/// A passkey of this algorithm, and whether it took the place of another.
fn passkey(rig: &mut Rig, name: &str, algorithm: i64) -> (CredentialId, bool) {
    rig.forget_past();
    let mut request = creation("example.org", name);
    request.pub_key_cred_params = vec![algorithm];
    request.options.rk = Some(true);
    let id = made(&rig.create(&request).unwrap()).0;
    let asked = rig.questions.iter().any(|question| {
        let Question::ConfirmPresence { purpose: Purpose::Create { replaces, .. }, .. } = question
        else {
            return false;
        };
        *replaces
    });
    let [Event::Created { replaced, .. }] = &rig.events[..] else { panic!("{:?}", rig.events) };
    assert_eq!(*replaced, asked, "the person is told before");
    (id, *replaced)
}

/// Those that can be used without being named, newest first.
fn usable(rig: &mut Rig) -> Vec<CredentialId> {
    let Ok(first) = rig.sign_in(&assertion("example.org")) else { return Vec::new() };
    let mut all = vec![first.credential.unwrap().id];
    for _ in 1..first.number_of_credentials.unwrap_or(1) {
        all.push(rig.next().unwrap().credential.unwrap().id);
    }
    for id in &all {
        let mut named = assertion("example.org");
        named.allow_list = Some(listing(id));
        rig.sign_in(&named).unwrap();
    }
    all
}

#[test]
fn by_the_standard_an_account_has_one_passkey() {
    let mut rig = Rig::new(config(false));
    let (first, replaced) = passkey(&mut rig, "alice", algorithm::ES256);
    assert!(!replaced);
    assert_eq!(usable(&mut rig), [first]);
    let (second, replaced) = passkey(&mut rig, "alice", algorithm::EDDSA);
    assert!(replaced);
    assert_eq!(usable(&mut rig), [second]);
}

#[test]
fn by_the_switch_an_account_has_one_of_each_algorithm() {
    let mut rig = Rig::new(config(true));
    let (classical, replaced) = passkey(&mut rig, "alice", algorithm::ES256);
    assert!(!replaced);
    let (other, replaced) = passkey(&mut rig, "alice", algorithm::EDDSA);
    assert!(!replaced);
    assert_eq!(usable(&mut rig), [other.clone(), classical]);
    let (new, replaced) = passkey(&mut rig, "alice", algorithm::ES256);
    assert!(replaced);
    assert_eq!(usable(&mut rig), [new.clone(), other.clone()]);
    let (bob, replaced) = passkey(&mut rig, "bob", algorithm::ES256);
    assert!(!replaced);
    assert_eq!(usable(&mut rig), [bob, new, other]);
}

#[test]
fn what_came_from_elsewhere_stands_beside_and_is_used_and_managed_as_the_rest() {
    let mut rig = Rig::new(config(false));
    let (own, _) = passkey(&mut rig, "alice", algorithm::ES256);
    let key = rig.store.credential(&own).unwrap().key;
    let foreign = [1, 2].map(|number| CredentialId::new(&[number; 20]).unwrap());
    for id in &foreign {
        let credential = Credential {
            discoverable: true,
            ..Credential::new(id.clone(), rp_id("example.org"), user("alice"), key.clone())
        };
        let change = Change::Save { credential: Box::new(credential), replaces: Replaces::Nothing };
        assert!(matches!(rig.store.clone().commit(vec![change]), Work::Done(Ok(()))));
    }
    let all = [foreign[1].clone(), foreign[0].clone(), own];
    assert_eq!(usable(&mut rig), all);
    let capacity = rig.store.clone().capacity();
    let Work::Done(Ok(capacity)) = capacity else { panic!() };
    assert_eq!(capacity.discoverable, 3);
    // A new one takes the place of them all, by the rule.
    let (new, replaced) = passkey(&mut rig, "alice", algorithm::ES256);
    assert!(replaced);
    assert_eq!(usable(&mut rig), [new]);
}

#[test]
fn the_person_chooses_among_all_of_an_account_on_a_display() {
    let mut config = Config::phone().with_algorithms(&ALGORITHMS);
    config.credentials.one_per_algorithm = true;
    let mut rig = Rig::over(config, MemoryStore::new());
    let ids = ALGORITHMS.map(|algorithm| {
        let mut request = creation("example.org", "alice");
        request.pub_key_cred_params = vec![algorithm];
        request.options.rk = Some(true);
        made(&rig.create(&request).unwrap()).0
    });
    let mut signed = BTreeSet::new();
    for index in 0..2 {
        rig.person(move |question| match question {
            Question::ChooseAccount { accounts, .. } => {
                assert_eq!(accounts.len(), 2);
                Some(Answer::Account(index))
            }
            other => agreeable(other),
        });
        signed.insert(rig.sign_in(&assertion("example.org")).unwrap().credential.unwrap().id);
    }
    assert_eq!(signed, ids.into_iter().collect());
}
