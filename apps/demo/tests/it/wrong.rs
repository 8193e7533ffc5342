//! What can be made to go wrong, and that it can be made well again.

use serde_json::json;

use crate::person::Person;

#[tokio::test]
async fn without_bluetooth_no_phone_is_asked_and_the_page_says_why() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    anna.switches(json!({ "what": "bluetooth", "on": false })).await;
    let can = anna.asks_browser(&json!({ "ask": "capabilities", "id": "can" })).await.unwrap();
    assert_eq!(can["response"]["hybridTransport"], false);
    let adding = anna.adds("Phone B", "phone", false).await;
    let answer = adding.answer.await.unwrap();
    assert_eq!(answer["error"]["name"], "NotAllowedError", "{answer}");
    assert_eq!(anna.state().await["browser"]["outcome"]["code"], "bluetooth-off");

    anna.switches(json!({ "what": "bluetooth", "on": true })).await;
    let can = anna.asks_browser(&json!({ "ask": "capabilities", "id": "can" })).await.unwrap();
    assert_eq!(can["response"]["hybridTransport"], true);
}

#[tokio::test]
async fn a_phone_out_of_range_is_not_heard_until_it_comes_near() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    anna.switches(json!({ "what": "near", "phone": "phone-b", "on": false })).await;
    let adding = anna.adds("Phone B", "phone", false).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    let whispers = |state: &serde_json::Value| {
        let travels = state["travels"].as_array().unwrap().clone();
        travels.iter().any(|it| it["what"] == "advert").then_some(travels)
    };
    let travels = anna.sees("the advert", whispers).await;
    assert!(travels.iter().all(|it| it["what"] != "heard"), "{travels:?}");
    assert!(anna.state().await["browser"]["code"].is_object(), "the code is still on show");

    anna.switches(json!({ "what": "near", "phone": "phone-b", "on": true })).await;
    anna.answers("phone-b", "verify", json!("finger")).await;
    anna.finishes(adding).await;
    anna.holds("phone-b", 1).await;
}

#[tokio::test]
async fn without_the_relay_nothing_is_sent_and_it_comes_back() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    anna.switches(json!({ "what": "relay", "on": false })).await;
    let adding = anna.adds("Phone B", "phone", false).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.sees("the phone saying so", |state| {
        (state["devices"]["phone-b"]["notice"][0] == "relay-gone").then_some(())
    })
    .await;
    anna.press("v1/cancel", json!({})).await;
    let answer = adding.answer.await.unwrap();
    assert_eq!(answer["error"]["name"], "NotAllowedError", "{answer}");

    anna.switches(json!({ "what": "relay", "on": true })).await;
    anna.adds_by("phone-b", "Phone B").await;
}

#[tokio::test]
async fn a_person_who_says_no_is_believed_at_each_question() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    let adding = anna.adds("Phone B", "phone", false).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("refuse")).await;
    anna.sees("the phone being free", |state| {
        (state["devices"]["phone-b"]["busy"] == false).then_some(())
    })
    .await;
    // The code is still good, for whoever thinks again.
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.answers("phone-b", "verify", json!("refuse")).await;
    let answer = adding.answer.await.unwrap();
    assert_eq!(answer["error"]["name"], "NotAllowedError", "{answer}");
    assert_eq!(anna.state().await["browser"]["outcome"]["code"], "refused");
    anna.holds("phone-b", 0).await;
}

#[tokio::test]
async fn the_relay_sees_sizes_and_the_page_shows_each_message() {
    let mut anna = Person::new().await;
    anna.is_signed_in(Some("home")).await;
    anna.adds_by("phone-b", "Phone B").await;
    let timed = anna
        .sees("what it took", |state| state["timed"].is_object().then(|| state["timed"].clone()));
    let timed = timed.await;
    assert_eq!((&timed["ceremony"], &timed["way"]), (&json!("create"), &json!("code")));
    let state = anna.state().await;
    let travels = state["travels"].as_array().unwrap();
    let of = |what: &str| travels.iter().filter(|it| it["what"] == what).collect::<Vec<_>>();
    assert_eq!(of("advert")[0]["detail"]["bytes"], 20);
    let frames = of("frame");
    assert!(frames.len() >= 4, "{frames:?}");
    assert!(frames.iter().all(|it| it["to"] == "relay" && it["detail"]["bytes"].is_u64()));
    let asked = &of("ctap")[0]["detail"];
    assert_eq!(asked["command"], "authenticatorMakeCredential");
    assert_eq!(asked["members"]["rp"]["id"], "localhost");
    let answered = &of("ctap")[1]["detail"];
    assert_eq!(
        answered["members"]["authData"]["flags"],
        json!(["UP", "UV", "BE", "AT"]),
        "nowhere else yet"
    );
    let told = of("response")[0].pointer("/detail/members/response/clientDataJSON/type");
    assert_eq!(told, Some(&json!("webauthn.create")));
}

