//! Four processes: relay (with the simulated air), relying party, phone, computer.

use serde_json::Value;

use crate::program::{Directory, Ended, Program, run};

/// The two servers, and how to reach them.
struct World {
    directory: Directory,
    relay: Program,
    rp: Program,
    relay_url: String,
    air: String,
    rp_url: String,
    ca: Option<String>,
}

impl World {
    async fn new() -> Self {
        Self::with(Directory::new(), Program::start(["relay", "--air", "udp:127.0.0.1:0"])).await
    }

    async fn with(directory: Directory, mut relay: Program) -> Self {
        let mut rp = Program::start(["rp"]);
        let air = text(&relay.event("listening").await["url"]);
        let relay_url = text(&relay.event("listening").await["url"]);
        let rp_url = text(&rp.event("listening").await["url"]);
        Self { directory, relay, rp, relay_url, air, rp_url, ca: None }
    }

    fn both_ends<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let mut all = args.to_vec();
        all.extend(["--relay", &self.relay_url, "--air", &self.air]);
        if let Some(ca) = &self.ca {
            all.extend(["--ca", ca]);
        }
        all
    }

    fn phone(&self, args: &[&str]) -> Program {
        let all: Vec<_> = ["phone"].iter().chain(args).copied().collect();
        Program::start(self.both_ends(&all))
    }

    fn computer(&self, args: &[&str]) -> Program {
        let all: Vec<_> =
            ["computer"].iter().chain(args).copied().chain(["--rp", &self.rp_url]).collect();
        Program::start(self.both_ends(&all))
    }

    /// Shows a code on the computer and gives its picture to the phone.
    async fn scan(&self, args: &[&str], phone: &mut Program) -> Program {
        let picture = self.directory.path("code.png");
        let all: Vec<_> = args.iter().copied().chain(["--qr-image", &picture]).collect();
        let mut computer = self.computer(&all);
        let code = computer.event("qr_code").await;
        assert_eq!(code["image"], picture.as_str());
        phone.say(&picture).await;
        computer
    }

    async fn register(&self, phone: &mut Program, account: &str) -> Ended {
        let args = ["register", "--account", account, "--name", "Alice's phone"];
        self.scan(&args, phone).await.ended().await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn find<'a>(ended: &'a Ended, event: &str) -> &'a Value {
    ended
        .events
        .iter()
        .find(|found| found["event"] == event)
        .unwrap_or_else(|| panic!("{event}: {ended:?}"))
}

fn steps(ended: &Ended) -> Vec<&str> {
    ended.events.iter().filter_map(|event| event["step"].as_str()).collect()
}

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

    world.ca = Some(other);
    let picture = world.directory.path("code.png");
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
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(find(&ended, "signed_in")["account"], "alice");
}

#[tokio::test]
async fn a_person_who_refuses_the_operation_ends_both() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    phone.event("question").await;
    phone.say("no").await;
    computer.ended().await.assert_failed(3, "refused");
    assert_eq!(phone.event("served").await["reason"], "refused");
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 3);
}

#[tokio::test]
async fn a_person_who_does_not_connect_sends_nothing() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "no"]);
    let computer =
        world.scan(&["register", "--account", "alice", "--timeout", "2"], &mut phone).await;
    assert_eq!(phone.event("served").await["reason"], "declined");
    let ended = computer.ended().await;
    ended.assert_failed(4, "timed_out");
    assert_eq!(steps(&ended), ["waiting_for_scan"]);
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 3);
}

#[tokio::test]
async fn nobody_at_the_terminal_is_a_no() {
    let world = World::new().await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let uri = text(&computer.event("qr_code").await["uri"]);
    let ended = run(world.both_ends(&["phone", &uri])).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(find(&ended, "served")["reason"], "declined");
}

#[tokio::test]
async fn a_phone_without_a_passkey_says_so() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    world.scan(&["sign-in"], &mut phone).await.ended().await.assert_failed(1, "no_credentials");
    assert_eq!(phone.event("served").await["reason"], "nothing_done");
}

#[tokio::test]
async fn without_a_phone_nearby_the_computer_gives_up() {
    let world = World::new().await;
    let ended = world.computer(&["register", "--account", "alice", "--timeout", "1"]).ended().await;
    ended.assert_failed(4, "timed_out");
    assert!(text(&ended.failed()["message"]).contains("Bluetooth"));
}

#[tokio::test]
async fn ctrl_c_at_the_computer_releases_the_phone() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    assert_eq!(phone.event("question").await["question"], "register");
    computer.interrupt().await;
    computer.ended().await.assert_failed(130, "interrupted");
    assert_eq!(phone.event("served").await["ok"], false);
    // The phone is ready for the next code.
    phone.event("ready").await;
}

