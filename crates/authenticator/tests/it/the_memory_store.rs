//! What every store must do, shown on the one in memory.

use crate::rig::{rp_id, user};
use towline_authenticator::{
    Change, Counter, Credential, CredentialStore, KeyHandle, MemoryStore, Query, Record, Replaces,
    StoreError, Work,
};
use towline_ctap::{CredentialId, extension::CredentialProtectionPolicy};
use zeroize::Zeroizing;

fn done<T, E>(work: Work<T, E>) -> Result<T, E> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

fn id(number: u32) -> CredentialId {
    CredentialId::new(&number.to_be_bytes()).unwrap()
}

fn credential(number: u32, rp: &str, name: &str) -> Credential {
    let key = KeyHandle::new(-7, Zeroizing::new([7; 32].into()));
    Credential { discoverable: true, ..Credential::new(id(number), rp_id(rp), user(name), key) }
}

fn save(store: &mut MemoryStore, credential: Credential) -> Result<(), StoreError> {
    done(store.commit(vec![Change::Save {
        credential: Box::new(credential),
        replaces: Replaces::Account,
    }]))
}

fn ids(store: &mut MemoryStore, rp: &str, verified: bool) -> (usize, Vec<CredentialId>) {
    let query = Query { rp_id: rp_id(rp), verified, after: None, limit: usize::MAX };
    let page = done(store.discoverable(&query)).unwrap();
    (page.total, page.credentials.into_iter().map(|credential| credential.id).collect())
}

#[test]
fn pages_go_from_the_newest_to_the_oldest() {
    let mut store = MemoryStore::new();
    for number in 0..10 {
        save(&mut store, credential(number, "example.org", &format!("user {number}"))).unwrap();
    }
    let mut query = Query { rp_id: rp_id("example.org"), verified: true, after: None, limit: 3 };
    let mut seen = Vec::new();
    loop {
        let page = done(store.discoverable(&query)).unwrap();
        assert_eq!(page.total, 10);
        if page.credentials.is_empty() {
            assert_eq!(page.end, None);
            break;
        }
        seen.extend(page.credentials.into_iter().map(|credential| credential.id));
        query.after = page.end;
    }
    assert_eq!(seen, (0..10).rev().map(id).collect::<Vec<_>>());
}

#[test]
fn what_is_protected_is_neither_listed_nor_counted_for_the_unverified() {
    let mut store = MemoryStore::new();
    for (number, level) in [(0, 1), (1, 2), (2, 3), (3, 1)] {
        let protection = CredentialProtectionPolicy::from_level(level).unwrap();
        let name = format!("user {number}");
        let credential = Credential { protection, ..credential(number, "example.org", &name) };
        save(&mut store, credential).unwrap();
    }
    assert_eq!(ids(&mut store, "example.org", false), (2, vec![id(3), id(0)]));
    assert_eq!(ids(&mut store, "example.org", true).0, 4);
    done(store.commit(vec![Change::Remove(id(0)), Change::Remove(id(1))])).unwrap();
    assert_eq!(ids(&mut store, "example.org", false), (1, vec![id(3)]));
    assert_eq!(ids(&mut store, "example.org", true), (2, vec![id(3), id(2)]));
}

#[test]
fn a_credential_is_found_by_its_id_for_its_own_site_only() {
    let mut store = MemoryStore::new();
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    save(&mut store, credential(2, "example.org", "bob")).unwrap();
    let list = [id(2), id(9), id(1)];
    let found = done(store.find(&rp_id("example.org"), &list)).unwrap();
    assert_eq!(found.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [id(2), id(1)]);
    assert!(done(store.find(&rp_id("example.com"), &list)).unwrap().is_empty());
}

#[test]
fn credentials_that_are_not_discoverable_are_found_by_id_alone() {
    let mut store = MemoryStore::new();
    let hidden = Credential { discoverable: false, ..credential(1, "example.org", "alice") };
    save(&mut store, hidden).unwrap();
    assert_eq!(ids(&mut store, "example.org", true), (0, Vec::new()));
    let account = done(store.account(&rp_id("example.org"), &user("alice").id)).unwrap();
    assert_eq!(account, []);
    assert_eq!(done(store.find(&rp_id("example.org"), &[id(1)])).unwrap().len(), 1);
    let capacity = done(store.capacity()).unwrap();
    assert_eq!((capacity.discoverable, capacity.remaining), (0, Some(0x7fff_fffe)));
}

