//! What a device is in a circle, kept in one commit with the passkeys that it is about.

use std::{collections::BTreeMap, io};

use redb::ReadableTable as _;
use towline_authenticator::{Change, CredentialStore as _, Feed, FeedCursor, Replaces};
use towline_ctap::CredentialId;
use towline_store::{Backup, CircleChange, Conflicts, Error, KeptCircle, Repaired, Store};
use zeroize::Zeroizing;

use crate::{failing::Disk, support::*};

/// The place in the feed of a store of which all is known.
fn end(store: &mut Store) -> FeedCursor {
    match done(store.changes(None, 1)).unwrap() {
        Feed::StartOver { from } => from,
        Feed::Since { end, .. } => end,
    }
}

type Rows = BTreeMap<String, String>;

/// Rows that are kept, or go.
fn keep(
    store: &Store,
    rows: &[(&str, Option<&str>)],
    (changes, elsewhere): (Vec<Change>, &[CredentialId]),
    told: FeedCursor,
) -> Result<Option<FeedCursor>, Error> {
    let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let mut rows = rows.iter().map(|(key, value)| (bytes(key).to_vec(), value.map(bytes)));
    let (rows, before, device) = (&mut rows, b"device", b"device");
    store.keep_circle(CircleChange { rows, before, device, changes, elsewhere, told })
}

/// Nothing but the rows.
const ALONE: (Vec<Change>, &[CredentialId]) = (Vec::new(), &[]);

fn begin(store: &Store, rows: &[(&str, &str)]) {
    let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let rows = rows.iter().map(|(key, value)| (bytes(key).to_vec(), bytes(value)));
    store.begin_circle(b"device", rows).unwrap();
}

fn kept(store: &Store) -> (Rows, Option<FeedCursor>) {
    let KeptCircle { device, rows, told } = store.circle().unwrap().unwrap();
    assert_eq!(&device[..], b"device");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (rows.iter().map(|(key, value)| (text(key), text(value))).collect(), told)
}

fn rows<const N: usize>(rows: [(&str, &str); N]) -> Rows {
    rows.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
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
    begin(&store, &[("", "head 1"), ("a", "1"), ("b", "1"), ("c", "")]);
    let begun = rows([("", "head 1"), ("a", "1"), ("b", "1"), ("c", "")]);
    assert_eq!(kept(&store), (begun, None));

    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    let told = end(&mut store);
    let ids = [id(1), id(9)];
    let changed = [("", Some("head 2")), ("a", None), ("b", Some("2")), ("d", Some("1"))];
    let told = keep(&store, &changed, (merged(2), &ids), told).unwrap();
    let told = told.expect("it knew everything");
    // What the circle did itself is nothing that it has to be told.
    assert_eq!(told, end(&mut store));
    drop(store);
    let mut store = place.open().unwrap();
    let others = rows([("", "head 2"), ("b", "2"), ("c", ""), ("d", "1")]);
    assert_eq!(kept(&store), (others.clone(), Some(told)));
    store.reseal(&key()).unwrap();
    assert_eq!(kept(&store).0, others, "found by other hashes");
    assert_eq!(store.check().unwrap().damaged, [""; 0]);
    assert!(done(store.lookup(&id(2))).unwrap().is_some());
    let first = done(store.lookup(&id(1))).unwrap().unwrap();
    assert!(first.backed_up && first.never_counts, "it is elsewhere, too");
    assert_eq!(first.revision, 0, "which is no change of it");
}

#[test]
fn nothing_is_kept_by_a_circle_that_does_not_know_of_every_change() {
    let place = Place::new();
    let mut store = place.create();
    begin(&store, &[("", "head 1")]);
    let told = end(&mut store);
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    assert_eq!(keep(&store, &[("", Some("head 2"))], (merged(2), &[]), told), Ok(None));
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
    assert_eq!(kept(&store).0, rows([("", "head 1")]));
}

#[test]
fn a_store_that_was_reset_belongs_to_no_circle() {
    let place = Place::new();
    let mut store = place.create();
    begin(&store, &[("", "head")]);
    done(store.clear()).unwrap();
    let told = end(&mut store);
    assert_eq!(keep(&store, &[("", Some("head"))], ALONE, told), Err(Error::NoCircle));
    assert_eq!(store.circle(), Ok(None));
}

/// Somebody still syncs the one that it was in before.
#[test]
fn two_circles_are_not_mixed() {
    let place = Place::new();
    let mut store = place.create();
    store.begin_circle(b"of another", [(b"a".to_vec(), b"1".to_vec().into())].into_iter()).unwrap();
    let told = end(&mut store);
    assert_eq!(keep(&store, &[("a", Some("2"))], (merged(2), &[]), told), Err(Error::NoCircle));
    let kept = store.circle().unwrap().unwrap();
    assert_eq!((&kept.device[..], &*kept.rows[0].1), (&b"of another"[..], &b"1".to_vec()));
    assert_eq!(done(store.lookup(&id(2))), Ok(None));
}