#[tokio::test]
async fn ctrl_c_at_the_phone_releases_the_computer() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    assert_eq!(phone.event("question").await["question"], "register");
    phone.interrupt().await;
    let ended = phone.ended().await;
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(find(&ended, "served")["reason"], "interrupted");
    let ended = computer.ended().await;
    assert!(ended.code == 1 || ended.code == 3, "{ended:?}");
}

#[tokio::test]
async fn ctrl_c_while_the_code_is_on_show_cancels() {
    let world = World::new().await;
    let mut computer = world.computer(&["sign-in"]);
    computer.step("waiting_for_scan").await;
    computer.interrupt().await;
    computer.ended().await.assert_failed(130, "interrupted");
}

#[tokio::test]
async fn a_phone_at_rest_stops_with_success() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    phone.event("ready").await;
    phone.interrupt().await;
    assert_eq!(phone.ended().await.code, 0);
}

#[tokio::test]
async fn lines_that_are_no_codes_do_not_stop_the_phone() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    for line in ["hello", "FIDO:/1", "/", "FIDO:/"] {
        phone.say(line).await;
        let served = phone.event("served").await;
        assert_eq!(
            (&served["ok"], &served["exit_code"]),
            (&false.into(), &2.into()),
            "{line}: {served}"
        );
    }
    assert_eq!(world.register(&mut phone, "alice").await.code, 0);
}

#[tokio::test]
async fn a_code_as_an_argument_must_be_right() {
    let world = World::new().await;
    for (code, reason) in [
        ("hello", "not_a_code"),
        ("https://example.org", "not_a_code"),
        ("/", "picture_unreadable"),
    ] {
        run(world.both_ends(&["phone", code])).await.assert_failed(2, reason);
    }
}

#[tokio::test]
async fn without_a_simulated_air_the_lack_of_a_radio_is_said() {
    let world = World::new().await;
    let ended = run(["phone", "--relay", &world.relay_url]).await;
    ended.assert_failed(5, "no_real_bluetooth");
    assert!(text(&ended.failed()["message"]).contains("towline air"));
    let args = ["computer", "sign-in", "--rp", &world.rp_url, "--relay", &world.relay_url];
    run(args).await.assert_failed(5, "no_real_bluetooth");
    let args = ["phone", "--relay", &world.relay_url, "--air", "udp:127.0.0.1:9"];
    run(args).await.assert_failed(5, "no_simulated_air");
}

#[tokio::test]
async fn a_phone_needs_to_know_its_relay() {
    let world = World::new().await;
    run(["phone", "--air", &world.air]).await.assert_failed(2, "no_relay");
    run(["phone", "--air", &world.air, "--domain", "2"]).await.assert_failed(2, "domain");
}

#[tokio::test]
async fn a_relay_that_is_gone_is_said_at_the_phone() {
    let world = World::new().await;
    let mut computer = world.computer(&["register", "--account", "alice"]);
    let uri = text(&computer.event("qr_code").await["uri"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nothing = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    let ended =
        run(["phone", &uri, "--answer", "yes", "--relay", &nothing, "--air", &world.air]).await;
    assert_eq!(ended.code, 5, "{ended:?}");
    assert_eq!(find(&ended, "served")["reason"], "relay");
}

#[tokio::test]
async fn what_the_relying_party_refuses_is_passed_on() {
    let world = World::new().await;
    let run = |args: &[&str]| world.computer(args).ended();
    run(&["sign-in", "--account", "nobody"]).await.assert_failed(1, "relying_party");
    run(&["register", "--account", "alice", "--name", ""]).await.assert_failed(2, "bad_name");
}

#[tokio::test]
async fn a_relying_party_that_is_not_there_is_said() {
    let world = World::new().await;
    let with = |rp: &str| {
        let mut args = world.both_ends(&["computer", "sign-in"]);
        args.extend(["--rp", rp]);
        run(args.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    with("http://localhost:9").await.assert_failed(5, "relying_party_unreachable");
    with("https://localhost").await.assert_failed(2, "relying_party_url");
}

#[tokio::test]
async fn an_origin_without_a_name_can_not_have_passkeys() {
    let world = World::new().await;
    let rp = world.rp_url.replace("localhost", "127.0.0.1");
    let mut args = world.both_ends(&["computer", "sign-in"]);
    args.extend(["--rp", &rp]);
    run(args).await.assert_failed(1, "relying_party");
}

#[tokio::test]
async fn servers_stop_in_order_while_a_transaction_runs() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = world.scan(&["register", "--account", "alice"], &mut phone).await;
    phone.event("question").await;
    phone.say("yes").await;
    phone.event("question").await;
    // Twice: the first waits for the tunnel.
    world.relay.interrupt().await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    world.relay.interrupt().await;
    world.rp.interrupt().await;
    assert_eq!(world.relay.ended().await.code, 0);
    assert_eq!(world.rp.ended().await.code, 0);
    let ended = computer.ended().await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(phone.event("served").await["ok"], false);
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
