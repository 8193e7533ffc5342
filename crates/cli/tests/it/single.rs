//! Commands that need nobody else.

use std::{process::Stdio, time::Duration};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use towline::{
    crypto::Secret,
    hybrid::qr::{Hint, QrPayload, QrSecret},
};

use crate::program::{Directory, PATIENCE, Program, command, run, run_plain};

pub(crate) fn uri() -> String {
    let provider = towline::crypto::rustcrypto::provider();
    let key = provider.ecdh.generate(&*provider.random).unwrap();
    QrPayload::new(*key.public_key(), QrSecret::new(Secret::new([0x5a; 16])), Hint::MakeCredential)
        .to_uri()
}

#[tokio::test]
async fn help_and_version_are_there() {
    let (code, help, _) = run_plain(["--help"]).await;
    assert_eq!(code, 0);
    for word in ["relay", "phone", "computer", "doctor", "Examples", "exit-codes"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let (code, version, _) = run_plain(["--version"]).await;
    assert_eq!((code, version.trim()), (0, concat!("towline ", env!("CARGO_PKG_VERSION"))));
    for command in ["relay", "phone", "rp", "computer", "qr", "doctor", "air", "completions"] {
        assert_eq!(run_plain([command, "--help"]).await.0, 0, "{command}");
    }
}

#[tokio::test]
async fn the_exit_codes_are_listed() {
    let (code, text, _) = run_plain(["exit-codes"]).await;
    assert_eq!(code, 0);
    for number in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130 "] {
        assert!(text.contains(&format!("\n  {number}")), "{number}: {text}");
    }
}

#[tokio::test]
async fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = run_plain(["completions", shell]).await;
        assert!(code == 0 && script.contains("towline"), "{shell}");
    }
}

