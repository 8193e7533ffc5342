//! `towline keys`: one passkey looked at and renamed, a PIN, backups, and what opens the store.

use std::fs;

use serde_json::Value;
use towline_ctap::Status;

use crate::{
    keys::{get_assertion, key, make_credential, status},
    program::{Directory, Ended, Program, run},
    world::{World, text},
};

/// A store with two passkeys.
async fn store(directory: &Directory) -> String {
    let path = directory.path("my.passkeys");
    let (key, mut client) = key(&["--store", &path]).await;
    for user in [1, 2] {
        assert_eq!(status(&mut client, &make_credential(user)).await, Status::Ok.to_u8());
    }
    key.interrupt().await;
    assert_eq!(key.ended().await.code, 0);
    path
}

async fn keys(path: &str, args: &[&str]) -> Ended {
    run(["keys", "--store", path].iter().chain(args)).await
}

async fn only(path: &str, args: &[&str]) -> Value {
    let mut ended = keys(path, args).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.events.pop().unwrap()
}

async fn accounts(path: &str) -> Vec<String> {
    keys(path, &["list"]).await.events.iter().map(|event| text(&event["account"])).collect()
}

/// A file with one line.
fn line(directory: &Directory, name: &str, line: &str) -> String {
    let path = directory.path(name);
    fs::write(&path, format!("{line}\n")).unwrap();
    path
}

#[tokio::test]
async fn a_passkey_is_shown_and_given_other_names() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let id = text(&keys(&path, &["list"]).await.events[0]["id"]);
    let shown = only(&path, &["show", &id[..8]]).await;
    assert_eq!((&shown["event"], &shown["about"]), (&"info".into(), &"passkey".into()));
    assert_eq!((&shown["id"], &shown["rp_id"]), (&id.as_str().into(), &"example.org".into()));
    assert_eq!((&shown["user_id"], &shown["algorithm"]), (&"02".into(), &(-7).into()));
    assert!(shown["key"].is_null(), "{shown}");
    keys(&path, &["rename", &id]).await.assert_usage();
    let renamed = only(&path, &["rename", &id, "--account", "me", "--display-name", "Jo"]).await;
    assert_eq!((&renamed["action"], &renamed["account"]), (&"renamed".into(), &"me".into()));
    assert_eq!(only(&path, &["show", &id]).await["display_name"], "Jo");
    assert_eq!(accounts(&path).await, ["me", "user 1"]);
}

#[tokio::test]
async fn a_pin_is_set_and_changed_by_the_keys_own_rules() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let [short, first, second] = [("short", "123"), ("first", "1234"), ("second", "56789")]
        .map(|(name, pin)| line(&directory, name, pin));
    assert_eq!(only(&path, &["export-info"]).await["clientPin"], false);
    let set = |args: [&'static str; 1], files: Vec<(&'static str, String)>| {
        let path = path.clone();
        async move {
            let mut all = args.to_vec();
            for (flag, file) in &files {
                all.extend([*flag, file.as_str()]);
            }
            keys(&path, &all).await
        }
    };
    let new = |file: &String| vec![("--new-pin-file", file.clone())];
    let change = |present: &String, file: &String| {
        vec![("--pin-file", present.clone()), ("--new-pin-file", file.clone())]
    };
    set(["set-pin"], new(&short)).await.assert_failed(3, "pin");
    assert_eq!(set(["set-pin"], new(&first)).await.code, 0);
    let info = only(&path, &["export-info"]).await;
    assert_eq!((&info["clientPin"], &info["passkeys"]), (&true.into(), &2.into()));
    assert!(info["versions"].as_array().unwrap().contains(&"FIDO_2_1".into()), "{info}");
    set(["set-pin"], change(&second, &first)).await.assert_failed(3, "pin");
    let changed = set(["set-pin"], change(&first, &second)).await;
    assert_eq!((changed.code, &changed.events[0]["action"]), (0, &"pin_changed".into()));
    set(["set-pin"], change(&first, &second)).await.assert_failed(3, "pin");

    // From standard input, where no files are named.
    let mut typed = Program::start(["keys", "--store", &path, "set-pin"]);
    typed.say("56789").await;
    typed.say("a new one").await;
    assert_eq!(typed.ended().await.code, 0);
}

#[tokio::test]
async fn a_lost_store_comes_back_from_its_backup() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let (backup, words) = (directory.path("my.backup"), line(&directory, "words", "over there"));
    let lock = ["--passphrase-file", words.as_str()];
    let made = only(&path, &["backup", &backup, lock[0], lock[1]]).await;
    assert_eq!((&made["about"], &made["passkeys"]), (&"backup".into(), &2.into()));
    keys(&path, &["backup", &backup, lock[0], lock[1]]).await.assert_failed(2, "store");

    fs::remove_file(&path).unwrap();
    fs::remove_file(format!("{path}.key")).unwrap();
    let wrong = line(&directory, "wrong", "over here");
    let refused = keys(&path, &["restore", &backup, "--passphrase-file", &wrong]).await;
    refused.assert_failed(2, "store");
    assert!(!fs::exists(&path).unwrap(), "no store is made for what can't be restored");
    let damaged = directory.path("damaged.backup");
    let bytes = fs::read(&backup).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    let refused = keys(&path, &["restore", &damaged, lock[0], lock[1]]).await;
    assert!(text(&refused.failed()["message"]).contains("nothing of it was used"), "{refused:?}");
    assert!(!fs::exists(&path).unwrap());

    let restored = only(&path, &["restore", &backup, lock[0], lock[1]]).await;
    assert_eq!((&restored["about"], &restored["added"]), (&"restored".into(), &3.into()));
    assert_eq!(accounts(&path).await, ["user 2", "user 1"]);
    let (_key, mut client) = key(&["--store", &path]).await;
    assert_eq!(status(&mut client, &get_assertion()).await, Status::Ok.to_u8());
}

