//! `towline key`: a security key that clients reach over its sockets.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use towline_ctap::{GetInfo, Status, hid::HidCommand};
use towline_testkit::hid::{Client, make_credential};

use crate::{
    program::{Directory, Program, command, interrupt, run, run_plain},
    world::text,
};

pub(crate) const UDP: &str = "udp:127.0.0.1:0";
pub(crate) const GET_INFO: &[u8] = &[0x04];

/// A key that listens at one UDP port, and a client of it.
pub(crate) async fn key(args: &[&str]) -> (Program, Client) {
    let mut key = Program::start(["key", "--listen", UDP].iter().chain(args));
    let url = text(&key.event("listening").await["url"]);
    let client = Client::connect(&url).await;
    (key, client)
}

#[tokio::test]
async fn every_endpoint_leads_to_the_key() {
    let directory = Directory::new();
    let path = directory.path("key.sock");
    let unix = format!("unix:{path}");
    let args = ["key", "--listen", UDP, "--listen", "tcp:127.0.0.1:0", "--listen", &unix];
    let mut key = Program::start(args);
    for kind in ["udp", "tcp", "unix"] {
        let listening = key.event("listening").await;
        assert_eq!((&listening["role"], &listening["kind"]), (&"key".into(), &kind.into()));
        let (url, address) = (text(&listening["url"]), text(&listening["address"]));
        assert_eq!(url, format!("{kind}:{address}"));
        assert_eq!(listening["simulated"], false);
        let answer = Client::connect(&url).await.request(GET_INFO).await;
        assert!(GetInfo::decode(&answer).is_ok(), "{url}: {answer:02x?}");
    }
    key.interrupt().await;
    let ended = key.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "stopped");
    assert!(!std::path::Path::new(&path).exists(), "the socket goes with the program");
}

#[tokio::test]
async fn simulated_presence_confirms_everything_and_is_called_that() {
    let mut key = Program::start(["key", "--listen", UDP, "--presence", "auto"]);
    let presence = key.event("presence").await;
    assert_eq!((&presence["presence"], &presence["simulated"]), (&"auto".into(), &true.into()));
    let listening = key.event("listening").await;
    assert_eq!(listening["simulated"], true);
    let mut client = Client::connect(&text(&listening["url"])).await;
    assert_eq!(client.request(&make_credential()).await[0], Status::Ok.to_u8());
    let passkey = key.event("passkey").await;
    assert_eq!((&passkey["action"], &passkey["simulated"]), (&"created".into(), &true.into()));
    assert_eq!((&passkey["rp_id"], &passkey["account"]), (&"example.org".into(), &"jo".into()));
    client.exchange(HidCommand::Wink, &[]).await.result.unwrap();
    assert_eq!(key.event("wink").await["simulated"], true);
    key.interrupt().await;
    let ended = key.ended().await;
    assert_eq!((ended.code, ended.events.len()), (0, 1), "{ended:?}");
    assert_eq!(ended.events[0]["simulated"], true);
}

#[tokio::test]
async fn a_person_is_asked_unless_told_otherwise() {
    let mut key = Program::start(["key", "--listen", UDP]);
    let presence = key.event("presence").await;
    assert_eq!((&presence["presence"], &presence["simulated"]), (&"ask".into(), &false.into()));
    let store = key.event("store").await;
    assert_eq!((&store["store"], &store["durable"]), (&"memory".into(), &false.into()));
    let mut client = Client::connect(&text(&key.event("listening").await["url"])).await;
    client.begin_until_asked(&make_credential()).await;
    let question = key.event("question").await;
    assert_eq!(
        (&question["question"], &question["rp_id"]),
        (&"register".into(), &"example.org".into())
    );
    assert!(question["answered"].is_null(), "{question}");
    key.say("yes").await;
    assert_eq!(client.answer().await[0], Status::Ok.to_u8());
    let passkey = key.event("passkey").await;
    assert_eq!((&passkey["action"], &passkey["simulated"]), (&"created".into(), &false.into()));
}

#[tokio::test]
async fn a_person_who_says_no_is_obeyed() {
    let (mut key, mut client) = key(&[]).await;
    for answer in ["no", "N"] {
        client.begin_until_asked(&make_credential()).await;
        key.event("question").await;
        key.say(answer).await;
        assert_eq!(client.answer().await, [Status::OperationDenied.to_u8()]);
    }
    key.interrupt().await;
    let ended = key.ended().await;
    assert!(ended.events.iter().all(|event| event["event"] != "passkey"), "{ended:?}");
}

#[tokio::test]
async fn neither_an_unclear_answer_nor_the_end_of_the_input_is_a_yes() {
    let (mut key, mut client) = key(&[]).await;
    client.begin_until_asked(&make_credential()).await;
    key.event("question").await;
    key.say("maybe").await;
    key.event("question").await;
    key.close_stdin();
    key.event("input_ended").await;
    assert_eq!(client.answer().await, [Status::OperationDenied.to_u8()]);
    let denied = client.request(&make_credential()).await;
    assert_eq!(denied, [Status::OperationDenied.to_u8()], "and so are all that follow");
}

