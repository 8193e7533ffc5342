//! Passkeys in JSON, in and out.

use serde_json::{Value, json};
use towline_virtual_server::StoredCredential;

use crate::support::{ORIGIN, Running, creation};

/// A key package of a key on P-256.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwehRANCAARIsE5DZpYH41VXxEFX1n0YbWnL35Ia7yWUAbKW4Y4BPpbo6FhuWROpQbwt7nZ2lmnp6dJkYY1k8cSWNqaBUG9Y";

fn passkey() -> Value {
    json!({"credentialId": "aWQ", "rpId": "example.org", "privateKey": KEY, "userHandle": "MQ"})
}

fn read(json: Value) -> Result<StoredCredential, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_passkey_that_was_taken_out_comes_back_without_loss() {
    let it = Running::start().await;
    for preset in ["synced-passkey", "security-key", "phone", "platform"] {
        let first = it.authenticator(json!({"preset": preset})).await;
        it.register().await.ok();
        let taken = it.get(&format!("{first}/credentials")).await.ok()["credentials"].take();
        assert_eq!(taken.as_array().unwrap().len(), 1, "{preset}");
        let second = it.authenticator(json!({"preset": preset})).await;
        let path = format!("{second}/credentials");
        let added = it.post(&path, taken[0].clone()).await.ok();
        assert_eq!(added, taken[0], "{preset}");
        it.call("DELETE", &first, Value::Null).await.ok();
        // It signs in from where it is now.
        let signed_in = it.sign_in().await.ok();
        assert_eq!(signed_in["response"]["id"], taken[0]["credentialId"], "{preset}");
        it.call("DELETE", &second, Value::Null).await.ok();
    }
}

#[test]
fn each_of_the_four_forms_is_read() {
    let webdriver = json!({
        "credentialId": "aWQ", "isResidentCredential": true, "rpId": "example.org",
        "privateKey": KEY, "userHandle": "MQ", "signCount": 3, "largeBlob": "YmxvYg",
        "backupEligibility": true, "backupState": true, "userName": "alice",
        "userDisplayName": "Alice",
    });
    let from_webdriver = read(webdriver).unwrap();
    let playwright =
        json!({"id": "aWQ", "rpId": "example.org", "userHandle": "MQ", "privateKey": KEY});
    let from_playwright = read(playwright).unwrap();
    let cxf = json!({
        "type": "passkey", "credentialId": "aWQ", "rpId": "example.org", "username": "alice",
        "userDisplayName": "Alice", "userHandle": "MQ", "key": KEY,
        "fido2Extensions": {
            "hmacCredentials": {
                "algorithm": "hmac-sha256",
                "credWithUV": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
                "credWithoutUV": "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg",
            },
            "credBlob": "YmxvYg",
            "payments": true,
        },
    });
    let from_cxf = read(cxf).unwrap();
    assert_eq!(from_webdriver.credential_id, from_playwright.credential_id);
    assert_eq!(from_webdriver.private_key, from_cxf.private_key);
    assert_eq!(from_webdriver.sign_count, Some(3));
    assert_eq!((from_playwright.sign_count, from_playwright.is_resident_credential), (None, true));
    assert!(from_cxf.third_party_payment && from_cxf.prf.is_some());
    // Whatever was read is written under all names, and read again as it was.
    for it in [from_webdriver, from_playwright, from_cxf] {
        let written = serde_json::to_value(&it).unwrap();
        for name in ["id", "credentialId", "privateKey", "key", "rpId"] {
            assert!(written[name].is_string(), "{name}");
        }
        assert_eq!(read(written), Ok(it));
    }
}

#[test]
fn padding_is_taken_and_never_written() {
    let mut padded = passkey();
    padded["credentialId"] = json!("aWQ=");
    padded["userHandle"] = json!("MQ==");
    let read = read(padded).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap()["userHandle"], "MQ");
}

