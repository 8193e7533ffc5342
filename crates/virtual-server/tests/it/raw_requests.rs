//! CTAP2 as bytes, over real sockets.

use serde_json::{Value, json};

use crate::support::Running;

#[tokio::test]
async fn a_request_is_answered_in_the_form_in_which_it_came() {
    let it = Running::start().await;
    let path = format!("{}/ctap", it.authenticator(json!({"preset": "security-key"})).await);
    let by_hex = it.post(&path, json!({"hex": "04"})).await.ok();
    assert_eq!(by_hex["decoded"]["status"], "CTAP2_OK", "{by_hex}");
    assert!(by_hex["hex"].as_str().unwrap().starts_with("00"), "{by_hex}");
    assert!(by_hex["decoded"]["members"]["versions"].is_array(), "{by_hex}");
    let by_base64 = it.post(&path, json!({"request": "BA"})).await.ok();
    assert_eq!(by_base64["decoded"]["members"]["aaguid"], by_hex["decoded"]["members"]["aaguid"]);
    for kind in ["application/octet-stream", "application/cbor"] {
        let head = format!("Content-Type: {kind}\r\n");
        let answer = it.raw("POST", &format!("/{}{path}", it.token), &head, "\u{4}").await;
        assert!(answer.head.contains("content-type: application/octet-stream"), "{answer:?}");
        assert!(answer.text.starts_with('\0') && answer.text.len() > 100, "{answer:?}");
    }
    // What the authenticator refuses is an answer as well.
    let unknown = it.post(&path, json!({"hex": "7f"})).await.ok();
    assert_eq!(unknown["hex"], "01");
    let log = it.get("/v1/default/log").await.ok().to_string();
    assert!(log.contains("authenticatorGetInfo"), "{log}");
}

#[tokio::test]
async fn a_request_waits_for_the_person_and_is_cancelled_when_time_is_up() {
    let it = Running::start().await;
    let options = json!({"preset": "security-key", "isUserConsenting": false});
    let authenticator = it.authenticator(options).await;
    let path = format!("{authenticator}/ctap");
    // authenticatorSelection asks for a touch.
    let cancelled = it.post(&format!("{path}?wait=0"), json!({"hex": "0b"})).await.ok();
    assert_eq!(cancelled["decoded"]["status"], "CTAP2_ERR_KEEPALIVE_CANCEL", "{cancelled}");

    let touch = async {
        while it.get(&format!("{authenticator}/person")).await.ok()["open"] == json!([]) {
            tokio::task::yield_now().await;
        }
        let other = it.post(&path, json!({"hex": "04"})).await.refusal();
        assert_eq!(other.0, "busy");
        it.post(&format!("{authenticator}/person/answer"), json!({"answer": "agrees"})).await.ok();
    };
    let waiting = format!("{path}?wait=60");
    let (selected, ()) = tokio::join!(it.post(&waiting, json!({"hex": "0b"})), touch);
    assert_eq!(selected.ok()["hex"], "00");
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_the_member() {
    let it = Running::start().await;
    let path = format!("{}/ctap", it.authenticator(json!({})).await);
    for (body, member) in [
        (json!({}), "request"),
        (json!({"request": ""}), "request"),
        (json!({"request": "BA", "hex": "04"}), "request"),
        (json!({"request": "%"}), "request"),
        (json!({"hex": "4"}), "hex"),
        (json!({"hex": "zz"}), "hex"),
        (json!({"hex": "00".repeat(8000)}), "request"),
        (json!({"bytes": "04"}), "bytes"),
    ] {
        let refused = it.post(&path, body.clone()).await.refusal();
        assert_eq!((refused.0.as_str(), refused.1.as_str()), ("member", member), "{body}");
    }
    let unknown = "/v1/default/authenticators/nobody/ctap";
    assert_eq!(it.post(unknown, json!({"hex": "04"})).await.refusal().0, "unknown-authenticator");
    assert_eq!(it.call("GET", &path, Value::Null).await.refusal().0, "method");
}
