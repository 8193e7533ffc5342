//! Devices that share passkeys by a folder, each a process of its own.

use std::fs;

use serde_json::Value;
use towline_store::{KeySource, Store};

use crate::{
    program::{Directory, Ended, Program, run},
    world::{World, find, text},
};

/// `towline sync` on the store of a device.
pub(crate) fn sync<'a>(store: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    ["sync", "--store", store].iter().chain(args).copied().collect()
}

/// Variables of the environment, with what lets in to a store.
pub(crate) type Variables<'a> = &'a [(&'static str, &'a str)];

pub(crate) async fn start(store: &str, folder: &str) -> (Ended, String) {
    start_with(&[], store, folder).await
}

/// Begins a circle, writes the paper key down, and says which words are asked back.
pub(crate) async fn start_with(
    variables: Variables<'_>,
    store: &str,
    folder: &str,
) -> (Ended, String) {
    let args = sync(store, &["start", "--folder", folder, "--name", "desktop"]);
    let mut program = Program::start_with(variables.iter().copied(), args);
    let paper = program.event("paper_key").await;
    let words = write_down(&mut program, &paper).await;
    (program.ended().await, words)
}

/// Says the words that are asked back, and gives all of them.
async fn write_down(program: &mut Program, paper: &Value) -> String {
    let words = text(&paper["words"]);
    let list: Vec<_> = words.split(' ').collect();
    assert_eq!(list.len(), 24);
    for place in paper["asked"].as_array().unwrap() {
        program.say(list[place.as_u64().unwrap() as usize - 1]).await;
    }
    words
}

async fn join(world: &World, first: &str, second: &str) -> [Ended; 2] {
    join_with(&[], world, first, second).await
}

/// One device shows a code, and the new one takes it.
pub(crate) async fn join_with(
    variables: Variables<'_>,
    world: &World,
    first: &str,
    second: &str,
) -> [Ended; 2] {
    let program = |args| Program::start_with(variables.iter().copied(), args);
    let code = world.directory.path("invitation.png");
    let show = sync(first, &["invite", "--answer", "yes", "--qr-image", &code]);
    let mut invites = program(world.both_ends(&show));
    assert_eq!(invites.event("qr_code").await["image"], code.as_str());
    let scan = sync(second, &["join", &code, "--name", "phone", "--answer", "yes"]);
    let joins = program(world.both_ends(&scan));
    [joins.ended().await, invites.ended().await]
}

pub(crate) fn devices(ended: &Ended) -> Vec<String> {
    let devices = ended.events.iter().filter(|event| event["event"] == "circle_device");
    let devices = devices.filter(|device| device["removed"] == false);
    devices.map(|device| text(&device["name"])).collect()
}

/// Steps 8 and 15 of the journey, and what a site is told of backups at each.
#[tokio::test]
async fn a_passkey_of_one_device_signs_in_on_the_other_and_excludes_it_there() {
    let world = World::new().await;
    let [first, second, folder] =
        ["first", "second", "folder"].map(|name| world.directory.path(name));
    let (started, _) = start(&first, &folder).await;
    assert_eq!((started.code, devices(&started)), (0, vec!["desktop".to_owned()]), "{started:?}");
    let [joined, invited] = join(&world, &first, &second).await;
    assert_eq!((joined.code, invited.code), (0, 0), "{joined:?} {invited:?}");
    assert_eq!(devices(&joined).len(), 2, "{joined:?}");

    let options = ["--answer", "yes", "--sync", "--store"];
    let phone = |store: &str| world.phone(&[&options[..], &[store]].concat());
    let (mut first, mut second) = (phone(&first), phone(&second));
    for phone in [&mut first, &mut second] {
        phone.event("ready").await;
    }
    let registered = world.register(&mut first, "alice").await;
    assert_eq!(registered.code, 0, "{registered:?}");
    let flags = |ended: &Ended, event: &str| {
        let key = &find(ended, event)["key"];
        (key["backup_eligible"] == true, key["backed_up"] == true)
    };
    assert_eq!(flags(&registered, "registered"), (true, false), "nobody else had it yet");
    loop {
        let said = second.event("sync").await;
        if said["reason"] == "merged" {
            break;
        }
    }
    let signed_in = world.scan(&["sign-in"], &mut second).await.ended().await;
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    assert_eq!(find(&signed_in, "signed_in")["account"], "alice");
    assert_eq!(flags(&signed_in, "signed_in"), (true, true));
    second.event("served").await;
    // It is there already, and says so.
    world.register(&mut second, "alice").await.assert_failed(1, "already_registered");
    // And on the device where it was made.
    first.event("served").await;
    let signed_in = world.scan(&["sign-in"], &mut first).await.ended().await;
    assert_eq!(flags(&signed_in, "signed_in"), (true, true), "{signed_in:?}");
    first.close_stdin();
    assert_eq!(first.ended().await.code, 0);
}

