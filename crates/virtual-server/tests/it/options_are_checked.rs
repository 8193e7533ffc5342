//! Options of new authenticators.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_virtual_server::{Service, ServiceError, VirtualAuthenticatorOptions};

use crate::support::{ORIGIN, Running, creation};

fn add(options: Value) -> Result<(), ServiceError> {
    let options: VirtualAuthenticatorOptions = serde_json::from_value(options).unwrap();
    Service::default().new_session()?.add_authenticator(options).map(|_| ())
}

#[test]
fn every_preset_can_be_built() {
    for preset in [
        "security-key",
        "fingerprint-key",
        "platform",
        "synced-passkey",
        "phone",
        "u2f-key",
        "android-phone",
        "iphone",
        "synced-platform",
        "ctap2.0-key",
        "narrow-key",
    ] {
        assert_eq!(add(json!({"preset": preset})), Ok(()), "{preset}");
    }
    assert_eq!(add(json!({})), Ok(()));
}

/// WebDriver refuses no combination of these.
#[test]
fn whatever_webdriver_can_say_can_be_built() {
    let yes_or_no = [false, true];
    for protocol in ["ctap2", "ctap2_1"] {
        for transport in ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"] {
            for rk in yes_or_no {
                for uv in yes_or_no {
                    let mut options = json!({
                        "protocol": protocol, "transport": transport,
                        "hasResidentKey": rk, "hasUserVerification": uv,
                    });
                    assert_eq!(add(options.clone()), Ok(()), "{options}");
                    for extension in
                        ["credBlob", "credProtect", "hmac-secret", "minPinLength", "prf"]
                    {
                        options["extensions"] = json!([extension]);
                        assert_eq!(add(options.clone()), Ok(()), "{options}");
                    }
                    options["extensions"] = json!(["largeBlob", "prf", "credBlob"]);
                    assert_eq!(add(options.clone()).is_ok(), rk, "{options}");
                    options["extensions"] = json!(["hmac-secret", "hmac-secret-mc"]);
                    assert_eq!(add(options.clone()), Ok(()), "{options}");
                }
            }
        }
    }
    for transport in ["usb", "nfc", "ble"] {
        let options = json!({"protocol": "ctap1/u2f", "transport": transport});
        assert_eq!(add(options.clone()), Ok(()), "{options}");
    }
}

