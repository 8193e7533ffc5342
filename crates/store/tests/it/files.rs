//! Files, what opens them, and who has them open.

use std::fs;

use towline_authenticator::{CredentialStore as _, Replaces, Work};
use towline_store::{Error, KeySource, Store, write_new_file};

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

/// With all keys in clear in it, it might be: `towline keys export --plain`.
#[cfg(target_os = "linux")]
#[test]
fn a_new_file_whose_program_is_killed_while_it_writes_leaves_nothing() {
    use std::{env, os::unix::process::ExitStatusExt as _, process::Command};
    const FILE: &str = "TOWLINE_WRITES_A_FILE";
    const TOO_LARGE: i32 = 25;
    let bytes = vec![7; 1 << 20];
    if let Some(path) = env::var_os(FILE) {
        write_new_file(path.as_ref(), &bytes, &provider()).unwrap();
        return;
    }
    let place = Place::new();
    let names = || fs::read_dir(place.directory()).unwrap().map(|it| it.unwrap().file_name());
    let name = "files::a_new_file_whose_program_is_killed_while_it_writes_leaves_nothing";
    for (limit, killed) in [("16", Some(TOO_LARGE)), ("unlimited", None)] {
        let ended = Command::new("sh")
            .args(["-c", "ulimit -c 0; ulimit -f \"$1\"; exec \"$0\" --exact \"$2\""])
            .args([env::current_exe().unwrap().as_os_str(), limit.as_ref(), name.as_ref()])
            .env(FILE, place.file())
            .output();
        let ended = ended.unwrap();
        assert_eq!(ended.status.signal(), killed, "{ended:?}");
        assert_eq!(names().count(), usize::from(killed.is_none()));
    }
    assert_eq!(fs::read(place.file()).unwrap(), bytes);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(place.file()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let again = write_new_file(&place.file(), b"another", &provider());
    assert_eq!(again, Err(Error::Exists(place.file())));
    assert_eq!(fs::read(place.file()).unwrap(), bytes);
}

#[test]
fn nobody_reads_sites_names_handles_or_keys_from_the_file() {
    let place = Place::new();
    let mut store = place.create();
    let mut secretive = credential(1, "secret-site.example", 1);
    secretive.user.name = Some("alice@secret-site.example".to_owned());
    secretive.user.id = towline_ctap::UserHandle::new(b"a handle of a person").unwrap();
    let save = towline_authenticator::Change::Save {
        credential: Box::new(secretive),
        replaces: Replaces::Account,
    };
    done(store.commit(vec![save, retries(0x5a)])).unwrap();
    drop(store);
    let bytes = fs::read(place.file()).unwrap();
    for plain in [&b"secret-site"[..], b"alice", b"a handle of", &[1; 32]] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain), "{plain:02x?}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_told_as_one() {
    let place = Place::new();
    let target = place.directory().join("elsewhere");
    std::os::unix::fs::symlink(&target, place.file()).unwrap();
    let expected = Error::DanglingLink { link: place.file(), to: target };
    assert_eq!(Store::create(&place.file(), &key(), &provider()).unwrap_err(), expected);
    assert_eq!(place.open().unwrap_err(), expected);
    assert!(expected.to_string().contains("elsewhere"), "{expected}");
}

#[test]
fn nothing_is_written_through_a_link_beside_the_store() {
    let place = Place::new();
    drop(place.create());
    let target = place.directory().join("of-somebody");
    for name in ["pid", "seen"] {
        let beside = place.directory().join(format!("passkeys.towline.{name}"));
        fs::write(&target, "precious").unwrap();
        fs::remove_file(&beside).unwrap();
        std::os::unix::fs::symlink(&target, &beside).unwrap();
        drop(place.open().unwrap());
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious", "{name}");
        assert!(!beside.is_symlink());
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&beside).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_key_file_that_others_may_know_is_not_taken_for_a_new_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let (place, other) = (Place::new(), Place::new());
    let source = place.key_file();
    let key_file = place.directory().join("passkeys.key");
    let refused = || Store::create(&place.file(), &source, &provider()).unwrap_err();
    fs::write(&key_file, [7; 32]).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(refused(), Error::KeyFileOfOthers(key_file.clone()));
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    // Another user's, where this is run by somebody who can give files away.
    if std::os::unix::fs::chown(&key_file, Some(12345), None).is_ok() {
        assert_eq!(refused(), Error::KeyFileOfOthers(key_file.clone()));
        std::os::unix::fs::chown(&key_file, Some(0), None).unwrap();
    }
    let elsewhere = other.directory().join("key");
    fs::rename(&key_file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &key_file).unwrap();
    assert_eq!(refused(), Error::KeyFileOfOthers(key_file.clone()));
    assert!(!place.file().exists());
    fs::remove_file(&key_file).unwrap();
    fs::rename(&elsewhere, &key_file).unwrap();
    Store::create(&place.file(), &source, &provider()).unwrap();
}

