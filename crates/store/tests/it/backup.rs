//! Backups: everything is in them, nobody reads them, none is used that is not whole, and nothing
//! newer is lost to one.

use std::{
    fs,
    io::{self, Cursor, Write},
};

use proptest::prelude::*;
use towline_authenticator::{Change, Counter, CredentialStore as _, Record, Replaces, StoreError};
use towline_store::{Backup, Conflicts, Error, Restored, Store};
use zeroize::Zeroizing;

use crate::{failing::Disk, support::*};

/// A store with a bit of everything.
fn filled(place: &Place) -> Store {
    let mut store = place.create();
    for number in 1..=9 {
        let site = ["a.example", "b.example"][usize::from(number % 2)];
        done(store.commit(vec![save(number, site, number)])).unwrap();
        for _ in 0..number {
            done(store.count(Counter::Of(id(number)))).unwrap();
        }
    }
    let pin = Change::Record { record: Record::Pin, value: Some(Zeroizing::new(vec![7; 17])) };
    // What is to be deleted here stays here.
    let unneeded =
        Change::Record { record: Record::UnneededKeys, value: Some(Zeroizing::new(vec![0x80])) };
    done(store.commit(vec![pin, retries(5), unneeded])).unwrap();
    for _ in 0..4 {
        done(store.count(Counter::Global)).unwrap();
    }
    store
}

fn backup(store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    let contents = store.backup(&mut bytes, &key()).unwrap();
    assert_eq!((contents.left_out.len(), contents.records), (0, 2));
    bytes
}

fn open(bytes: &[u8]) -> Result<Backup<Cursor<Vec<u8>>>, Error> {
    Backup::open(Cursor::new(bytes.to_vec()), &key(), &provider())
}

fn next_counters(store: &mut Store) -> Vec<u32> {
    let mut counters: Vec<_> =
        (1..=9).map(|number| done(store.count(Counter::Of(id(number)))).unwrap()).collect();
    counters.push(done(store.count(Counter::Global)).unwrap());
    counters
}

#[test]
fn everything_is_brought_back_in_the_order_in_which_it_was_made() {
    let (from, to) = (Place::new(), Place::new());
    let mut store = filled(&from);
    let bytes = backup(&store);
    let mut restored = to.create();
    let mut backup = open(&bytes).unwrap();
    assert_eq!((backup.contents().credentials, backup.contents().records), (9, 2));
    let outcome = restored.restore(&mut backup, Conflicts::Keep).unwrap();
    assert_eq!(outcome.added, 11);
    assert_eq!(told(&mut restored), told(&mut store));
    assert_eq!(next_counters(&mut restored), next_counters(&mut store));
    drop(restored);
    assert_eq!(told(&mut to.open().unwrap()), told(&mut store));
}

#[test]
fn a_credential_that_comes_back_keeps_its_key() {
    let place = Place::new();
    let mut store = filled(&place);
    let bytes = backup(&store);
    let restored = |store: &mut Store| {
        store.restore(&mut open(&bytes).unwrap(), Conflicts::Keep).unwrap();
        done(store.record(Record::UnneededKeys)).unwrap()
    };
    assert!(restored(&mut store).is_some(), "nothing came back");
    done(store.commit(vec![Change::Remove(id(3))])).unwrap();
    assert!(restored(&mut store).is_none());
}

#[test]
fn long_records_are_in_it_and_endless_ones_are_an_error() {
    let (from, to) = (Place::new(), Place::new());
    let mut store = from.create();
    let blobs = |length: usize| Change::Record {
        record: Record::LargeBlobs,
        value: Some(Zeroizing::new(vec![7; length])),
    };
    done(store.commit(vec![blobs(5 << 20)])).unwrap();
    let mut bytes = Vec::new();
    store.backup(&mut bytes, &key()).unwrap();
    let mut restored = to.create();
    restored.restore(&mut open(&bytes).unwrap(), Conflicts::Keep).unwrap();
    assert_eq!(done(restored.record(Record::LargeBlobs)).unwrap().unwrap().len(), 5 << 20);
    done(store.commit(vec![blobs(64 << 20)])).unwrap();
    let refused = store.backup(io::sink(), &key()).unwrap_err();
    assert!(refused.to_string().contains("too long for a backup"), "{refused}");
}

#[test]
fn a_backup_is_opened_by_what_locked_it_and_says_nothing_to_others() {
    let place = Place::new();
    let mut store = place.create();
    let mut secretive = credential(1, "secret-site.example", 1);
    secretive.user.name = Some("alice@secret-site.example".to_owned());
    let save = Change::Save { credential: Box::new(secretive), replaces: Replaces::Account };
    done(store.commit(vec![save])).unwrap();
    let mut bytes = Vec::new();
    store.backup(&mut bytes, &passphrase("over there")).unwrap();
    for plain in [&b"secret-site"[..], b"alice", &[1; 32]] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
    let open = |source| Backup::open(Cursor::new(&bytes), &source, &provider()).map(drop);
    assert_eq!(open(passphrase("over there")), Ok(()));
    assert_eq!(open(passphrase("over here")), Err(Error::WrongKey));
    assert_eq!(open(key()), Err(Error::OtherKind("a passphrase")));
}

