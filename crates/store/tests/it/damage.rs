//! Somebody, or a disk, changes the file.

use std::{collections::BTreeSet, fs, io};

use redb::{Database, ReadableTable as _, TableDefinition};
use towline_authenticator::{CredentialStore as _, Query, Record, StoreError};
use towline_store::{Backup, Conflicts, Error, Repaired, Store};

use crate::support::*;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// A store with credentials 1, 2 and 3 of one site, a PIN and its retries.
fn store() -> Place {
    let place = Place::new();
    let pin = towline_authenticator::Change::Record {
        record: Record::Pin,
        value: Some(zeroize::Zeroizing::new(vec![1; 17])),
    };
    let changes = (1..=3).map(|number| save(number, "a.example", number));
    done(place.create().commit(changes.chain([retries(8), pin]).collect())).unwrap();
    place
}

fn all() -> Query {
    Query { rp_id: rp("a.example"), verified: true, after: None, limit: 10 }
}

fn is_damage<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(why)) if why.contains("damaged"))
}

#[test]
fn a_damaged_credential_is_an_error_and_never_none_and_the_rest_still_works() {
    let place = store();
    damage(&place, "credentials", &1_u64.to_be_bytes());
    let mut store = place.open().unwrap();
    assert!(is_damage(&done(store.lookup(&id(2)))));
    assert!(is_damage(&done(store.find(&rp("a.example"), &[id(1), id(2)]))));
    assert!(is_damage(&done(store.discoverable(&all()))), "fewer than there are");
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
    done(store.commit(vec![save(5, "b.example", 1), retries(7)])).unwrap();
    assert!(done(store.lookup(&id(5))).unwrap().is_some());
    let checked = store.check().unwrap();
    assert_eq!((checked.credentials, &checked.damaged[..]), (3, &["passkey 1".to_owned()][..]));
}

#[test]
fn a_repair_keeps_all_that_can_be_read_and_the_damaged_file_too() {
    let place = store();
    damage(&place, "credentials", &1_u64.to_be_bytes());
    damage(&place, "records", b"pin");
    let before = fs::read(place.file()).unwrap();
    let examined = Repaired::examine(&place.file(), &key(), &provider()).unwrap();
    assert_eq!(fs::read(place.file()).unwrap(), before, "looked at only");
    let repaired = Repaired::of(&place.file(), &key(), &provider()).unwrap();
    assert_eq!(repaired.lost, ["passkey 1", "the PIN"]);
    assert_eq!((&examined.lost, examined.credentials), (&repaired.lost, 2));
    assert_eq!(fs::read(repaired.damaged.unwrap()).unwrap(), before);
    let mut store = place.open().unwrap();
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    assert_eq!(done(store.discoverable(&all())).unwrap().credentials.len(), 2);
    assert_eq!(done(store.record(Record::Pin)), Ok(None));
    assert_eq!(*done(store.record(Record::PinRetries)).unwrap().unwrap(), [8]);
    let checked = store.check().unwrap();
    assert_eq!((checked.damaged.len(), checked.aside), (0, 2));
    // A place is never used again.
    done(store.commit(vec![save(6, "a.example", 6)])).unwrap();
    assert_eq!(done(store.discoverable(&all())).unwrap().credentials[0].id, id(6));
}

#[test]
fn attempts_that_cannot_be_read_are_used_up_but_for_one() {
    let place = store();
    damage(&place, "records", b"pin-retries");
    Repaired::of(&place.file(), &key(), &provider()).unwrap();
    let mut store = place.open().unwrap();
    assert_eq!(*done(store.record(Record::PinRetries)).unwrap().unwrap(), [1]);
}

#[test]
fn a_check_names_all_that_a_list_or_a_sign_in_would_trip_over() {
    let place = store();
    damage(&place, "credentials", &0_u64.to_be_bytes());
    damage(&place, "records", b"pin");
    damage(&place, "records", b"pin-retries");
    let damaged = place.open().unwrap().check().unwrap().damaged;
    assert_eq!(damaged, ["passkey 0", "the PIN", "the count of PIN attempts"]);
}