#[tokio::test]
async fn what_was_asked_for_is_claimed() {
    let it = Running::start().await;
    let path = it
        .authenticator(json!({
            "protocol": "ctap2_1", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "extensions": ["prf", "largeBlob"],
        }))
        .await;
    let info = it.get(&format!("{path}/info")).await.ok()["info"].take();
    assert_eq!(info["versions"], json!(["FIDO_2_0", "FIDO_2_1"]));
    assert_eq!(info["transports"], json!(["internal"]));
    assert_eq!(info["options"]["rk"], true);
    assert_eq!(info["options"]["uv"], true);
    assert_eq!(info["options"]["plat"], true);
    let extensions: Vec<&str> =
        info["extensions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(extensions.contains(&"prf") && extensions.contains(&"largeBlob"), "{extensions:?}");
    assert!(!extensions.contains(&"credBlob"), "{extensions:?}");
    // The AAGUID of every test: `towline-test-key`.
    assert_eq!(info["aaguid"], "dG93bGluZS10ZXN0LWtleQ");
}

#[test]
fn illegal_combinations_are_refused_by_the_member() {
    for (options, member) in [
        (json!({"protocol": "u2f", "hasResidentKey": true}), "hasResidentKey"),
        (json!({"protocol": "u2f", "hasUserVerification": true}), "hasUserVerification"),
        (json!({"protocol": "u2f", "extensions": ["prf"]}), "extensions"),
        (json!({"protocol": "u2f", "pin": "1234"}), "pin"),
        (json!({"protocol": "u2f", "ctap2Version": "ctap2_0"}), "ctap2Version"),
        (json!({"protocol": "ctap2_1", "ctap2Version": "ctap2_0"}), "ctap2Version"),
        (json!({"protocol": "u2f", "preset": "phone"}), "protocol"),
        (
            json!({"protocol": "ctap2", "ctap2Version": "ctap2_0", "hasLargeBlob": true,
                   "hasResidentKey": true}),
            "hasLargeBlob",
        ),
        (json!({"ctap2Version": "ctap2_0", "hasCredBlob": true}), "hasCredBlob"),
        (json!({"protocol": "ctap2_1", "hasLargeBlob": true}), "hasLargeBlob"),
        (json!({"extensions": ["prf"], "hasPrf": false}), "hasPrf"),
        (json!({"extensions": ["largeBlob", "largeBlobKey"]}), "extensions"),
        (
            json!({"defaultBackupState": true, "defaultBackupEligibility": false}),
            "defaultBackupState",
        ),
        (json!({"capacity": 1_000_000}), "capacity"),
        (json!({"preset": "security-key", "pin": "1"}), "pin"),
        (json!({"name": "x".repeat(300)}), "name"),
        (json!({"algorithms": []}), "algorithms"),
        (json!({"algorithms": [-999]}), "algorithms"),
        (json!({"algorithms": [-7, -7]}), "algorithms"),
    ] {
        let refused = add(options.clone()).unwrap_err();
        let ServiceError::Member(bad) = &refused else { panic!("{options}: {refused:?}") };
        assert_eq!(bad.member, member, "{options}: {refused}");
    }
    let refused = add(json!({"extensions": ["credProps"]})).unwrap_err();
    assert!(matches!(&refused, ServiceError::Unsupported(bad) if bad.member == "extensions[0]"));
}

/// WebAuthn L3 §11.3: what is not among the extensions is not there; DevTools has no list.
#[tokio::test]
async fn cred_protect_is_there_where_it_was_asked_for() {
    let it = Running::start().await;
    for (options, has) in [
        (json!({}), true),
        (json!({"preset": "security-key"}), true),
        (json!({"preset": "security-key", "extensions": ["prf"]}), false),
        (json!({"protocol": "ctap2", "transport": "usb"}), false),
        (json!({"protocol": "ctap2_1", "transport": "usb", "extensions": []}), false),
        (json!({"protocol": "ctap2", "extensions": ["credProtect"]}), true),
        (json!({"protocol": "ctap2", "ctap2Version": "ctap2_1", "hasCredBlob": true}), true),
    ] {
        let path = it.authenticator(options.clone()).await;
        let info = it.get(&format!("{path}/info")).await.ok();
        let extensions = info["info"]["extensions"].as_array().cloned().unwrap_or_default();
        assert_eq!(extensions.contains(&json!("credProtect")), has, "{options}: {extensions:?}");
    }
}

/// CTAP 2.3 §12.5: a key tells those that are listed. WebDriver and DevTools can list nobody.
#[tokio::test]
async fn the_minimum_of_pins_is_told_where_it_was_asked_for_by_name() {
    let it = Running::start().await;
    for (options, told) in [
        (json!({"protocol": "ctap2_1", "extensions": ["minPinLength"]}), true),
        (json!({"ctap2Version": "ctap2_1", "transport": "usb", "hasMinPinLength": true}), true),
        (json!({"preset": "security-key", "hasMinPinLength": true}), true),
        (json!({"preset": "security-key"}), false),
        (json!({"preset": "security-key", "hasPrf": true}), false),
    ] {
        let path = it.authenticator(options.clone()).await;
        let mut site = creation();
        site["authenticatorSelection"] = json!({"userVerification": "discouraged"});
        site["extensions"] = json!({"minPinLength": true});
        let body = json!({"origin": ORIGIN, "options": site});
        let made = it.post("/v1/default/create", body).await.ok();
        let data = made["response"]["response"]["authenticatorData"].as_str().unwrap();
        let data = URL_SAFE_NO_PAD.decode(data).unwrap();
        let says = data.windows(12).any(|it| it == b"minPinLength");
        assert_eq!(says, told, "{options}");
        it.call("DELETE", &path, Value::Null).await.ok();
    }
}

/// Real providers make no other passkeys; WebDriver's authenticators do as the site says.
#[tokio::test]
async fn providers_make_discoverable_passkeys_whatever_the_site_asks_for() {
    let it = Running::start().await;
    for (options, discoverable) in [
        (json!({}), true),
        (json!({"preset": "synced-platform"}), true),
        (json!({"preset": "android-phone"}), true),
        (json!({"preset": "platform"}), false),
        (json!({"preset": "phone", "hasResidentKey": false}), false),
        (json!({"protocol": "ctap2", "transport": "hybrid", "hasResidentKey": true}), false),
        (json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true}), false),
    ] {
        let path = it.authenticator(options.clone()).await;
        let mut site = creation();
        site["authenticatorSelection"] = json!({"residentKey": "discouraged"});
        it.post("/v1/default/create", json!({"origin": ORIGIN, "options": site})).await.ok();
        let kept = it.get(&format!("{path}/credentials")).await.ok();
        assert_eq!(kept["credentials"][0]["isResidentCredential"], discoverable, "{options}");
        it.call("DELETE", &path, Value::Null).await.ok();
    }
}
