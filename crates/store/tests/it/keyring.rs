//! The system's keyring: what opens the store is there, and when it is lost the store is not taken
//! for an empty one.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
};

use towline_authenticator::CredentialStore as _;
use towline_crypto::Secret;
use towline_store::{Error, KeySource, Keyring, Store};

use crate::support::*;

#[derive(Debug, Default)]
struct Pretend {
    entries: Mutex<HashMap<String, Secret<32>>>,
    locked: Mutex<bool>,
}

impl Pretend {
    fn unlocked(&self) -> Result<(), String> {
        if *self.locked.lock().unwrap() { Err("it is locked".to_owned()) } else { Ok(()) }
    }
}

impl Keyring for Pretend {
    fn get(&self, name: &str) -> Result<Option<Secret<32>>, String> {
        self.unlocked()?;
        Ok(self.entries.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, key: &Secret<32>) -> Result<(), String> {
        self.unlocked()?;
        let before = self.entries.lock().unwrap().insert(name.to_owned(), key.clone());
        assert!(before.is_none(), "{name} was in use");
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        self.unlocked()?;
        self.entries.lock().unwrap().remove(name);
        Ok(())
    }
}

#[test]
fn the_store_is_opened_by_its_own_entry() {
    let (provider, place, ring) = (provider(), Place::new(), Arc::new(Pretend::default()));
    let source = KeySource::Keyring(ring.clone());
    for name in ["one", "two"] {
        let path = place.directory().join(name);
        let mut store = Store::create(&path, &source, &provider).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    }
    assert_eq!(ring.entries.lock().unwrap().len(), 2);
    for name in ["one", "two"] {
        let mut store = Store::open(&place.directory().join(name), &source, &provider).unwrap();
        assert!(done(store.lookup(&id(1))).unwrap().is_some());
    }
}

#[test]
fn a_lost_or_locked_keyring_is_an_error_that_names_the_way_out_and_never_a_new_store() {
    let (provider, place, ring) = (provider(), Place::new(), Arc::new(Pretend::default()));
    let source = KeySource::Keyring(ring.clone());
    drop(Store::create(&place.file(), &source, &provider).unwrap());
    let before = fs::read(place.file()).unwrap();
    *ring.locked.lock().unwrap() = true;
    let locked = Store::open(&place.file(), &source, &provider).unwrap_err();
    assert_eq!(locked, Error::Keyring("it is locked".to_owned()));
    let elsewhere = place.directory().join("elsewhere");
    assert_eq!(Store::create(&elsewhere, &source, &provider).unwrap_err(), locked);
    assert!(!elsewhere.exists());
    *ring.locked.lock().unwrap() = false;
    let entries = std::mem::take(&mut *ring.entries.lock().unwrap());
    let lost = Store::open(&place.file(), &source, &provider).unwrap_err();
    assert!(matches!(lost, Error::KeyringEntryMissing(_)), "{lost:?}");
    assert!(lost.to_string().contains("restore a backup"), "{lost}");
    assert_eq!(fs::read(place.file()).unwrap().len(), before.len());
    *ring.entries.lock().unwrap() = entries;
    Store::open(&place.file(), &source, &provider).unwrap();
}

#[test]
fn a_store_moves_into_the_keyring_and_out_of_it() {
    let (provider, place, ring) = (provider(), Place::new(), Arc::new(Pretend::default()));
    let source = KeySource::Keyring(ring);
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    store.change_key(&source).unwrap();
    drop(store);
    assert!(matches!(place.open(), Err(Error::OtherKind("a key in the system's keyring"))));
    let mut store = Store::open(&place.file(), &source, &provider).unwrap();
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
    store.change_key(&key()).unwrap();
    drop(store);
    place.open().unwrap();
}

#[test]
fn a_store_that_could_not_be_made_leaves_no_entry_behind() {
    let (provider, place, ring) = (provider(), Place::new(), Arc::new(Pretend::default()));
    let source = KeySource::Keyring(ring.clone());
    fs::write(place.file(), b"something else").unwrap();
    Store::create(&place.file(), &source, &provider).unwrap_err();
    let nowhere = place.directory().join("nowhere/passkeys");
    Store::create(&nowhere, &source, &provider).unwrap_err();
    for operations in 0..6 {
        let disk = crate::failing::Disk::new(std::io::ErrorKind::StorageFull);
        disk.fails_after(operations);
        Store::create_on(disk, &source, &provider).unwrap_err();
    }
    let store = place.directory().join("good");
    let store = Store::create(&store, &source, &provider).unwrap();
    // Nor does a way to open it that could not be written, or a backup.
    assert_eq!(ring.entries.lock().unwrap().len(), 1);
    drop(store);
}
