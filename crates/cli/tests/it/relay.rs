//! `towline relay` and what its operator needs.

use std::{path::Path, process::Stdio};

use crate::{
    program::{Directory, Program, command, run},
    world::World,
};

#[tokio::test]
async fn a_name_to_listen_at_is_as_good_as_an_address() {
    let mut relay = Program::start(["relay", "--listen", "localhost:0", "--admin", "localhost:0"]);
    assert_eq!(relay.event("listening").await["role"], "relay_admin");
    let url = relay.event("listening").await["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("ws://127.0.0.1:") || url.starts_with("ws://[::1]:"), "{url}");
    for odd in ["localhost", ":0", "localhost:x", "127.0.0.1"] {
        run(["relay", "--listen", odd]).await.assert_failed(2, "listen_address");
    }
    run(["relay", "--listen", "nowhere.invalid:0"]).await.assert_failed(5, "listen");
}

#[tokio::test]
async fn the_domain_of_a_number_is_named_and_back() {
    let ended = run(["domain", "0"]).await;
    assert_eq!(ended.code, 0);
    assert_eq!(ended.events[0]["event"], "domain");
    assert_eq!(ended.events[0]["host"], "cable.ua5v.com");
    let derived = run(["domain", "257"]).await.events[0]["host"].as_str().unwrap().to_owned();
    assert_eq!(run(["domain", &derived]).await.events[0]["number"], 257);
    for odd in ["2", "70000", "relay.example"] {
        run(["domain", odd]).await.assert_failed(2, "domain");
    }
}

/// `ulimit -n 256` started silently, where the limits want more than ten thousand.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relay_that_may_open_too_few_files_says_so_and_one_that_can_raise_the_limit_does() {
    let limited = |limit: &str, args: &[&str]| {
        let mut shell = command::<&str>([]);
        let relay = shell.as_std().get_program().to_owned();
        shell = tokio::process::Command::new("sh");
        shell.args(["-c", &format!("{limit}; exec \"$0\" relay \"$@\"")]).arg(relay).args(args);
        shell.kill_on_drop(true);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Program::spawn(shell)
    };
    let mut relay = limited("ulimit -n 256", &[]);
    let said = relay.event("descriptors").await;
    assert_eq!(said["granted"], 256);
    // As docs/relay/operating.md counts them.
    assert_eq!(said["needed"], 2112 + 2 * 4096 + 1024 + 1024 + 4096);
    let said = said["message"].as_str().unwrap();
    assert!(said.contains("ulimit -n") && said.contains("LimitNOFILE"), "{said}");
    drop(relay);
    let few = ["--most-tunnels", "1", "--most-listening", "1"];
    let mut relay = limited("ulimit -S -n 256; ulimit -H -n 8192", &few);
    relay.event("listening").await;
    relay.interrupt().await;
    let ended = relay.ended().await;
    assert!(ended.events.iter().all(|event| event["event"] != "descriptors"), "{ended:?}");
}

#[tokio::test]
async fn a_relay_tells_of_each_tunnel_and_names_nobody() {
    let mut world = World::new().await;
    let mut phone = world.phone(&["--answer", "yes"]);
    assert_eq!(world.register(&mut phone, "alice").await.code, 0);
    let met = world.relay.event("tunnel").await;
    assert_eq!((met["number"].as_u64(), met["open"].as_bool()), (Some(1), Some(true)));
    let over = world.relay.event("tunnel").await;
    assert_eq!((over["number"].as_u64(), over["open"].as_bool()), (Some(1), Some(false)));
    assert!(over["lasted_ms"].is_u64(), "{over}");
}

/// `CaUsedAsEndEntity` is what the usual `openssl req -x509` leads to.
#[tokio::test]
async fn a_certificate_of_an_authority_is_explained() {
    let directory = Directory::new();
    let (cert, key) = (directory.path("cert.pem"), directory.path("key.pem"));
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let said = checked(&cert, &key).await;
    assert!(said.contains("basicConstraints=critical,CA:FALSE"), "{said}");
    assert!(!said.contains("OtherError"), "{said}");
}

#[tokio::test]
async fn a_key_that_is_another_certificates_is_told_in_words() {
    let directory = Directory::new();
    let (cert, key) = (directory.path("cert.pem"), directory.path("key.pem"));
    let [pair, other] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(&key, other.serialize_pem()).unwrap();
    let ended =
        run(["relay", "--listen", "localhost:0", "--tls-cert", &cert, "--tls-key", &key]).await;
    ended.assert_failed(2, "certificate");
    let message = ended.failed()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the key is not that of"), "{message}");
    assert!(!message.contains("KeyMismatch"), "{message}");
}

/// What the doctor says about a relay with this certificate, which it trusts.
async fn checked(cert: &str, key: &str) -> String {
    let listen = ["relay", "--listen", "localhost:0", "--tls-cert", cert, "--tls-key", key];
    let mut relay = Program::start(listen);
    let url = relay.event("listening").await["url"].as_str().unwrap().to_owned();
    let port = url.rsplit_once(':').unwrap().1;
    let url = format!("wss://localhost:{port}");
    let ended = run(["doctor", "--relay", &url, "--ca", cert]).await;
    let found = ended.events.iter().find(|event| event["check"] == "relay").unwrap();
    format!("{}: {}", found["outcome"].as_str().unwrap(), found["message"].as_str().unwrap())
}

/// The recipe of docs/relay/operating.md, run as it stands there.
#[tokio::test]
async fn the_recipe_for_a_certificate_works() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/relay/operating.md");
    let page = std::fs::read_to_string(page).unwrap();
    let start = page.find("\nopenssl req").expect("a recipe");
    let recipe =
        page[start..].split("```").next().unwrap().replace("relay.example.com", "localhost");
    if std::process::Command::new("openssl").arg("version").output().is_err() {
        eprintln!("NOT RUN: the recipe for a certificate (openssl is not here)");
        return;
    }
    let directory = Directory::new();
    let made = std::process::Command::new("sh")
        .args(["-ec", &recipe])
        .current_dir(directory.path(""))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let said = checked(&directory.path("chain.pem"), &directory.path("key.pem")).await;
    assert!(said.starts_with("good: "), "{said}");
}

#[tokio::test]
async fn the_files_and_the_bus_of_a_relay_are_looked_at_before_it_starts() {
    let directory = Directory::new();
    let odd = directory.path("odd");
    std::fs::write(&odd, b"no database").unwrap();
    // Never taken for an empty one.
    run(["relay", "--revoked", &odd]).await.assert_failed(5, "revoked");
    assert_eq!(std::fs::read(&odd).unwrap(), b"no database");
    run(["relay", "--bus", "ftp://10.0.0.1"]).await.assert_failed(2, "bus");
    run(["relay", "--bus", "nats://127.0.0.1:1", "--bus-ca", "/nowhere"])
        .await
        .assert_failed(2, "bus");
}
