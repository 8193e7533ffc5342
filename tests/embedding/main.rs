//! The store of the example `embedding` keeps the rules that a store has to keep.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "../../examples/embedding/vault.rs"]
mod vault;

use std::{fs, path::Path};

use towline::authenticator::{
    Change, Counter, Credential, CredentialStore, KeyHandle, MemoryStore, Query, Record, Replaces,
    StoreError, Work,
};
use towline_ctap::{
    CredentialId, RpId, User, UserHandle, extension::CredentialProtectionPolicy as Level,
};
use towline_testkit::{Directory, rig::done};
use vault::Vault;
use zeroize::Zeroizing;

fn open(path: &Path) -> Vault {
    Vault::open(path).unwrap()
}

fn rp(id: &str) -> RpId {
    RpId::new(id).unwrap()
}

fn credential(number: u8, site: &str, user: u8) -> Credential {
    let user = User {
        id: UserHandle::new(&[user]).unwrap(),
        name: Some(format!("user {user}")),
        display_name: None,
    };
    let key = KeyHandle::new(-7, Zeroizing::new([number; 32].into()));
    let id = CredentialId::new(&[number; 32]).unwrap();
    Credential {
        rp_name: Some(format!("{site}, as it was called for {number}")),
        discoverable: !number.is_multiple_of(4),
        protection: Level::from_level(u64::from(number % 3) + 1).unwrap(),
        ..Credential::new(id, rp(site), user, key)
    }
}

fn save(number: u8, site: &str, user: u8) -> Vec<Change> {
    vec![Change::Save {
        credential: Box::new(credential(number, site, user)),
        replaces: Replaces::Account,
    }]
}

fn record(value: Option<&[u8]>) -> Vec<Change> {
    let value = value.map(|value| Zeroizing::new(value.to_vec()));
    vec![Change::Record { record: Record::PinRetries, value }]
}

fn new_record(value: u8) -> Vec<Change> {
    vec![Change::NewRecord { record: Record::PinRetries, value: Zeroizing::new(vec![value]) }]
}

/// Everything that can be asked, page by page.
fn told(store: &mut dyn CredentialStore) -> String {
    let mut all = Vec::new();
    let parties = done(store.relying_parties(None, 100)).unwrap();
    for (place, party) in parties.parties.iter().enumerate() {
        let one = done(store.relying_parties(Some(&party.id), 1)).unwrap();
        assert_eq!(
            one.parties,
            parties.parties.iter().skip(place + 1).take(1).cloned().collect::<Vec<_>>()
        );
        for verified in [true, false] {
            let mut after = None;
            loop {
                let query = Query { rp_id: party.id.clone(), verified, after, limit: 1 };
                let page = done(store.discoverable(&query)).unwrap();
                let Some(found) = page.credentials.first() else { break };
                let user = done(store.account(&party.id, &found.user.id)).unwrap();
                assert!(user.contains(found));
                all.push(format!("{:?}", user.iter().map(|one| &one.id).collect::<Vec<_>>()));
                all.push(format!("{} {verified} {found:?}", page.total));
                after = page.end;
            }
        }
    }
    let ids: Vec<_> = (0..20).map(|number| CredentialId::new(&[number; 32]).unwrap()).collect();
    for id in &ids {
        all.push(format!("{:?}", done(store.lookup(id)).unwrap()));
    }
    for site in ["a.example", "b.example"] {
        all.push(format!("{:?}", done(store.find(&rp(site), &ids)).unwrap()));
    }
    all.push(format!("{parties:?} {:?}", done(store.capacity()).unwrap().discoverable));
    all.push(format!("{:?}", done(store.record(Record::PinRetries)).unwrap()));
    all.join("\n")
}

