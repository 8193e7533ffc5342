//! All steps of the tour, in their order, by one person.

use serde_json::json;

use crate::person::Person;

#[tokio::test]
async fn a_passkey_s_life_in_17_steps() {
    let mut anna = Person::new().await;
    let site = anna.sites[0].clone();

    // 1, 2, 3: a name, a place, and the computer's own screen lock, at the second try.
    anna.is_signed_in(Some("home")).await;
    let named = anna.posts(&site.join("/account/add").unwrap(), &[("name", "My computer")]).await;
    assert!(named.body.contains("My computer"), "{named:?}");
    let adding = anna.adds("My computer", "device", false).await;
    anna.answers("laptop", "verify", json!("wrong-finger")).await;
    let again = anna.answers("laptop", "verify", json!("finger")).await;
    assert_eq!(again["failed"], true);
    anna.finishes(adding).await;
    for step in [1, 2, 3, 7] {
        anna.has_done(step).await;
    }
    anna.holds("laptop", 1).await;

    // 4: phone B by its camera, which asks before anything is sent and offers no link.
    let adding = anna.adds("Phone B", "phone", false).await;
    anna.scans("phone-b").await;
    let asked = anna.answers("phone-b", "connect", json!("allow")).await;
    assert_eq!((&asked["wants"], &asked["mayRemember"]), (&json!("passkey"), &json!(false)));
    let asked = anna.answers("phone-b", "verify", json!("finger")).await;
    // What the site calls itself is never without its RP ID.
    let called = json!("\u{2068}Harbour Login\u{2069} (localhost)");
    assert_eq!((&asked["site"], &asked["purpose"]), (&called, &json!("create")));
    anna.finishes(adding).await;
    anna.has_done(4).await;

    // 5: phone A, which may be remembered.
    let adding = anna.adds("Phone A", "phone", false).await;
    anna.scans("phone-a").await;
    let asked = anna.answers("phone-a", "connect", json!("remember")).await;
    assert_eq!(asked["mayRemember"], true);
    anna.sees("the phone being remembered", |state| {
        (state["browser"]["said"][0][0] == "remembered").then_some(())
    })
    .await;
    assert!(anna.state().await["done"]["5"].is_null(), "no passkey yet");
    anna.answers("phone-a", "verify", json!("finger")).await;
    anna.finishes(adding).await;
    anna.has_done(5).await;

    // 6: the other account, whose site learns no model, as the person keeps it.
    anna.is_signed_in(Some("work")).await;
    let adding = anna.adds("Computer", "device", true).await;
    anna.answers("laptop", "verify", json!("finger")).await;
    anna.answers("laptop", "attest", json!("refuse")).await;
    anna.finishes(adding).await;
    anna.has_done(6).await;
    anna.holds("laptop", 2).await;

    // 7: it is in the list, by its name.
    let list = anna.opens(&site.join("/account").unwrap()).await;
    assert!(list.body.contains("<bdi>Computer</bdi>"), "{list:?}");
    // What the tour did by itself is told from what she did.
    assert!(list.body.contains("Signed in with the password, by the tour"), "{list:?}");

    // 8: not twice. The person is asked, and the page gets the exception that stands for it.
    let adding = anna.adds("Twice", "device", false).await;
    anna.sees("the computer saying so", |state| {
        let asked = state["devices"]["laptop"]["questions"].get(0)?;
        Some(asked.clone())
    })
    .await;
    let kind = anna.state().await["devices"]["laptop"]["questions"][0]["kind"].clone();
    let kind = kind.as_str().unwrap().to_owned();
    let reply = if kind == "verify" { json!("finger") } else { json!("allow") };
    anna.answers("laptop", &kind, reply).await;
    let answer = adding.answer.await.unwrap();
    assert_eq!(answer["error"]["name"], "InvalidStateError", "{answer}");
    anna.has_done(8).await;

    // 9: on the computer itself. It has two accounts, and lets the person choose.
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "laptop" })).await;
    anna.answers("laptop", "account", json!({ "account": 1 })).await;
    anna.answers("laptop", "verify", json!("finger")).await;
    anna.finishes(signing_in).await;
    anna.has_done(9).await;

    // 10: phone B, by a code; and with that a site that signs in through this one.
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    let asked = anna.answers("browser", "way", json!({ "way": "phone" })).await;
    assert_eq!(asked["phones"], json!(["Phone A"]));
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    let asked = anna.answers("phone-b", "verify", json!("finger")).await;
    assert_eq!(asked["site"], called);
    anna.finishes(signing_in).await;
    assert!(anna.state().await["done"]["10"].is_null(), "no library yet");
    let library = anna.sites[1].clone();
    let inside = anna.posts(&library.join("/sign-in").unwrap(), &[]).await;
    assert!(inside.body.contains("anna@example.org"), "{inside:?}");
    anna.has_done(10).await;

    // 11: phone A, by its name and without a code, for a site that wants a fresh proof.
    anna.is_signed_in(None).await;
    let records = anna.sites[2].join("/sign-in").unwrap();
    let asks = anna.posts(&records, &[]).await;
    let waits = asks.body.split("/authorize/continue?request=").nth(1).unwrap();
    let waits = waits.split('"').next().unwrap();
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "linked": 0 })).await;
    anna.answers("phone-a", "verify", json!("finger")).await;
    anna.finishes(signing_in).await;
    let on = site.join(&format!("/authorize/continue?request={waits}")).unwrap();
    let inside = anna.opens(&on).await;
    assert!(inside.body.contains("anna@example.org"), "{inside:?}");
    anna.has_done(11).await;
    let took = anna.sees("what it took", |state| {
        (state["timed"]["way"] == "link").then(|| state["timed"].clone())
    });
    let took = took.await;
    assert!(took["steps"].as_array().unwrap().iter().all(|step| step["step"] != "code"), "{took}");

    // 12: wiped, after being told what that means, and not known any more.
    assert_eq!(anna.press("v1/wipe", json!({ "phone": "phone-a" })).await.status, 204);
    anna.answers("phone-a", "reset", json!("allow")).await;
    anna.has_done(17).await;
    anna.holds("phone-a", 0).await;
    let signing_in = loop {
        // The relay learns that the phone is another one when that listens again.
        anna.is_signed_in(None).await;
        let signing_in = anna.signs_in().await;
        let way = anna.answers("browser", "way", json!({ "way": "phone" })).await;
        if way["phones"] == json!([]) {
            break signing_in;
        }
        anna.press("v1/cancel", json!({})).await;
        signing_in.answer.await.unwrap();
        let signing_in = anna.signs_in().await;
        anna.answers("browser", "way", json!({ "linked": 0 })).await;
        anna.sees("a code instead", |state| state["browser"]["code"].as_object().map(drop)).await;
        anna.press("v1/cancel", json!({})).await;
        signing_in.answer.await.unwrap();
    };
    anna.has_done(12).await;
    anna.press("v1/cancel", json!({})).await;
    signing_in.answer.await.unwrap();

    // 13: two accounts on phone B.
    anna.is_signed_in(Some("work")).await;
    anna.adds_by("phone-b", "Phone B too").await;
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans("phone-b").await;
    anna.answers("phone-b", "connect", json!("allow")).await;
    let asked = anna.answers("phone-b", "account", json!({ "account": 1 })).await;
    assert_eq!(asked["accounts"].as_array().unwrap().len(), 2);
    anna.answers("phone-b", "verify", json!("finger")).await;
    anna.finishes(signing_in).await;
    anna.has_done(13).await;

    // 14: what is removed at the site goes from the computer, too, when the site says so.
    anna.is_signed_in(Some("home")).await;
    let list = anna.opens(&site.join("/account").unwrap()).await.body;
    let row = list.split("/account/keys/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let renaming = site.join(&format!("/account/keys/{row}/rename")).unwrap();
    let renamed = anna.posts(&renaming, &[("name", "The first one")]).await;
    assert!(renamed.body.contains("The first one"), "{renamed:?}");
    anna.posts(&site.join(&format!("/account/keys/{row}/remove")).unwrap(), &[]).await;
    let signals = anna.opens(&site.join("/account/signals").unwrap()).await.json();
    let told = json!({ "ask": "signal", "id": "told", "options": {
        "signal": "allAcceptedCredentials",
        "rpId": signals["rpId"],
        "userId": signals["userId"],
        "allAcceptedCredentialIds": signals["allAcceptedCredentialIds"],
    } });
    anna.asks_browser(&told).await.unwrap();
    anna.holds("laptop", 1).await;
    anna.has_done(14).await;

    // 15: the tablet has what phone B made, and says that it is backed up.
    anna.is_signed_in(None).await;
    anna.holds("tablet", 2).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans("tablet").await;
    anna.answers("tablet", "connect", json!("allow")).await;
    anna.answers("tablet", "account", json!({ "account": 0 })).await;
    anna.answers("tablet", "verify", json!("finger")).await;
    anna.finishes(signing_in).await;
    anna.has_done(15).await;
    let state = anna.state().await;
    let travels = state["travels"].as_array().unwrap();
    let flags = travels.iter().rev().find_map(|it| it.pointer("/detail/members/authData/flags"));
    let flags = flags.unwrap().as_array().unwrap();
    assert!(flags.contains(&json!("BE")) && flags.contains(&json!("BS")), "{flags:?}");

    // 16: to phone A, which has nothing since it was wiped, and signs in then.
    assert_eq!(anna.press("v1/export", json!({ "phone": "phone-b" })).await.status, 204);
    let asked = anna.answers("phone-b", "export", json!("finger")).await;
    assert_eq!((&asked["passkeys"], &asked["stay"]), (&json!(2), &json!(0)));
    let file = anna.sees("the file", |state| state["file"].as_object().cloned()).await;
    assert_eq!((&file["from"], file.get("content")), (&json!("phone-b"), None));
    assert_eq!(anna.press("v1/import", json!({ "phone": "phone-a" })).await.status, 204);
    anna.answers("phone-a", "import", json!("finger")).await;
    anna.has_done(16).await;
    anna.holds("phone-a", 2).await;
    anna.is_signed_in(None).await;
    let signing_in = anna.signs_in().await;
    anna.answers("browser", "way", json!({ "way": "phone" })).await;
    anna.scans("phone-a").await;
    anna.answers("phone-a", "connect", json!("allow")).await;
    anna.answers("phone-a", "account", json!({ "account": 0 })).await;
    anna.answers("phone-a", "verify", json!("finger")).await;
    anna.finishes(signing_in).await;
}
