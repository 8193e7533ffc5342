//! Four processes: relay (with the simulated air), relying party, phone, computer.

use serde_json::Value;

use crate::{
    program::{Directory, Program, run},
    world::{World, find, steps, text},
};

#[tokio::test]
async fn a_passkey_is_made_and_used_with_and_without_an_account() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    assert_eq!(phone.event("radio").await["simulated"], true);

    let ended = world.register(&mut phone, "alice").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    assert_eq!(find(&ended, "registered")["account"], "alice");
    assert_eq!(find(&ended, "registered")["key"]["name"], "Alice's phone");
    let expected = [
        "waiting_for_scan",
        "near",
        "connecting",
        "handshake",
        "connected",
        "screen_lock",
        "closing",
    ];
    assert_eq!(steps(&ended), expected);
    assert_eq!(phone.event("passkey").await["action"], "created");
    assert_eq!(phone.event("served").await["ok"], true);

    for args in [&["sign-in"][..], &["sign-in", "--account", "alice"]] {
        let ended = world.scan(args, &mut phone).await.ended().await;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(find(&ended, "signed_in")["account"], "alice");
        assert_eq!(find(&ended, "signed_in")["user_verified"], true);
        assert_eq!(phone.event("passkey").await["action"], "used");
        assert_eq!(phone.event("served").await["ok"], true);
    }
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 0);
}

#[tokio::test]
async fn a_second_registration_on_the_same_phone_is_refused_at_both_ends() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    assert_eq!(world.register(&mut phone, "alice").await.code, 0);
    phone.event("served").await;
    world.register(&mut phone, "alice").await.assert_failed(1, "already_registered");
    assert_eq!(phone.event("served").await["reason"], "already_registered");
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 1);
}

#[tokio::test]
async fn a_relay_with_tls_is_trusted_by_its_roots_only() {
    let directory = Directory::new();
    let (cert, key, other) =
        (directory.path("cert.pem"), directory.path("key.pem"), directory.path("other.pem"));
    let make = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let good = make();
    std::fs::write(&cert, good.cert.pem()).unwrap();
    std::fs::write(&key, good.signing_key.serialize_pem()).unwrap();
    std::fs::write(&other, make().cert.pem()).unwrap();
    let relay = Program::start([
        "relay",
        "--air",
        "udp:127.0.0.1:0",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ]);
    let mut world = World::with(directory, relay).await;
    world.relay_url = world.relay_url.replace("127.0.0.1", "localhost");
    world.ca = Some(cert);
    let mut phone = world.phone(&["--answer", "yes"]);
    let ended = world.register(&mut phone, "alice").await;
    assert_eq!(ended.code, 0, "{ended:?}");

    // By its address, the relay says who it is all the same.
    let by_address = world.relay_url.replace("localhost", "127.0.0.1");
    let flags = ["--relay", &by_address, "--air", &world.air, "--ca", world.ca.as_deref().unwrap()];
    let named = |name: &'static [&'static str]| {
        let args: Vec<_> =
            ["doctor"].iter().chain(&flags).chain(name).map(|arg| (*arg).to_owned()).collect();
        async move { run(args).await }
    };
    assert_eq!(named(&[]).await.code, 5, "127.0.0.1 is not in the certificate");
    let found = named(&["--tls-name", "localhost"]).await;
    assert_eq!(found.code, 0, "{found:?}");

    world.ca = Some(other);
    let picture = world.directory.path("code.png");
    let mut waiting = world.computer(&["sign-in", "--qr-image", &picture]);
    waiting.event("qr_code").await;
    let mut stranger = world.phone(&["--answer", "yes", &picture]);
    assert_eq!(stranger.event("served").await["reason"], "relay");
    stranger.close_stdin();
    assert_eq!(stranger.ended().await.code, 5);
}

#[tokio::test]
async fn the_person_is_asked_and_answers_on_standard_input() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    let question = phone.event("question").await;
    assert_eq!((&question["question"], &question["answered"]), (&"connect".into(), &Value::Null));
    phone.say("maybe").await;
    assert_eq!(phone.event("question").await["question"], "connect");
    phone.say("yes").await;
    let question = phone.event("question").await;
    assert_eq!(
        (&question["question"], &question["rp_id"]),
        (&"register".into(), &"localhost".into())
    );
    assert!(text(&question["message"]).contains("alice"));
    phone.say("yes").await;
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[tokio::test]
async fn a_person_with_several_accounts_chooses_one() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    for account in ["alice", "bob"] {
        let computer = world.scan(&["register", "--account", account], &mut phone).await;
        for _ in 0..2 {
            phone.event("question").await;
            phone.say("yes").await;
        }
        assert_eq!(computer.ended().await.code, 0);
        phone.event("served").await;
    }
    let computer = world.scan(&["sign-in"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    loop {
        let question = phone.event("question").await;
        if question["question"] != "choose" {
            phone.say("yes").await;
            continue;
        }
        let choices: Vec<_> = question["choices"].as_array().unwrap().iter().map(text).collect();
        let alice = choices.iter().position(|name| name == "alice").unwrap();
        phone.say("9").await; // not a choice
        phone.event("question").await;
        phone.say(&(alice + 1).to_string()).await;
        break;
    }
    // What is confirmed is the account that was chosen.
    let question = phone.event("question").await;
    assert!(text(&question["message"]).contains("Account: \"alice\"."), "{question}");
    phone.say("yes").await;
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(find(&ended, "signed_in")["account"], "alice");
}

#[tokio::test]
async fn the_log_does_not_hold_the_code_or_the_tunnel() {
    let traced = |args: &[&str]| Program::start_traced(args);
    let world = World::with(Directory::new(), traced(&["relay", "--air", "udp:127.0.0.1:0"])).await;
    let mut computer = traced(&world.both_ends(&[
        "computer",
        "register",
        "--account",
        "alice",
        "--rp",
        &world.rp_url,
    ]));
    let uri = text(&computer.event("qr_code").await["uri"]);
    let mut phone = traced(&world.both_ends(&["phone", &uri, "--answer", "yes"]));
    phone.close_stdin();
    let (phone, computer) = (phone.ended().await, computer.ended().await);
    assert_eq!((phone.code, computer.code), (0, 0), "{phone:?} {computer:?}");
    world.relay.interrupt().await;
    let relay = world.relay.ended().await;

    let provider = towline::crypto::rustcrypto::provider();
    let payload = towline::hybrid::qr::QrPayload::from_uri(&provider, &uri).unwrap();
    let tunnel = payload.secret.tunnel_id(&provider).unwrap().to_string();
    let secret: String = payload.secret.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    for ended in [phone, computer, relay] {
        assert!(!ended.stderr.is_empty());
        let log = ended.stderr.to_lowercase();
        for hidden in [&uri[6..], &tunnel.to_lowercase(), &secret] {
            assert!(!log.contains(hidden), "{hidden} in {log}");
        }
    }
}