#[test]
fn it_answers_as_the_store_in_memory_does_also_when_it_was_opened_again() {
    let place = Directory::new("vault");
    let mut memory = MemoryStore::new();
    let id = |number: u8| CredentialId::new(&[number; 32]).unwrap();
    let renamed =
        User { name: None, display_name: Some("new".into()), ..credential(2, "a.example", 2).user };
    let mut beside = save(9, "a.example", 1);
    let Change::Save { replaces, .. } = &mut beside[0] else { panic!() };
    *replaces = Replaces::Nothing;
    let steps = [
        save(1, "a.example", 1),
        save(2, "a.example", 2),
        save(3, "b.example", 1),
        save(4, "b.example", 1),
        record(Some(&[8])),
        save(5, "a.example", 2),
        [save(6, "a.example", 3), record(Some(&[7]))].concat(),
        vec![Change::Rename { id: id(5), user: renamed, at: None }],
        beside,
        vec![Change::Remove(id(3)), Change::Remove(id(19))],
        record(None),
        new_record(6),
        new_record(5),
        save(6, "a.example", 3),
    ];
    for step in steps {
        done(open(&place.file("my.vault")).commit(step.clone())).unwrap();
        done(memory.commit(step)).unwrap();
        for counter in [Counter::Global, Counter::Of(id(6)), Counter::Of(id(2))] {
            let counted = done(open(&place.file("my.vault")).count(counter.clone()));
            assert_eq!(counted, done(memory.count(counter)));
        }
        assert_eq!(told(&mut open(&place.file("my.vault"))), told(&mut memory));
    }
    let mut vault = open(&place.file("my.vault"));
    let before = done(vault.count(Counter::Global)).unwrap();
    done(vault.clear()).unwrap();
    done(memory.clear()).unwrap();
    assert_eq!(told(&mut open(&place.file("my.vault"))), told(&mut memory));
    assert_eq!(
        done(open(&place.file("my.vault")).count(Counter::Global)),
        Ok(before + 1),
        "never back"
    );
}

#[test]
fn a_change_is_a_job_and_nothing_has_changed_before_it_is_run() {
    let place = Directory::new("vault");
    let mut vault = open(&place.file("my.vault"));
    let Work::Later(run) = vault.commit(save(1, "a.example", 1)) else { panic!("it blocked") };
    assert!(done(vault.lookup(&credential(1, "a.example", 1).id)).unwrap().is_none());
    assert!(!place.file("my.vault").exists());
    run().unwrap();
    assert!(done(vault.lookup(&credential(1, "a.example", 1).id)).unwrap().is_some());
}

#[test]
fn a_change_that_fails_in_part_fails_whole() {
    let place = Directory::new("vault");
    let mut vault = open(&place.file("my.vault"));
    done(vault.commit(save(1, "a.example", 1))).unwrap();
    let (before, bytes) = (told(&mut vault), fs::read(place.file("my.vault")).unwrap());
    let user = credential(1, "a.example", 1).user;
    let unknown = Change::Rename { id: CredentialId::new(&[19; 32]).unwrap(), user, at: None };
    let changes = [save(2, "a.example", 2), record(Some(&[1])), vec![unknown]].concat();
    assert_eq!(done(vault.commit(changes)), Err(StoreError::NotFound));
    assert_eq!(told(&mut vault), before);
    assert_eq!(fs::read(place.file("my.vault")).unwrap(), bytes);
}

#[test]
fn what_can_not_be_written_has_not_happened() {
    let place = Directory::new("vault");
    let mut vault = open(&place.file("my.vault"));
    done(vault.commit(save(1, "a.example", 1))).unwrap();
    let before = told(&mut vault);
    fs::remove_dir_all(place.path()).unwrap();
    for work in [vault.commit(save(2, "a.example", 2)), vault.clear()] {
        assert!(matches!(done(work), Err(StoreError::Unavailable(_))));
    }
    assert!(matches!(done(vault.count(Counter::Global)), Err(StoreError::Unavailable(_))));
    assert_eq!(told(&mut vault), before);
}

#[test]
fn a_file_that_is_not_whole_is_no_vault() {
    let place = Directory::new("vault");
    done(open(&place.file("my.vault")).commit(save(1, "a.example", 1))).unwrap();
    let bytes = fs::read(place.file("my.vault")).unwrap();
    for length in 0..bytes.len() {
        fs::write(place.file("my.vault"), &bytes[..length]).unwrap();
        assert!(Vault::open(&place.file("my.vault")).is_err(), "{length}");
    }
    fs::write(place.file("my.vault"), [&bytes[..], &[0]].concat()).unwrap();
    assert!(Vault::open(&place.file("my.vault")).is_err());
    // A new file that was being written when the power failed is not looked at.
    fs::write(place.file("my.vault"), &bytes).unwrap();
    fs::write(place.file("my.vault").with_extension("new"), &bytes[..5]).unwrap();
    assert_eq!(done(open(&place.file("my.vault")).capacity()).unwrap().discoverable, 1);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Directory::new("vault");
    done(open(&place.file("my.vault")).commit(save(1, "a.example", 1))).unwrap();
    assert_eq!(fs::metadata(place.file("my.vault")).unwrap().permissions().mode() & 0o777, 0o600);
}
