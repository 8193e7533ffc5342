//! `towline virtual`: a test in any language is a pipe away.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::program::Directory;

const ORIGIN: &str = "https://example.org";

fn create_options(name: &str) -> Value {
    json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": { "name": "Example", "id": "example.org" },
        "user": { "id": format!("{name}AA"), "name": name, "displayName": name },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "residentKey": "preferred", "userVerification": "preferred" },
    })
}

fn get_options() -> Value {
    json!({ "challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.org" })
}

fn towline(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_towline"));
    command.args(args).env_remove("RUST_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// How a run ended: exit code, standard output, standard error.
type Ended = (i32, String, String);

/// `towline virtual create|get`, with these options on standard input.
fn once(verb: &str, options: &str, args: &[&str]) -> Ended {
    let fixed = ["virtual", verb, "--origin", ORIGIN];
    let mut child = towline(&[&fixed, args].concat());
    // Where the arguments are refused, nobody reads.
    let _ = child.stdin.take().unwrap().write_all(options.as_bytes());
    ended(child)
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The response, which is alone in one line.
fn response((code, out, err): Ended) -> Value {
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.matches('\n').count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

fn create(name: &str, args: &[&str]) -> Value {
    response(once("create", &create_options(name).to_string(), args))
}

#[test]
fn a_registered_passkey_signs_in_by_another_process() {
    let directory = Directory::new();
    let file = directory.path("test.passkeys");
    let kept = ["--passkeys", file.as_str()];
    let made = create("alice", &kept);
    assert_eq!(made["type"], "public-key");
    assert!(made["response"]["attestationObject"].is_string(), "{made}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // As many servers send them: in a member `publicKey`.
    let inside = json!({ "publicKey": get_options() }).to_string();
    let used = response(once("get", &inside, &kept));
    assert_eq!((&used["id"], &used["response"]["userHandle"]), (&made["id"], &"aliceAA".into()));

    // The newest is the one that is taken, and another may be picked.
    let bob = create("bobb", &kept);
    let get = get_options().to_string();
    assert_eq!(response(once("get", &get, &kept))["id"], bob["id"]);
    let picks = [&kept[..], &["--person", "picks=alice"]].concat();
    assert_eq!(response(once("get", &get, &picks))["id"], made["id"]);

    // Nothing is kept without a file.
    let (code, out, err) = once("get", &get, &[]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.starts_with("towline: NotAllowedError: "), "{err}");
}

#[test]
fn the_person_does_as_they_are_told() {
    let options = create_options("alice").to_string();
    for (person, code, name, reason) in [
        ("refuses", 3, "NotAllowedError", "refused"),
        ("absent", 4, "NotAllowedError", "timed_out"),
        ("fails-the-lock", 3, "NotAllowedError", "refused"),
        ("creating at example.org: waits=5 calls-it-off", 3, "NotAllowedError", "cancelled"),
    ] {
        let (ended, out, err) = once("create", &options, &["--json", "--person", person]);
        assert_eq!((ended, err.as_str()), (code, ""), "{person}: {out}");
        let failed: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&failed["event"], &failed["name"], &failed["reason"], &failed["exit_code"]),
            (&"failed".into(), &name.into(), &reason.into(), &code.into())
        );
    }
    for person in ["agrees", "fails-the-lock x2", "elsewhere; refuses"] {
        let (code, out, err) = once("create", &options, &["--json", "--person", person]);
        if person.starts_with("elsewhere") {
            assert!(code == 2 && err.contains("`elsewhere`") && err.contains("--help"), "{err}");
            continue;
        }
        let response: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &response["event"]), (0, &"response".into()), "{out}");
        assert!(response["elapsed_ms"].is_u64() && response["response"]["id"].is_string());
    }
    // What does not fit is said with the question.
    let (code, _, err) =
        once("create", &options, &["--kind", "security-key", "--person", "creating: types=1"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("does not fit what they were asked; asked: "), "{err}");
}

#[test]
fn there_is_a_pin_if_one_is_set_and_a_seed_repeats_it_all() {
    let required = json!({ "userVerification": "required", "residentKey": "required" });
    let mut options = create_options("alice");
    options["authenticatorSelection"] = required;
    let options = options.to_string();
    let key = ["--kind", "security-key", "--seed", "7"];
    let no_way = [&key[..], &["--person", "cannot-type"]].concat();
    let (code, _, err) = once("create", &options, &no_way);
    assert!(code == 1 && err.contains("ConstraintError"), "{code} {err}");
    let runs: Vec<Vec<Value>> = (0..2)
        .map(|_| {
            let directory = Directory::new();
            let file = directory.path("key");
            let kept = [&key[..], &["--pin", "2580", "--passkeys", &file]].concat();
            let get = get_options().to_string();
            let made = response(once("create", &options, &kept));
            let wrong = [&kept[..], &["--person", "types=9999"]].concat();
            assert_eq!(once("get", &get, &wrong).0, 1);
            let bob = create("bobb", &kept);
            assert_ne!(made["id"], bob["id"], "each draws its own");
            vec![made, bob, response(once("get", &get, &kept))]
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let directory = Directory::new();
    let file = directory.path("test.passkeys");
    let options = get_options().to_string();
    let kept = ["--json", "--passkeys", file.as_str()];
    let refused = |verb: &str, options: &str, says: &str| {
        let (code, out, _) = once(verb, options, &kept);
        let failed: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &failed["reason"]), (5, &"passkeys".into()), "{out}");
        let message = failed["message"].as_str().unwrap();
        assert!(message.contains(says) && message.contains(&file), "{message}");
    };
    refused("get", &options, "there is no passkey file");
    create("alice", &kept[1..]);
    let good = fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![Vec::new(), b"{}".to_vec(), good[..good.len() / 2].into()];
    for place in [good.len() / 3, good.len() / 2, good.len() - 20] {
        let mut other = good.clone();
        other[place] ^= 1;
        damaged.push(other);
    }
    for damaged in damaged {
        fs::write(&file, &damaged).unwrap();
        refused("get", &options, "is damaged, and is left as it is");
        refused("create", &create_options("bobb").to_string(), "is left as it is");
        assert_eq!(fs::read(&file).unwrap(), damaged);
        let mut serving = towline(&["virtual", "pipe", "--passkeys", &file]);
        drop(serving.stdin.take());
        assert_eq!(ended(serving).0, 5);
    }
    let newer =
        String::from_utf8(good.clone()).unwrap().replace("\"version\": 1", "\"version\": 2");
    fs::write(&file, newer).unwrap();
    refused("get", &options, "newer version");
    fs::write(&file, &good).unwrap();
    response(once("get", &options, &kept[1..]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    refused("get", &options, "chmod 600");
}

#[test]
fn a_file_belongs_to_one_kind_of_authenticator() {
    let directory = Directory::new();
    let file = directory.path("test.passkeys");
    create("alice", &["--passkeys", &file, "--kind", "phone"]);
    let other = ["--passkeys", &file, "--kind", "platform"];
    let (code, _, err) = once("get", &get_options().to_string(), &other);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("those of a phone; leave --kind out"), "{err}");
}

#[test]
fn processes_that_run_at_once_lose_nothing() {
    let directory = Directory::new();
    let file = directory.path("test.passkeys");
    let started: Vec<Child> = (0..6)
        .map(|number| {
            let mut child =
                towline(&["virtual", "create", "--origin", ORIGIN, "--passkeys", &file]);
            let options = create_options(&format!("bob{number}")).to_string();
            child.stdin.take().unwrap().write_all(options.as_bytes()).unwrap();
            child
        })
        .collect();
    started.into_iter().for_each(|child| drop(response(ended(child))));
    let mut serving = Serving::start(&["--passkeys", &file]);
    assert_eq!(serving.ask(json!({ "passkeys": true }))["passkeys"].as_array().unwrap().len(), 6);
    // What another process makes meanwhile is there at the next line.
    create("eve1", &["--passkeys", &file]);
    assert_eq!(serving.ask(json!({ "passkeys": true }))["passkeys"].as_array().unwrap().len(), 7);
}

#[test]
fn options_that_can_not_be_used_are_named_by_their_member() {
    let mut without = create_options("alice");
    without.as_object_mut().unwrap().remove("challenge");
    let mut broken = create_options("alice");
    broken["user"]["id"] = "$$".into();
    for (options, exception, named) in [
        (String::new(), "", "no options on standard input"),
        ("{".into(), "TypeError", "not JSON"),
        (without.to_string(), "TypeError", "challenge"),
        (broken.to_string(), "EncodingError", "user.id"),
    ] {
        let (code, out, err) = once("create", &options, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(exception) && err.contains(named), "{err}");
    }
    for (origin, code) in [("http://example.org", 2), ("https://example.com", 1)] {
        let mut child = towline(&["virtual", "get", "--origin", origin]);
        child.stdin.take().unwrap().write_all(get_options().to_string().as_bytes()).unwrap();
        let (ended, _, err) = ended(child);
        assert!(ended == code && err.contains("SecurityError"), "{ended} {err}");
    }
}

/// `towline virtual pipe`.
struct Serving {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    fn start(args: &[&str]) -> Self {
        let mut child = towline(&[&["virtual", "pipe"], args].concat());
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn line(&mut self, line: &str) -> Value {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    fn ask(&mut self, line: Value) -> Value {
        self.line(&line.to_string())
    }

    /// The end of the input ends it.
    fn end(self) -> Ended {
        drop(self.stdin);
        ended(self.child)
    }
}

#[test]
fn one_line_in_and_one_line_out() {
    let mut serving = Serving::start(&["--origin", ORIGIN]);
    let made = serving.ask(json!({ "id": 1, "create": create_options("alice") }));
    assert_eq!(made["id"], 1);
    let id = made["response"]["id"].clone();
    let used = serving.ask(json!({ "id": "two", "get": get_options(), "origin": ORIGIN }));
    assert_eq!((&used["id"], &used["response"]["id"]), (&"two".into(), &id));

    let told = serving.ask(json!({ "id": 3, "person": "signing-in: refuses once; agrees" }));
    assert_eq!(told, json!({ "id": 3, "person": 2 }));
    let refused = serving.ask(json!({ "id": 4, "get": get_options() }));
    assert_eq!(refused["error"]["name"], "NotAllowedError");
    assert_eq!(refused["error"]["reason"], "refused");
    assert!(serving.ask(json!({ "get": get_options() }))["response"].is_object());

    // Passkeys as WebDriver writes them, to and fro.
    let passkeys = serving.ask(json!({ "passkeys": true }));
    let mut alice = passkeys["passkeys"][0].clone();
    assert_eq!((&alice["credentialId"], &alice["userName"]), (&id, &"alice".into()));
    assert_eq!((&alice["signCount"], &alice["backupState"]), (&Value::Null, &true.into()));
    assert_eq!(serving.ask(json!({ "remove": id })), json!({ "id": null, "removed": id }));
    let none = serving.ask(json!({ "get": get_options() }));
    assert_eq!(none["error"]["reason"], "no_credentials");
    alice.as_object_mut().unwrap().remove("algorithm");
    assert_eq!(serving.ask(json!({ "add": alice }))["added"], id);
    let change = json!({ "credentialId": id, "signCount": 41, "backupState": false });
    assert_eq!(serving.ask(json!({ "change": change }))["changed"], id);
    assert!(serving.ask(json!({ "get": get_options() }))["response"].is_object());
    let after = &serving.ask(json!({ "passkeys": true }))["passkeys"][0];
    assert_eq!((&after["signCount"], &after["backupState"]), (&42.into(), &false.into()));

    // A locked screen opens when its time has come.
    serving.ask(json!({ "person": "fails-the-lock x5" }));
    let errors: Vec<Value> =
        (0..3).map(|_| serving.ask(json!({ "get": get_options() }))["error"].clone()).collect();
    assert_eq!(errors[2]["reason"], "locked", "{errors:?}");
    let elapsed = serving.ask(json!({ "advance": 30 }))["elapsed"].as_f64().unwrap();
    assert!(elapsed >= 30.0, "{elapsed}");
    assert!(serving.ask(json!({ "get": get_options() }))["response"].is_object());
    let (code, rest, err) = serving.end();
    assert_eq!((code, rest.as_str(), err.as_str()), (0, "", ""));
}

/// In the form in which managers exchange them, as `towline keys export` and `import` have it.
#[test]
fn passkeys_move_from_one_pipe_to_another() {
    let mut old = Serving::start(&["--origin", ORIGIN]);
    let id = old.ask(json!({ "create": create_options("alice") }))["response"]["id"].clone();
    let exported = old.ask(json!({ "export": true }))["exported"].clone();
    assert_eq!(exported["leftOut"], json!([]));
    let item = &exported["document"]["accounts"][0]["items"][0];
    assert_eq!(item["credentials"][0]["credentialId"], id);

    let mut new = Serving::start(&["--origin", ORIGIN, "--kind", "platform"]);
    for outcome in ["imported", "already-there"] {
        let imported = new.ask(json!({ "import": exported["document"] }))["imported"].clone();
        assert_eq!(imported[0]["outcome"], outcome, "{imported}");
        assert_eq!(imported[0]["userName"], "alice");
    }
    assert_eq!(new.ask(json!({ "get": get_options() }))["response"]["id"], id);
    let refused = new.ask(json!({ "import": [] }));
    assert_eq!(refused["error"]["member"], "import", "{refused}");

    // What counts its signatures may not leave.
    let mut key = Serving::start(&["--origin", ORIGIN, "--kind", "security-key"]);
    key.ask(json!({ "create": create_options("bob") }));
    let exported = key.ask(json!({ "export": true }))["exported"].clone();
    assert_eq!(exported["leftOut"][0]["reason"], "device-bound", "{exported}");
}

#[test]
fn a_bad_line_is_answered_and_ends_nothing() {
    let mut serving = Serving::start(&[]);
    let passkey = json!({ "rpId": "example.org", "userHandle": "AA", "privateKey": "AA" });
    let mut no_site = passkey.clone();
    no_site["rpId"] = 7.into();
    for (line, member) in [
        (json!({ "id": 9, "get": get_options() }), "origin"),
        (json!({ "id": 9, "get": get_options(), "origin": 7 }), "origin"),
        (json!({ "id": 9, "get": get_options(), "origin": ORIGIN, "colour": 1 }), "colour"),
        (json!({ "id": 9, "passkeys": true, "colour": 1 }), "colour"),
        (json!({ "id": 9, "add": passkey }), "add.privateKey"),
        (json!({ "id": 9, "add": no_site }), "add.rpId"),
        (json!({ "id": 9, "add": {} }), "add.rpId"),
        (json!({ "id": 9, "add": [] }), "add"),
        (json!({ "id": 9, "change": { "credentialId": "AA" } }), "change.credentialId"),
        (json!({ "id": 9, "remove": "AA" }), "remove"),
        (json!({ "id": 9, "remove": 4 }), "remove"),
        (json!({ "id": 9, "person": "sleeps" }), "person"),
        (json!({ "id": 9, "faults": ["no-answer", "sleepy"] }), "faults[1]"),
        (json!({ "id": 9, "faults": "no-answer" }), "faults"),
        (json!({ "id": 9, "advance": -1 }), "advance"),
        (json!({ "id": 9, "advance": "soon" }), "advance"),
    ] {
        let answer = serving.ask(line.clone());
        assert_eq!(
            (&answer["id"], &answer["error"]["member"]),
            (&9.into(), &member.into()),
            "{line} {answer}"
        );
    }
    let no_challenge = json!({ "get": { "rpId": "example.org" }, "origin": ORIGIN });
    let error = serving.ask(no_challenge)["error"].clone();
    assert_eq!(error["name"], "TypeError");
    assert!(error["message"].as_str().unwrap().contains("challenge"), "{error}");
    let long = "[".repeat((1 << 20) + 7);
    for line in ["", "{", "7", "{}", r#"{"get":{},"create":{}}"#, "\u{7f}", &long] {
        if line.is_empty() {
            serving.stdin.write_all(b"\n").unwrap();
            continue;
        }
        let answer = serving.line(line);
        assert_eq!(answer["error"]["reason"], "line", "{answer}");
    }
    let made = json!({ "create": create_options("alice"), "origin": ORIGIN });
    assert!(serving.ask(made)["response"].is_object());
    assert_eq!(serving.end().0, 0);
}

#[test]
fn faults_are_put_in_by_their_names() {
    let list = towline(&["virtual", "faults"]);
    let (code, list, _) = ended(list);
    let names: Vec<&str> =
        list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(code == 0 && names.len() >= 50, "{list}");
    let options = create_options("alice").to_string();
    let challenge = |response: &Value| {
        let data = response["response"]["clientDataJSON"].as_str().unwrap();
        let data = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, data);
        let data: Value = serde_json::from_slice(&data.unwrap()).unwrap();
        data["challenge"].as_str().unwrap().to_owned()
    };
    let asked = create_options("alice")["challenge"].as_str().unwrap().to_owned();
    assert_eq!(challenge(&response(once("create", &options, &[]))), asked);
    let faulty = once("create", &options, &["--fault", "wrong-challenge"]);
    assert_ne!(challenge(&response(faulty)), asked);
    let (code, _, err) = once("create", &options, &["--fault", "status-0x7f"]);
    assert!(code == 1 && err.contains("NotAllowedError"), "{code} {err}");
    let (code, out, err) = once("create", &options, &["--fault", "answer-of-stranger"]);
    assert!(code == 0 && !out.is_empty(), "{code} {err}");
    assert_eq!(err, "there was no occasion for answer-of-stranger\n");
    for (name, says) in [("sleepy", "no fault has this name"), ("doubles-reports", "CTAPHID")] {
        let (code, _, err) = once("create", &options, &["--fault", name]);
        assert!(code == 2 && err.contains(says), "{code} {err}");
    }
    let mut serving = Serving::start(&["--origin", ORIGIN, "--fault", "wrong-challenge"]);
    let made = serving.ask(json!({ "create": create_options("alice") }));
    assert_ne!(challenge(&made["response"]), asked);
    assert_eq!(serving.ask(json!({ "faults": [] }))["faults"], 0);
    let used = serving.ask(json!({ "get": get_options() }));
    assert_eq!(challenge(&used["response"]), asked);
}

/// The scripts of docs/testing.md.
const SHELL: &str = include_str!("languages/passkey.sh");
const PYTHON: &str = include_str!("languages/passkey.py");

#[test]
fn what_the_page_shows_works() {
    let page = include_str!("../../../../docs/testing.md");
    assert!(page.contains(SHELL) && page.contains(PYTHON), "docs/testing.md shows other scripts");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_towline"));
    let path = std::env::var_os("PATH").unwrap();
    let first = [program.parent().unwrap().to_owned()];
    let path = std::env::join_paths(first.into_iter().chain(std::env::split_paths(&path))).unwrap();
    for (language, arguments, script) in [("sh", "-ec", SHELL), ("python3", "-c", PYTHON)] {
        let directory = Directory::new();
        let created = directory.path("create-options.json");
        fs::write(&created, create_options("alice").to_string()).unwrap();
        fs::write(directory.path("get-options.json"), get_options().to_string()).unwrap();
        let mut command = Command::new(language);
        command.args([arguments, script]).env("PATH", &path).stdin(Stdio::null());
        command.current_dir(std::path::Path::new(&created).parent().unwrap());
        // Every machine has a shell, and not each has Python.
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && language != "sh" => {}
            output => {
                let output = output.unwrap();
                let err = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{language}: {err}");
            }
        }
        if language == "sh" {
            let read = |name: &str| fs::read_to_string(directory.path(name)).unwrap();
            let id = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap()["id"].clone();
            assert_eq!(id("registration.json"), id("sign-in.json"));
        }
    }
}
