//! `towline keys import`: what is left out, and what is too much.

use crate::{
    moving::{Desk, account, info, outcomes},
    program::Directory,
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