#[tokio::test]
async fn a_stolen_device_is_removed_with_a_list_to_tick_off_and_paper_brings_all_back() {
    let world = World::new().await;
    let [first, second, third, folder, paper] =
        ["first", "second", "third", "folder", "paper"].map(|name| world.directory.path(name));
    let (_, words) = start(&first, &folder).await;
    let [joined, _] = join(&world, &first, &second).await;
    assert_eq!(joined.code, 0, "{joined:?}");
    let mut phone = world.phone(&["--answer", "yes", "--sync", "--store", &first]);
    assert_eq!(world.register(&mut phone, "alice").await.code, 0);
    phone.event("served").await;
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 0);

    let watched = run(sync(&second, &["watch", "--once"])).await;
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(find(&watched, "circle")["passkeys"], 1);

    run(sync(&first, &["remove", "nobody", "--answer", "yes"]))
        .await
        .assert_failed(2, "no_such_device");
    run(sync(&first, &["remove", "phone", "--answer", "no"])).await.assert_failed(3, "declined");
    let removed = run(sync(&first, &["remove", "phone", "--answer", "yes"])).await;
    assert_eq!((removed.code, devices(&removed).len()), (0, 1), "{removed:?}");
    let exposed = find(&removed, "exposed");
    assert_eq!((&exposed["device"], &exposed["rp_id"]), (&"phone".into(), &"localhost".into()));
    assert_eq!(find(&removed, "circle")["told"], 1);
    let id = text(&exposed["id"]);
    let ticked = run(sync(&first, &["remove", "--done", &id[..12]])).await;
    assert_eq!(ticked.code, 0, "{ticked:?}");
    assert!(ticked.events.iter().all(|event| event["event"] != "exposed"), "{ticked:?}");

    let told = run(sync(&second, &["watch", "--once"])).await;
    assert_eq!(find(&told, "circle")["member"], false, "{told:?}");
    assert!(told.events.iter().any(|event| event["reason"] == "removed"));

    // All devices are lost.
    fs::write(&paper, format!("{words}\n")).unwrap();
    let args = ["--folder", &folder, "--name", "new", "--paper-key-file", &paper];
    let recover = [&["recover", "--answer", "yes"][..], &args].concat();
    let recovered = run(sync(&third, &recover)).await;
    assert_eq!((recovered.code, devices(&recovered)), (0, vec!["new".to_owned()]), "{recovered:?}");
    assert_eq!(find(&recovered, "circle")["passkeys"], 1);
    let exposed = find(&recovered, "exposed");
    assert_eq!((&exposed["device"], &exposed["rp_id"]), (&"desktop".into(), &"localhost".into()));
    let listed = run(sync(&third, &["remove"])).await;
    assert_eq!(find(&listed, "exposed")["id"], exposed["id"]);
    let question = text(&find(&recovered, "question")["message"]);
    assert!(question.contains("by \"desktop\"; 1 passkey."), "{question}");
    let listed = run(["keys", "--store", &third, "list"]).await;
    assert_eq!(find(&listed, "stored_passkey")["account"], "alice");
    let left = run(sync(&first, &["watch", "--once"])).await;
    assert_eq!(find(&left, "circle")["member"], false, "{left:?}");
}

