//! Stores that older versions wrote. `data/format-N.towline` was written by the last version whose
//! format that was.

use std::fs;

use towline_authenticator::{Counter, CredentialStore as _, Record};
use towline_store::{Error, KeySource, Store};

use crate::{failing::Disk, support::*};

pub(crate) const FORMAT_1: &[u8] = include_bytes!("../data/format-1.towline");
pub(crate) const FORMAT_2: &[u8] = include_bytes!("../data/format-2.towline");

fn holds_everything(store: &mut Store) {
    for number in [1, 2, 4] {
        let (site, user) = [("a.example", number), ("b.example", 1)][usize::from(number == 4)];
        let kept = done(store.lookup(&id(number))).unwrap();
        assert_eq!(kept, Some(credential(number, site, user)));
    }
    assert_eq!(*done(store.record(Record::PinRetries)).unwrap().unwrap(), [5]);
}

#[test]
fn a_store_of_the_first_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_1).unwrap();
    for counter in [4, 5] {
        let mut store = place.open().unwrap();
        holds_everything(&mut store);
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(counter));
    }
}

#[test]
fn a_store_of_the_second_format_is_brought_up_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_2).unwrap();
    for counter in [4, 5] {
        let mut store = place.open().unwrap();
        holds_everything(&mut store);
        assert_eq!(*done(store.record(Record::Pin)).unwrap().unwrap(), [1; 17]);
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(counter));
        assert_eq!(done(store.count(Counter::Global)), Ok(counter - 2));
        let parties = done(store.relying_parties(None, 9)).unwrap().parties;
        let parties: Vec<_> = parties.iter().map(|party| party.id.as_str()).collect();
        assert_eq!(parties, ["a.example"]);
        #[cfg(feature = "links")]
        {
            use towline_hybrid::link::ComputerLinks as _;
            assert!(store.links().identity().unwrap().is_some());
            assert_eq!(store.links().computers().unwrap().len(), 1);
        }
        assert_eq!(store.check().unwrap().damaged, [""; 0]);
    }
}

#[test]
fn whenever_the_disk_fails_meanwhile_the_store_is_of_one_of_the_two_formats() {
    let mut failures = 0;
    for (bytes, operations) in
        [FORMAT_1, FORMAT_2].into_iter().flat_map(|bytes| (0..60).map(move |at| (bytes, at)))
    {
        let disk = Disk::with(bytes);
        disk.fails_after(operations);
        let opened = Store::open_on(disk.clone(), &key(), &provider());
        disk.fails_after(i64::MAX);
        let whole = opened.is_ok();
        drop(opened);
        holds_everything(&mut Store::open_on(disk, &key(), &provider()).unwrap());
        failures += i32::from(!whole);
    }
    assert!((10..110).contains(&failures), "{failures}");
}

#[test]
fn with_the_wrong_key_it_stays_as_it_was() {
    let place = Place::new();
    fs::write(place.file(), FORMAT_1).unwrap();
    let wrong = KeySource::Key(towline_crypto::Secret::new([8; 32]));
    let refused = Store::open(&place.file(), &wrong, &provider()).unwrap_err();
    assert_eq!(refused, Error::WrongKey);
    assert_eq!(format_of(&place), 1);
    drop(place.open().unwrap());
    assert_eq!(format_of(&place), 3);
}

fn format_of(place: &Place) -> u32 {
    let table = redb::TableDefinition::<&str, &[u8]>::new("meta");
    let database = redb::Database::open(place.file()).unwrap();
    let view = redb::ReadableDatabase::begin_read(&database).unwrap();
    let format = view.open_table(table).unwrap().get("format").unwrap().unwrap();
    u32::from_be_bytes(format.value().try_into().unwrap())
}
