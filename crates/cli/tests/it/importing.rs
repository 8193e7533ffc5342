//! `towline keys import`: what is left out, and what is too much.

use std::{fs, process::Stdio};

use tokio::io::AsyncWriteExt as _;

use crate::{
    moving::{Desk, account, info, outcomes, text_of, vectors},
    program::{Directory, command},
    sync,
    world::{find, text},
};

#[tokio::test]
async fn what_was_deleted_in_a_circle_comes_back_when_it_is_asked_for() {
    let desk = Desk(Directory::new());
    let (store, folder) = (desk.path("store"), desk.path("folder"));
    let (started, _) = sync::start(&store, &folder).await;
    assert_eq!(started.code, 0, "{started:?}");
    desk.store("store", 2).await;
    let listed = desk.keys("store", &["list"]).await;
    let first = listed.events.iter().find(|event| event["account"] == "user 0").unwrap();
    let id = text(&first["id"]);
    assert_eq!(desk.keys("store", &["remove", &id]).await.code, 0);

    let document = desk.write("again.json", account(3).to_string());
    for dry_run in [&["--dry-run"][..], &[]] {
        let args = [&["import", &document][..], dry_run].concat();
        let there = desk.agreed("store", &args).await;
        assert_eq!((there.code, info(&there, "imported")["deleted_here"].as_u64()), (1, Some(1)));
        assert_eq!(outcomes(&there), ["deleted-here", "already-there", "imported"]);
        assert!(text(&find(&there, "moved")["message"]).contains("--also-deleted"), "{there:?}");
    }
    assert_eq!(desk.accounts("store").await, ["user 1", "user 2"]);
    let again = desk.agreed("store", &["import", &document, "--also-deleted"]).await;
    assert_eq!((again.code, outcomes(&again)[0]), (0, "imported"), "{again:?}");
    let again = desk.agreed("store", &["import", &document]).await;
    assert_eq!((again.code, outcomes(&again)), (0, vec!["already-there"; 3]), "{again:?}");
}

/// Anybody can write the header of a database: what is in it has bounds before any work is done.
#[tokio::test]
async fn a_keepassxc_database_that_asks_for_too_much_is_not_opened() {
    if cfg!(not(feature = "keepassxc")) {
        return;
    }
    let desk = Desk(Directory::new());
    let words = desk.write("words", "correct horse\n");
    let database = fs::read(vectors("keepassxc.kdbx")).unwrap();
    for (name, said) in [(b"M\x08\0\0\0", "MiB of memory"), (b"I\x08\0\0\0", "more time")] {
        let mut database = database.clone();
        let place = database.windows(5).position(|part| part == name).unwrap() + 5;
        database[place..place + 8].copy_from_slice(&(1_u64 << 42).to_le_bytes());
        let file = desk.write("costly.kdbx", database);
        let refused = desk.agreed("store", &["import", &file, "--passphrase-file", &words]).await;
        refused.assert_failed(2, "not_opened");
        let message = text_of(&refused);
        assert!(message.contains(said) && message.contains("decryption time"), "{message}");
    }
}

#[tokio::test]
async fn a_file_is_read_up_to_a_limit_that_can_be_another() {
    let desk = Desk(Directory::new());
    let mut document = account(1).to_string();
    document.push_str(&" ".repeat((16 << 20) + 1 - document.len()));
    let file = desk.write("long.json", &document);
    let refused = desk.agreed("store", &["import", &file]).await;
    refused.assert_failed(2, "file");
    let message = text_of(&refused);
    assert!(message.contains("longer than 16 MiB; `--up-to MIB`"), "{message}");
    let there = desk.agreed("store", &["import", &file, "--up-to", "17"]).await;
    assert_eq!((there.code, outcomes(&there)), (0, vec!["imported"]), "{there:?}");
    document.pop();
    let file = desk.write("long.json", &document);
    let again = desk.agreed("store", &["import", &file]).await;
    assert_eq!((again.code, outcomes(&again)), (0, vec!["already-there"]), "{again:?}");

    // Through a pipe, whose length nobody knows.
    for (document, code) in [(document.clone(), 0), (document + " ", 2)] {
        let store = desk.path("store");
        let args = ["keys", "--store", &store, "import", "/dev/stdin"];
        let mut program = command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = program.stdin.take().unwrap();
        input.write_all(document.as_bytes()).await.unwrap();
        drop(input);
        assert_eq!(program.wait().await.unwrap().code(), Some(code));
    }
}