#[test]
fn what_can_be_no_passkey_is_refused_by_the_member() {
    for (member, value) in [
        ("credentialId", json!("")),
        ("rpId", json!("")),
        ("privateKey", json!("AAAA")),
        ("userHandle", json!("")),
        ("userHandle", json!("A".repeat(100))),
        ("credProtect", json!(4)),
        ("prfSecret", json!("AAAA")),
        ("largeBlobKey", json!("AAAA")),
        ("credBlob", json!("A".repeat(2000))),
        ("largeBlob", json!("A".repeat(100_000))),
        ("id", json!("YW5vdGhlcg")),
        ("key", json!("AAAA")),
    ] {
        let mut bad = passkey();
        bad[member] = value.clone();
        let refused = read(bad).unwrap_err();
        assert!(refused.starts_with(&format!("{member}: ")), "{member} {value}: {refused}");
    }
    for member in ["credentialId", "rpId", "privateKey", "userHandle"] {
        let mut without = passkey();
        without.as_object_mut().unwrap().remove(member);
        let refused = read(without).unwrap_err();
        assert!(refused.contains(member), "{refused}");
    }
    // One that is not discoverable needs no user handle, and is given none.
    let mut without = passkey();
    without.as_object_mut().unwrap().remove("userHandle");
    without["isResidentCredential"] = json!(false);
    assert_eq!(read(without).unwrap().user_handle, None);
}

#[tokio::test]
async fn passkeys_are_read_changed_and_removed() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "security-key"})).await;
    it.post(&format!("{path}/credentials"), passkey()).await.ok();
    let one = format!("{path}/credentials/aWQ");
    assert_eq!(it.get(&one).await.ok()["signCount"], Value::Null);
    let change = json!({"signCount": 7, "userName": "bob", "backupEligibility": true});
    let changed = it.call("PATCH", &one, change).await.ok();
    assert_eq!(
        (changed["signCount"].as_u64(), changed["userName"].as_str()),
        (Some(7), Some("bob"))
    );
    let changed = it.call("PATCH", &one, json!({"signCount": null})).await.ok();
    assert_eq!((&changed["signCount"], &changed["userName"]), (&Value::Null, &json!("bob")));
    // Ids are padded by some clients, in paths as well.
    assert_eq!(it.get(&format!("{path}/credentials/aWQ=")).await.ok(), changed);
    assert_eq!(it.call("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(it.call("DELETE", &one, Value::Null).await.refusal().0, "unknown-credential");
    it.post(&format!("{path}/credentials"), passkey()).await.ok();
    it.call("DELETE", &format!("{path}/credentials"), Value::Null).await.ok();
    let left = it.get(&format!("{path}/credentials")).await.ok();
    assert_eq!(left, json!({"credentials": []}));
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    it.register().await.ok();
    let before = it.get(&format!("{path}/credentials")).await.ok();
    let snapshot = it.get(&format!("{path}/snapshot")).await.ok();
    it.call("DELETE", &format!("{path}/credentials"), Value::Null).await.ok();
    it.call("PUT", &format!("{path}/snapshot"), snapshot).await.ok();
    assert_eq!(it.get(&format!("{path}/credentials")).await.ok(), before);
    let damaged = it.call("PUT", &format!("{path}/snapshot"), json!({"snapshot": "AAAA"})).await;
    assert_eq!(damaged.refusal().1, "snapshot");
}

#[tokio::test]
async fn sites_tell_of_their_accounts() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    it.register().await.ok();
    let tell = |tells: Value| json!({"origin": ORIGIN, "tells": tells});
    let renamed = it
        .post(
            "/v1/default/signals",
            tell(json!({"signal": "currentUserDetails", "rpId": "example.org", "userId": "MQ",
                        "name": "alice@example.org", "displayName": "Alice A."})),
        )
        .await;
    assert_eq!(renamed.ok(), json!({"changed": 1}));
    let kept = it.get(&format!("{path}/credentials")).await.ok()["credentials"][0].take();
    assert_eq!(kept["userName"], "alice@example.org");
    let id = kept["credentialId"].clone();
    let accepted = |ids: Value| {
        tell(json!({"signal": "allAcceptedCredentials", "rpId": "example.org", "userId": "MQ",
                    "allAcceptedCredentialIds": ids}))
    };
    assert_eq!(it.post("/v1/default/signals", accepted(json!([id]))).await.ok()["changed"], 0);
    let foreign = json!({"origin": "https://attacker.example", "tells":
        {"signal": "unknownCredential", "rpId": "example.org", "credentialId": id}});
    assert_eq!(it.post("/v1/default/signals", foreign).await.refusal().0, "ceremony");
    assert_eq!(it.post("/v1/default/signals", accepted(json!([]))).await.ok()["changed"], 1);
    assert_eq!(it.get(&format!("{path}/credentials")).await.ok(), json!({"credentials": []}));
    let _ = creation();
}