#[tokio::test]
async fn a_question_whose_client_gave_up_is_withdrawn() {
    let (mut key, mut client) = key(&[]).await;
    client.begin_until_asked(&make_credential()).await;
    key.event("question").await;
    client.cancel().await;
    assert_eq!(client.answer().await, [Status::KeepaliveCancel.to_u8()]);
    key.event("withdrawn").await;
    // The key is of use again.
    assert_eq!(client.request(GET_INFO).await[0], Status::Ok.to_u8());
}

#[tokio::test]
async fn ctrl_c_ends_the_key_while_a_question_is_open() {
    let (mut key, mut client) = key(&[]).await;
    client.begin_until_asked(&make_credential()).await;
    key.event("question").await;
    key.interrupt().await;
    let ended = key.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "stopped");
}

#[tokio::test]
async fn a_place_that_is_taken_is_named() {
    let directory = Directory::new();
    let file = directory.path("file");
    std::fs::write(&file, "precious").unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = [
        format!("udp:{}", udp.local_addr().unwrap()),
        format!("tcp:{}", tcp.local_addr().unwrap()),
        format!("unix:{file}"),
    ];
    for place in &taken {
        let ended = run(["key", "--listen", UDP, "--listen", place]).await;
        ended.assert_failed(5, "listen");
        let message = text(&ended.failed()["message"]);
        assert!(message.contains(place) && message.contains("--listen"), "{message}");
        assert_eq!(ended.events.len(), 1, "nothing was opened: {ended:?}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    let nowhere = format!("unix:{}", directory.path("no/such/key.sock"));
    let ended = run(["key", "--listen", &nowhere]).await;
    ended.assert_failed(5, "listen");
    let message = text(&ended.failed()["message"]);
    assert!(message.contains("make the directory"), "{message}");
}

#[tokio::test]
async fn large_blobs_are_kept_by_the_command_or_by_the_extension() {
    for (args, command) in [(&[][..], true), (&["--large-blobs", "extension"], false)] {
        let (_key, mut client) = key(args).await;
        let info = GetInfo::decode(&client.request(GET_INFO).await).unwrap();
        assert_eq!(info.options.large_blobs == Some(true), command, "{args:?}");
        let extensions = info.extensions.unwrap();
        let has = |id: &str| extensions.iter().any(|listed| listed.as_str() == id);
        assert_eq!((has("largeBlobKey"), has("largeBlob")), (command, !command), "{args:?}");
    }
    let (code, _, err) = run_plain(["key", "--large-blobs", "both"]).await;
    assert_eq!(code, 2, "{err}");
}

#[tokio::test]
async fn a_fingerprint_key_has_a_sensor_and_nobody_enrolled() {
    for (kind, sensor) in [("security-key", None), ("fingerprint-key", Some(false))] {
        let (_key, mut client) = key(&["--kind", kind]).await;
        let options = GetInfo::decode(&client.request(GET_INFO).await).unwrap().options;
        assert_eq!((options.bio_enroll, options.uv), (sensor, sensor), "{kind}");
    }
}

#[tokio::test]
async fn places_that_others_reach_and_that_are_none_are_refused_with_a_sentence() {
    for (place, advice) in [
        ("udp:0.0.0.0:8111", "use a loopback address, 127.0.0.1 or [::1]"),
        ("tcp:192.0.2.1:35962", "use a loopback address, 127.0.0.1 or [::1]"),
        ("udp:[::]:8111", "use a loopback address, 127.0.0.1 or [::1]"),
        ("127.0.0.1:8111", "write udp:127.0.0.1:8111"),
        ("udp:8111", "write 127.0.0.1:8111"),
        ("unix:", "write unix:/path/to/socket"),
    ] {
        let (code, out, err) = run_plain(["key", "--listen", place]).await;
        assert_eq!((code, out.as_str()), (2, ""), "{place}: {err}");
        assert!(err.contains(advice), "{place}: {err}");
    }
    assert_eq!(run_plain(["key", "--presence", "yes"]).await.0, 2);
}

#[tokio::test]
async fn the_help_says_what_is_lost_and_how_clients_connect() {
    let (code, help, _) = run_plain(["key", "--help"]).await;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0);
    for text in
        ["GONE WHEN THE PROGRAM ENDS", "python-fido2", "fido_dev_set_io_functions", "SIMULATED"]
    {
        assert!(help.contains(text), "{text}: {help}");
    }
}

#[tokio::test]
async fn a_reader_sees_what_is_simulated_and_what_is_lost() {
    let mut key = command(["key", "--listen", UDP, "--presence", "auto"]).spawn().unwrap();
    let mut lines = BufReader::new(key.stdout.take().unwrap()).lines();
    let listening = lines.next_line().await.unwrap().unwrap();
    assert!(listening.starts_with("security key (SIMULATED presence) at udp:127.0.0.1:"));
    let mut client = Client::connect(listening.split([' ', ';']).nth(5).unwrap()).await;
    assert_eq!(client.request(&make_credential()).await[0], Status::Ok.to_u8());
    interrupt(&key).await;
    assert_eq!(key.wait().await.unwrap().code(), Some(0));
    let mut told = String::new();
    key.stderr.take().unwrap().read_to_string(&mut told).await.unwrap();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].contains("SIMULATED"), "{told:?}");
    assert!(told[1].contains("gone when the program ends"), "{told:?}");
    assert_eq!(told[2], "passkey saved: jo on example.org (SIMULATED presence)");
    assert_eq!(told[3], "stopped (SIMULATED presence); the passkeys of this key are gone");
}