#[test]
fn a_backup_is_no_second_device() {
    let (place, other) = (Place::new(), Place::new());
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    begin(&store, &[("", "head")]);
    let told = end(&mut store);
    keep(&store, &[("a", Some("1"))], ALONE, told).unwrap().unwrap();
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
    begin(&store, &[("", "head")]);
    let told = end(&mut store);
    keep(&store, &[("a", Some("1"))], ALONE, told).unwrap().unwrap();
    drop(store);
    edit(&place, |change| {
        let mut rows = change.open_table(table("3.credentials")).unwrap();
        rows.remove(&0_u64.to_be_bytes()[..]).unwrap();
    });
    assert_eq!(Repaired::of(&place.file(), &key(), &provider()).unwrap().credentials, 1);
    assert_eq!(kept(&place.open().unwrap()), (rows([("", "head"), ("a", "1")]), None));
}

/// What a row says can't be told from what the others say: all of it is there, or the device joins
/// its circle again.
#[test]
fn a_circle_of_which_a_row_is_lost_is_never_taken_for_the_whole() {
    type Edit = fn(&mut redb::Table<'_, &'static [u8], &'static [u8]>, &[u8]);
    let lost: Edit = |rows, key| drop(rows.remove(key).unwrap());
    let damaged: Edit = |rows, key| {
        let mut bytes = rows.get(key).unwrap().unwrap().value().to_vec();
        bytes[12] ^= 1;
        rows.insert(key, &bytes[..]).unwrap();
    };
    for (edit_row, whole) in [(lost, false), (damaged, true)] {
        let place = Place::new();
        let mut store = place.create();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        begin(&store, &[("", "head"), ("a", "1"), ("b", "2")]);
        drop(store);
        edit(&place, |change| {
            let mut rows = change.open_table(table("6.circle")).unwrap();
            let key = rows.first().unwrap().unwrap().0.value().to_vec();
            edit_row(&mut rows, &key);
        });
        let what = "what is known of the circle of devices";
        match place.open() {
            Ok(store) if whole => {
                assert_eq!(store.check().unwrap().damaged, [what]);
                let error = store.circle().unwrap_err();
                assert!(matches!(&error, Error::DamagedPart(part) if part.ends_with(what)));
            }
            Ok(_) => panic!("a lost row was not noticed"),
            Err(error) => assert!(!whole && matches!(error, Error::Damaged(_)), "{error}"),
        }
        let repaired = Repaired::of(&place.file(), &key(), &provider()).unwrap();
        assert_eq!((repaired.credentials, &*repaired.lost), (1, &[what.to_owned()][..]));
        let store = place.open().unwrap();
        assert_eq!(store.circle(), Ok(None), "not a part of it");
        assert_eq!(store.prepared_circle().unwrap().as_deref(), Some(&b"device".to_vec()));
        let checked = store.check().unwrap();
        assert_eq!((checked.credentials, &*checked.damaged), (1, &[][..]));
    }
}

/// What a circle of fifty thousand passkeys has, and one passkey more: rows as long as
/// towline-sync gives them.
#[test]
fn what_is_written_for_a_change_does_not_grow_with_the_circle() {
    let written = |count: u32| {
        let disk = Disk::new(io::ErrorKind::Other);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        let row = |number: u32, length| {
            let key = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            (key.to_be_bytes().to_vec(), Zeroizing::new(vec![0x55; length]))
        };
        store.begin_circle(b"device", (0..count).map(|number| row(number, 410))).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        let (told, so_far) = (end(&mut store), disk.written());
        let rows = [row(count, 410), row(count + 1, 800), row(count + 2, 800), row(0, 1000)];
        let mut rows = rows.into_iter().map(|(key, value)| (key, Some(value)));
        let (rows, before, device) = (&mut rows, b"device", b"device");
        let change =
            CircleChange { rows, before, device, changes: merged(2), elsewhere: &[], told };
        store.keep_circle(change).unwrap().unwrap();
        disk.written() - so_far
    };
    let (few, many) = (written(50), written(50_000));
    println!("{few} bytes with 50 passkeys, {many} with 50 000");
    assert!(many <= 256 << 10, "{many} bytes");
}

#[test]
fn whenever_the_disk_fails_the_circle_and_its_passkeys_are_both_changed_or_neither() {
    for torn in [false, true] {
        let mut failures = 0;
        for operations in 0.. {
            let disk = Disk::torn(torn);
            let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
            done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
            begin(&store, &[("", "head 1"), ("a", "1")]);
            let told = end(&mut store);
            disk.fails_after(operations);
            let ids = [id(1)];
            let changed = [("", Some("head 2")), ("a", None), ("b", Some("1"))];
            let result = keep(&store, &changed, (merged(2), &ids), told);
            drop(store);
            disk.fails_after(i64::MAX);
            let mut store = Store::open_on(disk, &key(), &provider()).unwrap();
            let (kept, told) = kept(&store);
            let merged = done(store.lookup(&id(2))).unwrap().is_some();
            let elsewhere = done(store.lookup(&id(1))).unwrap().unwrap().backed_up;
            let now =
                (kept == rows([("", "head 2"), ("b", "1")]), merged, elsewhere, told.is_some());
            let before = kept == rows([("", "head 1"), ("a", "1")]);
            assert_ne!(now.0, before, "in part, after {operations}: {kept:?}");
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