/// The damage for which there are backups.
#[test]
fn a_backup_leaves_out_what_is_damaged_and_one_is_restored_over_damage() {
    let place = store();
    let mut good = Vec::new();
    place.open().unwrap().backup(&mut good, &key()).unwrap();
    damage(&place, "credentials", &0_u64.to_be_bytes());
    damage(&place, "records", b"pin");
    damage(&place, "records", b"pin-retries");
    let mut store = place.open().unwrap();
    let made = store.backup(io::sink(), &key()).unwrap();
    assert_eq!(made.left_out, ["passkey 0", "the PIN", "the count of PIN attempts"]);
    assert_eq!(made.credentials, 2);
    let mut backup = Backup::open(io::Cursor::new(good), &key(), &provider()).unwrap();
    store.restore(&mut backup, Conflicts::Keep).unwrap();
    assert_eq!(*done(store.record(Record::Pin)).unwrap().unwrap(), [1; 17]);
    assert_eq!(*done(store.record(Record::PinRetries)).unwrap().unwrap(), [1], "used up but one");
    assert_eq!(done(store.discoverable(&all())).unwrap().credentials.len(), 3);
    assert_eq!(store.check().unwrap().damaged, [""; 0]);
}

/// Each thing in the file, taken out by somebody who makes the checksums right again.
#[test]
fn whatever_is_taken_out_of_the_file_is_noticed() {
    let names = [
        "credentials",
        "counters",
        "records",
        "ids",
        "accounts",
        "members",
        "parties",
        "order",
        "changes",
    ];
    let mut tried = BTreeSet::new();
    for name in names {
        for at in 0.. {
            let place = store();
            let mut store = place.open().unwrap();
            done(store.count(towline_authenticator::Counter::Of(id(1)))).unwrap();
            drop(store);
            let mut taken = false;
            edit(&place, |change| {
                let name = in_file(name);
                let mut opened = change.open_table(table(&name)).unwrap();
                let key = opened.iter().unwrap().nth(at).map(|row| row.unwrap().0.value().to_vec());
                if let Some(key) = key {
                    taken = opened.remove(&key[..]).unwrap().is_some();
                }
            });
            if !taken {
                break;
            }
            tried.insert(name);
            assert!(matches!(place.open(), Err(Error::Damaged(_))), "{name} {at}");
        }
    }
    assert_eq!(tried.len(), names.len());
}

#[test]
fn a_record_in_the_place_of_another_is_not_taken_for_it() {
    let place = store();
    edit(&place, |change| {
        let mut records = change.open_table(table("3.records")).unwrap();
        let retries = records.get(&b"pin-retries"[..]).unwrap().unwrap().value().to_vec();
        records.insert(&b"uv-retries"[..], &retries[..]).unwrap();
    });
    assert!(matches!(place.open(), Err(Error::Damaged(_))));
}

/// By somebody who makes the checksums right: the PIN as it was before it was changed.
#[test]
fn an_older_record_in_the_place_of_a_newer_one_is_noticed() {
    let place = store();
    let mut old = Vec::new();
    edit(&place, |change| {
        let records = change.open_table(table("3.records")).unwrap();
        old = records.get(&b"pin-retries"[..]).unwrap().unwrap().value().to_vec();
    });
    done(place.open().unwrap().commit(vec![retries(1)])).unwrap();
    edit(&place, |change| {
        let mut records = change.open_table(table("3.records")).unwrap();
        records.insert(&b"pin-retries"[..], &old[..]).unwrap();
    });
    assert!(matches!(place.open(), Err(Error::Damaged(_))));
}

