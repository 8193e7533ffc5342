//! Storage that fails at any moment: what was acknowledged stays, what was refused has not
//! happened.

use std::io;

use towline_authenticator::{Counter, CredentialStore as _, Record};
use towline_store::{StorageBackend as _, Store};
pub(crate) use towline_testkit::Disk;

use crate::support::*;

fn open(disk: &Disk) -> Store {
    disk.fails_after(i64::MAX);
    Store::open_on(disk.clone(), &key(), &provider()).unwrap()
}

#[test]
fn whenever_the_disk_fails_the_store_opens_with_all_or_nothing_of_the_change() {
    all_or_nothing(false);
}

#[test]
fn whenever_a_write_is_torn_the_store_opens_with_all_or_nothing_of_the_change() {
    all_or_nothing(true);
}

/// At each operation in turn, until the change gets through.
fn all_or_nothing(torn: bool) {
    let mut failures = 0;
    for operations in 0.. {
        let disk = Disk::torn(torn);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        done(store.commit(vec![save(1, "a.example", 1), retries(8)])).unwrap();
        let before = told(&mut store);
        disk.fails_after(operations);
        let result = done(store.commit(vec![save(2, "a.example", 2), retries(7)]));
        drop(store);
        let mut store = open(&disk);
        let now = told(&mut store);
        let retries = done(store.record(Record::PinRetries)).unwrap().unwrap()[0];
        let made = done(store.lookup(&id(2))).unwrap().is_some();
        assert_eq!(made, retries == 7, "in part, after {operations} operations");
        assert!(made || now == before);
        if result.is_ok() {
            assert!(made, "acknowledged and lost after {operations} operations");
            // The operations after the acknowledgement are those of closing.
            if failures > 0 && operations > failures + 20 {
                break;
            }
        } else {
            failures += 1;
        }
    }
    assert!(failures > 3, "{failures}");
}

#[test]
fn a_counter_is_never_given_out_twice_whenever_the_disk_fails() {
    for operations in 0..30 {
        let disk = Disk::new(io::ErrorKind::Other);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        disk.fails_after(operations);
        let mut given = Vec::new();
        for counter in [Counter::Global, Counter::Of(id(1)), Counter::Global, Counter::Of(id(1))] {
            given.push(done(store.count(counter)).unwrap_or_default());
        }
        drop(store);
        let mut store = open(&disk);
        for (place, counter) in [Counter::Global, Counter::Of(id(1))].into_iter().enumerate() {
            let next = done(store.count(counter)).unwrap();
            let last = given.iter().skip(place).step_by(2).max().unwrap();
            assert!(next > *last, "{next} after {given:?}");
        }
    }
}

#[test]
fn a_full_disk_is_named_and_the_store_goes_on_when_there_is_room() {
    let disk = Disk::new(io::ErrorKind::StorageFull);
    let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
    disk.fails_after(0);
    let full = done(store.commit(vec![save(1, "a.example", 1)])).unwrap_err();
    assert!(full.to_string().contains("the disk is full"), "{full}");
    drop(store);
    let mut store = open(&disk);
    assert_eq!(done(store.lookup(&id(1))), Ok(None));
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
}

/// Nobody has to open it again: the next change does.
#[test]
fn a_store_whose_disk_failed_goes_on_when_the_disk_does() {
    for operations in 0..12 {
        let disk = Disk::new(io::ErrorKind::StorageFull);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        disk.fails_after(operations);
        let full = done(store.commit(vec![save(2, "a.example", 2)]));
        let again = done(store.commit(vec![save(2, "a.example", 2)]));
        if full.is_err() {
            assert!(again.unwrap_err().to_string().contains("disk is full"), "{operations}");
        }
        disk.fails_after(i64::MAX);
        assert!(done(store.lookup(&id(1))).unwrap().is_some(), "after {operations} operations");
        done(store.commit(vec![save(3, "a.example", 3)])).unwrap();
        assert!(done(store.lookup(&id(3))).unwrap().is_some());
        let clone = store.clone();
        drop(store);
        drop(clone);
        assert!(done(open(&disk).lookup(&id(3))).unwrap().is_some());
    }
}

#[test]
fn a_disk_that_became_read_only_is_named() {
    for error in [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
        let disk = Disk::new(error);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        disk.fails_after(0);
        let refused = done(store.commit(vec![save(2, "a.example", 2)])).unwrap_err();
        assert!(refused.to_string().contains("whether the disk is read-only"), "{refused}");
        assert!(store.change_key(&passphrase("new")).is_err());
        disk.fails_after(i64::MAX);
        assert!(done(store.lookup(&id(1))).unwrap().is_some());
        drop(store);
        assert!(done(open(&disk).lookup(&id(2))).unwrap().is_none());
    }
}

#[test]
fn storage_that_fails_while_a_store_is_made_gives_no_store() {
    for operations in 0..5 {
        let disk = Disk::new(io::ErrorKind::Other);
        disk.fails_after(operations);
        Store::create_on(disk.clone(), &key(), &provider()).unwrap_err();
        disk.fails_after(i64::MAX);
        assert!(Store::open_on(disk, &key(), &provider()).is_err());
    }
}

/// Once more only when the file has to grow first.
#[test]
fn a_change_waits_for_the_disk_once() {
    let disk = Disk::new(io::ErrorKind::Other);
    let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
    let mut grown = 0;
    for number in 1..100 {
        let before = (disk.syncs(), disk.len().unwrap());
        done(store.commit(vec![save(number, "a.example", number)])).unwrap();
        let grew = i64::from(disk.len().unwrap() != before.1);
        assert_eq!(disk.syncs() - before.0, 1 + grew);
        grown += grew;
    }
    assert!(grown < 5, "{grown}");
}

/// By what opens it before or after, with all of it or none: and so for whoever has it open, when
/// the disk goes on.
#[test]
fn whenever_the_disk_fails_a_reset_or_a_reseal_is_done_or_is_not() {
    for reset in [true, false] {
        let (mut failures, mut done_after_all) = (0, 0);
        for operations in 0..45 {
            let disk = Disk::new(io::ErrorKind::Other);
            let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
            done(store.commit(vec![save(1, "a.example", 1), retries(8)])).unwrap();
            let before = told(&mut store);
            let other = towline_store::KeySource::Key(towline_crypto::Secret::new([9; 32]));
            disk.fails_after(operations);
            let changed = if reset {
                done(store.clear()).map_err(drop)
            } else {
                store.reseal(&other).map_err(drop)
            };
            disk.fails_after(i64::MAX);
            let now = told(&mut store);
            let emptied = done(store.lookup(&id(1))).unwrap().is_none();
            assert!(emptied == reset || now == before, "in part, after {operations}");
            assert!(changed.is_err() || !reset || emptied, "after {operations}");
            failures += i32::from(changed.is_err());
            done_after_all += i32::from(changed.is_err() && reset && emptied);
            // It goes on under whatever it is sealed with.
            done(store.commit(vec![save(2, "b.example", 2)])).unwrap();
            let now = told(&mut store);
            drop(store);
            let opened = Store::open_on(disk.clone(), &key(), &provider());
            let opened = if reset {
                opened
            } else {
                opened.or_else(|_| Store::open_on(disk, &other, &provider()))
            };
            assert_eq!(told(&mut opened.unwrap()), now, "after {operations}");
        }
        assert!((5..45).contains(&failures), "{failures}");
        println!("reset {reset}: {failures} failures, {done_after_all} of them done after all");
    }
}
