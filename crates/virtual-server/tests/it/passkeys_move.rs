//! A passkey goes in as others write it, and comes out with nothing lost.

use serde_json::{Value, json};
use towline_virtual::PrivateKey;
use towline_virtual_server::StoredCredential;

use crate::support::Running;

/// Passkeys as managers export them in CXF.
const CXF: &str = include_str!("../vectors/passkeys.json");

/// A key package of a key on P-256, and its public key.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdBdzVkSH5DrPdRY7GUjPFsTHTW3gpx409NGvtozMIqShRANCAARMe1lsEpTsAb0onr98pJ5e4mCCBZoOx6XarMCr3LBVNb9cWqLdWcid0ghcwwQkzrtHfg2sH1jebKgBacBUTJcR";
const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETHtZbBKU7AG9KJ6_fKSeXuJgggWaDsel2qzAq9ywVTW_XFqi3VnIndIIXMMEJM67R34NrB9Y3myoAWnAVEyXEQ";

fn read(json: &Value) -> StoredCredential {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn key(credential: &StoredCredential) -> PrivateKey {
    PrivateKey::from_pkcs8(&credential.private_key.0).unwrap()
}

/// The members of `given` stand in `written` as they are.
#[track_caller]
fn has_all(written: &Value, given: &Value, but: &[&str]) {
    for (name, value) in given.as_object().unwrap() {
        if but.contains(&name.as_str()) {
            continue;
        }
        match value {
            Value::Object(_) => has_all(&written[name], value, but),
            _ => assert_eq!(written[name], *value, "{name} of {given}"),
        }
    }
}

#[test]
fn a_passkey_of_cxf_comes_out_with_all_its_members() {
    let all: Vec<Value> = serde_json::from_str(CXF).unwrap();
    assert!(all.len() > 10);
    for case in &all {
        let given = &case["passkey"];
        let credential = read(given);
        let written = serde_json::to_value(&credential).unwrap();
        // A key is packed in one way here, and blobs are compressed by whoever writes them.
        has_all(&written, given, &["key", "data"]);
        let again = read(&written);
        assert_eq!(again, credential, "{given}");
        assert_eq!(key(&again), key(&credential));
        // It never counts.
        assert_eq!(credential.sign_count, None);
    }
}

#[tokio::test]
async fn a_passkey_of_cxf_is_kept_by_an_authenticator_with_all_its_members() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "synced-passkey"})).await;
    let all: Vec<Value> = serde_json::from_str(CXF).unwrap();
    let errata = all.iter().find(|it| it["from"] == "errata-example-shape").unwrap();
    it.post(&format!("{path}/credentials"), errata["passkey"].clone()).await.ok();
    let kept = it.get(&format!("{path}/credentials")).await.ok()["credentials"][0].take();
    has_all(&kept, &errata["passkey"], &["key", "data"]);
    assert_eq!(kept["largeBlob"], "YSBsYXJnZSBibG9iLCBhIGxhcmdlIGJsb2IsIGEgbGFyZ2UgYmxvYg");
}

#[test]
fn a_passkey_of_playwright_comes_out_with_all_its_members() {
    let given = json!({
        "id": "aWQ", "rpId": "example.org", "userHandle": "MQ", "privateKey": KEY,
        "publicKey": PUBLIC_KEY, "signCount": 3,
    });
    let written = serde_json::to_value(read(&given)).unwrap();
    has_all(&written, &given, &[]);
    let mut other = given;
    other["publicKey"] = json!("AAAA");
    let refused = serde_json::from_value::<StoredCredential>(other).unwrap_err().to_string();
    assert!(refused.starts_with("publicKey: "), "{refused}");
}

#[test]
fn a_passkey_of_devtools_is_read_in_its_own_base64() {
    let given = json!({
        "credentialId": "AAH+/w==", "isResidentCredential": true, "rpId": "example.org",
        "privateKey": KEY, "userHandle": "+/8=", "signCount": -1,
        "largeBlob": "/w==", "backupEligibility": true, "backupState": false,
        "userName": "alice", "userDisplayName": "Alice",
    });
    let mut ours = given.clone();
    for (name, value) in [
        ("credentialId", json!("AAH-_w")),
        ("userHandle", json!("-_8")),
        ("largeBlob", json!("_w")),
        ("signCount", Value::Null),
    ] {
        ours[name] = value;
    }
    let written = serde_json::to_value(read(&given)).unwrap();
    has_all(&written, &ours, &[]);
    assert_eq!(read(&written), read(&ours));
    for (name, value) in
        [("signCount", json!(-2)), ("signCount", json!(1_u64 << 32)), ("userHandle", json!("?"))]
    {
        let mut bad = ours.clone();
        bad[name] = value;
        assert!(serde_json::from_value::<StoredCredential>(bad).is_err(), "{name}");
    }
}
