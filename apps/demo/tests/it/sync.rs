//! Phone B and its tablet: what one saves comes to the other, and what is left to do when one is
//! lost.

use serde_json::{Value, json};

use crate::person::Person;

/// Saves a passkey on phone B, for the account that is signed in.
async fn saves_on_phone_b(anna: &mut Person, name: &str) {
    let adding = anna.adds(name, "phone", false).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.answers("phone-b", "verify", json!("finger")).await;
    anna.finishes(adding).await;
}

/// Signs in with a phone's only passkey by a code. Whether the site lets her in.
async fn signs_in_with(anna: &mut Person, phone: &str) -> bool {
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans(phone).await;
    anna.answers(phone, "connect", json!("allow")).await;
    anna.answers(phone, "verify", json!("finger")).await;
    anna.hands_over(signing_in).await.status == 200
}

/// Waits until a device shows this of its only passkey.
async fn shows(anna: &Person, device: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let place = format!("/devices/{device}/passkeys");
    anna.sees(&format!("{what} on {device}"), |state| {
        let passkeys = state.pointer(&place)?.as_array()?;
        let only = passkeys.first().filter(|it| passkeys.len() == 1 && wanted(it))?;
        Some(only.clone())
    })
    .await
}

async fn account_page(anna: &mut Person) -> String {
    anna.opens(&anna.sites[0].join("/account").unwrap()).await.body
}

#[tokio::test]
async fn what_phone_b_saves_comes_to_its_tablet_and_says_so_to_the_site() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    // Without their folder it stays where it is, and is told as that.
    anna.switches(json!({ "what": "sync", "on": false })).await;
    saves_on_phone_b(&mut anna, "Phone B").await;
    let here =
        shows(&anna, "phone-b", "what is there only", |it| it["copies"] == "only-here").await;
    assert_eq!(here["account"], "anna@example.org");
    assert!(signs_in_with(&mut anna, "phone-b").await);
    assert_eq!(anna.state().await["devices"]["tablet"]["passkeys"], json!([]));
    assert!(account_page(&mut anna).await.contains("Can be synced, but is on one device so far"));

    anna.switches(json!({ "what": "sync", "on": true })).await;
    let there = shows(&anna, "tablet", "what came", |it| it["copies"] == "synced").await;
    for member in ["site", "account"] {
        assert_eq!(there[member], here[member]);
    }
    assert!(there["since"].as_u64() >= here["since"].as_u64(), "{there} {here}");
    shows(&anna, "phone-b", "what is elsewhere", |it| it["copies"] == "synced").await;
    assert!(signs_in_with(&mut anna, "phone-b").await);
    assert!(account_page(&mut anna).await.contains("Synced to your other devices"));

    // Step 8: the tablet has one already, though it never made any. Step 15: it signs in.
    let adding = anna.adds("Tablet B", "phone", false).await;
    anna.scans("tablet").await;
    anna.answers("tablet", "connect", json!("allow")).await;
    let asked = anna.sees("the tablet saying so", |state| {
        let asked = state["devices"]["tablet"]["questions"].get(0)?;
        (asked["kind"] != "connect").then(|| asked.clone())
    });
    let kind = asked.await["kind"].as_str().unwrap().to_owned();
    let reply = if kind == "verify" { json!("finger") } else { json!("allow") };
    anna.answers("tablet", &kind, reply).await;
    assert_eq!(adding.answer.await.unwrap()["error"]["name"], "InvalidStateError");
    anna.has_done(8).await;
    assert!(signs_in_with(&mut anna, "tablet").await);
    anna.has_done(15).await;
    assert!(account_page(&mut anna).await.contains("Synced to your other devices"));
}

#[tokio::test]
async fn a_lost_tablet_gets_nothing_new_and_phone_b_says_what_to_remove() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    saves_on_phone_b(&mut anna, "Phone B").await;
    let stolen = shows(&anna, "tablet", "what came", |_| true).await;

    // A no changes nothing.
    for reply in ["refuse", "finger"] {
        assert_eq!(anna.state().await["devices"]["tablet"]["lost"], false);
        assert_eq!(anna.press("v1/lose", json!({})).await.status, 204);
        anna.answers("phone-b", "lose", json!(reply)).await;
    }
    let lost = |lost: bool| {
        move |state: &Value| (state["devices"]["tablet"]["lost"] == lost).then_some(())
    };
    anna.sees("the tablet being lost", lost(true)).await;
    let exposed = shows(&anna, "phone-b", "what the thief has", |it| it["exposed"].is_string());
    let exposed = exposed.await;

    // Whoever has it is let in until the passkey is removed at the site.
    assert!(signs_in_with(&mut anna, "tablet").await);
    let list = account_page(&mut anna).await;
    let row = list.split("/account/keys/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let remove = anna.sites[0].join(&format!("/account/keys/{row}/remove")).unwrap();
    anna.posts(&remove, &[]).await;
    anna.press("v1/tick-off", json!({ "exposed": exposed["exposed"] })).await;
    shows(&anna, "phone-b", "what is done", |it| it["exposed"].is_null()).await;
    assert!(!signs_in_with(&mut anna, "tablet").await);

    // What is made from now on is for phone B, and for the tablet that comes instead.
    anna.is_signed_in(Some("home")).await;
    saves_on_phone_b(&mut anna, "Phone B again").await;
    let newer = shows(&anna, "phone-b", "the new one", |it| {
        it["copies"] == "synced" && it["since"].as_u64() > exposed["since"].as_u64()
    });
    let newer = newer.await;
    assert_eq!(newer["exposed"], Value::Null);
    assert!(signs_in_with(&mut anna, "phone-b").await);
    assert_eq!(anna.state().await["devices"]["tablet"]["passkeys"], json!([stolen]));

    // Both say yes, near each other. A no changes nothing.
    for reply in ["refuse", "finger"] {
        assert_eq!(anna.state().await["devices"]["tablet"]["lost"], true);
        anna.press("v1/renew", json!({})).await;
        let asked = anna.answers("phone-b", "add", json!(reply)).await;
        assert_eq!(asked["passkeys"], 1);
        if reply == "refuse" {
            anna.sees("that none was added", |state| {
                (state["devices"]["phone-b"]["notice"][0] == "not-joined").then_some(())
            })
            .await;
        }
    }
    anna.answers("tablet", "join", json!("finger")).await;
    anna.sees("the new tablet", lost(false)).await;
    shows(&anna, "tablet", "the new one", |it| it["since"].as_u64() >= newer["since"].as_u64())
        .await;
    assert!(signs_in_with(&mut anna, "tablet").await);
}