#[test]
fn a_backup_that_could_not_be_made_leaves_no_key_file() {
    let place = Place::new();
    let store = place.create();
    let source = place.key_file();
    let nowhere = place.directory().join("nowhere/backup");
    store.backup_file(&nowhere, &source).unwrap_err();
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert_eq!(store.backup(Full, &source).unwrap_err(), Error::DiskFull);
    assert!(!place.directory().join("passkeys.key").exists());
}

/// As on read-only media: whoever runs the tests may be allowed to write everywhere, so that it is
/// opened as one.
#[test]
fn a_store_that_cannot_be_written_is_read_all_the_same() {
    let place = Place::new();
    let mut store = place.create();
    done(store.commit(vec![save(1, "a.example", 1)])).unwrap();
    let crashed = fs::read(place.file()).unwrap();
    drop(store);
    for bytes in [fs::read(place.file()).unwrap(), crashed, crate::formats::FORMAT_1.to_vec()] {
        fs::write(place.file(), &bytes).unwrap();
        let mut store = Store::open_read_only(&place.file(), &key(), &provider()).unwrap();
        assert!(done(store.lookup(&id(1))).unwrap().is_some());
        assert_eq!(store.check().unwrap().damaged, [""; 0]);
        store.backup(std::io::sink(), &key()).unwrap();
        let refused = done(store.commit(vec![save(2, "a.example", 2)])).unwrap_err();
        assert!(refused.to_string().contains("can't be written"), "{refused}");
        done(store.clear()).unwrap_err();
        drop(store);
        assert_eq!(fs::read(place.file()).unwrap(), bytes);
        let _ = fs::remove_file(place.directory().join("passkeys.towline.seen"));
    }
}

/// A disk that goes bad under a key that runs: it says so, and goes on when the disk does.
#[test]
fn a_page_that_goes_bad_while_the_store_is_open_is_damage_and_not_for_ever() {
    use std::os::unix::fs::FileExt as _;
    let place = Place::new();
    let mut store = place.create();
    done(store.commit((1..120).map(|number| save(number, "a.example", number)).collect())).unwrap();
    // More than the database keeps in memory, so that pages are read again.
    let blobs = towline_authenticator::Change::Record {
        record: towline_authenticator::Record::LargeBlobs,
        value: Some(zeroize::Zeroizing::new(vec![7; 8 << 20])),
    };
    done(store.commit(vec![blobs])).unwrap();
    drop(store);
    let (mut damaged, mut right) = (0_u32, 0);
    let mut store = place.open().unwrap();
    let file = fs::OpenOptions::new().write(true).open(place.file()).unwrap();
    let open = fs::read(place.file()).unwrap();
    for page in 1..open.len() / 4096 {
        let at = page * 4096 + 17;
        file.write_all_at(&[open[at] ^ 0x10], at as u64).unwrap();
    }
    let blobs = done(store.record(towline_authenticator::Record::LargeBlobs));
    damaged += u32::from(blobs.is_err());
    for number in 1..120 {
        match done(store.lookup(&id(number))) {
            Ok(found) => {
                assert_eq!(found, Some(credential(number, "a.example", number)));
                right += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("damaged"), "{error}");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 0, "{right} were right");
    file.write_all_at(&open, 0).unwrap();
    for number in 1..120 {
        let found = done(store.lookup(&id(number))).unwrap();
        assert_eq!(found, Some(credential(number, "a.example", number)));
    }
    done(store.commit(vec![save(120, "a.example", 120)])).unwrap();
}
