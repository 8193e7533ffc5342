//! Stores that are damaged, as a person meets them: told as what they are, with exit code 5, and
//! repaired.

use std::{fs, path::Path};

use towline_ctap::Status;

use crate::{
    keys::{key, make_credential, status},
    program::{Directory, Ended, run},
    world::text,
};

/// A store with three passkeys, and a PIN.
async fn store(directory: &Directory) -> String {
    let path = directory.path("my.passkeys");
    let (key, mut client) = key(&["--store", &path]).await;
    for user in 1..=3 {
        assert_eq!(status(&mut client, &make_credential(user)).await, Status::Ok.to_u8());
    }
    key.interrupt().await;
    assert_eq!(key.ended().await.code, 0);
    let pin = directory.path("pin");
    fs::write(&pin, "1234\n").unwrap();
    assert_eq!(keys(&path, &["set-pin", "--new-pin-file", &pin]).await.code, 0);
    path
}

async fn keys(path: &str, args: &[&str]) -> Ended {
    run(["keys", "--store", path].iter().chain(args)).await
}

#[tokio::test]
async fn whatever_byte_is_another_all_is_listed_or_it_is_damage_and_a_check_finds_it() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let seen = format!("{path}.seen");
    let (good, good_seen) = (fs::read(&path).unwrap(), fs::read(&seen).unwrap());
    let (mut refused, mut repaired) = (0, 0);
    // One byte of each page, and some of the first.
    let places = (0..good.len()).step_by(4096).map(|page| page + 24);
    for at in (0..320).step_by(64).chain(places) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x04;
        fs::write(&path, &bytes).unwrap();
        fs::write(&seen, &good_seen).unwrap();
        let listed = keys(&path, &["list"]).await;
        if listed.code == 0 {
            assert_eq!(listed.events.len(), 3, "byte {at}: {listed:?}");
            continue;
        }
        assert_eq!(listed.code, 5, "byte {at}: {listed:?}");
        let message = text(&listed.failed()["message"]);
        assert!(message.contains("my.passkeys"), "{message}");
        refused += 1;
        assert_eq!(fs::read(&path).unwrap(), bytes, "left as it is");
        let checked = keys(&path, &["check"]).await;
        assert_eq!(checked.code, 5, "byte {at}: {checked:?}");
        let after = keys(&path, &["check", "--repair"]).await;
        if after.code == 0 {
            let left = keys(&path, &["list"]).await;
            assert_eq!(left.code, 0, "byte {at}: {left:?}");
            assert_eq!(keys(&path, &["check"]).await.code, 0);
            let damaged = format!("{path}.damaged-{repaired}");
            assert_eq!(fs::read(damaged).unwrap(), bytes);
            repaired += 1;
        }
    }
    assert!(refused > 3 && repaired > 1, "{refused} {repaired}");
}

#[tokio::test]
async fn a_damaged_store_is_brought_back_by_a_backup_over_the_damage() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let backup = directory.path("backup");
    assert_eq!(keys(&path, &["backup", &backup]).await.code, 0);
    let good = fs::read(&path).unwrap();
    let mut restored = 0;
    for page in 1..good.len() / 4096 {
        let mut bytes = good.clone();
        bytes[page * 4096 + 24] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let _ = fs::remove_file(format!("{path}.seen"));
        if keys(&path, &["list"]).await.code == 0 {
            continue;
        }
        let ended = keys(&path, &["restore", &backup]).await;
        if ended.code != 0 {
            // Not even the root key is there any more.
            ended.assert_failed(5, "store");
            continue;
        }
        restored += 1;
        assert_eq!(keys(&path, &["list"]).await.events.len(), 3);
        assert_eq!(keys(&path, &["export-info"]).await.events[0]["clientPin"], true);
    }
    assert!(restored > 1, "{restored}");
}

