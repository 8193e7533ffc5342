//! Files, what opens them, and who has them open.

use std::fs;

use towline_authenticator::{CredentialStore as _, Work};
use towline_store::{Error, KeySource, Store};

use crate::support::*;

#[test]
fn a_change_is_a_job_and_nothing_has_changed_before_it_is_run() {
    let place = Place::new();
    let mut store = place.create();
    let Work::Later(run) = store.commit(vec![save(1, "a.example", 1)]) else {
        panic!("it blocked")
    };
    assert!(done(store.lookup(&id(1))).unwrap().is_none());
    run().unwrap();
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
}

#[test]
fn each_kind_of_key_opens_its_store_and_no_other_does() {
    let (provider, place) = (provider(), Place::new());
    let sources = [passphrase("correct horse"), place.key_file(), key()];
    for (number, source) in sources.iter().enumerate() {
        let path = place.directory().join(number.to_string());
        let mut store = Store::create(&path, source, &provider).unwrap();
        done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
        drop(store);
        let mut store = Store::open(&path, source, &provider).unwrap();
        assert!(done(store.lookup(&id(1))).unwrap().is_some());
        drop(store);
        for (other, wrong) in sources.iter().enumerate() {
            let opened = Store::open(&path, wrong, &provider);
            assert_eq!(opened.is_ok(), other == number, "{wrong:?} for {source:?}");
        }
    }
    let path = place.directory().join("0");
    let wrong = Store::open(&path, &passphrase("correct house"), &provider).unwrap_err();
    assert_eq!(wrong, Error::WrongKey);
    assert!(wrong.to_string().contains("does not open"), "{wrong}");
}

#[test]
fn what_opens_a_store_is_changed_and_the_old_way_is_no_way_any_more() {
    let (provider, place) = (provider(), Place::new());
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    store.change_key(&passphrase("new")).unwrap();
    drop(store);
    assert_eq!(place.open().unwrap_err(), Error::OtherKind("a passphrase"));
    let mut store = Store::open(&place.file(), &passphrase("new"), &provider).unwrap();
    assert!(done(store.lookup(&id(1))).unwrap().is_some());
}

#[test]
fn a_lost_key_file_is_an_error_and_never_an_empty_store() {
    let (provider, place) = (provider(), Place::new());
    let source = place.key_file();
    drop(Store::create(&place.file(), &source, &provider).unwrap());
    let before = fs::read(place.file()).unwrap();
    let KeySource::KeyFile(path) = &source else { panic!() };
    fs::remove_file(path).unwrap();
    let missing = Store::open(&place.file(), &source, &provider).unwrap_err();
    assert_eq!(missing, Error::KeyFileMissing(path.clone()));
    assert!(missing.to_string().contains("restore a backup"), "{missing}");
    for wrong in [&[1; 31][..], &[1; 33], &[]] {
        fs::write(path, wrong).unwrap();
        only_for_its_owner(path);
        let unusable = Store::open(&place.file(), &source, &provider).unwrap_err();
        assert_eq!(unusable, Error::KeyFileUnusable(path.clone()));
    }
    fs::write(path, [1; 32]).unwrap();
    only_for_its_owner(path);
    assert_eq!(Store::open(&place.file(), &source, &provider).unwrap_err(), Error::WrongKey);
    assert!(!path.with_extension("new").exists());
    assert_eq!(fs::read(place.file()).unwrap().len(), before.len());
}

#[cfg(unix)]
fn only_for_its_owner(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn only_for_its_owner(_path: &std::path::Path) {}

#[cfg(unix)]
#[test]
fn store_and_key_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (provider, place) = (provider(), Place::new());
    let source = place.key_file();
    drop(Store::create(&place.file(), &source, &provider).unwrap());
    let KeySource::KeyFile(key) = &source else { panic!() };
    for path in [&place.file(), key] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap();
    let readable = Store::open(&place.file(), &source, &provider).unwrap_err();
    assert_eq!(readable, Error::KeyFileUnusable(key.clone()));
}

#[test]
fn one_at_a_time_and_the_second_is_told_who_the_first_is() {
    let place = Place::new();
    let first = place.create();
    let second = place.open().unwrap_err();
    assert_eq!(second, Error::InUse { by: Some(std::process::id()) });
    assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    let clone = first.clone();
    drop(first);
    assert!(place.open().is_err(), "a clone still has it open");
    drop(clone);
    place.open().unwrap();
}

#[test]
fn nothing_is_made_over_what_is_there_and_nothing_is_left_beside_it() {
    let place = Place::new();
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    drop(store);
    let again = Store::create(&place.file(), &key(), &provider()).unwrap_err();
    assert_eq!(again, Error::Exists(place.file()));
    assert!(done(place.open().unwrap().lookup(&id(1))).unwrap().is_some());
    let nowhere = place.directory().join("missing").join("store");
    assert!(matches!(Store::create(&nowhere, &key(), &provider()), Err(Error::Io(_))));
    assert!(matches!(Store::open(&nowhere, &key(), &provider()), Err(Error::Missing(_))));
    let mut names: Vec<_> =
        fs::read_dir(place.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["passkeys.towline", "passkeys.towline.pid", "passkeys.towline.seen"]);
}

#[test]
fn nobody_reads_sites_names_handles_or_keys_from_the_file() {
    let place = Place::new();
    let mut store = place.create();
    let mut secretive = credential(1, "secret-site.example", 1);
    secretive.user.name = Some("alice@secret-site.example".to_owned());
    secretive.user.id = towline_ctap::UserHandle::new(b"a handle of a person").unwrap();
    let save =
        towline_authenticator::Change::Save { credential: Box::new(secretive), replaces: None };
    done(store.commit(vec![save, retries(0x5a)])).unwrap();
    drop(store);
    let bytes = fs::read(place.file()).unwrap();
    for plain in [&b"secret-site"[..], b"alice", b"a handle of", &[1; 32]] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain), "{plain:02x?}");
    }
}
