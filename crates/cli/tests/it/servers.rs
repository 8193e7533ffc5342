//! Circles through stores of other machines: the S3 of moto, and Apache's WebDAV.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use towline_testkit::ForeignServer;

use crate::{
    program::{Directory, Ended, Program},
    sync::{Variables, devices, join_with, move_circle, start_with, sync},
    world::{World, find, text},
};

/// Runs the program to its end, with these variables.
async fn run_with(variables: Variables<'_>, args: Vec<&str>) -> Ended {
    let mut program = Program::start_with(variables.iter().copied(), args);
    program.close_stdin();
    program.ended().await
}

/// A phone that takes part in its circle while it runs.
fn phone(world: &World, variables: Variables<'_>, store: &str) -> Program {
    let args = world.both_ends(&["phone", "--answer", "yes", "--sync", "--store", store]);
    Program::start_with(variables.iter().copied(), args)
}

/// Makes a passkey, whatever the store does. How the phone ended.
async fn make(world: &World, variables: Variables<'_>, store: &str, account: &str) -> Ended {
    let mut phone = phone(world, variables, store);
    assert_eq!(world.register(&mut phone, account).await.code, 0);
    phone.event("served").await;
    phone.close_stdin();
    phone.ended().await
}

async fn accounts(store: &str) -> Vec<String> {
    let listed = run_with(&[], vec!["keys", "--store", store, "list"]).await;
    let passkeys = listed.events.iter().filter(|event| event["event"] == "stored_passkey");
    passkeys.map(|passkey| text(&passkey["account"])).collect()
}

/// The problem that is told, with this in its sentence.
fn assert_problem(ended: &Ended, reason: &str, sentence: &str) {
    let mut told = ended.events.iter().filter(|event| event["problem"] == true);
    let problem = told.find(|event| event["reason"] == reason);
    let problem = problem.unwrap_or_else(|| panic!("{reason}: {ended:?}"));
    assert!(text(&problem["message"]).contains(sentence), "{problem}");
}