#[test]
fn what_is_in_the_store_stays_unless_the_backup_is_to_replace_it() {
    let (from, place) = (Place::new(), Place::new());
    let bytes = backup(&filled(&from));
    for conflicts in [Conflicts::Keep, Conflicts::Replace] {
        let _ = fs::remove_file(place.file());
        let mut store = place.create();
        // The same passkey under a newer name; another one for an account of the backup; attempts
        // that were used; counters that are ahead.
        let mut renamed = credential(1, "b.example", 1);
        renamed.user.name = Some("a newer name".to_owned());
        let save_renamed =
            Change::Save { credential: Box::new(renamed), replaces: Replaces::Account };
        done(store.commit(vec![save_renamed, save(15, "a.example", 2), retries(1)])).unwrap();
        for _ in 0..50 {
            done(store.count(Counter::Of(id(1)))).unwrap();
            done(store.count(Counter::Global)).unwrap();
        }
        let restored = store.restore(&mut open(&bytes).unwrap(), conflicts).unwrap();
        let name = |store: &mut Store, number| {
            done(store.lookup(&id(number))).unwrap().map(|found| found.user.name.unwrap())
        };
        let (first, second, other) =
            (name(&mut store, 1).unwrap(), name(&mut store, 2), name(&mut store, 15));
        if conflicts == Conflicts::Keep {
            assert_eq!((restored.kept, restored.replaced, restored.added), (3, 0, 8));
            assert_eq!(first, "a newer name");
            assert!(second.is_none() && other.is_some());
        } else {
            assert_eq!((restored.kept, restored.replaced, restored.added), (1, 2, 8));
            assert_eq!(first, "user 1");
            assert!(second.is_some() && other.is_none());
        }
        let left = done(store.record(Record::PinRetries)).unwrap().unwrap();
        assert_eq!(*left, [1], "attempts don't come back");
        assert_eq!(done(store.count(Counter::Of(id(1)))), Ok(51), "counters don't go back");
        assert_eq!(done(store.count(Counter::Global)), Ok(51));
    }
}

#[test]
fn restored_twice_nothing_changes_the_second_time() {
    let (from, to) = (Place::new(), Place::new());
    let bytes = backup(&filled(&from));
    let mut store = to.create();
    store.restore(&mut open(&bytes).unwrap(), Conflicts::Keep).unwrap();
    let before = told(&mut store);
    for conflicts in [Conflicts::Keep, Conflicts::Replace] {
        let again = store.restore(&mut open(&bytes).unwrap(), conflicts).unwrap();
        assert_eq!((again.same, again.added, again.kept, again.replaced), (11, 0, 0, 0));
        assert_eq!(told(&mut store), before);
    }
}

#[test]
fn a_damaged_passkey_is_left_out_of_a_backup_and_brought_back_from_an_older_one() {
    let place = Place::new();
    let bytes = backup(&filled(&place));
    damage_first_credential(&place);
    let mut store = place.open().unwrap();
    assert_eq!(store.backup(io::sink(), &key()).unwrap().left_out, ["passkey 0"]);
    assert!(matches!(done(store.lookup(&id(1))), Err(StoreError::Unavailable(_))));
    let restored = store.restore(&mut open(&bytes).unwrap(), Conflicts::Keep).unwrap();
    assert_eq!((restored.added, restored.same), (1, 10));
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
}

fn damage_first_credential(place: &Place) {
    damage(place, "credentials", &0_u64.to_be_bytes());
}

#[test]
fn a_backup_that_is_cut_off_anywhere_or_goes_on_is_refused() {
    let bytes = backup(&filled(&Place::new()));
    for length in 0..bytes.len() {
        let refused = open(&bytes[..length]).unwrap_err();
        let named = matches!(refused, Error::BackupDamaged(_) | Error::NoBackup);
        assert!(named, "{length}: {refused}");
    }
    for more in [&[0][..], &[0; 4], &[0, 0, 0, 40], &[0; 100]] {
        assert!(matches!(open(&[&bytes[..], more].concat()), Err(Error::BackupDamaged(_))));
    }
}

#[test]
fn one_wrong_bit_anywhere_is_refused() {
    let bytes = backup(&filled(&Place::new()));
    for place in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[place] ^= 1 << (place % 8);
        assert!(open(&wrong).is_err(), "byte {place}");
    }
    let mut newer = bytes;
    newer[15] = 2;
    assert_eq!(open(&newer).unwrap_err(), Error::NewerBackup(2));
}

/// Its chunks, each with its length.
fn chunks(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let head = 18 + usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let (mut rest, mut chunks) = (&bytes[head..], Vec::new());
    while let Some((length, _)) = rest.split_first_chunk() {
        let (chunk, after) = rest.split_at(4 + u32::from_be_bytes(*length) as usize);
        chunks.push(chunk.to_vec());
        rest = after;
    }
    (bytes[..head].to_vec(), chunks)
}