#[tokio::test]
async fn nothing_is_begun_without_the_words_and_nothing_synced_without_a_circle() {
    let directory = Directory::new();
    let [store, folder, none] = ["store", "folder", "none"].map(|name| directory.path(name));
    let mut program =
        Program::start(sync(&store, &["start", "--folder", &folder, "--name", "desktop"]));
    program.event("paper_key").await;
    for _ in 0..3 {
        program.say("zoo zoo").await;
    }
    program.ended().await.assert_failed(3, "not_written_down");
    run(sync(&store, &["status"])).await.assert_failed(2, "no_circle");
    let key = ["key", "--listen", "udp:127.0.0.1:0", "--presence", "auto", "--sync"];
    run(key.iter().chain(&["--store", &store])).await.assert_failed(2, "no_circle");
    run(key).await.assert_failed(2, "no_store");
    let (started, words) = start(&store, &folder).await;
    assert_eq!(started.code, 0, "{started:?}");
    let again = sync(&store, &["start", "--folder", &folder, "--name", "again"]);
    run(again).await.assert_failed(2, "in_circle");
    let status = run(sync(&store, &["status"])).await;
    let circle = find(&status, "circle");
    let counts = [&circle["devices"], &circle["passkeys"], &circle["only_here"]];
    assert_eq!(counts, [&Value::from(1), &0.into(), &0.into()]);
    assert_eq!((&circle["waiting"], &circle["told"]), (&false.into(), &Value::Null));

    let paper = directory.path("paper");
    let other = |text: &str| fs::write(&paper, text).unwrap();
    let recover = |store| {
        let place = ["--folder", &folder, "--name", "new", "--answer", "yes"];
        sync(store, &[&["recover", "--paper-key-file", &paper][..], &place].concat())
    };
    other("abandon ability\n");
    run(recover(&none)).await.assert_failed(2, "paper_key");
    // Somebody else's.
    let stranger = [&["abandon"; 23][..], &["art"]].concat().join(" ");
    other(&stranger);
    run(recover(&none)).await.assert_failed(2, "no_circle");
    assert!(!fs::exists(&none).unwrap(), "no store was made for nothing");
    other(&words);
    run(recover(&store)).await.assert_failed(2, "in_circle");

    // What is kept of the circle, or of the device there, can't be read any more.
    for damaged in 0..2 {
        let key = KeySource::KeyFile(format!("{store}.key").into());
        let kept = Store::open(store.as_ref(), &key, &towline::fastest::provider()).unwrap();
        let mut was = kept.circle().unwrap().unwrap();
        let part = if damaged == 0 { &mut was.device } else { &mut was.rows[0].1 };
        **part = b"damaged".to_vec();
        kept.begin_circle(&was.device, was.rows.into_iter()).unwrap();
        drop(kept);
        run(sync(&store, &["status"])).await.assert_failed(5, "store");
        let recovered = run(recover(&store)).await;
        assert_eq!(recovered.code, 0, "{recovered:?}");
    }
}

/// What carries it is off, say.
#[tokio::test]
async fn a_folder_that_is_away_is_told_of_beside_all_that_is_known() {
    let directory = Directory::new();
    let [store, folder, away] = ["store", "folder", "away"].map(|name| directory.path(name));
    assert_eq!(start(&store, &folder).await.0.code, 0);
    fs::rename(&folder, &away).unwrap();
    let is_tried_again = |told: &Value| {
        assert_eq!((&told["reason"], &told["problem"]), (&"not_reached".into(), &true.into()));
        text(&told["message"]).contains("tried again")
    };
    for args in [&["status"][..], &["watch", "--once"]] {
        let told = run(sync(&store, args)).await;
        assert_eq!((told.code, devices(&told)), (5, vec!["desktop".to_owned()]), "{told:?}");
        assert!(!is_tried_again(find(&told, "sync")), "{told:?}");
    }
    let mut watches = Program::start(sync(&store, &["watch"]));
    assert!(is_tried_again(&watches.event("sync").await));
    drop(watches);
    assert!(!fs::exists(&folder).unwrap(), "nothing is written where it was");
    fs::rename(&away, &folder).unwrap();
    assert_eq!(run(sync(&store, &["status"])).await.code, 0);
}

/// Writes another address into a store, as if its circle were there: one as long, with `x` behind
/// it.
pub(crate) fn move_circle(store: &str, folder: &str, beginning: &str) -> String {
    let address = format!("{beginning}{}", "x".repeat(folder.len() - beginning.len()));
    let key = KeySource::KeyFile(format!("{store}.key").into());
    let kept = Store::open(store.as_ref(), &key, &towline::fastest::provider()).unwrap();
    let mut was = kept.circle().unwrap().unwrap();
    let at = was.device.windows(folder.len()).position(|part| part == folder.as_bytes()).unwrap();
    was.device[at..at + folder.len()].copy_from_slice(address.as_bytes());
    kept.begin_circle(&was.device, was.rows.into_iter()).unwrap();
    address
}

