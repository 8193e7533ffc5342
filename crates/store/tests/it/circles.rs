//! What a device is in a circle, kept in one commit with the passkeys that it is about.

use std::io;

use towline_authenticator::{Change, CredentialStore as _, Feed, FeedCursor, Replaces};
use towline_store::{Backup, CircleChange, Conflicts, Error, KeptCircle, Repaired, Store};

use crate::{failing::Disk, support::*};

/// The place in the feed of a store of which all is known.
fn end(store: &mut Store) -> FeedCursor {
    match done(store.changes(None, 1)).unwrap() {
        Feed::StartOver { from } => from,
        Feed::Since { end, .. } => end,
    }
}

fn change(record: &[u8], told: FeedCursor) -> CircleChange<'_> {
    CircleChange { record: Some(record), device: None, changes: vec![], elsewhere: &[], told }
}

fn merged(number: u8) -> Vec<Change> {
    let credential = Box::new(credential(number, "merged.example", number));
    vec![Change::Save { credential, replaces: Replaces::Nothing }]
}

#[test]
fn a_circle_is_kept_with_the_passkeys_that_it_merged() {
    let place = Place::new();
    let mut store = place.create();
    assert_eq!(store.circle(), Ok(None));
    store.begin_circle(b"device", b"record 1").unwrap();
    let KeptCircle { device, record, told } = store.circle().unwrap().unwrap();
    assert_eq!((&device[..], &record[..], told), (&b"device"[..], &b"record 1"[..], None));

    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    let told = end(&mut store);
    let ids = [id(1), id(9)];
    let changes = merged(2);
    let with = CircleChange { changes, elsewhere: &ids, ..change(b"record 2", told) };
    let told = store.keep_circle(with).unwrap().expect("it knew everything");
    // What the circle did itself is nothing that it has to be told.
    assert_eq!(told, end(&mut store));
    drop(store);
    let mut store = place.open().unwrap();
    let kept = store.circle().unwrap().unwrap();
    assert_eq!((&kept.record[..], kept.told), (&b"record 2"[..], Some(told)));
    assert!(done(store.lookup(&id(2))).unwrap().is_some());
    let first = done(store.lookup(&id(1))).unwrap().unwrap();
    assert!(first.backed_up && first.never_counts, "it is elsewhere, too");
    assert_eq!(first.revision, 0, "which is no change of it");
}

#[test]
fn nothing_is_kept_by_a_circle_that_does_not_know_of_every_change() {
    let place = Place::new();
    let mut store = place.create();
    store.begin_circle(b"device", b"record 1").unwrap();
    let told = end(&mut store);
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    let with = CircleChange { changes: merged(2), ..change(b"record 2", told) };
    assert_eq!(store.keep_circle(with), Ok(None));
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    assert_eq!(&store.circle().unwrap().unwrap().record[..], b"record 1");
}

#[test]
fn a_store_that_was_reset_belongs_to_no_circle() {
    let place = Place::new();
    let mut store = place.create();
    store.begin_circle(b"device", b"record").unwrap();
    done(store.clear()).unwrap();
    let told = end(&mut store);
    assert_eq!(store.keep_circle(change(b"record", told)), Err(Error::NoCircle));
    assert_eq!(store.circle(), Ok(None));
}

#[test]
fn a_backup_is_no_second_device() {
    let (place, other) = (Place::new(), Place::new());
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    store.begin_circle(b"device", b"record").unwrap();
    let told = end(&mut store);
    store.keep_circle(change(b"record", told)).unwrap().unwrap();
    let mut bytes = Vec::new();
    let contents = store.backup(&mut bytes, &key()).unwrap();
    assert_eq!(contents.left_out, [""; 0]);
    let restored = other.create();
    let mut backup = Backup::open(io::Cursor::new(bytes), &key(), &provider()).unwrap();
    restored.restore(&mut backup, Conflicts::Keep).unwrap();
    assert_eq!(restored.circle(), Ok(None));
}

/// Otherwise what the damage took would be deleted on all other devices.
#[test]
fn after_a_repair_it_is_not_known_what_the_circle_was_told() {
    let place = Place::new();
    let mut store = place.create();
    for number in [1, 2] {
        done(store.commit(vec![save(number, "a.example", number)])).unwrap();
    }
    store.begin_circle(b"device", b"record").unwrap();
    let told = end(&mut store);
    store.keep_circle(change(b"record", told)).unwrap().unwrap();
    drop(store);
    edit(&place, |change| {
        let mut rows = change.open_table(table("3.credentials")).unwrap();
        rows.remove(&0_u64.to_be_bytes()[..]).unwrap();
    });
    assert_eq!(Repaired::of(&place.file(), &key(), &provider()).unwrap().credentials, 1);
    let kept = place.open().unwrap().circle().unwrap().unwrap();
    assert_eq!((&kept.record[..], kept.told), (&b"record"[..], None));
}

#[test]
fn whenever_the_disk_fails_the_circle_and_its_passkeys_are_both_changed_or_neither() {
    for torn in [false, true] {
        let mut failures = 0;
        for operations in 0.. {
            let disk = Disk::torn(torn);
            let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
            done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
            store.begin_circle(b"device", b"record 1").unwrap();
            let told = end(&mut store);
            disk.fails_after(operations);
            let ids = [id(1)];
            let changes = merged(2);
            let with = CircleChange { changes, elsewhere: &ids, ..change(b"record 2", told) };
            let result = store.keep_circle(with);
            drop(store);
            disk.fails_after(i64::MAX);
            let mut store = Store::open_on(disk, &key(), &provider()).unwrap();
            let kept = store.circle().unwrap().unwrap();
            let merged = done(store.lookup(&id(2))).unwrap().is_some();
            let elsewhere = done(store.lookup(&id(1))).unwrap().unwrap().backed_up;
            let now = (&kept.record[..] == b"record 2", merged, elsewhere, kept.told.is_some());
            let all = [(true, true, true, true), (false, false, false, false)];
            assert!(all.contains(&now), "in part, after {operations}: {now:?}");
            assert!(result.is_err() || merged, "acknowledged and lost after {operations}");
            failures += i32::from(result.is_err());
            if result.is_ok() && operations > i64::from(failures) + 10 {
                break;
            }
        }
        assert!(failures > 3, "{failures}");
    }
}