#[tokio::test]
async fn what_is_bound_to_a_phone_stays_and_a_file_is_read_once() {
    let mut anna = Person::new().await;
    assert_eq!(anna.press("v1/import", json!({ "phone": "phone-a" })).await.status, 409);
    assert_eq!(anna.press("v1/export", json!({ "phone": "tablet" })).await.status, 404);
    let says = |phone: &'static str, what: &'static str| {
        move |state: &serde_json::Value| {
            (state["devices"][phone]["notice"][0] == what).then_some(())
        }
    };
    anna.press("v1/export", json!({ "phone": "phone-b" })).await;
    anna.sees("that there is nothing", says("phone-b", "export-empty")).await;
    anna.is_signed_in(Some("home")).await;
    for phone in ["phone-a", "phone-b"] {
        let adding = anna.adds(phone, "phone", false).await;
        anna.scans(phone).await;
        anna.answers(phone, "connect", json!("allow")).await;
        anna.answers(phone, "verify", json!("finger")).await;
        anna.finishes(adding).await;
    }
    anna.press("v1/export", json!({ "phone": "phone-a" })).await;
    anna.sees("that nothing leaves", says("phone-a", "export-bound")).await;

    // A no writes no file.
    anna.press("v1/export", json!({ "phone": "phone-b" })).await;
    anna.answers("phone-b", "export", json!("refuse")).await;
    assert!(anna.state().await["file"].is_null());
    anna.press("v1/export", json!({ "phone": "phone-b" })).await;
    anna.answers("phone-b", "export", json!("finger")).await;
    anna.sees("the file", |state| state["file"].as_object().map(drop)).await;
    let travels = anna.state().await["travels"].to_string();
    assert!(travels.contains("••••"), "the page shows the file, and no key");

    for (what, then) in [("taken in", "imported"), ("known", "import-there")] {
        anna.press("v1/import", json!({ "phone": "phone-a" })).await;
        if then == "imported" {
            anna.answers("phone-a", "import", json!("finger")).await;
        }
        anna.sees(what, says("phone-a", then)).await;
        anna.holds("phone-a", 2).await;
    }
}

#[tokio::test]
async fn the_tour_follows_the_phone_that_has_a_passkey_which_the_site_knows() {
    let mut anna = Person::new().await;
    let site = anna.sites[0].clone();
    anna.is_signed_in(Some("home")).await;
    // On phone A it is a good passkey, and not the step that is for phone B.
    for (phone, name) in [("phone-a", "Phone B"), ("phone-b", "Really phone B")] {
        let adding = anna.adds(name, "phone", false).await;
        anna.scans(phone).await;
        anna.answers(phone, "connect", json!("allow")).await;
        anna.answers(phone, "verify", json!("finger")).await;
        anna.finishes(adding).await;
        anna.has_done(7).await;
        let done = anna.state().await["done"].clone();
        assert_eq!(done["4"].is_null(), phone == "phone-a", "{done}");
    }
    anna.has_done(4).await;

    // There already is as good as saved: the step is done again, and phone A's is remembered now.
    for (phone, reply, step) in [("phone-b", "allow", "4"), ("phone-a", "remember", "5")] {
        let before = anna.state().await["done"][step].as_u64().unwrap_or_default();
        let adding = anna.adds("Once more", "phone", false).await;
        anna.scans(phone).await;
        anna.answers(phone, "connect", json!(reply)).await;
        let asked = anna.sees("the phone saying so", |state| {
            Some(state["devices"][phone]["questions"].get(0)?.clone())
        });
        let kind = asked.await["kind"].as_str().unwrap().to_owned();
        let reply = if kind == "verify" { json!("finger") } else { json!("allow") };
        anna.answers(phone, &kind, reply).await;
        assert_eq!(adding.answer.await.unwrap()["error"]["name"], "InvalidStateError");
        anna.sees("the step done again", |state| {
            (state["done"][step].as_u64() == Some(before + 1)).then_some(())
        })
        .await;
    }

    // What the site has forgotten is marked once it was tried, until there is another.
    let list = anna.opens(&site.join("/account").unwrap()).await.body;
    let rows: Vec<_> = list.split("/account/keys/").skip(1).collect();
    let row = rows.iter().map(|row| row.split('/').next().unwrap()).next_back().unwrap();
    anna.posts(&site.join(&format!("/account/keys/{row}/remove")).unwrap(), &[]).await;
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.answers("phone-b", "verify", json!("finger")).await;
    assert_ne!(anna.hands_over(signing_in).await.status, 200);
    let unknown = |wanted: bool| {
        move |state: &serde_json::Value| {
            (state["devices"]["phone-b"]["unknown"] == wanted).then_some(())
        }
    };
    anna.sees("that the site does not know it", unknown(true)).await;
    anna.is_signed_in(Some("home")).await;
    let adding = anna.adds("A new one", "phone", false).await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    anna.answers("phone-b", "verify", json!("finger")).await;
    anna.finishes(adding).await;
    anna.sees("that the site knows it", unknown(false)).await;
}