/// The other device names a place that is no use here: told before this one is added.
#[tokio::test]
async fn whoever_can_not_use_the_place_of_a_circle_is_not_added() {
    let world = World::new().await;
    let [first, second, folder] =
        ["first", "second", "folder"].map(|name| world.directory.path(name));
    assert_eq!(start(&first, &folder).await.0.code, 0);
    let mut place = folder.clone();
    let places = [
        ("/proc/", 5, "folder", "can't be used"),
        #[cfg(not(feature = "stores"))]
        ("s3://b/", 2, "no_stores", "--features stores"),
    ];
    for (beginning, code, reason, sentence) in places {
        place = move_circle(&first, &place, beginning);
        let [joined, invited] = join(&world, &first, &second).await;
        joined.assert_failed(code, reason);
        assert!(text(&joined.failed()["message"]).contains(sentence), "{joined:?}");
        let question = text(&find(&joined, "question")["message"]);
        assert!(question.ends_with(&format!("They meet at {place}")), "{question}");
        invited.assert_failed(3, "cancelled");
        assert!(text(&invited.failed()["message"]).contains("nothing was changed"), "{invited:?}");
        assert_eq!(find(&run(sync(&first, &["status"])).await, "circle")["devices"], 1);
    }
    // A place of its own is.
    let code = world.directory.path("invitation.png");
    let show = sync(&first, &["invite", "--answer", "yes", "--qr-image", &code]);
    let mut invites = Program::start(world.both_ends(&show));
    invites.event("qr_code").await;
    let scan = ["join", &code, "--name", "phone", "--answer", "yes", "--folder", &folder];
    let joined = run(world.both_ends(&sync(&second, &scan))).await;
    assert_eq!((joined.code, &find(&joined, "circle")["devices"]), (0, &2.into()), "{joined:?}");
    assert_eq!(invites.ended().await.code, 0);
}

/// What a command has changed stays changed, and goes there later.
#[tokio::test]
async fn what_the_folder_did_not_take_is_no_success_and_not_lost() {
    let world = World::new().await;
    let [first, second, third, folder, away, paper] =
        ["first", "second", "third", "folder", "away", "paper"]
            .map(|name| world.directory.path(name));
    let goes = || fs::rename(&folder, &away).unwrap();
    let comes = || fs::rename(&away, &folder).unwrap();
    let assert_waits = |ended: &Ended| {
        assert_eq!(ended.code, 5, "{ended:?}");
        let waiting = ended.events.iter().find(|event| event["reason"] == "waiting").unwrap();
        assert!(text(&waiting["message"]).contains("run `towline sync watch`"), "{waiting}");
        assert_eq!(find(ended, "circle")["waiting"], true);
    };
    let look = async |store: &str| run(sync(store, &["watch", "--once"])).await;
    let watch = async |store: &str| {
        let watched = look(store).await;
        assert_eq!(watched.code, 0, "{watched:?}");
        watched
    };

    let begin = sync(&first, &["start", "--folder", &folder, "--name", "desktop"]);
    let mut program = Program::start(begin);
    let shown = program.event("paper_key").await;
    goes();
    let words = write_down(&mut program, &shown).await;
    assert_waits(&program.ended().await);
    comes();
    watch(&first).await;
    let [joined, _] = join(&world, &first, &second).await;
    assert_eq!(joined.code, 0, "{joined:?}");
    // It hears there what the new device is called.
    watch(&first).await;

    goes();
    assert_waits(&run(sync(&first, &["remove", "phone", "--answer", "yes"])).await);
    comes();
    assert_eq!(devices(&watch(&first).await), ["desktop"]);
    assert_eq!(find(&look(&second).await, "circle")["member"], false);

    fs::write(&paper, format!("{words}\n")).unwrap();
    let args = ["recover", "--folder", &folder, "--name", "new", "--paper-key-file", &paper];
    let mut program = Program::start(sync(&third, &args));
    program.event("question").await;
    goes();
    program.say("yes").await;
    assert_waits(&program.ended().await);
    comes();
    assert_eq!(devices(&watch(&third).await), ["new"]);
    assert_eq!(find(&look(&first).await, "circle")["member"], false);
}

#[cfg(not(feature = "stores"))]
#[tokio::test]
async fn an_address_is_refused_with_how_to_build_what_takes_it() {
    let directory = Directory::new();
    let store = directory.path("store");
    for address in ["s3://bucket/folder", "s3:/x", "https://cloud.example/dav", "s3://id:secret@x"]
    {
        let place = ["--folder", address, "--name", "desktop"];
        for command in ["start", "recover", "join"] {
            let refused = run(sync(&store, &[&[command][..], &place].concat())).await;
            refused.assert_failed(2, "no_stores");
            assert!(text(&refused.failed()["message"]).contains("--features stores"));
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
    }
    assert!(!fs::exists(&store).unwrap());
}
