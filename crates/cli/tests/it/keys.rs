//! Passkeys that outlive the program: `towline key --store`, and `towline keys` that looks after
//! them.

use std::fs;

use towline_ctap::{
    ClientDataHash, GetAssertionRequest, MakeCredentialRequest, Request, RequestOptions, Rp, RpId,
    Status, User, UserHandle,
};
use towline_testkit::hid::Client;

use crate::{
    program::{Directory, Program, run, run_plain},
    world::{World, text},
};

pub(crate) fn make_credential(user: u8) -> Vec<u8> {
    Request::from(making(user)).encode()
}

/// A passkey that is wanted.
pub(crate) fn making(user: u8) -> MakeCredentialRequest {
    let mut request = MakeCredentialRequest::new(
        ClientDataHash::new([7; 32]),
        Rp { id: RpId::new("example.org").unwrap(), name: None },
        User {
            id: UserHandle::new(&[user]).unwrap(),
            name: Some(format!("user {user}")),
            display_name: None,
        },
        vec![-7],
    );
    request.options = RequestOptions { rk: Some(true), ..RequestOptions::default() };
    request
}

pub(crate) fn get_assertion() -> Vec<u8> {
    let rp_id = RpId::new("example.org").unwrap();
    Request::from(GetAssertionRequest::new(rp_id, ClientDataHash::new([8; 32]))).encode()
}

/// A key with its passkeys in a file, and a client of it.
pub(crate) async fn key(args: &[&str]) -> (Program, Client) {
    let start = ["key", "--listen", "udp:127.0.0.1:0", "--presence", "auto"];
    let mut key = Program::start(start.iter().chain(args));
    let store = key.event("store").await;
    assert_eq!((&store["store"], &store["durable"]), (&"file".into(), &true.into()));
    let url = text(&key.event("listening").await["url"]);
    (key, Client::connect(&url).await)
}

pub(crate) async fn status(client: &mut Client, request: &[u8]) -> u8 {
    client.request(request).await[0]
}

#[tokio::test]
async fn the_store_can_be_named_before_the_command_and_after_it() {
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    let (killed, mut client) = key(&["--store", &path]).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    drop((killed, client));
    let nowhere = directory.path("nowhere");
    for args in [
        ["keys", "--store", &path, "list"],
        ["keys", "list", "--store", &path],
        ["links", "--store", &path, "list"],
        ["links", "list", "--store", &path],
    ] {
        let ended = run(args).await;
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        assert_eq!(ended.events.len(), 1, "{args:?}: {ended:?}");
    }
    run(["keys", "list", "--store", &nowhere]).await.assert_failed(2, "store");
    run(["tpm", "forget", "--store", "memory"]).await.assert_failed(2, "no_store");
}

#[tokio::test]
async fn passkeys_outlive_a_key_that_is_killed() {
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    let (key_before, mut client) = key(&["--store", &path]).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    // Killed, not stopped.
    drop(key_before);
    let (_key, mut client) = key(&["--store", &path]).await;
    assert_eq!(status(&mut client, &get_assertion()).await, Status::Ok.to_u8());

    let second = run(["keys", "--store", &path, "list"]).await;
    second.assert_failed(5, "store");
    let message = text(&second.failed()["message"]);
    assert!(message.contains("in use by another program (process "), "{message}");
}

#[tokio::test]
async fn passkeys_are_listed_removed_and_reset() {
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    {
        let (_key, mut client) = key(&["--store", &path]).await;
        for user in [1, 2] {
            assert_eq!(status(&mut client, &make_credential(user)).await, Status::Ok.to_u8());
        }
    }
    let keys = |args: &[&str]| {
        let all: Vec<String> =
            ["keys", "--store", &path].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        async move { run(all).await }
    };
    let listed = keys(&["list"]).await;
    let accounts: Vec<_> = listed.events.iter().map(|event| text(&event["account"])).collect();
    assert_eq!(accounts, ["user 2", "user 1"], "{listed:?}");
    let id = text(&listed.events[0]["id"]);
    keys(&["remove", "zz"]).await.assert_failed(2, "no_such_passkey");
    keys(&["remove", ""]).await.assert_failed(2, "not_one_passkey");
    let removed = keys(&["remove", &id[..12]]).await;
    assert_eq!((removed.code, &removed.events[0]["action"]), (0, &"removed".into()), "{removed:?}");
    // Nothing is the beginning of the one that is left, too.
    keys(&["remove", ""]).await.assert_failed(2, "not_one_passkey");
    assert_eq!(keys(&["list"]).await.events.len(), 1);
    let checked = keys(&["check"]).await;
    assert_eq!((checked.code, &checked.events[0]["outcome"]), (0, &"good".into()), "{checked:?}");
    assert_eq!(keys(&["reset"]).await.code, 2, "it has to be confirmed");
    assert_eq!(keys(&["reset", "--yes"]).await.code, 0);
    assert!(keys(&["list"]).await.events.is_empty());
}

#[tokio::test]
async fn a_passphrase_opens_its_store_and_another_does_not() {
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    let [right, wrong, empty] = ["right", "wrong", ""].map(|line| {
        let file = directory.path(&format!("passphrase-{line}"));
        fs::write(&file, format!("{line}\nnot looked at")).unwrap();
        file
    });
    {
        let (_key, mut client) = key(&["--store", &path, "--passphrase-file", &right]).await;
        assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    }
    for (file, reason) in [(&wrong, "store"), (&empty, "passphrase")] {
        run(["keys", "--store", &path, "--passphrase-file", file, "list"])
            .await
            .assert_failed(2, reason);
    }
    let without = run(["keys", "--store", &path, "list"]).await;
    assert!(text(&without.failed()["message"]).contains("opened by a passphrase"), "{without:?}");
    let listed = run_plain(["keys", "--store", &path, "--passphrase-file", &right, "list"]).await;
    assert!(listed.1.contains("example.org") && listed.1.contains("user 1"), "{listed:?}");
}

#[tokio::test]
async fn a_store_whose_key_file_is_gone_stays_as_it_is() {
    let directory = Directory::new();
    let path = directory.path("my.passkeys");
    drop(key(&["--store", &path]).await);
    fs::remove_file(format!("{path}.key")).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = run(["key", "--listen", "udp:127.0.0.1:0", "--store", &path]).await;
    refused.assert_failed(5, "store");
    assert!(text(&refused.failed()["message"]).contains("restore a backup"), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap().len(), before.len());
    assert!(!std::path::Path::new(&format!("{path}.key")).exists(), "no new key is made");
}

#[tokio::test]
async fn a_phone_that_was_killed_signs_in_with_what_it_made_before() {
    let world = World::new().await;
    let path = world.directory.path("phone.passkeys");
    let args = ["--answer", "yes", "--store", &path];
    let mut phone = world.phone(&args);
    let store = phone.event("store").await;
    assert_eq!((&store["store"], &store["durable"]), (&"file".into(), &true.into()));
    let made = world.register(&mut phone, "alice").await;
    assert_eq!(made.code, 0, "{made:?}");
    // It may still be busy with its goodbye.
    phone.event("served").await;
    drop(phone);
    let mut phone = world.phone(&args);
    let used = world.scan(&["sign-in"], &mut phone).await.ended().await;
    assert_eq!(used.code, 0, "{used:?}");
}
