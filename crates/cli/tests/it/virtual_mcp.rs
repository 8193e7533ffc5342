//! `towline virtual mcp`: the Model Context Protocol over standard input and output, as
//! docs/virtual-mcp.md shows it.

use std::collections::BTreeSet;

use image::{GrayImage, Luma};
use qrcode::{Color, QrCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use crate::program::{Directory, PATIENCE, command};

const ORIGIN: &str = "https://example.org";

/// The program as an agent sees it.
struct Agent {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    id: u64,
}

impl Agent {
    /// One that has not said anything yet.
    fn start(args: &[&str]) -> Self {
        let mut child = command([&["virtual", "mcp"], args].concat()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdin, lines, id: 0 }
    }

    /// One that has introduced itself.
    async fn introduced(args: &[&str]) -> Self {
        let mut agent = Self::start(args);
        let answer = agent.introduce().await;
        assert!(answer["result"].is_object(), "{answer}");
        agent
    }

    async fn introduce(&mut self) -> Value {
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        });
        let answer = self.request("initialize", params).await;
        self.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string())
            .await;
        answer
    }

    async fn line(&mut self, line: &str) {
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        self.stdin.write_all(b"\n").await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0", "{line}");
        answer
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.line(&request.to_string()).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], self.id, "{answer}");
        answer
    }

    /// What a tool says, and whether it is an error.
    async fn tool(&mut self, name: &str, arguments: Value) -> (bool, String) {
        let params = json!({"name": name, "arguments": arguments});
        let answer = self.request("tools/call", params).await;
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        (result["isError"] == true, text.to_owned())
    }

    async fn done(&mut self, name: &str, arguments: Value) -> Value {
        let (is_error, text) = self.tool(name, arguments).await;
        assert!(!is_error, "{name}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn refused(&mut self, name: &str, arguments: Value) -> String {
        let (is_error, text) = self.tool(name, arguments).await;
        assert!(is_error, "{name}: {text}");
        text
    }

    async fn register(&mut self) -> Value {
        self.done("create_passkey", json!({"origin": ORIGIN, "options": creation()})).await
    }

    /// Closes standard input; it ends without a word.
    async fn end(self) {
        let Self { child, stdin, mut lines, .. } = self;
        drop(stdin);
        let rest = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        assert_eq!(rest, None);
        let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""));
    }
}

/// What an address of the service gives: its status, and the body.
async fn fetch(address: &str, method: &str, body: &str) -> (u16, String) {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), text.to_owned())
}

async fn http(url: &str, method: &str, path: &str, body: &Value) -> Value {
    let (status, text) = fetch(&format!("{url}{path}"), method, &body.to_string()).await;
    assert!((200..300).contains(&status), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// A code as a computer draws it.
fn draw(code: &str) -> GrayImage {
    let code = QrCode::new(code).unwrap();
    let width = u32::try_from(code.width()).unwrap();
    let colors = code.to_colors();
    let side = (width + 8) * 4;
    GrayImage::from_fn(side, side, |x, y| {
        let module = |at: u32| (at / 4).checked_sub(4).filter(|it| *it < width);
        let dark = module(x)
            .zip(module(y))
            .is_some_and(|(x, y)| colors[usize::try_from(y * width + x).unwrap()] == Color::Dark);
        Luma([if dark { 0 } else { 255 }])
    })
}

fn creation() -> Value {
    json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": {"name": "Example"},
        "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"residentKey": "required"},
    })
}

fn request() -> Value {
    json!({"challenge": "AAECAwQFBgcICQoLDA0ODw"})
}

#[tokio::test]
async fn an_agent_learns_from_the_descriptions_what_there_is() {
    let mut agent = Agent::start(&[]);
    let hello = agent.introduce().await;
    let hello = &hello["result"];
    assert_eq!(hello["protocolVersion"], "2025-06-18");
    assert_eq!(hello["serverInfo"]["name"], "towline-virtual");
    assert!(hello["instructions"].as_str().unwrap().contains("make_authenticator"), "{hello}");

    let tools = agent.request("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().unwrap().clone();
    assert!((1..=12).contains(&tools.len()), "{}", tools.len());
    let names: BTreeSet<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), tools.len());
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        assert!(tool["description"].as_str().unwrap().len() >= 40, "{tool}");
        let schema = &tool["inputSchema"];
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{tool}"
        );
        for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}: nothing is said of {member}");
        }
        // What the schema does not have is refused.
        let said = agent.refused(name, json!({"colour": "red"})).await;
        assert!(said.contains("colour") && said.contains("schema"), "{name}: {said}");
    }
    agent.end().await;
}

