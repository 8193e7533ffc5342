//! A disk that is really full: a file system in memory of a few hundred kilobytes, where this
//! process may mount one.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use towline_authenticator::{CredentialStore as _, Record};
use towline_store::{Conflicts, Error, Store};

use crate::support::*;

/// Mounted until dropped.
struct Small(Place);

impl Small {
    fn mount(limits: &str) -> Option<Self> {
        let place = Place::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", limits, "tmpfs"])
            .arg(place.directory())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(place));
        }
        eprintln!("NOT RUN: a disk that is really full, since this process may not mount one");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.directory()).status();
    }
}

/// Takes all the room that is left.
fn fill(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    path
}

#[test]
fn nothing_is_lost_and_the_next_change_works_when_there_is_room() {
    let Some(small) = Small::mount("size=512k") else { return };
    let place = &small.0;
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    let filler = fill(place.directory());
    let mut refused = 0;
    // There may be room in the file for some more.
    for number in (2..200).filter(|number| number % 4 != 0) {
        match done(store.commit(vec![save(number, "b.example", number)])) {
            Ok(()) => {}
            Err(error) => {
                assert!(error.to_string().contains("the disk is full"), "{error}");
                refused += 1;
            }
        }
        assert!(done(store.lookup(&id(1))).unwrap().is_some());
    }
    assert!(refused > 100, "{refused}");
    let backup = place.directory().join("backup");
    assert_eq!(store.backup_file(&backup, &key()), Err(Error::DiskFull));
    assert!(!backup.exists());
    let elsewhere = place.directory().join("second");
    assert_eq!(Store::create(&elsewhere, &key(), &provider()).unwrap_err(), Error::DiskFull);
    assert!(!elsewhere.exists());
    let before = told(&mut store);

    fs::remove_file(filler).unwrap();
    assert_eq!(told(&mut store), before);
    done(store.commit(vec![save(201, "a.example", 201)])).unwrap();
    store.backup_file(&backup, &key()).unwrap();
    drop(store);
    let mut store = place.open().unwrap();
    assert!(done(store.lookup(&id(201))).unwrap().is_some());
    let mut backup =
        towline_store::Backup::open(fs::File::open(backup).unwrap(), &key(), &provider()).unwrap();
    let same = store.restore(&mut backup, Conflicts::Keep).unwrap().same;
    assert_eq!(same, backup.contents().credentials);
}

/// The store is opened again after a write that failed, but not another one.
#[test]
fn a_file_that_took_the_place_of_the_store_meanwhile_is_left_alone() {
    let Some(small) = Small::mount("size=512k") else { return };
    let place = &small.0;
    let mut store = place.create();
    let other = place.directory().join("other");
    let mut of_other = Store::create(&other, &passphrase("other"), &provider()).unwrap();
    done(of_other.commit(vec![retries(3)])).unwrap();
    drop(of_other);
    let filler = fill(place.directory());
    let full =
        (2..200).any(|number| done(store.commit(vec![save(number, "a.example", 1)])).is_err());
    assert!(full);
    fs::remove_file(filler).unwrap();
    fs::rename(&other, place.file()).unwrap();
    let refused = done(store.commit(vec![retries(8)])).unwrap_err();
    assert!(refused.to_string().contains("another file has taken its place"), "{refused}");
    drop(store);
    let mut kept = Store::open(&place.file(), &passphrase("other"), &provider()).unwrap();
    assert_eq!(*done(kept.record(Record::PinRetries)).unwrap().unwrap(), [3]);
}

/// There is room for a file, and none for its name.
#[test]
fn a_file_that_can_not_get_its_name_is_not_there_at_all() {
    // The directory is one; a file and a second name of it are two more.
    let Some(small) = Small::mount("nr_inodes=2") else { return };
    let place = &small.0;
    assert_eq!(Store::create(&place.file(), &key(), &provider()).unwrap_err(), Error::DiskFull);
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0, "nothing is left behind");
    let elsewhere = Place::new();
    let store = elsewhere.create();
    let backup = place.directory().join("backup");
    assert_eq!(store.backup_file(&backup, &key()), Err(Error::DiskFull));
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0, "nothing is left behind");
}
