//! `towline virtual serve`: HTTP for tests in any language, as docs/virtual-service.md shows it.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
};

use crate::{
    program::{Directory, Program},
    world::World,
};

const ORIGIN: &str = "https://example.org";

/// A service that runs, and what it said of itself.
struct Serving {
    program: Program,
    said: Value,
}

impl Serving {
    async fn start(args: &[&str]) -> Self {
        let mut program = Program::start([&["virtual", "serve"], args].concat());
        let said = program.event("serving").await;
        Self { program, said }
    }

    fn url(&self) -> &str {
        self.said["url"].as_str().unwrap().trim_end_matches('/')
    }

    /// Status and JSON.
    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let rest = self.url().strip_prefix("http://").unwrap();
        let (host, token) = rest.split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "{method} /{token}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(text).unwrap_or_default())
    }

    async fn register(&self) -> (u16, Value) {
        let options = json!({
            "challenge": "AAECAwQFBgcICQoLDA0ODw",
            "rp": {"name": "Example"},
            "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            "authenticatorSelection": {"residentKey": "required"},
        });
        let body = json!({"origin": ORIGIN, "options": options});
        self.call("POST", "/v1/default/create", &body).await
    }

    async fn sign_in(&self) -> (u16, Value) {
        let options = json!({"challenge": "AAECAwQFBgcICQoLDA0ODw"});
        let body = json!({"origin": ORIGIN, "options": options});
        self.call("POST", "/v1/default/get", &body).await
    }

    /// Ends it by Ctrl-C.
    async fn end(self) {
        self.program.interrupt().await;
        let ended = self.program.ended().await;
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        assert_eq!(ended.events.last().unwrap()["event"], "stopped", "{ended:?}");
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_on_ctrl_c() {
    let serving = Serving::start(&[]).await;
    let (url, port) = (serving.url(), &serving.said["port"]);
    let token = serving.said["token"].as_str().unwrap();
    assert_eq!(url, format!("http://127.0.0.1:{port}/{token}"));
    let page = serving.said["page_url"].as_str().unwrap();
    assert!(page.ends_with("/page") && !page.contains(token), "{page}");
    assert_eq!(serving.said["simulated"], true);
    let (status, session) = serving.call("GET", "/v1/default", &Value::Null).await;
    assert_eq!((status, &session["authenticators"]), (200, &json!([])));
    let taken = port.to_string();
    let mut another = Program::start(["virtual", "serve", "--port", &taken]);
    another.close_stdin();
    another.ended().await.assert_failed(5, "listen");
    serving.end().await;
}

#[tokio::test]
async fn it_ends_with_its_input_only_if_that_is_wanted() {
    let mut serving = Serving::start(&["--until-stdin-ends"]).await;
    serving.program.say("this is thrown away").await;
    assert_eq!(serving.call("GET", "/v1/default", &Value::Null).await.0, 200);
    serving.program.close_stdin();
    let ended = serving.program.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "stopped", "{ended:?}");

    let mut serving = Serving::start(&[]).await;
    serving.program.close_stdin();
    assert_eq!(serving.call("GET", "/v1/default", &Value::Null).await.0, 200);
    serving.end().await;
}

/// `towline computer` and a phone of the service, over an air and a relay of this machine.
#[tokio::test]
async fn its_phones_meet_the_computers_of_others_if_that_is_wanted() {
    let world = World::new().await;
    let near = world.both_ends(&["--meet-others"]);
    let serving = Serving::start(&near).await;
    let (status, phone) = serving.call("POST", "/v1/default/phones", &json!({})).await;
    assert_eq!(status, 201, "{phone}");
    let create = ["computer", "create", "--origin", ORIGIN];
    let mut computer = Program::start(world.both_ends(&create));
    let options = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": {"name": "Example"},
        "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    });
    computer.say(&options.to_string()).await;
    computer.close_stdin();
    let code = computer.event("qr_code").await["uri"].clone();
    let path = format!("/v1/default/phones/{}/scan", phone["phoneId"].as_str().unwrap());
    let (status, scanned) = serving.call("POST", &path, &json!({"code": code, "wait": 60})).await;
    assert_eq!((status, &scanned["requests"]), (200, &json!(1)), "{scanned}");
    assert_eq!(computer.ended().await.code, 0);
    serving.end().await;
}

#[tokio::test]
async fn who_waits_when_it_ends_is_told_and_keeps_nothing_from_ending() {
    let serving = Serving::start(&["--kind", "platform"]).await;
    let (status, list) = serving.call("GET", "/v1/default/authenticators", &Value::Null).await;
    assert_eq!(status, 200);
    let id = list["authenticators"][0]["authenticatorId"].as_str().unwrap();
    let path = format!("/v1/default/authenticators/{id}");
    serving.call("PATCH", &path, &json!({"isUserConsenting": false})).await;
    let (waiting, ()) = tokio::join!(serving.register(), async {
        // It is under way as soon as the person is asked.
        let asked = || serving.call("GET", "/v1/default/log?wait=60&after=1", &Value::Null);
        while !asked().await.1.to_string().contains("questionOpened") {}
        serving.program.interrupt().await;
    });
    assert_eq!((waiting.0, &waiting.1["error"]["reason"]), (404, &json!("unknown-session")));
    assert_eq!(serving.program.ended().await.code, 0);
}

#[tokio::test]
async fn passkeys_are_kept_in_a_file_if_one_is_named() {
    let directory = Directory::new();
    let file = directory.path("service.passkeys");
    let args = ["--passkeys", file.as_str(), "--kind", "security-key"];
    let serving = Serving::start(&args).await;
    assert_eq!(serving.register().await.0, 200);
    // It is this process's alone meanwhile.
    let mut another = Program::start(["virtual", "serve", "--passkeys", &file]);
    another.close_stdin();
    another.ended().await.assert_failed(5, "passkeys");
    serving.end().await;

    let serving = Serving::start(&["--passkeys", &file]).await;
    let (status, signed_in) = serving.sign_in().await;
    assert_eq!(status, 200, "{signed_in}");
    serving.end().await;
    // The file is that of `towline virtual get`.
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_towline"))
        .args(["virtual", "get", "--origin", ORIGIN, "--passkeys", &file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let options = br#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), options).unwrap();
    let output = child.wait_with_output().unwrap();
    let used: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(used["id"], signed_in["response"]["id"]);
    // Two sign-ins, and each has counted.
    let other_kind = Program::start(["virtual", "serve", "--passkeys", &file, "--kind", "phone"]);
    assert_eq!(other_kind.ended().await.failed()["reason"], "passkeys");
}

/// The page is one script, run from its beginning to its end.
#[tokio::test]
async fn what_the_page_shows_works() {
    let page = include_str!("../../../../docs/virtual-service.md");
    let parts: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert!(parts.len() >= 8, "{}", parts.len());
    for tool in ["curl", "jq"] {
        // Every machine has a shell, and not each has these.
        if Command::new(tool).arg("--version").output().await.is_err() {
            return;
        }
    }
    let serving = Serving::start(&[]).await;
    let directory = Directory::new();
    let script = directory.path("page.sh");
    fs::write(&script, parts.join("\n")).unwrap();
    let output = Command::new("sh")
        .args(["-eux", &script])
        .env("URL", serving.url())
        .current_dir(Path::new(&script).parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serving.end().await;
}