#[tokio::test]
async fn an_agent_registers_and_signs_in_without_a_browser() {
    let mut agent = Agent::introduced(&[]).await;
    let status = agent.done("status", json!({})).await;
    assert_eq!((&status["simulated"], &status["authenticators"]), (&json!(true), &json!([])));
    assert_eq!(status["next"], "call make_authenticator");
    let made = agent.done("make_authenticator", json!({"name": "mine"})).await;
    let registered = agent.register().await;
    assert_eq!(registered["response"]["type"], "public-key");
    let used = agent.done("use_passkey", json!({"origin": ORIGIN, "options": request()})).await;
    assert_eq!(used["response"]["id"], registered["response"]["id"]);

    let status = agent.done("status", json!({})).await;
    let authenticator = &status["authenticators"][0];
    assert_eq!(authenticator["authenticatorId"], made["authenticatorId"]);
    assert_eq!(authenticator["passkeys"][0]["userName"], "alice");
    assert_eq!(authenticator["passkeys"][0].get("privateKey"), None);

    let log = agent.done("read_log", json!({"requests": true, "limit": 2})).await;
    let asked = &log["notices"][0]["request"];
    assert_eq!(
        (&asked["command"], asked.get("bytes")),
        (&json!("authenticatorGetAssertion"), None)
    );
    assert_eq!(asked["members"]["rpId"], "example.org");
    assert!(log["earlier"].as_u64().unwrap() >= 2, "{log}");
    let after = log["notices"][1]["number"].as_u64().unwrap();
    let log = agent.done("read_log", json!({"after": after})).await;
    assert!(!log.to_string().contains("privateKey"), "{log}");
    agent.end().await;
}

#[tokio::test]
async fn a_page_gets_its_script_from_the_address_that_the_agent_is_told() {
    let mut agent = Agent::introduced(&[]).await;
    let script = agent.done("page_script", json!({"text": true})).await;
    let address = script["scriptUrl"].as_str().unwrap();
    assert!(script["element"].as_str().unwrap().contains(address), "{script}");
    assert!(script["evaluate"].as_str().unwrap().contains(address), "{script}");
    let (status, text) = fetch(address, "GET", "").await;
    assert_eq!(status, 200);
    assert_eq!(text, script["text"].as_str().unwrap());
    let short = agent.done("page_script", json!({})).await;
    assert_eq!(short.get("text"), None);
    agent.end().await;
}

/// tests/browsers carries calls by it in browsers.
#[tokio::test]
async fn a_page_that_may_not_connect_is_served_by_hand() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    let script = agent.done("page_script", json!({"byHand": true})).await;
    let evaluate = script["evaluate"].as_str().unwrap();
    assert!(evaluate.starts_with("(() => {") && evaluate.ends_with("})()"), "{evaluate}");
    assert!(!evaluate.contains("127.0.0.1") && !evaluate.contains("/*"), "{evaluate}");
    let steps = script["next"].as_array().unwrap();
    assert!(steps.iter().any(|it| it.as_str().unwrap().contains("towline.answer(")), "{script}");
    let arguments = json!({"origin": ORIGIN, "options": creation(), "mediation": "optional"});
    let made = agent.done("create_passkey", arguments).await;
    assert!(made["next"].as_str().unwrap().contains("towline.answer("), "{made}");
    agent.end().await;
}

