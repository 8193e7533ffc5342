//! `towline keys export` and `import`: passkeys that move to another manager, and here from one.

use std::{fs, io::Write as _, path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use towline_ctap::Status;
use towline_testkit::swtpm::Swtpm;

use crate::{
    keys::{key, make_credential, status},
    program::{Directory, Ended, Program, command, run, run_plain},
    world::{World, find, text},
};

pub(crate) fn vectors(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

fn vector(name: &str) -> Value {
    serde_json::from_slice(&fs::read(vectors("cxf").join(name)).unwrap()).unwrap()
}

/// An account of so many passkeys, as a platform hands it over. They have one key.
pub(crate) fn account(passkeys: u32) -> Value {
    let passkey = vector("bare-passkey.json");
    let base64url = |number: u32| format!("{number:08}");
    let items: Vec<Value> = (0..passkeys)
        .map(|number| {
            let mut passkey = passkey.clone();
            passkey["credentialId"] = base64url(number).into();
            passkey["userHandle"] = base64url(number).into();
            passkey["username"] = format!("user {number}").into();
            passkey["rpId"] = if number % 2 == 0 { "example.org" } else { "example.net" }.into();
            json!({ "id": base64url(number), "title": "a title", "credentials": [passkey] })
        })
        .collect();
    json!({ "id": "AAAA", "username": "", "email": "", "collections": [], "items": items })
}

/// A place for files, and the program in it.
pub(crate) struct Desk(pub(crate) Directory);

impl Desk {
    fn new() -> Self {
        Self(Directory::new())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) async fn keys(&self, store: &str, args: &[&str]) -> Ended {
        run(["keys", "--store", &self.path(store)].iter().chain(args)).await
    }

    /// The same, to whose question the answer is yes.
    pub(crate) async fn agreed(&self, store: &str, args: &[&str]) -> Ended {
        self.keys(store, &[args, &["--answer", "yes"]].concat()).await
    }

    /// A store with so many passkeys.
    pub(crate) async fn store(&self, name: &str, passkeys: u32) {
        let document = self.write("account.json", account(passkeys).to_string());
        let ended = self.agreed(name, &["import", &document]).await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }

    pub(crate) async fn accounts(&self, store: &str) -> Vec<String> {
        let listed = self.keys(store, &["list"]).await;
        let mut accounts: Vec<_> =
            listed.events.iter().map(|event| text(&event["account"])).collect();
        accounts.sort();
        accounts
    }
}

pub(crate) fn info<'a>(ended: &'a Ended, about: &str) -> &'a Value {
    let found = ended.events.iter().find(|event| event["about"] == about);
    found.unwrap_or_else(|| panic!("{about}: {ended:?}"))
}

