//! `towline computer --with`: this device, a security key, the platform; a phone is elsewhere.

use serde_json::{Value, json};
use towline_testkit::swtpm::Swtpm;

use crate::{
    program::{Directory, Ended, Program, command, run},
    world::{find, text},
};

/// A relying party, and a place for what a test keeps.
struct Site {
    _rp: Program,
    url: String,
    directory: Directory,
}

impl Site {
    async fn new() -> Self {
        let mut rp = Program::start(["rp"]);
        let url = text(&rp.event("listening").await["url"]);
        Self { _rp: rp, url, directory: Directory::new() }
    }

    fn computer(&self, args: &[&str]) -> Program {
        let all = ["computer"].iter().chain(args).copied().chain(["--rp", &self.url]);
        Program::start(all)
    }

    fn register(&self, args: &[&str]) -> Program {
        self.computer(&[&["register", "--account", "alice", "--name", "mine"], args].concat())
    }

    fn sign_in(&self, args: &[&str]) -> Program {
        self.computer(&[&["sign-in"], args].concat())
    }

    /// A store that is opened by a passphrase, as arguments.
    fn store(&self) -> [String; 4] {
        let (store, secret) = (self.directory.path("passkeys"), self.directory.path("secret"));
        std::fs::write(&secret, "open sesame\n").unwrap();
        ["--store".into(), store, "--passphrase-file".into(), secret]
    }
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// A security key at a socket, of which nobody asks for anything.
async fn key(args: &[&str]) -> (Program, String) {
    let all = [&["key", "--listen", "tcp:127.0.0.1:0", "--presence", "auto"], args].concat();
    let mut key = Program::start(all);
    let url = text(&key.event("listening").await["url"]);
    (key, url)
}

async fn works(computer: Program) -> Ended {
    let ended = computer.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

#[tokio::test]
async fn this_device_keeps_a_passkey_behind_the_passphrase_of_its_store() {
    let site = Site::new().await;
    let store = site.store();
    let with = [&["--with", "this-device"][..], &words(&store)].concat();

    let mut computer = site.register(&with);
    let lock = computer.event("screen_lock").await;
    assert_eq!((&lock["screen_lock"], &lock["simulated"]), (&"passphrase".into(), &false.into()));
    let question = computer.event("question").await;
    assert_eq!(
        (&question["question"], &question["expects"], &question["rp_id"]),
        (&"register".into(), &"passphrase".into(), &"localhost".into())
    );
    computer.say("open sesame").await;
    let ended = works(computer).await;
    assert_eq!(find(&ended, "registered")["account"], "alice");
    assert_eq!(find(&ended, "passkey")["action"], "created");
    assert_eq!(find(&ended, "passkey")["simulated"], false);

    // In another process, and the first try at the lock fails.
    let mut computer = site.sign_in(&with);
    computer.event("question").await;
    computer.say("open barley").await;
    let again = computer.event("question").await;
    assert!(text(&again["message"]).contains("try"), "{again}");
    computer.say("open sesame").await;
    let ended = works(computer).await;
    let signed_in = find(&ended, "signed_in");
    assert_eq!(
        (&signed_in["account"], &signed_in["user_verified"]),
        (&"alice".into(), &true.into())
    );

    // A second passkey for the account would replace the first.
    let mut computer = site.register(&with);
    computer.event("question").await;
    computer.say("open sesame").await;
    computer.ended().await.assert_failed(1, "already_registered");
}

#[tokio::test]
async fn a_second_device_signs_in_with_what_a_backup_brought_there() {
    let site = Site::new().await;
    let store = site.store();
    let with = ["--with", "this-device"];
    let mut computer = site.register(&[&with[..], &words(&store)].concat());
    computer.event("question").await;
    computer.say("open sesame").await;
    works(computer).await;

    let [backup, other] = ["backup", "other"].map(|name| site.directory.path(name));
    let [.., secret] = &store;
    let lock = ["--passphrase-file", secret.as_str()];
    let made = run([&["keys"][..], &words(&store), &["backup", &backup], &lock].concat()).await;
    assert_eq!(made.code, 0, "{made:?}");
    std::fs::remove_file(&store[1]).unwrap();
    let second = [&["--store", other.as_str()][..], &lock].concat();
    let brought = run([&["keys"], &second[..], &["restore", &backup], &lock].concat()).await;
    assert_eq!(brought.code, 0, "{brought:?}");

    let mut computer = site.sign_in(&[&with[..], &second].concat());
    computer.event("question").await;
    computer.say("open sesame").await;
    assert_eq!(find(&works(computer).await, "signed_in")["account"], "alice");
}

#[tokio::test]
async fn a_no_to_the_screen_lock_of_this_device_makes_no_passkey() {
    let site = Site::new().await;
    let store = site.store();
    let with = [&["--with", "this-device"][..], &words(&store)].concat();
    let mut computer = site.register(&with);
    computer.event("question").await;
    computer.say("").await;
    let ended = computer.ended().await;
    ended.assert_failed(3, "refused");
    assert!(!text(&ended.failed()["message"]).contains("phone"), "{ended:?}");
    let ended = run([&["keys"][..], &words(&store), &["list"]].concat()).await;
    assert!(ended.events.iter().all(|event| event["event"] != "stored_passkey"), "{ended:?}");
}

#[tokio::test]
async fn a_screen_lock_that_is_simulated_is_called_that() {
    let site = Site::new().await;
    let store = site.directory.path("passkeys");
    let with = ["--with", "this-device", "--store", &store, "--answer", "yes"];
    let ended = works(site.register(&with)).await;
    assert_eq!(find(&ended, "screen_lock")["simulated"], true);
    assert_eq!(find(&ended, "passkey")["simulated"], true);
    let ended = works(site.sign_in(&with)).await;
    assert_eq!(find(&ended, "signed_in")["account"], "alice");

    let real = [&with[..], &["--screen-lock", "passphrase"]].concat();
    site.sign_in(&real).ended().await.assert_failed(2, "screen_lock");
}

#[tokio::test]
async fn a_script_writes_ahead_what_this_device_asks() {
    let site = Site::new().await;
    let store = site.directory.path("passkeys");
    let mut computer = site.register(&["--with", "this-device", "--store", &store]);
    computer.say("yes").await;
    computer.close_stdin();
    works(computer).await;
    let computer = site.sign_in(&["--with", "this-device", "--store", &store]);
    // Nobody is there.
    let mut computer = computer;
    computer.close_stdin();
    computer.ended().await.assert_failed(3, "refused");
}

#[tokio::test]
async fn the_platform_keeps_the_private_key_in_its_tpm() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let site = Site::new().await;
    let (store, tpm) = (site.store(), format!("unix:{}", swtpm.socket().display()));
    let with = [&["--with", "platform", "--tpm", &tpm][..], &words(&store)].concat();
    let mut computer = site.register(&with);
    assert_eq!(computer.event("keys").await["keys"], "tpm");
    computer.event("question").await;
    computer.say("open sesame").await;
    let ended = works(computer).await;
    let key = &find(&ended, "registered")["key"];
    assert_eq!(key["backup_eligible"], false, "it can't leave the TPM: {key}");
    swtpm.restart();
    let mut computer = site.sign_in(&with);
    computer.event("question").await;
    computer.say("open sesame").await;
    assert_eq!(find(&works(computer).await, "signed_in")["account"], "alice");

    // The store alone can't sign in.
    let without = [&["--with", "this-device"][..], &words(&store)].concat();
    let mut computer = site.sign_in(&without);
    computer.event("question").await;
    computer.say("open sesame").await;
    assert_ne!(computer.ended().await.code, 0);
}

#[tokio::test]
async fn a_security_key_registers_and_signs_in() {
    let site = Site::new().await;
    let store = site.directory.path("key");
    let (key, url) = key(&["--store", &store]).await;
    // Sites want the person verified, which a key does by a PIN; there is none yet.
    let with = ["--with", "key", "--key-at", &url];
    site.register(&with).ended().await.assert_failed(5, "no_terminal");
    drop(key);

    let pin = site.directory.path("pin");
    std::fs::write(&pin, "72893461\n").unwrap();
    let set = run(["keys", "--store", &store, "set-pin", "--new-pin-file", &pin]).await;
    assert_eq!(set.code, 0, "{set:?}");
    let (_key, url) = self::key(&["--store", &store]).await;
    let with = ["--with", "key", "--key-at", &url, "--pin-file", &pin];
    let ended = works(site.register(&with)).await;
    let said: Vec<_> = ended.events.iter().filter_map(|event| event["step"].as_str()).collect();
    assert_eq!(said.first(), Some(&"connected"), "{ended:?}");
    assert!(text(&ended.events[0]["message"]).contains(&url), "{ended:?}");
    assert_eq!(find(&ended, "registered")["key"]["name"], "mine");
    let ended = works(site.sign_in(&with)).await;
    assert_eq!(find(&ended, "signed_in")["user_verified"], true);
    site.register(&with).ended().await.assert_failed(1, "already_registered");

    // A wrong PIN is tried once.
    std::fs::write(&pin, "11111111\n").unwrap();
    let ended = site.sign_in(&with).ended().await;
    ended.assert_failed(2, "pin");
    std::fs::write(&pin, "72893461\n").unwrap();
    works(site.sign_in(&with)).await;
}

#[tokio::test]
async fn somebody_is_told_to_touch_the_key_and_ctrl_c_calls_it_off() {
    let site = Site::new().await;
    let mut key = Program::start(["key", "--listen", "udp:127.0.0.1:0"]);
    let url = text(&key.event("listening").await["url"]);
    let options = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": { "name": "Example", "id": "example.org" },
        "user": { "id": "YWxpY2U", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "userVerification": "discouraged" },
    });
    let args = ["computer", "create", "--origin", "https://example.org", "--with", "key"];
    let begin = async || {
        let mut computer = Program::start([&args[..], &["--key-at", &url]].concat());
        computer.say(&options.to_string()).await;
        computer.close_stdin();
        assert_eq!(computer.step("touch").await["event"], "step");
        computer
    };
    let computer = begin().await;
    key.event("question").await;
    key.say("yes").await;
    let ended = works(computer).await;
    let response = &find(&ended, "response")["response"];
    assert_eq!(response["authenticatorAttachment"], "cross-platform", "{response}");

    let computer = begin().await;
    key.event("question").await;
    computer.interrupt().await;
    computer.ended().await.assert_failed(130, "interrupted");
    key.event("withdrawn").await;
    drop(site);
}

