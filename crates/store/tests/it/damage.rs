//! Somebody, or a disk, changes the file.

use std::fs;

use redb::{Database, ReadableTable as _, TableDefinition};
use towline_authenticator::{CredentialStore as _, Query, Record, StoreError};
use towline_store::{Error, Store};

use crate::support::*;

const CREDENTIALS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("credentials");
const ASIDE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("aside");
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
const MEMBERS: TableDefinition<'_, &[u8], u8> = TableDefinition::new("members");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// A store with credentials 1, 2 and 3 of one site, and the retries of a PIN.
fn store() -> Place {
    let place = Place::new();
    let changes = (1..=3).map(|number| save(number, "a.example", number)).chain([retries(8)]);
    done(place.create().commit(changes.collect())).unwrap();
    place
}

fn edit(place: &Place, edit: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(place.file()).unwrap();
    let change = database.begin_write().unwrap();
    edit(&change);
    change.commit().unwrap();
}

/// The last byte of the credential at this place is another one.
fn damage(place: &Place, at: u64) {
    edit(place, |change| {
        let mut table = change.open_table(CREDENTIALS).unwrap();
        let mut bytes = table.get(at).unwrap().unwrap().value().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        table.insert(at, &bytes[..]).unwrap();
    });
}

fn all() -> Query {
    Query { rp_id: rp("a.example"), verified: true, after: None, limit: 10 }
}

#[test]
fn a_damaged_credential_is_kept_aside_and_the_rest_still_works() {
    let place = store();
    damage(&place, 1);
    let mut store = place.open().unwrap();
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    let page = done(store.discoverable(&all())).unwrap();
    assert_eq!(page.credentials.len(), 2);
    // The next change puts it aside, whatever that change is.
    done(store.commit(vec![retries(7)])).unwrap();
    assert_eq!(done(store.discoverable(&all())).unwrap().total, 2);
    assert_eq!(done(store.capacity()).unwrap().discoverable, 2);
    assert_eq!(store.check(), Ok(0));
    drop(store);
    edit(&place, |change| {
        assert!(change.open_table(ASIDE).unwrap().get(1).unwrap().is_some());
        assert!(change.open_table(CREDENTIALS).unwrap().get(1).unwrap().is_none());
    });
}

#[test]
fn a_check_finds_damage_that_nobody_has_met() {
    let place = store();
    damage(&place, 0);
    damage(&place, 2);
    assert_eq!(place.open().unwrap().check(), Ok(2));
}

#[test]
fn a_record_in_the_place_of_another_is_not_taken_for_it() {
    let place = store();
    edit(&place, |change| {
        let mut table = change.open_table(CREDENTIALS).unwrap();
        let other = table.get(0).unwrap().unwrap().value().to_vec();
        table.insert(1, &other[..]).unwrap();
        let mut table = change.open_table(RECORDS).unwrap();
        let retries = table.get("pin-retries").unwrap().unwrap().value().to_vec();
        table.insert("uv-retries", &retries[..]).unwrap();
    });
    let mut store = place.open().unwrap();
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
    assert!(matches!(done(store.record(Record::UvRetries)), Err(StoreError::Unavailable(_))));
}

#[test]
fn a_damaged_pin_record_is_an_error_and_never_no_pin() {
    let place = store();
    edit(&place, |change| {
        change.open_table(RECORDS).unwrap().insert("pin-retries", &[0; 40][..]).unwrap();
    });
    let mut store = place.open().unwrap();
    let read = done(store.record(Record::PinRetries));
    assert!(
        matches!(&read, Err(StoreError::Unavailable(why)) if why.contains("pin-retries")),
        "{read:?}"
    );
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
}

#[test]
fn an_index_that_was_changed_shows_nothing_to_whom_it_is_not_for() {
    let place = store();
    // Credential 1 is of the level that needs verification, or its id, to be found.
    edit(&place, |change| {
        let mut table = change.open_table(MEMBERS).unwrap();
        let members: Vec<_> =
            table.iter().unwrap().map(|entry| entry.unwrap().0.value().to_vec()).collect();
        for member in members {
            table.insert(&member[..], 1).unwrap();
        }
    });
    let mut store = place.open().unwrap();
    let page = done(store.discoverable(&Query { verified: false, ..all() })).unwrap();
    let shown: Vec<_> = page.credentials.iter().map(|credential| credential.id.clone()).collect();
    assert_eq!(shown, [id(3)]);
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let place = store();
    edit(&place, |change| {
        change.open_table(META).unwrap().insert("format", &3_u32.to_be_bytes()[..]).unwrap();
    });
    assert_eq!(place.open().unwrap_err(), Error::NewerVersion(3));
}

#[test]
fn without_its_root_key_or_format_a_store_is_damaged_and_not_empty() {
    for name in ["root", "format"] {
        for value in [None, Some(&[][..]), Some(&[0xa0]), Some(&[0xff; 9])] {
            let place = store();
            edit(&place, |change| {
                let mut meta = change.open_table(META).unwrap();
                match value {
                    Some(value) => drop(meta.insert(name, value).unwrap()),
                    None => drop(meta.remove(name).unwrap()),
                }
            });
            assert!(matches!(place.open(), Err(Error::Damaged(_))), "{name} {value:?}");
        }
    }
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let other = Database::create(place.file()).unwrap();
    drop(other);
    assert!(matches!(place.open(), Err(Error::Damaged(_))));
    for bytes in [&b""[..], b"not a store", &[0; 4096]] {
        fs::write(place.file(), bytes).unwrap();
        place.open().unwrap_err();
        assert_eq!(fs::read(place.file()).unwrap(), bytes);
    }
    assert!(matches!(Store::create(&place.file(), &key(), &provider()), Err(Error::Exists(_))));
}