pub(crate) fn outcomes(ended: &Ended) -> Vec<&str> {
    let moved = ended.events.iter().filter(|event| event["event"] == "moved");
    moved.map(|event| event["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn passkeys_move_sealed_by_a_passphrase() {
    let desk = Desk::new();
    desk.store("old", 3).await;
    let (file, words) = (desk.path("passkeys.cxf.age"), desk.write("words", "over there\n"));
    let made = desk.agreed("old", &["export", &file, "--passphrase-file", &words]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let facts = info(&made, "exported");
    assert_eq!((&facts["passkeys"], &facts["sealed_for"]), (&3.into(), &"passphrase".into()));
    assert_eq!(outcomes(&made), ["exported"; 3]);
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> scrypt "));
    assert!(!bytes.windows(11).any(|part| part == b"example.org"), "it is not sealed");
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // Another's passphrase, a byte that is another, an end that is missing: no store is made.
    let wrong = desk.write("wrong", "over here\n");
    let refused = desk.agreed("new", &["import", &file, "--passphrase-file", &wrong]).await;
    refused.assert_failed(2, "not_opened");
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for damaged in [&damaged[..], &bytes[..bytes.len() - 1], &bytes[..60]] {
        let damaged = desk.write("damaged", damaged);
        let refused = desk.agreed("new", &["import", &damaged, "--passphrase-file", &words]).await;
        refused.assert_failed(2, "damaged");
    }
    assert!(!fs::exists(desk.path("new")).unwrap());

    let there = desk.agreed("new", &["import", &file, "--passphrase-file", &words]).await;
    assert_eq!(there.code, 0, "{there:?}");
    assert_eq!(outcomes(&there), ["imported"; 3]);
    let facts = info(&there, "imported");
    assert_eq!((&facts["imported"], &facts["written_by"]), (&3.into(), &"towline".into()));
    assert!(text(&facts["file_stays"]).contains("delete it"), "{facts}");
    assert_eq!(desk.accounts("new").await, desk.accounts("old").await);
    assert!(fs::exists(&file).unwrap(), "the file is the person's");

    // Once more there is nothing to do.
    let again = desk.keys("new", &["import", &file, "--passphrase-file", &words]).await;
    assert_eq!((again.code, outcomes(&again)), (0, vec!["already-there"; 3]), "{again:?}");
    assert!(!again.events.iter().any(|event| event["event"] == "question"), "{again:?}");
}

#[tokio::test]
async fn passkeys_move_sealed_for_recipients() {
    use age::secrecy::ExposeSecret as _;
    let desk = Desk::new();
    desk.store("old", 2).await;
    let [mine, other, stranger] = [(); 3].map(|()| age::x25519::Identity::generate());
    let file = desk.path("passkeys.cxf.age");
    let [first, second] = [&mine, &other].map(|identity| identity.to_public().to_string());
    let args = ["export", &file, "--recipient", &first, "--recipient", &second];
    let made = desk.agreed("old", &args).await;
    assert_eq!(info(&made, "exported")["sealed_for"], "recipients", "{made:?}");

    let identity = |name, identity: &age::x25519::Identity| {
        let text = format!("# created: today\n{}\n", identity.to_string().expose_secret());
        desk.write(name, text)
    };
    desk.agreed("new", &["import", &file]).await.assert_failed(2, "not_opened");
    let stranger = identity("stranger", &stranger);
    let refused = desk.agreed("new", &["import", &file, "--identity", &stranger]).await;
    refused.assert_failed(2, "not_opened");
    let nothing = desk.write("nothing", "# no key\n");
    let refused = desk.agreed("new", &["import", &file, "--identity", &nothing]).await;
    refused.assert_failed(2, "identity");
    for own in [identity("mine", &mine), identity("other", &other)] {
        let args = ["import", &file, "--identity", &stranger, "--identity", &own];
        let there = desk.agreed("new", &args).await;
        assert_eq!(there.code, 0, "{there:?}");
    }
    assert_eq!(desk.accounts("new").await, desk.accounts("old").await);
    let args = ["export", "x", "--recipient", "age1nobody"];
    desk.keys("old", &args).await.assert_usage();
    let both = ["export", "x", "--plain", "--recipient", &first];
    desk.keys("old", &both).await.assert_usage();
}

#[tokio::test]
async fn a_plain_file_is_written_by_its_word_alone_and_over_nothing() {
    let desk = Desk::new();
    desk.store("old", 2).await;
    let file = desk.path("passkeys.cxf");
    let made = desk.agreed("old", &["export", &file, "--plain"]).await;
    let question = text(&find(&made, "question")["message"]);
    assert!(question.contains("NOT SEALED"), "{question}");
    let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(document["accounts"][0]["items"].as_array().unwrap().len(), 2);
    let there = desk.agreed("new", &["import", &file]).await;
    assert_eq!(outcomes(&there), ["imported"; 2], "{there:?}");

    // The account has the same id each time, and the same passkeys the same items.
    let again = desk.path("again.cxf");
    assert_eq!(desk.agreed("old", &["export", &again, "--plain"]).await.code, 0);
    let again: Value = serde_json::from_slice(&fs::read(&again).unwrap()).unwrap();
    assert_eq!(again["accounts"], document["accounts"]);

    let before = fs::read(&file).unwrap();
    desk.agreed("old", &["export", &file, "--plain"]).await.assert_failed(2, "file");
    assert_eq!(fs::read(&file).unwrap(), before);
    let nowhere = desk.path("no/such/folder");
    desk.agreed("old", &["export", &nowhere, "--plain"]).await.assert_failed(5, "file");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let desk = Desk::new();
    let document = desk.write("account.json", account(3).to_string());
    let planned = desk.keys("store", &["import", &document, "--dry-run"]).await;
    assert_eq!((planned.code, outcomes(&planned)), (0, vec!["imported"; 3]), "{planned:?}");
    assert_eq!(info(&planned, "imported")["dry_run"], true);
    assert!(!fs::exists(desk.path("store")).unwrap());
    assert!(!fs::exists(desk.path("store.key")).unwrap());

    let only = ["import", &document, "--only", "example.net", "--answer", "yes"];
    assert_eq!(outcomes(&desk.keys("store", &only).await), ["imported"]);
    assert_eq!(desk.accounts("store").await, ["user 1"]);
    let planned = desk.keys("store", &["import", &document, "--dry-run"]).await;
    assert_eq!(outcomes(&planned), ["imported", "already-there", "imported"]);
    let file = desk.path("out");
    let planned = desk.keys("store", &["export", &file, "--dry-run"]).await;
    assert_eq!((planned.code, outcomes(&planned)), (0, vec!["exported"]), "{planned:?}");
    assert!(!fs::exists(&file).unwrap());
    assert_eq!(desk.accounts("store").await, ["user 1"]);

    desk.agreed("store", &["import", &document]).await;
    let only = ["export", &file, "--plain", "--only", "example.org", "--answer", "yes"];
    assert_eq!(outcomes(&desk.keys("store", &only).await), ["exported"; 2]);
}

#[tokio::test]
async fn the_owner_of_the_store_is_asked_each_time() {
    let desk = Desk::new();
    let document = desk.write("account.json", account(1).to_string());
    let words = desk.write("words", "open sesame\n");
    let store = desk.path("store");
    let start = |args: &[&str]| {
        let opened = ["keys", "--store", &store, "--passphrase-file", &words];
        Program::start(opened.iter().chain(args))
    };
    // A store that is to be made has nothing yet to show who its owner is.
    let mut import = start(&["import", &document]);
    let question = import.event("question").await;
    assert_eq!(
        (&question["question"], &question["expects"]),
        (&"import".into(), &"yes_or_no".into())
    );
    assert!(text(&question["message"]).contains("1 passkey"), "{question}");
    import.say("no").await;
    import.ended().await.assert_failed(3, "declined");
    assert!(!fs::exists(&store).unwrap());
    let mut import = start(&["import", &document]);
    import.event("question").await;
    import.say("yes").await;
    assert_eq!(import.ended().await.code, 0);

    let file = desk.path("out");
    let export = ["export", &file, "--plain"];
    let mut right = start(&export);
    let question = right.event("question").await;
    assert_eq!(
        (&question["question"], &question["expects"], &question["screen_lock"]),
        (&"export".into(), &"passphrase".into(), &"passphrase".into())
    );
    right.say("open barley").await;
    right.event("question").await;
    right.say("open sesame").await;
    assert_eq!(right.ended().await.code, 0);
    fs::remove_file(&file).unwrap();
    let mut wrong = start(&export);
    for _ in 0..3 {
        wrong.event("question").await;
        wrong.say("open wheat").await;
    }
    wrong.ended().await.assert_failed(3, "not_verified");
    let mut nobody = start(&export);
    nobody.event("question").await;
    nobody.close_stdin();
    nobody.ended().await.assert_failed(3, "declined");
    assert!(!fs::exists(&file).unwrap());
}

#[tokio::test]
async fn what_can_not_go_is_listed_first_and_stays() {
    let desk = Desk::new();
    let store = desk.path("store");
    let (security_key, mut client) = key(&["--store", &store]).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    security_key.interrupt().await;
    assert_eq!(security_key.ended().await.code, 0);
    let file = desk.path("out");
    let none = desk.agreed("store", &["export", &file, "--plain"]).await;
    none.assert_failed(2, "no_passkeys");
    let left_out = find(&none, "moved");
    assert_eq!(
        (&left_out["outcome"], &left_out["reason"]),
        (&"left-out".into(), &"device-bound".into())
    );
    assert!(!fs::exists(&file).unwrap());

    let document = desk.write("account.json", account(1).to_string());
    assert_eq!(desk.agreed("store", &["import", &document]).await.code, 0);
    let made = desk.agreed("store", &["export", &file, "--plain"]).await;
    assert_eq!((made.code, outcomes(&made)), (0, vec!["left-out", "exported"]), "{made:?}");
    assert_eq!(info(&made, "exported")["left_out"], 1);
    let (code, out, _) = run_plain(["keys", "--store", &store, "export", "x", "--dry-run"]).await;
    assert!(code == 0 && out.contains("made for this device alone"), "{out}");
}

#[tokio::test]
async fn keys_in_a_tpm_stay() {
    let Some(swtpm) = Swtpm::new() else { return };
    let desk = Desk::new();
    let (store, tpm) = (desk.path("store"), format!("unix:{}", swtpm.socket().display()));
    let (security_key, mut client) =
        key(&["--store", &store, "--keys", "tpm", "--tpm", &tpm]).await;
    assert_eq!(status(&mut client, &make_credential(1)).await, Status::Ok.to_u8());
    drop((security_key, client));
    // It is known without the TPM, too.
    drop(swtpm);
    let none = desk.agreed("store", &["export", &desk.path("out"), "--plain"]).await;
    none.assert_failed(2, "no_passkeys");
    assert_eq!(find(&none, "moved")["reason"], "key-not-exportable");
}

#[tokio::test]
async fn one_bad_passkey_costs_no_other_and_is_told_by_the_exit_code() {
    let desk = Desk::new();
    desk.store("store", 1).await;
    let mut document = account(4);
    // The first is there with another key, the second has none.
    let other = vector("bitwarden-shape.json")["items"][0]["credentials"][3]["key"].clone();
    document["items"][0]["credentials"][0]["key"] = other;
    document["items"][1]["credentials"][0]["key"] = "AAAA".into();
    let document = desk.write("account.json", document.to_string());
    let there = desk.agreed("store", &["import", &document]).await;
    assert_eq!(outcomes(&there), ["conflict", "refused", "imported", "imported"]);
    assert_eq!(there.code, 1, "{there:?}");
    let reasons: Vec<_> = there
        .events
        .iter()
        .filter(|event| event["event"] == "moved")
        .map(|event| event["reason"].clone())
        .collect();
    let none = Value::Null;
    assert_eq!(reasons, ["same-id-other-key".into(), "bad-key".into(), none.clone(), none]);
    assert_eq!(desk.accounts("store").await, ["user 0", "user 2", "user 3"]);

    for (content, reason) in [
        (vec![0, 1, 2], "not_an_export"),
        (b"{\"items\":[]}".to_vec(), "no_passkeys"),
        (b"{\"encrypted\":true,\"items\":[]}".to_vec(), "not_an_export"),
    ] {
        let file = desk.write("other", content);
        desk.agreed("store", &["import", &file]).await.assert_failed(2, reason);
    }
    desk.agreed("store", &["import", &desk.path("none")]).await.assert_failed(2, "file");
}

/// What has no meaning here is kept, and comes out again: unknown members, and the credentials
/// beside a passkey.
#[tokio::test]
async fn what_is_not_ours_comes_out_again() {
    let desk = Desk::new();
    let file = desk.path("out");
    for name in ["unknown-members.json", "bitwarden-shape.json"] {
        let path = vectors("cxf").join(name);
        let there = desk.agreed(name, &["import", path.to_str().unwrap()]).await;
        assert_eq!(there.code, 0, "{there:?}");
        assert_eq!(desk.agreed(name, &["export", &file, "--plain"]).await.code, 0);
        let exported = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let exported: Value = serde_json::from_str(&exported).unwrap();
        let original = vector(name);
        let item = |document: &Value| match document.get("accounts") {
            Some(accounts) => accounts[0]["items"][0].clone(),
            None => document["items"][0].clone(),
        };
        let (before, after) = (item(&original), item(&exported));
        for (member, value) in before.as_object().unwrap() {
            if !["extensions", "credentials"].contains(&member.as_str()) {
                assert_eq!(after[member], *value, "{name}: {member}");
            }
        }
        // Ours stands before what was there.
        let extensions = |item: &Value| item["extensions"].as_array().cloned().unwrap_or_default();
        assert_eq!(extensions(&after)[1..], extensions(&before), "{name}");
        let first = |item: &Value| item["credentials"][0].clone();
        assert_eq!(first(&after), first(&before), "{name}");
    }
}

#[tokio::test]
async fn bitwardens_own_json_is_seen_for_what_it_is() {
    let desk = Desk::new();
    let passkey = vector("bare-passkey.json");
    let document = json!({ "encrypted": false, "items": [{ "type": 1, "name": "mail", "login": {
        "password": "secret",
        "fido2Credentials": [{
            "credentialId": "00010203-0405-0607-0809-0a0b0c0d0e0f", "keyType": "public-key",
            "keyAlgorithm": "ECDSA", "keyCurve": "P-256", "keyValue": passkey["key"],
            "rpId": "example.org", "userHandle": passkey["userHandle"], "userName": "alice",
            "counter": "0", "discoverable": "true", "creationDate": "2026-05-28T20:26:40.500Z",
        }],
    }}]});
    let document = desk.write("bitwarden.json", document.to_string());
    let there = desk.agreed("store", &["import", &document]).await;
    assert_eq!((there.code, outcomes(&there)), (0, vec!["imported", "not-a-passkey"]), "{there:?}");
    assert_eq!(info(&there, "imported")["written_by"], "Bitwarden");
    assert_eq!(desk.accounts("store").await, ["alice"]);
}

/// The file is of another implementation: see tests/vectors/README.md.
#[tokio::test]
async fn what_another_age_has_sealed_is_opened() {
    let desk = Desk::new();
    let [sealed, identity, words] = ["recipient.cxf.age", "identity.txt", "passphrase.cxf.age"]
        .map(|name| vectors("age").join(name).to_str().unwrap().to_owned());
    let there = desk.agreed("one", &["import", &sealed, "--identity", &identity]).await;
    assert_eq!((there.code, outcomes(&there)), (0, vec!["imported"]), "{there:?}");
    let passphrase = desk.write("words", "correct horse\n");
    let there = desk.agreed("two", &["import", &words, "--passphrase-file", &passphrase]).await;
    assert_eq!((there.code, outcomes(&there)), (0, vec!["imported"]), "{there:?}");
    // More work than is spent on a file of others is refused before any is done.
    let costly = fs::read(&words).unwrap();
    let text = String::from_utf8_lossy(&costly);
    let salt = text.split(' ').nth(2).unwrap().to_owned();
    let (head, mac) = (format!("-> scrypt {salt} "), b"\n");
    let at = costly.windows(head.len()).position(|part| part == head.as_bytes()).unwrap();
    let end =
        at + head.len() + costly[at + head.len()..].iter().position(|b| b == &mac[0]).unwrap();
    let mut file = fs::File::create(desk.path("costly")).unwrap();
    for part in [&costly[..at + head.len()], b"22", &costly[end..]] {
        file.write_all(part).unwrap();
    }
    let args = ["import", &desk.path("costly"), "--passphrase-file", &passphrase];
    let refused = desk.agreed("three", &args).await;
    refused.assert_failed(2, "not_opened");
    assert!(text_of(&refused).contains("work factor 22"), "{refused:?}");
}

pub(crate) fn text_of(ended: &Ended) -> String {
    text(&ended.failed()["message"])
}

/// The database is of pykeepass: see tests/vectors/README.md.
#[tokio::test]
async fn keepassxcs_database_is_read_where_that_is_built_in() {
    let desk = Desk::new();
    let database = vectors("keepassxc.kdbx").to_str().unwrap().to_owned();
    let words = desk.write("words", "correct horse\n");
    let args = ["import", &database, "--passphrase-file", &words];
    let there = desk.agreed("store", &args).await;
    if cfg!(not(feature = "keepassxc")) {
        return there.assert_failed(2, "no_keepassxc");
    }
    // With the password of its entry. The one that was thrown away stays there.
    let wanted = vec!["imported-partly", "not-a-passkey"];
    assert_eq!((there.code, outcomes(&there)), (0, wanted), "{there:?}");
    assert_eq!(find(&there, "moved")["notes"], json!(["key-was-pem"]));
    assert_eq!(desk.accounts("store").await, ["alice@example.org"]);
    let wrong = desk.write("wrong", "battery staple\n");
    let args = ["import", &database, "--passphrase-file", &wrong];
    desk.agreed("other", &args).await.assert_failed(2, "not_opened");
}

/// The last that is said, of so much that it is read meanwhile.
async fn last(args: &[&str]) -> Value {
    let all = args.iter().copied().chain(["--json"]);
    let output = command(all).stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{:?}", said.lines().last());
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

#[tokio::test]
async fn ten_thousand_passkeys_go_in_and_out() {
    let desk = Desk::new();
    let document = desk.write("account.json", account(10_000).to_string());
    let (store, file) = (desk.path("store"), desk.path("out"));
    let args = ["keys", "--store", &store, "import", &document, "--answer", "yes"];
    assert_eq!(last(&args).await["imported"], 10_000);
    let args = ["keys", "--store", &store, "export", &file, "--plain", "--answer", "yes"];
    assert_eq!(last(&args).await["passkeys"], 10_000);
    let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let items = document["accounts"][0]["items"].as_array().unwrap();
    assert_eq!(items.len(), 10_000);
    assert_eq!(items[9_999]["credentials"][0]["username"], "user 9999", "in their order");
}

/// Step 16 of the journey: a passkey of one phone signs in from another, which had none.
#[tokio::test]
async fn a_passkey_moves_to_another_phone_and_signs_in_there() {
    let world = World::new().await;
    let [old, new, file] =
        ["old.passkeys", "new.passkeys", "passkeys.cxf.age"].map(|name| world.directory.path(name));
    let words = world.directory.path("words");
    fs::write(&words, "over there\n").unwrap();
    let mut phone = world.phone(&["--answer", "yes", "--store", &old]);
    let registered = world.register(&mut phone, "alice").await;
    assert_eq!(registered.code, 0, "{registered:?}");
    let key = &find(&registered, "registered")["key"];
    assert_eq!((&key["backup_eligible"], &key["backed_up"]), (&true.into(), &false.into()));
    phone.event("served").await;
    phone.close_stdin();
    assert_eq!(phone.ended().await.code, 0);

    let sealed = ["--passphrase-file", &words, "--answer", "yes"];
    let made = run(["keys", "--store", &old, "export", &file].iter().chain(&sealed)).await;
    assert_eq!(made.code, 0, "{made:?}");
    let there = run(["keys", "--store", &new, "import", &file].iter().chain(&sealed)).await;
    assert_eq!((there.code, outcomes(&there)), (0, vec!["imported"]), "{there:?}");

    let mut phone = world.phone(&["--answer", "yes", "--store", &new]);
    let ended = world.scan(&["sign-in"], &mut phone).await.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(find(&ended, "signed_in")["account"], "alice");
}
