//! A phone that the computer remembers: linked as it registers, asked without a code, listed and forgotten.

use serde_json::Value;

use crate::{
    program::Program,
    world::{World, find, steps},
};

/// Registers with a code, and links the two.
async fn link(world: &World, phone: &mut Program, links: &str) {
    let args = ["register", "--account", "alice", "--name", "Phone", "--links", links];
    let ended = world.scan(&args, phone).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(steps(&ended).contains(&"linked"), "{ended:?}");
    assert_eq!(phone.event("served").await["ok"], true);
}

async fn listed(links: &str) -> Vec<Value> {
    let mut ended = Program::start(["links", "--links", links, "list"]).ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.events.retain(|event| event["event"] == "link");
    ended.events
}

#[tokio::test]
async fn a_linked_phone_is_asked_without_a_code_until_it_is_forgotten() {
    let world = World::new().await;
    let (known, own) =
        (world.directory.path("computer.links"), world.directory.path("phone.links"));
    let mut phone = world.phone(&["--answer", "yes", "--links", &own, "--called", "Alice's phone"]);
    phone.step("listening").await;
    link(&world, &mut phone, &known).await;
    assert_eq!(listed(&known).await[0]["name"], "Alice's phone");
    assert_eq!(listed(&own).await[0]["device"], "computer");

    let ended = world.computer(&["sign-in", "--links", &known]).ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(find(&ended, "signed_in")["account"], "alice");
    assert!(steps(&ended).starts_with(&["ringing"]), "{ended:?}");
    assert!(!ended.events.iter().any(|event| event["event"] == "qr_code"), "{ended:?}");
    assert_eq!(phone.event("served").await["ok"], true);

    // The phone forgets the computer: the next ring says so, and goes on with a code.
    let forgotten = Program::start(["links", "--links", &own, "forget", "1"]).ended().await;
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    let computer = world.scan(&["sign-in", "--links", &known], &mut phone).await;
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(phone.event("served").await["ok"] == true);
}

#[tokio::test]
async fn a_code_is_shown_where_another_phone_is_wanted() {
    let world = World::new().await;
    let (known, own) =
        (world.directory.path("computer.links"), world.directory.path("phone.links"));
    let mut phone = world.phone(&["--answer", "yes", "--links", &own]);
    phone.step("listening").await;
    link(&world, &mut phone, &known).await;
    let args = ["sign-in", "--links", &known, "--new-phone"];
    let ended = world.scan(&args, &mut phone).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!steps(&ended).contains(&"ringing"), "{ended:?}");
    let unknown = world.computer(&["sign-in", "--links", &known, "--phone", "nobody's"]);
    unknown.ended().await.assert_failed(2, "no_such_link");
}

#[tokio::test]
async fn links_that_are_not_there_or_not_readable_are_said() {
    let directory = crate::program::Directory::new();
    let file = directory.path("none.links");
    assert!(listed(&file).await.is_empty());
    let forget = Program::start(["links", "--links", &file, "forget", "1"]);
    forget.ended().await.assert_failed(2, "no_such_link");
    std::fs::write(&file, "no JSON").unwrap();
    std::process::Command::new("chmod").args(["600", &file]).status().unwrap();
    let list = Program::start(["links", "--links", &file, "list"]);
    list.ended().await.assert_failed(5, "links");
}