#[tokio::test]
async fn what_is_newer_stays_unless_the_backup_is_to_replace_it() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let backup = directory.path("my.backup");
    let id = text(&keys(&path, &["list"]).await.events[0]["id"]);
    let made = only(&path, &["backup", &backup]).await;
    assert_eq!(made["opened_by"], format!("the key file {backup}.key"));
    assert!(fs::exists(format!("{backup}.key")).unwrap(), "without more it has a key file");
    assert_eq!(keys(&path, &["rename", &id, "--account", "newer"]).await.code, 0);
    let restored = only(&path, &["restore", &backup]).await;
    assert_eq!((&restored["kept"], &restored["same"]), (&1.into(), &2.into()));
    assert_eq!(accounts(&path).await, ["newer", "user 1"]);
    let restored = only(&path, &["restore", &backup, "--replace"]).await;
    assert_eq!(restored["replaced"], 1);
    assert!(accounts(&path).await.contains(&"user 2".to_owned()));
}

#[tokio::test]
async fn what_opens_a_store_is_changed() {
    let directory = Directory::new();
    let path = store(&directory).await;
    let same = keys(&path, &["change-key"]).await;
    same.assert_failed(2, "same_key");
    let words = line(&directory, "words", "open sesame");
    let changed = only(&path, &["change-key", "--passphrase-file", &words]).await;
    assert_eq!(changed["opened_by"], "a passphrase");
    keys(&path, &["list"]).await.assert_failed(2, "store");
    let opened = ["keys", "--store", &path, "--passphrase-file", &words];
    assert_eq!(run(opened.iter().chain(&["list"])).await.events.len(), 2);
    let other = directory.path("other.key");
    let changed = run(opened.iter().chain(&["change-key", "--key-file", &other])).await;
    assert_eq!(changed.code, 0, "{changed:?}");
    assert_eq!(run(["keys", "--store", &path, "--key-file", &other, "list"]).await.events.len(), 2);
    // Two ways at once are none.
    let both = ["keys", "--store", &path, "--passphrase", "--key-file", &other, "list"];
    run(both).await.assert_usage();
}

#[tokio::test]
async fn the_usual_place_is_made_for_its_owner_alone() {
    let directory = Directory::new();
    let data = directory.path("data");
    let (mut key, path) = (
        Program::start_with(
            [("XDG_DATA_HOME", data.as_str())],
            ["key", "--listen", "udp:127.0.0.1:0", "--store", "default"],
        ),
        format!("{data}/towline/passkeys"),
    );
    assert!(text(&key.event("store").await["message"]).contains(&path));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for (path, mode) in [(format!("{data}/towline"), 0o700), (path, 0o600)] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{path}");
        }
    }
}

#[tokio::test]
async fn a_computer_keeps_its_links_in_a_store_too() {
    let world = World::new().await;
    let (store, known) =
        (world.directory.path("computer.store"), world.directory.path("phone.links"));
    let mut phone = world.phone(&["--answer", "yes", "--links", &known, "--called", "pixel"]);
    phone.step("listening").await;
    let sealed = ["--links", "store", "--store", &store];
    let register = [&["register", "--account", "alice"], &sealed[..]].concat();
    let ended = world.scan(&register, &mut phone).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let listed = run(["links", "--store", &store, "list"]).await;
    assert_eq!(listed.events[0]["name"], "pixel", "{listed:?}");
    let ended = world.computer(&[&["sign-in"], &sealed[..]].concat()).ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.events.iter().any(|event| event["event"] == "qr_code"), "{ended:?}");
    let text = fs::read(&store).unwrap();
    assert!(!text.windows(5).any(|window| window == b"pixel"), "it is not sealed");
    let forgotten = run(["links", "--store", &store, "forget", "pixel"]).await;
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    let in_memory = ["sign-in", "--links", "store", "--store", "memory"];
    world.computer(&in_memory).ended().await.assert_failed(2, "no_store");
}

#[tokio::test]
async fn links_are_kept_beside_the_passkeys() {
    let world = World::new().await;
    let (store, known) =
        (world.directory.path("phone.passkeys"), world.directory.path("computer.links"));
    let args = ["--answer", "yes", "--store", &store, "--links", "store"];
    let mut phone = world.phone(&args);
    phone.step("listening").await;
    let register = ["register", "--account", "alice", "--links", &known];
    let ended = world.scan(&register, &mut phone).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    phone.event("served").await;
    // Killed, not stopped.
    drop(phone);
    let listed = run(["links", "--store", &store, "list"]).await;
    assert_eq!(listed.events[0]["device"], "computer", "{listed:?}");
    let mut phone = world.phone(&args);
    phone.step("listening").await;
    let ended = world.computer(&["sign-in", "--links", &known]).ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.events.iter().any(|event| event["event"] == "qr_code"), "{ended:?}");
    let in_memory =
        ["phone", "--relay", "ws://127.0.0.1:1", "--air", &world.air, "--links", "store"];
    run(in_memory).await.assert_failed(2, "no_store");
}