#[tokio::test]
async fn the_person_refuses_or_is_answered_for() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    agent.register().await;
    let rules = json!({"rules": "signing-in: refuses once"});
    assert_eq!(agent.done("person", rules).await["rules"], 1);
    let sign_in = json!({"origin": ORIGIN, "options": request(), "wait": 0});
    let mut without_waiting = sign_in.clone();
    without_waiting["wait"] = json!(5);
    let said = agent.refused("use_passkey", without_waiting).await;
    assert!(said.starts_with("NotAllowedError") && said.contains("read_log"), "{said}");

    let said = agent.refused("person", json!({"answer": "agrees"})).await;
    assert!(said.contains("nothing is being asked"), "{said}");
    agent.done("person", json!({"isUserConsenting": false})).await;
    let pending = agent.done("use_passkey", sign_in).await;
    assert_eq!(pending["pending"], true);
    assert_eq!(pending["asked"].as_array().unwrap().len(), 1, "{pending}");
    let answered = agent.done("person", json!({"answer": "agrees"})).await;
    assert!(answered["answered"].as_u64() >= Some(1), "{answered}");
    let collect = json!({"ceremonyId": pending["ceremonyId"], "wait": 5});
    let ended = agent.done("use_passkey", collect.clone()).await;
    assert_eq!(ended["response"]["type"], "public-key");
    let said = agent.refused("use_passkey", collect).await;
    assert!(said.contains("begin another"), "{said}");
    agent.end().await;
}

/// Without it the call would wait for a minute, and the ceremony longer.
#[tokio::test]
async fn a_call_that_is_cancelled_gives_its_ceremony_up() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    agent.done("person", json!({"isUserConsenting": false})).await;
    let arguments = json!({"origin": ORIGIN, "options": creation(), "wait": 60});
    let params = json!({"name": "create_passkey", "arguments": arguments});
    let call = json!({"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": params});
    agent.line(&call.to_string()).await;
    while agent.done("person", json!({})).await["open"] == json!([]) {}
    let params = json!({"requestId": "slow"});
    let method = "notifications/cancelled";
    agent.line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()).await;
    loop {
        let log = agent.done("read_log", json!({"limit": 100})).await;
        if log.to_string().contains("AbortError") {
            break;
        }
    }
    agent.end().await;
}

#[tokio::test]
async fn faults_time_and_passkeys_are_set() {
    let mut agent = Agent::introduced(&[]).await;
    agent.done("make_authenticator", json!({"preset": "security-key", "pin": "1234"})).await;
    agent.register().await;
    let found = agent.done("set_faults", json!({"find": "challenge"})).await;
    assert!(found["found"].to_string().contains("wrong-challenge"), "{found}");
    let fault = json!({"faults": [{"fault": "wrong-challenge", "phase": "get", "times": 1}]});
    agent.done("set_faults", fault).await;
    agent.done("use_passkey", json!({"origin": ORIGIN, "options": request()})).await;
    let state = agent.done("set_faults", json!({})).await;
    assert_eq!(state["faults"][0]["count"], 1, "{state}");
    assert_eq!(agent.done("set_faults", json!({"faults": []})).await["faults"], json!([]));

    let time = agent.done("move_time", json!({"advance": 300, "held": true})).await;
    assert!(time["held"] == true && time["elapsed"].as_f64().unwrap() >= 300.0, "{time}");

    let kept = agent.done("credentials", json!({})).await;
    let passkeys = kept["credentials"].as_array().unwrap();
    assert!(passkeys[0]["privateKey"].is_string(), "{kept}");
    let other = agent.done("make_authenticator", json!({"preset": "platform"})).await;
    let other = &other["authenticatorId"];
    let said = agent.refused("credentials", json!({})).await;
    assert!(said.contains(other.as_str().unwrap()), "{said}");
    let put = json!({"authenticator": other, "put": passkeys});
    assert_eq!(agent.done("credentials", put).await["imported"], 1);
    let id = &passkeys[0]["credentialId"];
    let one = json!({"authenticator": other, "credentialId": id});
    assert_eq!(agent.done("credentials", one).await["credentials"][0]["id"], *id);
    agent.done("remove_authenticator", json!({"authenticator": other})).await;
    agent.end().await;
}

#[tokio::test]
async fn faults_and_notices_are_found_by_words() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    let found = agent.done("set_faults", json!({"find": "Chall wrong"})).await;
    assert!(found["found"].to_string().contains("wrong-challenge"), "{found}");
    let one = agent.done("set_faults", json!({"find": "challenge toaster"})).await;
    assert!(one["found"].to_string().contains("wrong-challenge"), "{one}");
    assert_eq!(agent.done("set_faults", json!({"find": "toaster"})).await["found"], json!([]));
    agent.register().await;
    let found = agent.done("read_log", json!({"find": "makecredential alice"})).await;
    let notices = found["notices"].as_array().unwrap();
    assert!(notices.iter().any(|it| it["event"] == "request"), "{found}");
    assert_eq!(agent.done("read_log", json!({"find": "toaster"})).await["notices"], json!([]));
    agent.end().await;
}