#[test]
fn an_older_table_in_the_place_of_a_newer_one_is_noticed() {
    let place = store();
    let older = Place::new();
    fs::copy(place.file(), older.file()).unwrap();
    done(place.open().unwrap().commit(vec![save(5, "c.example", 1), retries(1)])).unwrap();
    for name in [
        "3.credentials",
        "3.records",
        "3.ids",
        "4.accounts",
        "3.members",
        "3.parties",
        "3.order",
        "4.changes",
    ] {
        let changed = Place::new();
        fs::copy(place.file(), changed.file()).unwrap();
        let mut rows = Vec::new();
        edit(&older, |change| {
            let opened = change.open_table(table(name)).unwrap();
            for row in opened.iter().unwrap() {
                let (key, value) = row.unwrap();
                rows.push((key.value().to_vec(), value.value().to_vec()));
            }
        });
        edit(&changed, |change| {
            change.delete_table(table(name)).unwrap();
            let mut opened = change.open_table(table(name)).unwrap();
            for (key, value) in &rows {
                opened.insert(&key[..], &value[..]).unwrap();
            }
        });
        assert!(matches!(changed.open(), Err(Error::Damaged(_))), "{name}");
    }
}

#[test]
fn an_older_file_in_the_place_of_a_newer_one_is_noticed_where_the_newer_one_was_seen() {
    for by_crash in [false, true] {
        let place = store();
        let old = fs::read(place.file()).unwrap();
        let mut store = place.open().unwrap();
        done(store.commit(vec![retries(1)])).unwrap();
        if by_crash {
            std::mem::forget(store);
            // Other files, since the process that has these open lives on.
            let seen = fs::read(place.directory().join("passkeys.towline.seen")).unwrap();
            let place = Place::new();
            fs::write(place.file(), &old).unwrap();
            fs::write(place.directory().join("passkeys.towline.seen"), seen).unwrap();
            assert!(matches!(place.open(), Err(Error::Older { found: 2, seen: 3, .. })));
            continue;
        }
        drop(store);
        fs::write(place.file(), &old).unwrap();
        let error = place.open().unwrap_err();
        assert!(matches!(error, Error::Older { found: 2, seen: 3, .. }), "{error}");
        assert!(error.to_string().contains("passkeys.towline.seen"), "{error}");
        // Whoever put it there on purpose says so.
        fs::remove_file(place.directory().join("passkeys.towline.seen")).unwrap();
        place.open().unwrap();
    }
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let place = store();
    edit(&place, |change| {
        change.open_table(META).unwrap().insert("format", &7_u32.to_be_bytes()[..]).unwrap();
    });
    assert_eq!(place.open().unwrap_err(), Error::NewerVersion(7));
}

#[test]
fn without_its_root_key_format_or_head_a_store_is_damaged_and_not_empty() {
    for name in ["root", "format", "head"] {
        for value in [None, Some(&[][..]), Some(&[0xa0]), Some(&[0xff; 9])] {
            let place = store();
            edit(&place, |change| {
                let mut meta = change.open_table(META).unwrap();
                match value {
                    Some(value) => drop(meta.insert(name, value).unwrap()),
                    None => drop(meta.remove(name).unwrap()),
                }
            });
            let error = place.open().unwrap_err();
            assert!(matches!(error, Error::Damaged(_)), "{name} {value:?}");
            assert!(error.to_string().contains("passkeys.towline"), "{error}");
        }
    }
}

#[test]
fn what_is_no_store_is_refused_by_its_name_and_left_as_it_is() {
    let place = Place::new();
    let other = Database::create(place.file()).unwrap();
    drop(other);
    assert!(matches!(place.open(), Err(Error::Damaged(_))));
    for bytes in [&b""[..], b"not a store", &[0; 4096], &[7; 8192]] {
        fs::write(place.file(), bytes).unwrap();
        let error = place.open().unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "{error:?}");
        assert!(error.to_string().contains("passkeys.towline"), "{error}");
        assert_eq!(fs::read(place.file()).unwrap(), bytes);
    }
    assert!(matches!(Store::create(&place.file(), &key(), &provider()), Err(Error::Exists(_))));
}
