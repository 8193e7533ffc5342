//! Whoever presses a button twice, loads the page anew, or has it in two windows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::person::Person;

#[tokio::test]
async fn a_button_that_is_pressed_twice_asks_once() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    anna.adds_by("phone-b", "Phone B").await;
    for (phone, path, kind, reply, then) in [
        ("phone-b", "v1/export", "export", "finger", "exported"),
        ("phone-a", "v1/import", "import", "finger", "imported"),
        ("phone-a", "v1/wipe", "reset", "allow", "wiped"),
    ] {
        for _ in 0..2 {
            assert_eq!(anna.press(path, json!({ "phone": phone })).await.status, 204);
        }
        anna.answers(phone, kind, json!(reply)).await;
        let said = |state: &Value| (state["devices"][phone]["notice"][0] == then).then_some(());
        anna.sees(then, said).await;
        // As long as another question would take, and more.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let device = anna.state().await["devices"][phone].clone();
        assert_eq!((&device["questions"], &device["notice"][0]), (&json!([]), &json!(then)));
    }
}

#[tokio::test]
async fn the_relay_comes_back_however_soon_that_is_wanted() {
    let anna = Person::new().await;
    for _ in 0..20 {
        for on in [false, true] {
            anna.switches(json!({ "what": "relay", "on": on })).await;
        }
    }
}

#[tokio::test]
async fn a_page_that_is_loaded_anew_or_is_there_twice_leaves_nothing_open() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    let left = anna.adds("Phone B", "phone", false).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.sees("the phone asking", |state| {
        state["devices"]["phone-b"]["questions"].get(0).map(drop)
    })
    .await;
    left.answer.abort();
    anna.sees("that all is over", |state| {
        let phone = &state["devices"]["phone-b"];
        let over = state["browser"]["ceremony"].is_null() && state["browser"]["code"].is_null();
        (over && phone["questions"] == json!([]) && phone["busy"] == false).then_some(())
    })
    .await;

    let first = anna.adds("First window", "phone", false).await;
    anna.sees("its code", |state| state["browser"]["code"].as_object().map(drop)).await;
    let second = anna.adds("Second window", "phone", false).await;
    assert_eq!(first.answer.await.unwrap()["error"]["name"], "AbortError");
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.answers("phone-b", "verify", json!("finger")).await;
    anna.finishes(second).await;
    anna.holds("phone-b", 1).await;
}