#[tokio::test]
async fn options_are_taken_as_agents_write_them() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    for arguments in [
        json!({"origin": ORIGIN, "options": creation().to_string()}),
        json!({"origin": ORIGIN, "options": {"public_key": creation()}}),
        json!({"origin": ORIGIN, "options": {"publicKey": creation()}}),
        json!({"origin": ORIGIN, "publicKey": creation()}),
        json!({"origin": ORIGIN, "public_key": creation()}),
    ] {
        let made = agent.done("create_passkey", arguments.clone()).await;
        assert!(made["response"]["id"].is_string(), "{arguments}");
    }
    agent.done("person", json!({"is_user_consenting": false})).await;
    assert_eq!(agent.done("person", json!({})).await["isUserConsenting"], false);
    agent.end().await;
}

#[tokio::test]
async fn a_phone_scans_the_code_on_a_screenshot() {
    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    let made = agent.register().await;
    let url = agent.done("status", json!({})).await["url"].as_str().unwrap().to_owned();
    let asked = json!({"verb": "get", "origin": ORIGIN, "options": request()});
    let screen = http(&url, "POST", "v1/default/screens", &asked).await;
    let directory = Directory::new();
    let path = directory.path("screenshot.png");
    draw(screen["code"].as_str().unwrap()).save(&path).unwrap();
    let scanned = agent.done("scan_code", json!({"path": path, "wait": 60})).await;
    assert_eq!(scanned["last"]["requests"], 1, "{scanned}");
    // The phone has the passkey of the authenticator.
    let id = screen["screenId"].as_str().unwrap();
    let path = format!("v1/default/screens/{id}?wait=60");
    let shown = http(&url, "GET", &path, &Value::Null).await;
    assert_eq!(shown["response"]["id"], made["response"]["id"]);

    let screen = http(&url, "POST", "v1/default/screens", &asked).await;
    let phone = scanned["phoneId"].clone();
    let refuses = json!({"authenticator": phone, "rules": "connecting: refuses once"});
    agent.done("person", refuses).await;
    let code = json!({"code": screen["code"], "wait": 60});
    let said = agent.refused("scan_code", code).await;
    assert!(said.contains("read_log"), "{said}");
    agent.end().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_a_sentence_that_says_what_to_do() {
    let mut agent = Agent::introduced(&[]).await;
    let ceremony = json!({"origin": ORIGIN, "options": creation()});
    for (tool, arguments, says) in [
        ("create_passkey", ceremony.clone(), "call make_authenticator first"),
        ("person", json!({}), "call make_authenticator first"),
        ("make_authenticator", json!({"preset": "toaster"}), "toaster"),
        ("make_authenticator", json!({"options": {"transport": "air"}}), "air"),
        ("make_authenticator", json!({"pin": "1", "options": {"pin": "2"}}), "options.pin"),
    ] {
        let said = agent.refused(tool, arguments).await;
        assert!(said.contains(says), "{tool}: {said}");
    }
    agent.done("make_authenticator", json!({})).await;
    let mut foreign = ceremony.clone();
    foreign["options"]["rp"]["id"] = json!("example.com");
    let mut elsewhere = ceremony.clone();
    elsewhere["origin"] = json!("http://example.org");
    let mut for_ever = ceremony;
    for_ever["wait"] = json!(1e9);
    for (tool, arguments, says) in [
        ("create_passkey", foreign, "SecurityError"),
        ("create_passkey", elsewhere, "SecurityError"),
        ("create_passkey", for_ever, "from 0 to 120"),
        ("create_passkey", json!({}), "`origin` and `options` are needed"),
        ("use_passkey", json!({"ceremonyId": "none"}), "begin another"),
        ("use_passkey", json!({"origin": ORIGIN, "options": {}}), "challenge"),
        ("person", json!({"rules": "whatever"}), "rules"),
        ("person", json!({"answer": "perhaps"}), "answer"),
        ("person", json!({"authenticator": "none"}), "status lists them"),
        ("read_log", json!({"after": -1}), "-1"),
        ("set_faults", json!({"faults": [{"fault": "flat-tyre"}]}), "`find` lists names"),
        (
            "set_faults",
            json!({"faults": [{"fault": "wrong-challenge", "phase": "x"}]}),
            "faults[0]",
        ),
        ("move_time", json!({"advance": -1}), "advance"),
        ("move_time", json!({"advance": 1e12}), "ten years"),
        ("credentials", json!({"credentialId": "%"}), "base64url"),
        ("credentials", json!({"credentialId": "AAAA"}), "status lists them"),
        ("credentials", json!({"put": [{"rpId": "a.example"}]}), "put[0]"),
        ("credentials", json!({"put": [], "credentialId": "AAAA"}), "credentialId"),
        ("create_passkey", json!({"origin": ORIGIN, "options": "{\"challenge"}), "JSON object"),
        ("create_passkey", json!({"origin": ORIGIN, "options": 5}), "and not 5"),
        ("scan_code", json!({"path": "/nowhere/code.png"}), "/nowhere/code.png"),
        ("scan_code", json!({"path": "/", "code": "FIDO:/1"}), "give one of"),
        ("scan_code", json!({"code": "https://example.org"}), "code"),
        ("scan_code", json!({"phone": "none", "code": "FIDO:/1"}), "status lists them"),
        ("remove_authenticator", json!({"authenticator": "none"}), "status lists them"),
    ] {
        let said = agent.refused(tool, arguments).await;
        assert!(said.contains(says), "{tool}: {said}");
    }
    let answer = agent.request("tools/call", json!({"name": "sing"})).await;
    assert_eq!(answer["error"]["code"], -32602);
    assert!(answer["error"]["message"].as_str().unwrap().contains("use_passkey"), "{answer}");
    agent.end().await;
}

#[tokio::test]
async fn no_line_ends_it() {
    let mut agent = Agent::start(&[]);
    // Before it was introduced, and after.
    for introduced in [false, true] {
        let long = format!("{{\"jsonrpc\": \"2.0\", \"method\": \"{}\"}}", "a".repeat(2 << 20));
        for line in [
            "",
            "hello",
            "{",
            "[1, 2]",
            "\u{0}\u{1}",
            r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#,
            r#"{"jsonrpc": "2.0", "method": "notifications/whatever", "params": {"a": 1}}"#,
            r#"{"jsonrpc": "2.0", "id": 77, "result": {}}"#,
            r#"{"jsonrpc": "2.0", "id": 78, "error": {"code": 1, "message": "no"}}"#,
            &long,
        ] {
            agent.line(line).await;
        }
        agent.line(r#"{"jsonrpc": "2.0", "id": "last", "method": "ping"}"#).await;
        // What was no request may have been answered, with an error.
        loop {
            let answer = agent.next().await;
            if answer["id"] == "last" {
                break;
            }
            assert!(answer["error"].is_object(), "{answer}");
        }
        let unknown = agent.request("sing", json!({})).await;
        assert!(unknown["error"].is_object(), "{unknown}");
        if !introduced {
            assert!(agent.introduce().await["result"].is_object());
        }
    }
    assert_eq!(agent.done("status", json!({})).await["simulated"], true);
    agent.end().await;
}

/// Each configuration of the page starts the program as the tests do, and its table has every tool.
#[tokio::test]
async fn what_the_page_shows_is_so() {
    let page = include_str!("../../../../docs/virtual-mcp.md");
    let blocks = |language: &str| -> Vec<String> {
        let start = format!("```{language}\n");
        let parts = page.split(&start).skip(1).filter_map(|it| it.split("```").next());
        parts.map(str::to_owned).collect()
    };
    let json = blocks("json");
    assert_eq!(json.len(), 2);
    for block in json {
        let config: Value = serde_json::from_str(&block).unwrap();
        let servers = config.as_object().unwrap().values().next().unwrap();
        assert_eq!(servers["towline"]["command"], "towline");
        assert_eq!(servers["towline"]["args"], json!(["virtual", "mcp"]));
    }
    assert!(blocks("toml")[0].ends_with("command = \"towline\"\nargs = [\"virtual\", \"mcp\"]\n"));
    assert!(blocks("sh")[0].ends_with("-- towline virtual mcp\n"));

    let mut agent = Agent::introduced(&["--kind", "platform"]).await;
    let tools = agent.request("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().unwrap().clone();
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let rows: Vec<&str> = rows.iter().filter_map(|row| row.split('`').next()).collect();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(rows, names);
    agent.end().await;
}
