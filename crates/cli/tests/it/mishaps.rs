//! What can go wrong between the processes: people who say no, Ctrl-C, ends that are not there,
//! input of no use.

use crate::{
    program::run,
    world::{World, find, steps, text},
};

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
    let served = phone.event("served").await;
    assert_eq!(served["reason"], "no_credentials");
    assert!(
        text(&served["message"]).contains("no passkey for localhost on this phone"),
        "{served}"
    );
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
    phone.event("withdrawn").await;
    let served = phone.event("served").await;
    assert_eq!((&served["ok"], &served["reason"]), (&false.into(), &"cancelled".into()));
    assert!(text(&served["message"]).contains("while you were asked"), "{served}");
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
    // The phone declined what was open, so that the computer need not guess.
    computer.ended().await.assert_failed(3, "refused");
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

#[cfg(all(feature = "bluetooth", target_os = "linux"))]
#[tokio::test]
async fn without_a_bluetooth_service_both_sides_and_the_doctor_say_so() {
    let world = World::new().await;
    let phone = ["phone", "--relay", &world.relay_url];
    let computer = ["computer", "sign-in", "--rp", &world.rp_url, "--relay", &world.relay_url];
    for args in [&phone[..], &computer[..]] {
        let ended = run(args.iter().copied()).await;
        ended.assert_failed(5, "bluetooth");
        assert!(text(&ended.failed()["message"]).contains("start it"), "{ended:?}");
    }
    let ended = run(["doctor"]).await;
    let radio = |event: &&serde_json::Value| event["check"] == "radio" && event["outcome"] == "bad";
    assert_eq!((ended.code, ended.events.iter().filter(radio).count()), (5, 2), "{ended:?}");
}

#[cfg(not(feature = "bluetooth"))]
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
    let ended = run(args).await;
    ended.assert_failed(2, "relying_party_url");
    let message = text(&ended.failed()["message"]);
    assert!(message.ends_with(&format!("use {}", world.rp_url)), "{message}");
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
    // Nobody had agreed to anything, and the phone knows that.
    let served = phone.event("served").await;
    assert_eq!((&served["ok"], &served["reason"]), (&false.into(), &"closed".into()));
    assert!(text(&served["message"]).contains("nothing was done"), "{served}");
}
