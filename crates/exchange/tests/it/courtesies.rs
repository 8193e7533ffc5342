//! What two managers keep in forms of their own is read as well.

use serde_json::{Value, json};
use towline_exchange::{
    Import, ImportLimits, Importer, ItemOutcome, KeePassEntry, Missing, NotCxf,
};

use crate::parts::{json, plan, provider, vector, words};

fn passkey() -> Value {
    json(&vector("bare-passkey.json"))
}

fn bitwarden(credential_id: &str, counter: &str) -> Value {
    let passkey = passkey();
    json!({
        "encrypted": false,
        "folders": [],
        "items": [
            { "id": "1", "type": 2, "name": "a note", "notes": "not looked at" },
            { "id": "2", "type": 1, "name": "mail", "login": {
                "username": "alice", "password": "secret", "fido2Credentials": [{
                    "credentialId": credential_id,
                    "keyType": "public-key", "keyAlgorithm": "ECDSA", "keyCurve": "P-256",
                    "keyValue": passkey["key"], "rpId": "example.org", "rpName": "Example",
                    "userHandle": passkey["userHandle"], "userName": "alice@example.org",
                    "userDisplayName": "Alice", "counter": counter, "discoverable": "true",
                    "creationDate": "2026-05-28T20:26:40.500Z",
                }],
            }},
        ],
    })
}

#[test]
fn bitwardens_own_json_is_read() {
    for (written, id) in [
        ("00010203-0405-0607-0809-0a0b0c0d0e0f", (0..16).collect::<Vec<u8>>()),
        ("b64.AQIDBA", vec![1, 2, 3, 4]),
    ] {
        let plan = plan(bitwarden(written, "0").to_string().as_bytes()).unwrap();
        assert_eq!(words(&plan), ["imported", "not-a-passkey"]);
        let [credential] = plan.credentials() else { panic!() };
        assert_eq!(credential.id.as_bytes(), id);
        assert_eq!(credential.user.name.as_deref(), Some("alice@example.org"));
        assert_eq!(credential.made.map(|time| time.0), Some(1_780_000_000));
        // The password goes along, sealed.
        let kept = String::from_utf8(credential.foreign.clone().unwrap().expose().to_vec());
        let password = r#""password":{"fieldType":"concealed-string","value":"secret"}"#;
        assert!(kept.unwrap().contains(password));
    }
    let counted = plan(bitwarden("b64.AQ", "7").to_string().as_bytes()).unwrap();
    let partly = ItemOutcome::ImportedPartly(vec![Missing::CounterNotZero]);
    assert_eq!(counted.reports()[0].outcome, partly);
    // An id that is neither becomes no other one.
    let odd = plan(bitwarden("not an id", "0").to_string().as_bytes()).unwrap();
    assert_eq!(words(&odd)[0], "refused");
}

#[test]
fn what_bitwarden_has_sealed_is_told_as_that() {
    let sealed = json!({ "encrypted": true, "items": [], "data": "2.AAAA" }).to_string();
    let read = Import::read(sealed.as_bytes(), &ImportLimits::default());
    assert_eq!(read.unwrap_err(), NotCxf::Sealed);
}

#[test]
fn the_entries_of_keepassxc_are_read() {
    let passkey = passkey();
    let text = |member: &str| passkey[member].as_str().unwrap().to_owned();
    let der = text("key").replace('-', "+").replace('_', "/");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let attribute = |name: &str, value: String| (format!("KPEX_PASSKEY_{name}"), value);
    let entry = |id: &str| KeePassEntry {
        title: Some("mail".into()),
        attributes: vec![
            ("URL".into(), "https://example.org".into()),
            attribute("USERNAME", "alice@example.org".into()),
            attribute(id, text("credentialId")),
            attribute("PRIVATE_KEY_PEM", pem.clone()),
            attribute("RELYING_PARTY", "example.org".into()),
            attribute("USER_HANDLE", text("userHandle")),
        ],
    };
    let password = KeePassEntry { title: Some("other".into()), ..KeePassEntry::default() };
    for id in ["CREDENTIAL_ID", "GENERATED_USER_ID"] {
        let entries = [password.clone(), entry(id)];
        let import = Import::of_keepassxc(&entries, &ImportLimits::default());
        let plan = import.plan(|_| Ok::<_, ()>(None), &Importer::new(provider())).unwrap();
        assert_eq!(plan.reports().len(), 1);
        let partly = ItemOutcome::ImportedPartly(vec![Missing::KeyWasPem]);
        assert_eq!(plan.reports()[0].outcome, partly);
        assert_eq!(plan.credentials()[0].rp_id.as_str(), "example.org");
    }
    assert!(!format!("{:?}", entry("CREDENTIAL_ID")).contains("BEGIN"));
}