#[tokio::test]
async fn what_is_no_store_is_told_by_its_name_and_what_to_do() {
    let directory = Directory::new();
    let path = store(&directory).await;
    fs::write(&path, b"what is this? it is no store, and long enough for a beginning of one")
        .unwrap();
    for command in ["list", "check", "set-pin"] {
        let refused = keys(&path, &[command]).await;
        refused.assert_failed(5, "store");
        let message = text(&refused.failed()["message"]);
        assert!(message.contains(&path), "{message}");
        assert!(message.contains("backup") && !message.contains("redb"), "{message}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_read_the_way_that_is_told_leads_to_the_backup() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let backup = directory.path("backup");
    assert_eq!(keys(&path, &["backup", &backup]).await.code, 0);
    fs::write(&path, b"").unwrap();
    // What has just found that nothing can be read is not advised once more.
    for command in [&["check"][..], &["check", "--repair"], &["restore", &backup]] {
        let refused = keys(&path, command).await;
        refused.assert_failed(5, "store");
        let message = text(&refused.failed()["message"]);
        assert!(message.contains("move it away"), "{message}");
        assert!(message.contains(&format!("--store {path} restore BACKUP")), "{message}");
        assert!(!message.contains("check"), "{message}");
    }
    fs::rename(&path, directory.path("away")).unwrap();
    assert_eq!(keys(&path, &["restore", &backup]).await.code, 0);
    assert_eq!(keys(&path, &["list"]).await.events.len(), 3);
}

#[tokio::test]
async fn what_opens_another_file_is_told_with_the_name_and_the_way() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let (backup, word) = (directory.path("backup"), directory.path("word"));
    fs::write(&word, "open sesame\n").unwrap();
    assert_eq!(keys(&path, &["backup", &backup, "--passphrase-file", &word]).await.code, 0);
    let other = keys(&path, &["restore", &backup]).await;
    other.assert_failed(2, "store");
    let message = text(&other.failed()["message"]);
    assert!(message.contains(&backup) && message.contains("--passphrase"), "{message}");
    fs::write(&word, "open barley\n").unwrap();
    let wrong = keys(&path, &["restore", &backup, "--passphrase-file", &word]).await;
    wrong.assert_failed(2, "store");
    let message = text(&wrong.failed()["message"]);
    assert!(message.contains(&backup) && message.contains("damaged"), "{message}");
}

#[tokio::test]
async fn an_older_copy_of_a_store_is_told_as_one() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let old = fs::read(&path).unwrap();
    let id = text(&keys(&path, &["list"]).await.events[0]["id"]);
    assert_eq!(keys(&path, &["remove", &id]).await.code, 0);
    fs::write(&path, &old).unwrap();
    let refused = keys(&path, &["list"]).await;
    refused.assert_failed(5, "store");
    let message = text(&refused.failed()["message"]);
    assert!(message.contains("older copy") && message.contains(".seen"), "{message}");
    fs::remove_file(format!("{path}.seen")).unwrap();
    assert_eq!(keys(&path, &["list"]).await.events.len(), 3);
}

/// A PIN that was set with one keyboard is good with another (CTAP 2.3 section 6.5.1).
#[tokio::test]
async fn a_pin_is_the_same_however_its_letters_were_typed() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let file = |name: &str, pin: &str| {
        let path = directory.path(name);
        fs::write(&path, format!("{pin}\n")).unwrap();
        path
    };
    let (first, decomposed, composed) =
        (directory.path("pin"), file("one", "e\u{301}te\u{301}s"), file("two", "\u{e9}t\u{e9}s"));
    for (present, new) in [(&first, &decomposed), (&composed, &first)] {
        let set = keys(&path, &["set-pin", "--pin-file", present, "--new-pin-file", new]).await;
        assert_eq!(set.code, 0, "{set:?}");
    }
}

#[tokio::test]
async fn a_store_through_a_link_that_leads_nowhere_is_told_as_that() {
    let directory = Directory::new();
    let path = directory.path("link");
    std::os::unix::fs::symlink(directory.path("elsewhere"), &path).unwrap();
    for command in [&["keys", "--store", &path, "list"][..], &["key", "--store", &path]] {
        let refused = run(command.iter()).await;
        refused.assert_failed(2, "store");
        let message = text(&refused.failed()["message"]);
        assert!(message.contains("is a link to") && message.contains("elsewhere"), "{message}");
    }
    assert!(!Path::new(&format!("{path}.key")).exists());
}
