//! A phone that the computer remembers: linked as it registers, asked without a code, listed and
//! forgotten.

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
    // What is done without a command.
    let mut ended = Program::start(["links", "--links", links]).ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.events.retain(|event| event["event"] == "link");
    for event in &mut ended.events {
        event.as_object_mut().unwrap().remove("elapsed_ms");
    }
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
    let args = ["sign-in", "--links", &known, "--timeout", "1"];
    let ended = world.computer(&args).ended().await;
    // Once, and by its name.
    assert_eq!(steps(&ended)[..3], ["ringing", "forgotten", "waiting_for_scan"], "{ended:?}");
    assert!(listed(&known).await.is_empty());
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
    let unknown = unknown.ended().await;
    assert!(find(&unknown, "failed")["message"].as_str().unwrap().contains("towline phone"));
    unknown.assert_failed(2, "no_such_link");
}

#[tokio::test]
async fn a_linked_phone_that_is_off_is_said_to_be_off() {
    let world = World::new().await;
    let (known, own) =
        (world.directory.path("computer.links"), world.directory.path("phone.links"));
    let mut phone = world.phone(&["--answer", "yes", "--links", &own, "--called", "Alice phone"]);
    phone.step("listening").await;
    link(&world, &mut phone, &known).await;
    drop(phone);
    let args = ["sign-in", "--links", &known, "--phone", "alice PHONE", "--timeout", "1"];
    let ended = world.computer(&args).ended().await;
    let said = |step: &str| {
        let said = ended.events.iter().find(|event| event["step"] == step);
        said.unwrap_or_else(|| panic!("{ended:?}"))["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(said("ringing"), "Waiting for Alice phone.");
    assert_eq!(
        said("not_reached"),
        "Alice phone is not listening now; start it, or scan this code."
    );
    assert!(steps(&ended).starts_with(&["ringing", "not_reached", "waiting_for_scan"]));
}

#[tokio::test]
async fn two_phones_of_one_name_are_told_apart_by_number_and_a_code_says_why_it_is_shown() {
    let world = World::new().await;
    let known = world.directory.path("computer.links");
    for number in ["1", "2"] {
        let own = world.directory.path(&format!("phone-{number}.links"));
        let mut phone = world.phone(&["--answer", "yes", "--links", &own, "--called", "Pixel"]);
        phone.step("listening").await;
        let account = format!("alice-{number}");
        let args = [
            "register",
            "--account",
            &account,
            "--name",
            "Phone",
            "--links",
            &known,
            "--new-phone",
        ];
        let ended = world.scan(&args, &mut phone).await.ended().await;
        assert!(steps(&ended).contains(&"linked"), "{ended:?}");
    }
    let list = listed(&known).await;
    assert_eq!((list[0]["number"].clone(), list[1]["number"].clone()), (1.into(), 2.into()));
    assert!(list.iter().all(|link| link["name"] == "Pixel" && link["since"].is_u64()), "{list:?}");

    let args = ["sign-in", "--links", &known, "--phone", "pixel"];
    world.computer(&args).ended().await.assert_failed(2, "ambiguous_link");
    let forget = Program::start(["links", "--links", &known, "forget", "Pixel"]);
    forget.ended().await.assert_failed(2, "ambiguous_link");
    assert_eq!(listed(&known).await.len(), 2, "nothing is forgotten");

    let args = ["sign-in", "--links", &known, "--timeout", "1"];
    let ended = world.computer(&args).ended().await;
    assert_eq!(steps(&ended)[0], "several_phones", "{ended:?}");
    let forget = Program::start(["links", "--links", &known, "forget", "2"]);
    assert_eq!(forget.ended().await.code, 0);
    assert_eq!(listed(&known).await[..], list[..1]);
}

#[tokio::test]
async fn links_that_are_not_there_or_not_readable_are_said() {
    let directory = crate::program::Directory::new();
    let file = directory.path("none.links");
    for command in [&["list"][..], &["forget", "1"], &[]] {
        let ended = Program::start(["links", "--links", &file].iter().chain(command)).ended().await;
        assert!(find(&ended, "failed")["message"].as_str().unwrap().contains(&file));
        ended.assert_failed(5, "links");
    }
    std::fs::write(&file, r#"{"version": 2}"#).unwrap();
    std::process::Command::new("chmod").args(["600", &file]).status().unwrap();
    assert!(listed(&file).await.is_empty());
    let forget = Program::start(["links", "--links", &file, "forget", "1"]);
    forget.ended().await.assert_failed(2, "no_such_link");
    std::fs::write(&file, "no JSON").unwrap();
    std::process::Command::new("chmod").args(["600", &file]).status().unwrap();
    let list = Program::start(["links", "--links", &file, "list"]).ended().await;
    assert!(find(&list, "failed")["message"].as_str().unwrap().contains(&file));
    list.assert_failed(5, "links");
}
