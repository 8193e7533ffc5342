//! `towline computer create` and `get`: a phone, and a site of any kind.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use towline_webauthn_rp::{Identity, StrictVerifier, UserEntity, Verifier as _};

use crate::{
    program::{Program, command, run},
    world::{World, find, text},
};

const ORIGIN: &str = "https://example.org";

/// As a site sends them, with the name of the member around them.
fn options() -> Value {
    json!({ "publicKey": {
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": { "name": "Example", "id": "example.org" },
        "user": { "id": "YWxpY2U", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "residentKey": "required" },
    } })
}

/// The computer has shown its code to the phone.
async fn scanned(world: &World, phone: &mut Program, verb: &str, options: &Value) -> Program {
    let picture = world.directory.path(&format!("{verb}.png"));
    let args = ["computer", verb, "--origin", ORIGIN, "--qr-image", &picture];
    let mut computer = Program::start(world.both_ends(&args));
    computer.say(&options.to_string()).await;
    computer.close_stdin();
    computer.event("qr_code").await;
    phone.say(&picture).await;
    computer
}

#[tokio::test]
async fn a_phone_registers_and_signs_in_by_the_options_of_any_site() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(300),
    };
    let site = StrictVerifier::new(&identity, towline::crypto::rustcrypto::provider()).unwrap();
    let alice = UserEntity { handle: [1; 32], name: "alice".into() };

    let begun = site.begin_registration(&alice, &[]).unwrap();
    let made = response(&world, &mut phone, "create", &begun.options).await;
    let made = site.finish_registration(begun.state, &made).unwrap();
    let begun = site.begin_sign_in(None).unwrap();
    let used = response(&world, &mut phone, "get", &begun.options).await;
    assert_eq!(text(&used["id"]), made.credential_id);
    site.finish_sign_in(begun.state, &made.record, &used).unwrap();
}

/// What the site gets where all goes well.
async fn response(world: &World, phone: &mut Program, verb: &str, options: &Value) -> Value {
    let ended = scanned(world, phone, verb, options).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "response");
    assert_eq!(phone.event("served").await["ok"], true);
    find(&ended, "response")["response"].clone()
}

#[tokio::test]
async fn a_person_reads_the_code_on_standard_error_and_the_response_is_alone() {
    let world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    let picture = world.directory.path("code.png");
    let args = ["computer", "create", "--origin", ORIGIN, "--qr-image", &picture];
    let mut child = command(world.both_ends(&args)).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(options().to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
    let mut drawn = false;
    // What follows the drawing is its text.
    let uri = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        drawn |= line.contains('\u{2580}') || line.contains('\u{2588}') || line.contains("\x1b[");
        if line.starts_with("FIDO:/") {
            break line;
        }
    };
    assert!(drawn);
    phone.say(&uri).await;
    while lines.next_line().await.unwrap().is_some() {}
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.matches('\n').count(), 1, "{out}");
    let response: Value = serde_json::from_str(&out).unwrap();
    assert!(response["response"]["attestationObject"].is_string(), "{response}");
}

#[tokio::test]
async fn a_refusal_has_the_name_that_a_page_is_told() {
    let world = World::new().await;
    let mut phone = world.phone(&[]);
    let computer = scanned(&world, &mut phone, "create", &options()).await;
    phone.event("question").await;
    phone.say("yes").await;
    phone.event("question").await;
    phone.say("no").await;
    let ended = computer.ended().await;
    ended.assert_failed(3, "refused");
    assert_eq!(ended.failed()["name"], "NotAllowedError");
}

#[tokio::test]
async fn options_of_no_use_are_told_before_anything_is_begun() {
    // There is no Bluetooth and no relay here.
    let mut computer = Program::start(["computer", "get", "--origin", ORIGIN]);
    computer.say(r#"{"rpId": "example.org"}"#).await;
    computer.close_stdin();
    let ended = computer.ended().await;
    ended.assert_failed(2, "options");
    assert_eq!(ended.failed()["name"], "TypeError");
    assert!(text(&ended.failed()["message"]).contains("challenge"), "{ended:?}");

    let ended = run(["computer", "create", "--origin", ORIGIN]).await;
    ended.assert_failed(2, "options");
    assert!(text(&ended.failed()["message"]).contains("standard input"), "{ended:?}");
}