#[test]
fn parts_that_are_moved_missing_repeated_or_from_elsewhere_are_refused() {
    let place = Place::new();
    let mut store = place.create();
    let many = (0..20_000_u32).map(|number| {
        let mut one = credential(1, "a.example", 1);
        one.id = towline_ctap::CredentialId::new(&number.to_be_bytes().repeat(8)).unwrap();
        one.user.id = towline_ctap::UserHandle::new(&number.to_be_bytes()).unwrap();
        Change::Save { credential: Box::new(one), replaces: Replaces::Account }
    });
    done(store.commit(many.collect())).unwrap();
    let (mut bytes, mut other) = (Vec::new(), Vec::new());
    store.backup(&mut bytes, &key()).unwrap();
    store.backup(&mut other, &key()).unwrap();
    let (head, parts) = chunks(&bytes);
    assert!(parts.len() > 20, "{}", parts.len());
    assert!(parts.iter().all(|part| part.len() < 70_000), "no side holds more than a chunk");
    let refused = |parts: Vec<Vec<u8>>| {
        let bytes = [head.clone(), parts.concat()].concat();
        assert!(matches!(open(&bytes), Err(Error::BackupDamaged(_))));
    };
    let mut moved = parts.clone();
    moved.swap(3, 4);
    refused(moved);
    let mut missing = parts.clone();
    missing.remove(3);
    refused(missing);
    let mut repeated = parts.clone();
    repeated.insert(3, parts[3].clone());
    refused(repeated);
    let mut elsewhere = parts.clone();
    elsewhere[3].clone_from(&chunks(&other).1[3]);
    refused(elsewhere);
    let mut without_the_last = parts.clone();
    without_the_last.pop();
    refused(without_the_last);

    let to = Place::new();
    let restored = to.create().restore(&mut open(&bytes).unwrap(), Conflicts::Keep).unwrap();
    assert_eq!(restored.added, 20_000);
}

/// What is verified is not what is read the second time: the file was changed in between.
#[test]
fn a_backup_that_changes_after_it_was_verified_changes_nothing() {
    let bytes = backup(&filled(&Place::new()));
    let place = Place::new();
    let file = place.directory().join("changing");
    fs::write(&file, &bytes).unwrap();
    let mut opened = Backup::open(fs::File::open(&file).unwrap(), &key(), &provider()).unwrap();
    let mut wrong = bytes;
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    fs::write(&file, &wrong).unwrap();
    let mut store = place.create();
    done(store.commit(vec![save(11, "a.example", 11)])).unwrap();
    let before = told(&mut store);
    assert!(matches!(store.restore(&mut opened, Conflicts::Replace), Err(Error::BackupDamaged(_))));
    assert_eq!(told(&mut store), before);
}

#[test]
fn whenever_the_disk_fails_a_restore_is_whole_or_has_not_happened() {
    let bytes = backup(&filled(&Place::new()));
    let (mut failures, mut whole) = (0, false);
    for operations in 0.. {
        let disk = Disk::new(io::ErrorKind::StorageFull);
        let mut store = Store::create_on(disk.clone(), &key(), &provider()).unwrap();
        done(store.commit(vec![save(11, "a.example", 11)])).unwrap();
        let before = told(&mut store);
        disk.fails_after(operations);
        let result = store.restore(&mut open(&bytes).unwrap(), Conflicts::Keep);
        disk.fails_after(i64::MAX);
        drop(store);
        let mut store = Store::open_on(disk, &key(), &provider()).unwrap();
        let number = done(store.lookup(&id(9))).unwrap();
        match result {
            Ok(Restored { added, .. }) => {
                assert_eq!(added, 11);
                assert!(number.is_some());
                whole = true;
            }
            Err(error) => {
                assert_eq!(error, Error::DiskFull);
                assert!(number.is_some() || told(&mut store) == before, "in part");
                failures += 1;
            }
        }
        if whole {
            break;
        }
    }
    assert!(failures > 3, "{failures}");
}

#[test]
fn a_backup_file_is_made_whole_for_its_owner_and_over_no_other() {
    let place = Place::new();
    let store = filled(&place);
    let path = place.directory().join("passkeys.backup");
    store.backup_file(&path, &key()).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(store.backup_file(&path, &key()).unwrap_err(), Error::Exists(path.clone()));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    open(&bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let names = fs::read_dir(place.directory()).unwrap().count();
    assert_eq!(names, 4, "the store, its pid, what was seen of it, and the backup");
}

#[test]
fn a_place_that_can_not_be_written_to_is_an_error_and_no_backup() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.0.min(bytes.len());
            self.0 -= room;
            if room == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(room) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let place = Place::new();
    let store = filled(&place);
    let whole = backup(&store).len();
    for room in [0, 10, 100, whole - 1] {
        assert_eq!(store.backup(Full(room), &key()).unwrap_err(), Error::DiskFull, "{room}");
    }
    store.backup(Full(whole + 100), &key()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_any_kind_are_refused(bytes: Vec<u8>, begins_as_one: bool) {
        let magic: &[u8] = if begins_as_one { b"towline-backup\n\x01" } else { &[] };
        prop_assert!(open(&[magic, &bytes].concat()).is_err());
    }
}