#[tokio::test]
async fn what_cannot_be_had_is_said_before_a_site_is_asked() {
    // Nobody listens there.
    let nowhere = ["--rp", "http://localhost:9"];
    let directory = Directory::new();
    let no_tpm = format!("unix:{}", directory.path("nobody"));
    let store = ["--store", &directory.path("passkeys")];
    for (with, code, reason, says) in [
        (&["--with", "platform", "--tpm", &no_tpm][..], 5, "no_tpm", "--with this-device"),
        (&["--with", "key", "--key-at", "/dev/null"], 2, "key_at", "/dev/null"),
        (&["--with", "key", "--key-at", "8111"], 2, "key_at", "udp:"),
        (&["--with", "key", "--key-at", "tcp:127.0.0.1:9"], 5, "no_key", "towline key"),
        (&["--with", "this-device", "--key-at", "/dev/null"], 2, "flags", "--with key"),
        (&["--with", "key", "--answer", "yes"], 2, "flags", "--with this-device"),
        (&["--with", "this-device", "--new-tpm"], 2, "flags", "--with platform"),
        (&["--with", "key", "--qr-image", "x.png"], 2, "flags", "--with phone"),
    ] {
        let ended = run([&["computer", "sign-in"], with, &store, &nowhere].concat()).await;
        ended.assert_failed(code, reason);
        let message = text(&ended.failed()["message"]);
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn options_that_come_by_standard_input_leave_nobody_to_answer() {
    let args = ["computer", "get", "--origin", "https://example.org", "--with", "this-device"];
    let ended = run(args).await;
    ended.assert_failed(5, "no_terminal");
    assert!(text(&ended.failed()["message"]).contains("--answer"), "{ended:?}");
}

#[tokio::test]
async fn any_site_is_answered_by_this_device() {
    let directory = Directory::new();
    let store = directory.path("passkeys");
    let options = json!({
        "challenge": "AAECAwQFBgcICQoLDA0ODw",
        "rp": { "name": "Example", "id": "example.org" },
        "user": { "id": "YWxpY2U", "name": "alice", "displayName": "Alice" },
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        "authenticatorSelection": { "residentKey": "required" },
    });
    let call = async |verb: &str, options: &Value| {
        let args = ["computer", verb, "--origin", "https://example.org", "--with", "this-device"];
        let more = ["--store", &store, "--answer", "yes"];
        let mut computer = Program::start([&args[..], &more].concat());
        computer.say(&options.to_string()).await;
        computer.close_stdin();
        computer.ended().await
    };
    let made = works_ended(call("create", &options).await);
    let response = &find(&made, "response")["response"];
    assert_eq!(response["authenticatorAttachment"], "platform", "{response}");
    let get = json!({ "challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.org" });
    let used = works_ended(call("get", &get).await);
    assert_eq!(find(&used, "response")["response"]["id"], response["id"]);

    let other = json!({ "challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.com" });
    let refused = call("get", &other).await;
    refused.assert_failed(1, "relying_party");
    assert_eq!(refused.failed()["name"], "SecurityError");
}

fn works_ended(ended: Ended) -> Ended {
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

#[tokio::test]
async fn help_tells_the_four_ways() {
    for verb in ["register", "sign-in", "create", "get"] {
        let output = command(["computer", verb, "--help"]).output().await.unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        for way in ["phone:", "this-device:", "key:", "platform:"] {
            assert!(help.contains(way), "{verb}: {way}: {help}");
        }
    }
}
