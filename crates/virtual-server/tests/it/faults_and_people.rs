//! Scripts of people, faults, switches.

use serde_json::{Value, json};
use towline_virtual_server::Base64Url;

use crate::support::Running;

fn flags(response: &Value) -> u8 {
    let data = response["response"]["response"]["authenticatorData"].as_str().unwrap();
    Base64Url::parse(data).unwrap().0[32]
}

#[tokio::test]
async fn the_person_follows_a_script() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "platform"})).await;
    let rules = json!({"rules": "creating at example.org of alice: refuses once"});
    assert_eq!(it.call("PUT", &format!("{path}/person"), rules).await.ok(), json!({"rules": 1}));
    assert_eq!(it.register().await.status, 422);
    assert_eq!(it.register().await.status, 200);
    let asked = it.get(&format!("{path}/person")).await.ok();
    assert_eq!(asked["open"], json!([]));
    assert!(asked["heard"].as_array().unwrap().len() >= 2, "{asked}");
}

#[tokio::test]
async fn faults_are_put_in_and_counted() {
    let it = Running::start().await;
    let path = format!("{}/faults", it.authenticator(json!({})).await);
    let faults = json!({"faults": [
        {"fault": "status-0x27", "phase": "create", "times": 1},
        {"fault": "flip-be", "phase": "get", "after": 1, "times": 1},
    ]});
    it.call("PUT", &path, faults.clone()).await.ok();
    assert_eq!(it.register().await.status, 422);
    assert_eq!(it.register().await.status, 200);
    let be: Vec<bool> = [it.sign_in().await, it.sign_in().await, it.sign_in().await]
        .iter()
        .map(|answer| flags(&answer.ok()) & 0x08 != 0)
        .collect();
    assert_eq!(be, [true, false, true]);
    let state = it.get(&path).await.ok();
    assert_eq!(state["faults"][0]["count"], 1);
    assert_eq!(
        state["faults"][1],
        json!(
            {"fault": "flip-be", "phase": "get", "after": 1, "times": 1, "count": 1}
        )
    );
    it.call("PUT", &path, json!({"faults": []})).await.ok();
    assert_eq!(it.get(&path).await.ok(), json!({"faults": []}));
    assert!(it.get("/v1/faults").await.ok()["faults"].as_array().unwrap().len() > 90);
}

#[tokio::test]
async fn switches_spoil_sign_ins_until_they_are_switched_back() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    it.register().await.ok();
    let good = it.sign_in().await.ok();
    assert_eq!(flags(&good) & 0x05, 0x05);
    for (switch, left) in [("isBadUV", 0x01), ("isBadUP", 0x04)] {
        it.call("PATCH", &path, json!({switch: true})).await.ok();
        assert_eq!(flags(&it.sign_in().await.ok()) & 0x05, left, "{switch}");
        it.call("PATCH", &path, json!({switch: false})).await.ok();
        assert_eq!(flags(&it.sign_in().await.ok()) & 0x05, 0x05, "{switch}");
    }
    it.call("PATCH", &path, json!({"isBogusSignature": true})).await.ok();
    // An ECDSA signature whose two numbers are zero.
    assert_eq!(it.sign_in().await.ok()["response"]["response"]["signature"], "MAYCAQACAQA");
    // Faults of one's own change nothing of that.
    it.call("PUT", &format!("{path}/faults"), json!({"faults": []})).await.ok();
    assert_eq!(it.sign_in().await.ok()["response"]["response"]["signature"], "MAYCAQACAQA");
}

#[tokio::test]
async fn a_person_who_is_not_verified_is_refused_and_locks_nothing() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "platform", "isUserVerified": false})).await;
    for _ in 0..12 {
        assert_eq!(it.register().await.status, 422);
    }
    it.call("PATCH", &path, json!({"isUserVerified": true})).await.ok();
    assert_eq!(it.register().await.status, 200);
}

#[tokio::test]
async fn a_pin_is_typed_by_the_person_who_knows_it() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"preset": "security-key", "pin": "2580"})).await;
    assert_eq!(it.register().await.status, 200);
    it.call("PUT", &format!("{path}/person"), json!({"rules": "types=9999"})).await.ok();
    assert_eq!(it.register().await.status, 422);
}

#[tokio::test]
async fn two_runs_of_one_seed_are_the_same() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let it = Running::start().await;
        it.authenticator(json!({"seed": 7})).await;
        ids.push(it.register().await.ok()["response"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}