fn s3(endpoint: &str) -> [(&'static str, &str); 5] {
    [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ]
}

const fn dav(user: &'static str, password: &'static str) -> [(&'static str, &'static str); 2] {
    [("TOWLINE_WEBDAV_USER", user), ("TOWLINE_WEBDAV_PASSWORD", password)]
}

const ANNA: [(&str, &str); 2] = dav("anna", "s:x");

/// Two devices, a passkey, a removal, and what brings all back.
async fn two_devices_share(variables: Variables<'_>, address: &str) {
    let world = World::new().await;
    let [first, second, third, paper] =
        ["first", "second", "third", "paper"].map(|name| world.directory.path(name));
    let (started, words) = start_with(variables, &first, address).await;
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(find(&started, "circle")["folder"], address);
    // The other one has the address from the first.
    let [joined, invited] = join_with(variables, &world, &first, &second).await;
    assert_eq!((joined.code, invited.code), (0, 0), "{joined:?} {invited:?}");
    assert_eq!(make(&world, variables, &first, "alice").await.code, 0);

    let mut other = phone(&world, variables, &second);
    while other.event("sync").await["reason"] != "merged" {}
    let signed_in = world.scan(&["sign-in"], &mut other).await.ended().await;
    assert_eq!((signed_in.code, &find(&signed_in, "signed_in")["account"]), (0, &"alice".into()));
    other.event("served").await;
    other.close_stdin();
    assert_eq!(other.ended().await.code, 0);

    let removed = run_with(variables, sync(&first, &["remove", "phone", "--answer", "yes"])).await;
    assert_eq!((removed.code, devices(&removed).len()), (0, 1), "{removed:?}");
    let told = run_with(variables, sync(&second, &["watch", "--once"])).await;
    assert_eq!(find(&told, "circle")["member"], false, "{told:?}");
    let status = run_with(variables, sync(&first, &["status"])).await;
    assert_eq!((status.code, &find(&status, "circle")["waiting"]), (0, &Value::Bool(false)));

    fs::write(&paper, format!("{words}\n")).unwrap();
    let args = ["--folder", address, "--name", "new", "--paper-key-file", &paper];
    let recover = [&["recover", "--answer", "yes"][..], &args].concat();
    let recovered = run_with(variables, sync(&third, &recover)).await;
    assert_eq!((recovered.code, devices(&recovered)), (0, vec!["new".to_owned()]), "{recovered:?}");
    assert_eq!(accounts(&third).await, ["alice"]);
}

#[tokio::test]
#[ignore = "needs moto: .ci/run stores"]
async fn two_devices_share_through_s3() {
    let server = ForeignServer::moto();
    let origin = server.origin();
    two_devices_share(&s3(&origin), "s3://bucket/some/folder").await;

    // What can't be right is told before anything is begun.
    let directory = Directory::new();
    let store = directory.path("store");
    let begin = |address| sync(&store, &["start", "--folder", address, "--name", "desktop"]);
    let absent = run_with(&s3(&origin), begin("s3://no-such-bucket/x")).await;
    absent.assert_failed(5, "no_bucket");
    assert!(text(&absent.failed()["message"]).contains("make it first"), "{absent:?}");
    let nothing = run_with(&[], begin("s3://bucket/x")).await;
    nothing.assert_failed(5, "no_credentials");
    assert!(text(&nothing.failed()["message"]).contains("AWS_SECRET_ACCESS_KEY"), "{nothing:?}");
    let shown = run_with(&s3(&origin), begin("s3://id:very-secret@bucket/x")).await;
    shown.assert_failed(2, "address");
    assert!(!format!("{absent:?} {nothing:?} {shown:?}").contains("very-secret"));
    for address in
        ["ftp://host/x", "s3:/x", "s3:bucket", "s3://bucket/x#y", "s3://id:very/secret@b"]
    {
        let refused = run_with(&s3(&origin), begin(address)).await;
        refused.assert_failed(2, "address");
        assert!(!format!("{refused:?}").contains("very"), "{refused:?}");
    }
    assert!(!fs::exists(&store).unwrap(), "no store was made for nothing");
}

#[tokio::test]
#[ignore = "needs Apache: .ci/run stores"]
async fn two_devices_share_through_webdav() {
    let server = ForeignServer::apache();
    two_devices_share(&ANNA, &format!("{}/passkeys", server.dav())).await;
}

/// Each trouble has its sentence, in `status` and while the program runs; nothing is lost by it.
#[tokio::test]
#[ignore = "needs Apache: .ci/run stores"]
async fn what_is_wrong_with_a_store_is_told_and_what_is_new_waits() {
    let mut server = ForeignServer::apache();
    let world = World::new().await;
    let [first, second] = ["first", "second"].map(|name| world.directory.path(name));
    assert_eq!(start_with(&ANNA, &first, &server.dav()).await.0.code, 0);
    // Whoever joins without credentials has everything all the same.
    let [joined, invited] = join_with(&[], &world, &first, &second).await;
    assert_eq!((joined.code, invited.code), (0, 0), "{joined:?} {invited:?}");
    assert_problem(&joined, "credentials_refused", "TOWLINE_WEBDAV_PASSWORD");

    let wrong = dav("anna", "wrong-secret");
    let status = run_with(&wrong, sync(&first, &["status"])).await;
    assert_eq!((status.code, &find(&status, "circle")["devices"]), (5, &2.into()), "{status:?}");
    assert_problem(&status, "credentials_refused", "TOWLINE_WEBDAV_PASSWORD");
    let watched = run_with(&wrong, sync(&first, &["watch", "--once"])).await;
    assert_eq!(watched.code, 5);
    assert_problem(&watched, "credentials_refused", "TOWLINE_WEBDAV_PASSWORD");
    assert!(!format!("{status:?} {watched:?}").contains("wrong-secret"));

    // One after the other: may not write, is away, and answers nothing at all.
    let ben = dav("ben", "s:x");
    assert_eq!(make(&world, &ben, &first, "alice").await.code, 0);
    let watched = run_with(&ben, sync(&first, &["watch", "--once"])).await;
    assert_problem(&watched, "read_only", "allow them to write");
    let mut running = phone(&world, &ben, &first);
    assert_eq!(running.event("sync").await["reason"], "read_only");
    drop(running);
    let status = run_with(&ANNA, sync(&first, &["status"])).await;
    let circle = find(&status, "circle");
    assert_eq!((&circle["waiting"], &circle["only_here"]), (&Value::Bool(true), &1.into()));

    server.stop();
    assert_eq!(make(&world, &ANNA, &first, "bob").await.code, 0);
    let status = run_with(&ANNA, sync(&first, &["status"])).await;
    assert_eq!((status.code, &find(&status, "circle")["only_here"]), (5, &2.into()));
    assert_problem(&status, "not_reached", "can't be reached");

    let at = server.origin();
    let silent = TcpListener::bind(at.strip_prefix("http://").unwrap()).unwrap();
    let (sender, connections) = channel();
    thread::spawn(move || while silent.accept().is_ok_and(|open| sender.send(open).is_ok()) {});
    let begun = Instant::now();
    let made = make(&world, &ANNA, &first, "carol").await;
    assert_eq!(made.code, 0, "it does not fail with the store: {made:?}");
    // Its end waits 5 seconds for what is on its way; a look at the store would be waited for
    // half a minute.
    assert!(begun.elapsed() < Duration::from_secs(25), "nor waits for it: {:?}", begun.elapsed());
    let held = connections.try_iter().count();
    assert!(held > 0, "the store was asked");
    drop(connections);
    // The last one lets it end, and the port go.
    drop(std::net::TcpStream::connect(at.strip_prefix("http://").unwrap()).unwrap());

    server.start_again();
    let watched = run_with(&ANNA, sync(&first, &["watch", "--once"])).await;
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(find(&watched, "circle")["only_here"], 0);
    let watched = run_with(&ANNA, sync(&second, &["watch", "--once"])).await;
    assert_eq!((watched.code, &find(&watched, "circle")["passkeys"]), (0, &3.into()));
    assert_eq!(accounts(&second).await.len(), 3);
}

/// The other device names the store, and could name one that collects passwords.
#[tokio::test]
async fn a_password_goes_to_no_store_that_its_person_has_not_agreed_to() {
    let world = World::new().await;
    let [first, second, folder, code] =
        ["first", "second", "folder", "code.png"].map(|name| world.directory.path(name));
    assert_eq!(start_with(&[], &first, &folder).await.0.code, 0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).to_ascii_lowercase();
            let _ = sender.send(request.contains("authorization: basic"));
            let _ = stream.write_all(
                b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            );
        }
    });
    let address = move_circle(&first, &folder, &origin);
    for (answer, sent) in [("no", false), ("yes", true)] {
        let show = sync(&first, &["invite", "--answer", "yes", "--qr-image", &code]);
        let mut invites = Program::start(world.both_ends(&show));
        invites.event("qr_code").await;
        let scan = sync(&second, &["join", &code, "--name", "phone"]);
        let mut joins = Program::start_with(ANNA, world.both_ends(&scan));
        let question = text(&joins.event("question").await["message"]);
        assert!(question.ends_with(&format!("They meet at {address}")), "{question}");
        // The device that has it set no password.
        assert!(!requests.try_iter().any(|has_password| has_password));
        joins.say(answer).await;
        let (joined, invited) = (joins.ended().await, invites.ended().await);
        assert_eq!((joined.code == 0, invited.code == 0), (sent, sent), "{joined:?} {invited:?}");
        assert_eq!(requests.try_iter().any(|has_password| has_password), sent, "{answer}");
    }
}