#[tokio::test]
async fn a_reader_that_has_read_enough_is_no_failure() {
    for args in [&["completions", "bash"][..], &["exit-codes"], &["--help"], &["doctor"]] {
        let mut child = command(args).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!told.contains("panicked") && ended.status.code() != Some(101), "{args:?}: {told}");
        if args != ["doctor"] {
            assert_eq!((ended.status.code(), told.as_str()), (Some(0), ""), "{args:?}");
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_a_usage_error() {
    for args in [
        &["nothing"][..],
        &[],
        &["completions", "cmd"],
        &["phone", "--relay", "http://relay.example"],
        &["phone", "--relay", "ws://relay.example"],
        &["phone", "--air", "127.0.0.1:1"],
        &["phone", "--air", "udp:192.0.2.1:1"],
        &["phone", "--answer", "maybe"],
        &["phone", "--domain", "70000"],
        &["relay", "--tls-cert", "x.pem"],
        &["computer", "register"],
        &["computer", "sign-in", "--rp", "http://localhost:1", "--timeout", "0"],
    ] {
        let (code, out, err) = run_plain(args).await;
        assert_eq!(code, 2, "{args:?}: {out} {err}");
        assert!(!err.is_empty() || !out.is_empty());
    }
}

#[tokio::test]
async fn a_code_is_explained_without_its_secret() {
    let ended = run(["qr", &uri()]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let names: Vec<_> = ended.events.iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["public key", "secret", "tunnel domains", "made at", "linking", "hint", "data channels"]
    );
    assert!(!format!("{ended:?}").contains("5a5a"));
}

#[tokio::test]
async fn a_code_is_drawn_and_read_back() {
    let directory = Directory::new();
    let (picture, uri) = (directory.path("code.png"), uri());
    let (code, drawing, _) = run_plain(["qr", &uri, "--draw", "--qr-image", &picture]).await;
    assert_eq!(code, 0);
    assert!(drawing.contains("\x1b[38;5;16;48;5;231m"), "explicit colours: {drawing:?}");
    let ended = run(["qr", &picture]).await;
    assert_eq!((ended.code, ended.events.len()), (0, 7), "{ended:?}");
}

#[tokio::test]
async fn what_is_not_a_code_is_refused() {
    let directory = Directory::new();
    let text = directory.path("code.txt");
    std::fs::write(&text, uri()).unwrap();
    run(["qr", &text]).await.assert_failed(2, "not_a_picture");
    for code in ["", "FIDO:/", "FIDO:/12a", "https://example.org", "no-such-file.png"] {
        run(["qr", code]).await.assert_failed(2, "not_a_code");
    }
    // The first letter is missing; the rest is the secret that it was.
    let code = uri();
    let mistyped = &code[1..];
    let ended = run(["qr", mistyped]).await;
    ended.assert_failed(2, "not_a_code");
    assert!(!format!("{ended:?}").contains(&mistyped[10..]), "{ended:?}");
    run(["qr", &uri(), "--qr-image", &directory.path("no/such/directory.png")])
        .await
        .assert_failed(5, "qr_image");
}

#[tokio::test]
async fn a_code_takes_the_place_of_nothing_but_a_code() {
    let directory = Directory::new();
    let (picture, code) = (directory.path("family.png"), uri());
    let draw = ["qr", &code, "--qr-image", &picture];
    std::fs::write(&picture, "not to be lost").unwrap();
    let refused = run(draw).await;
    refused.assert_failed(5, "qr_image");
    assert!(refused.failed()["message"].as_str().unwrap().contains("family.png"));
    assert_eq!(std::fs::read(&picture).unwrap(), b"not to be lost");
    std::fs::write(&picture, "").unwrap();
    for _ in 0..2 {
        assert_eq!(run(draw).await.code, 0, "an empty file, and then an older code");
    }
}

#[tokio::test]
async fn servers_stop_at_ctrl_c_with_success() {
    for args in [&["rp"][..], &["relay"], &["air"], &["relay", "--air", "udp:127.0.0.1:0"]] {
        let mut program = Program::start(args);
        let mut listening = program.event("listening").await;
        if args.len() > 1 {
            assert_eq!(
                (&listening["role"], &listening["simulated"]),
                (&"air".into(), &true.into())
            );
            listening = program.event("listening").await;
        }
        assert_eq!(listening["role"], args[0]);
        assert_eq!(listening["simulated"], args[0] == "air");
        program.interrupt().await;
        let ended = program.ended().await;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.events.last().unwrap()["event"], "stopped");
    }
}

#[tokio::test]
async fn a_relay_tells_its_operator_how_it_is_and_its_limits_are_flags() {
    let mut relay = Program::start(["relay", "--admin", "127.0.0.1:0", "--per-source", "0"]);
    let admin = relay.event("listening").await;
    assert_eq!(admin["role"], "relay_admin");
    let url = relay.event("listening").await["url"].as_str().unwrap().replace("ws://", "");
    // Nobody may hold a connection, so that the first phone is one too many.
    let upgrade = "GET /cable/new/000102030405060708090A0B0C0D0E0F HTTP/1.1\r\nHost: x\r\n\
        Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: fido.cable\r\n\r\n";
    assert!(http(&url, upgrade).starts_with("HTTP/1.1 429"));
    let admin = admin["url"].as_str().unwrap().replace("http://", "");
    let metrics = http(&admin, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(metrics.contains("towline_relay_refused_total{status=\"429\"} 1"), "{metrics}");
    relay.interrupt().await;
    assert_eq!(relay.ended().await.code, 0);
}

#[tokio::test]
async fn a_relay_logs_json_if_asked_and_ends_well_at_sigterm() {
    let mut child = command(["--json", "relay", "--log-json"])
        .env("RUST_LOG", "towline_tunnel=info")
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    tokio::time::timeout(Duration::from_secs(60), log.read_line(&mut line)).await.unwrap().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["fields"]["message"], "tunnel service ready");
    assert_eq!(line["level"], "INFO");
    // What service managers send.
    let id = child.id().unwrap().to_string();
    let kill = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_demonstration_writes_no_file_and_leaves_none_when_the_terminal_is_closed() {
    let directory = Directory::new();
    let place = directory.path("temporary");
    std::fs::create_dir(&place).unwrap();
    let files = || std::fs::read_dir(&place).unwrap().count();
    let mut child = command(["--json", "demo", "--no-open"])
        .env("TMPDIR", &place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        let event: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        // The last of those that listen.
        if event["role"] == "demo" {
            break;
        }
    }
    assert_eq!(files(), 0, "while it runs");
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(files(), 0, "when it has ended");
}

/// The answer to one request, its body by its length: the connection may stay open.
fn http(address: &str, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    std::io::Read::read_exact(&mut stream, &mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn servers_say_when_they_can_not_listen() {
    run(["rp", "--listen", "0.0.0.0:0"]).await.assert_failed(2, "not_loopback");
    run(["rp", "--listen", "no.such.name.invalid:0"]).await.assert_failed(5, "listen");
    let mut named = Program::start(["rp", "--listen", "localhost:0"]);
    let url = named.event("listening").await["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://localhost:"), "{url}");
    run(["relay", "--listen", "0.0.0.0:0"]).await.assert_failed(2, "not_loopback");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    run(["rp", "--listen", &addr]).await.assert_failed(5, "listen");
    run(["relay", "--listen", &addr]).await.assert_failed(5, "listen");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let air = format!("udp:{}", taken.local_addr().unwrap());
    run(["air", "--listen", &air]).await.assert_failed(5, "bluetooth");
    run(["relay", "--air", &air]).await.assert_failed(5, "bluetooth");
}

#[tokio::test]
async fn a_relay_without_a_usable_certificate_does_not_start() {
    let directory = Directory::new();
    let (missing, empty) = (directory.path("missing.pem"), directory.path("empty.pem"));
    std::fs::write(&empty, "").unwrap();
    run(["relay", "--tls-cert", &missing, "--tls-key", &empty])
        .await
        .assert_failed(2, "unreadable");
    run(["relay", "--tls-cert", &empty, "--tls-key", &empty]).await.assert_failed(2, "certificate");
}

fn outcome<'a>(ended: &'a crate::program::Ended, check: &str) -> &'a str {
    let found = ended.events.iter().find(|event| event["check"] == check);
    found.unwrap_or_else(|| panic!("{check}: {ended:?}"))["outcome"].as_str().unwrap()
}

#[tokio::test]
async fn the_doctor_claims_nothing_that_it_did_not_check() {
    let ended = run(["doctor"]).await;
    assert_eq!(ended.code, 5, "{ended:?}");
    assert_eq!(outcome(&ended, "radio"), "bad");
    assert_eq!(outcome(&ended, "relay"), "not_checked");
    assert_eq!(outcome(&ended, "clock"), "not_checked");
}

#[tokio::test]
async fn the_doctor_finds_a_relay_and_a_simulated_air_good() {
    let mut relay = Program::start(["relay", "--air", "udp:127.0.0.1:0"]);
    let air = relay.event("listening").await["url"].as_str().unwrap().to_owned();
    let url = relay.event("listening").await["url"].as_str().unwrap().to_owned();
    let ended = run(["doctor", "--relay", &url, "--air", &air]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for check in ["radio", "relay", "clock"] {
        assert_eq!(outcome(&ended, check), "good", "{ended:?}");
    }
    let simulated = ended.events.iter().find(|event| event["check"] == "radio").unwrap();
    assert!(simulated["message"].as_str().unwrap().contains("SIMULATED"));
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong() {
    let directory = Directory::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    let missing = directory.path("missing.pem");
    let ended =
        run(["doctor", "--relay", &url, "--air", "udp:127.0.0.1:9", "--ca", &missing]).await;
    assert_eq!(ended.code, 5, "{ended:?}");
    for check in ["radio", "relay", "roots"] {
        assert_eq!(outcome(&ended, check), "bad", "{ended:?}");
    }
    assert_eq!(outcome(&ended, "clock"), "not_checked");
}

#[tokio::test]
async fn the_doctor_checks_tls_against_the_given_roots() {
    let directory = Directory::new();
    let (cert, key, other) =
        (directory.path("cert.pem"), directory.path("key.pem"), directory.path("other.pem"));
    let make = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let good = make();
    std::fs::write(&cert, good.cert.pem()).unwrap();
    std::fs::write(&key, good.signing_key.serialize_pem()).unwrap();
    std::fs::write(&other, make().cert.pem()).unwrap();

    let mut relay = Program::start(["relay", "--tls-cert", &cert, "--tls-key", &key]);
    let url = relay.event("listening").await["url"].as_str().unwrap().to_owned();
    let port = url.strip_prefix("wss://127.0.0.1:").unwrap();
    let url = format!("wss://localhost:{port}");
    let ended = run(["doctor", "--relay", &url, "--ca", &cert]).await;
    assert_eq!(outcome(&ended, "relay"), "good", "{ended:?}");
    let ended = run(["doctor", "--relay", &url, "--ca", &other]).await;
    assert_eq!(outcome(&ended, "relay"), "bad", "{ended:?}");
}