#[test]
fn a_commit_is_all_or_nothing() {
    let mut store = MemoryStore::with_limit(2);
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    let changes = vec![
        Change::Record { record: Record::UvRetries, value: Some(Zeroizing::new(vec![1])) },
        Change::Save {
            credential: Box::new(credential(2, "example.org", "bob")),
            replaces: Replaces::Account,
        },
        Change::Save {
            credential: Box::new(credential(3, "example.org", "carol")),
            replaces: Replaces::Account,
        },
    ];
    assert_eq!(done(store.commit(changes)), Err(StoreError::Full));
    assert_eq!(store.len(), 1);
    assert_eq!(done(store.record(Record::UvRetries)), Ok(None));
}

#[test]
fn records_are_written_and_removed() {
    let mut store = MemoryStore::new();
    let write = |value| Change::Record { record: Record::UvRetries, value };
    done(store.commit(vec![write(Some(Zeroizing::new(vec![5])))])).unwrap();
    assert_eq!(done(store.record(Record::UvRetries)), Ok(Some(Zeroizing::new(vec![5]))));
    done(store.commit(vec![write(None)])).unwrap();
    assert_eq!(done(store.record(Record::UvRetries)), Ok(None));
}

#[test]
fn a_new_record_does_not_take_the_place_of_one_that_is_there() {
    let mut store = MemoryStore::with_limit(0);
    let value = |byte| Zeroizing::new(vec![byte]);
    let new = |byte| Change::NewRecord { record: Record::WrappingSecret, value: value(byte) };
    let no_room = Change::Save {
        credential: Box::new(credential(1, "a.example", "a")),
        replaces: Replaces::Account,
    };
    done(store.commit(vec![new(1), no_room.clone()])).unwrap_err();
    assert_eq!(done(store.record(Record::WrappingSecret)), Ok(None), "all or nothing");
    for byte in 2..4 {
        done(store.commit(vec![new(byte)])).unwrap();
        assert_eq!(done(store.record(Record::WrappingSecret)), Ok(Some(value(2))));
    }
    done(store.commit(vec![new(4), no_room])).unwrap_err();
    assert_eq!(done(store.record(Record::WrappingSecret)), Ok(Some(value(2))));
}

#[test]
fn counters_rise_by_one_and_never_go_back() {
    let mut store = MemoryStore::new();
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    for expected in 1..4 {
        assert_eq!(done(store.count(Counter::Global)), Ok(expected));
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(expected));
    }
    assert_eq!(done(store.count(Counter::Of(id(2)))), Err(StoreError::NotFound));
    done(store.clear()).unwrap();
    assert_eq!(done(store.count(Counter::Global)), Ok(4));
    assert_eq!(done(store.count(Counter::Of(id(1)))), Err(StoreError::NotFound));
}

#[test]
fn what_is_removed_leaves_no_trace() {
    let mut store = MemoryStore::new();
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    done(store.commit(vec![Change::Remove(id(1)), Change::Remove(id(1))])).unwrap();
    assert!(store.is_empty());
    assert_eq!(ids(&mut store, "example.org", true), (0, Vec::new()));
    assert_eq!(done(store.account(&rp_id("example.org"), &user("alice").id)).unwrap(), []);
    assert_eq!(done(store.find(&rp_id("example.org"), &[id(1)])).unwrap(), Vec::new());
}

#[test]
fn what_is_replaced_becomes_the_newest() {
    let mut store = MemoryStore::new();
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    save(&mut store, credential(2, "example.org", "bob")).unwrap();
    let change = Change::Save {
        credential: Box::new(credential(3, "example.org", "alice")),
        replaces: Replaces::Account,
    };
    done(store.commit(vec![change])).unwrap();
    assert_eq!(ids(&mut store, "example.org", true), (2, vec![id(3), id(2)]));
    let account = done(store.account(&rp_id("example.org"), &user("alice").id)).unwrap();
    assert_eq!(account.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [id(3)]);
}

#[test]
fn nothing_secret_is_shown() {
    let mut store = MemoryStore::new();
    let secret = KeyHandle::new(-7, Zeroizing::new([0xab; 32].into()));
    save(&mut store, Credential { key: secret, ..credential(1, "example.org", "alice") }).unwrap();
    let shown = format!("{store:?} {:?}", store.credentials());
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
}

#[test]
fn an_account_has_one_discoverable_credential_even_if_nobody_asks_to_replace_it() {
    let mut store = MemoryStore::with_limit(1);
    save(&mut store, credential(1, "example.org", "alice")).unwrap();
    save(&mut store, credential(2, "example.org", "alice")).unwrap();
    assert_eq!(ids(&mut store, "example.org", true), (1, vec![id(2)]));
    assert_eq!(save(&mut store, credential(3, "example.com", "alice")), Err(StoreError::Full));
    let hidden = Credential { discoverable: false, ..credential(4, "example.org", "alice") };
    assert_eq!(save(&mut store, hidden), Err(StoreError::Full));
}
