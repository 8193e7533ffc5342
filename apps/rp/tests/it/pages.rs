//! What people do on the pages.

use serde_json::json;
use towline_rp::RpConfig;
use towline_virtual::{
    Builder,
    attestation::{Format, TestAttestation},
    person::identifying,
};

use crate::{
    device::Device,
    person::{PASSWORD, Person},
    start,
};

#[tokio::test]
async fn an_account_is_made_a_key_added_and_signed_in_with() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.more.push((
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
    ));
    jo.join(" Jo@Example.org ").await;
    assert!(jo.open("/account").await.body.contains("You have no keys yet."));

    let where_to = jo.post("/account/add", &[("name", " My laptop ")]).await;
    assert_eq!(where_to.leads_to(), "/account/add/where?name=My+laptop");
    assert!(jo.open(where_to.leads_to()).await.body.contains("This device"));
    let key = jo.add_key("My laptop").await;
    let added = jo.open("/account/keys/1/added").await;
    assert!(added.body.contains("The key was added") && added.body.contains("did not ask"));

    jo.post("/sign-out", &[]).await;
    assert!(!jo.is_signed_in().await);

    // By name, as the guide has it; then without.
    let step = jo.begin("jo@example.org", "/privacy").await;
    let how = jo.open(&format!("/sign-in/how?step={step}")).await;
    assert!(how.body.contains("Trusted Platform or Security Key"));
    assert_eq!(jo.sign_in(&key, Some(&step)).await.json()["next"], "/privacy");
    assert!(jo.is_signed_in().await);
    jo.post("/sign-out", &[]).await;
    assert_eq!(jo.sign_in(&key, None).await.json()["next"], "/account");

    let account = jo.open("/account").await.body;
    for said in [
        "My laptop",
        "Synced",
        "with Firefox, Linux",
        "from this computer",
        "Signed in with the password",
    ] {
        assert!(account.contains(said), "{said}: {account}");
    }
}

#[tokio::test]
async fn a_key_is_renamed_and_removed_and_then_signs_in_no_more() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("old name").await;
    let renamed = jo.post("/account/keys/1/rename", &[("name", "new name")]).await;
    assert!(jo.open(renamed.leads_to()).await.body.contains("new name"));

    assert!(jo.open("/account/keys/1/remove").await.body.contains("Remove the key"));
    let removed = jo.post("/account/keys/1/remove", &[]).await;
    let page = jo.open(removed.leads_to()).await.body;
    assert!(page.contains("does not sign in any more") && page.contains("role=\"status\""));
    let signals = jo.open("/account/signals").await.json();
    assert_eq!(signals["allAcceptedCredentialIds"], json!([]));

    let refused = jo.sign_in(&key, None).await;
    assert_eq!(refused.status, 404);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "unknown_key");
    assert_eq!(error["more"]["credentialId"], key.id_text(), "the authenticator is told");
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    assert_eq!(jo.post("/account/password/drop", &[]).await.status, 409);
    let key = jo.add_key("only").await;
    jo.post("/account/password/drop", &[]).await.leads_to();
    assert!(jo.open("/account/keys/1/remove").await.body.contains("last key"));
    assert_eq!(jo.post("/account/keys/1/remove", &[]).await.status, 409);
    assert_eq!(jo.sign_in(&key, None).await.status, 200);
    jo.post("/account/password", &[("new", "another long one")]).await.leads_to();
    jo.post("/account/keys/1/remove", &[]).await.leads_to();
}

#[tokio::test]
async fn a_key_is_asked_for_after_the_password_where_the_person_wants_that() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    assert_eq!(jo.post("/account/second-factor", &[("on", "yes")]).await.status, 409);
    let key = jo.add_key("phone").await;
    jo.post("/account/second-factor", &[("on", "yes")]).await.leads_to();
    jo.post("/sign-out", &[]).await;

    let passed = jo.password("jo@example.org", PASSWORD).await;
    let step = passed.leads_to().split_once("step=").unwrap().1.to_owned();
    assert!(!jo.is_signed_in().await, "the password alone is not enough");
    assert!(jo.open(passed.leads_to()).await.body.contains("Now your key"));
    assert_eq!(jo.sign_in(&key, Some(&step)).await.status, 200);
    assert!(jo.open("/account").await.body.contains("Signed in with the password and the key"));

    // Without its last key, the password has to do.
    let removed = jo.post("/account/keys/1/remove", &[]).await;
    assert!(removed.leads_to().contains("removed-last"));
    jo.post("/sign-out", &[]).await;
    assert_eq!(jo.password("jo@example.org", PASSWORD).await.leads_to(), "/account");
}

#[tokio::test]
async fn extended_information_that_is_refused_changes_nothing_but_what_the_page_says() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let wish = json!({ "name": "phone", "place": "phone", "extended": true });
    let begun = jo.ask("/account/keys/begin", &wish).await.json();
    let options = &begun["public_key"];
    assert_eq!(options["attestation"], "direct");
    assert_eq!(options["hints"], json!(["hybrid"]));
    assert_eq!(options["authenticatorSelection"]["authenticatorAttachment"], "cross-platform");
    assert_eq!(options["user"]["displayName"], "Jo Hansen");
    let phone = Builder::phone().attestation(TestAttestation::new(Format::Packed)).build().unwrap();
    phone.person().when(identifying()).refuses();
    let key = Device::of(&jo.origin, phone);
    let answer = json!({ "ceremony": begun["ceremony"], "credential": key.create(options) });
    let next = jo.ask("/account/keys/finish", &answer).await.json();
    let page = jo.open(next["next"].as_str().unwrap()).await.body;
    assert!(page.contains("did not get the extended information"), "{page}");
}

#[tokio::test]
async fn every_way_is_offered_and_steers_the_browser() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let step = jo.begin("jo@example.org", "").await;
    let pages = [
        jo.open("/").await.body,
        jo.open("/account/add/where?name=phone").await.body,
        jo.open(&format!("/sign-in/how?step={step}")).await.body,
    ];
    for (place, attachment, hint) in [
        ("device", "platform", "client-device"),
        ("platform", "platform", "client-device"),
        ("phone", "cross-platform", "hybrid"),
        ("linked", "cross-platform", "hybrid"),
        ("usb", "cross-platform", "security-key"),
    ] {
        for page in &pages {
            assert!(page.contains(&format!("data-way=\"{place}\"")), "{place}: {page}");
        }
        let wish = json!({ "name": "mine", "place": place, "extended": false });
        let options = &jo.ask("/account/keys/begin", &wish).await.json()["public_key"];
        assert_eq!(options["hints"], json!([hint]), "{place}");
        let selection = &options["authenticatorSelection"];
        assert_eq!(selection["authenticatorAttachment"], attachment, "{place}");
        let wish = json!({ "step": step, "place": place });
        let begun = jo.ask("/session/begin", &wish).await.json();
        assert_eq!(begun["public_key"]["hints"], json!([hint]), "{place}");
    }
    let begun = jo.ask("/session/begin", &json!({})).await.json();
    assert!(begun["public_key"]["hints"].is_null(), "the browser asks: {begun}");
    let refused = jo.ask("/session/begin", &json!({ "place": "pocket" })).await;
    assert_eq!(refused.status, 400, "{refused:?}");
}

#[tokio::test]
async fn a_second_key_on_a_device_is_excluded_and_other_devices_are_not() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let first = jo.add_key("first").await;
    let second = jo.add_key("second").await;
    let begun = jo.ask("/account/keys/begin", &crate::person::wish("third")).await.json();
    let excluded = begun["public_key"]["excludeCredentials"].as_array().unwrap().clone();
    let ids: Vec<_> = excluded.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [first.id_text(), second.id_text()]);
}

#[tokio::test]
async fn the_pages_speak_danish_to_whoever_asks_for_it() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.more.push(("Accept-Language", "da-DK,da;q=0.9,en;q=0.5".into()));
    let page = jo.open("/").await.body;
    assert!(page.contains("<html lang=\"da\">") && page.contains("Log ind uden adgangskode"));
    // Until they choose another one.
    let chosen = jo.post("/language", &[("language", "en"), ("back", "/privacy")]).await;
    assert_eq!(chosen.leads_to(), "/privacy");
    assert!(jo.open("/privacy").await.body.contains("What this site learns"));
    let elsewhere = jo.post("/language", &[("language", "da"), ("back", "//evil.example")]).await;
    assert_eq!(elsewhere.leads_to(), "/");
}

#[tokio::test]
async fn fixed_addresses_say_where_passkeys_are_managed() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    let origin = jo.origin.clone();
    let endpoints = jo.open("/.well-known/passkey-endpoints").await.json();
    assert_eq!(endpoints["manage"], format!("{origin}/account"));
    assert_eq!(endpoints["enroll"], format!("{origin}/account/add"));
    assert_eq!(jo.open("/.well-known/webauthn").await.json()["origins"], json!([origin]));
}

#[tokio::test]
async fn who_is_signed_out_is_asked_to_sign_in_and_comes_back() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    let asked = jo.open("/account/add?name=x").await;
    assert_eq!(asked.leads_to(), "/sign-in?next=%2Faccount%2Fadd%3Fname%3Dx");
    let asked = jo.post("/account/name", &[("called", "x")]).await;
    assert_eq!(asked.leads_to(), "/sign-in?next=%2Faccount");
}

#[tokio::test]
async fn accounts_and_keys_are_there_again_after_a_restart() {
    let file = std::env::temp_dir().join(format!("towline-rp-restart-{}", std::process::id()));
    let config = || RpConfig { data: Some(file.clone()), ..RpConfig::default() };
    let key = {
        let rp = start(RpConfig { origin: Some("http://localhost:1".into()), ..config() }).await;
        let mut jo = Person::at(rp.addr, "http://localhost:1".into());
        jo.join("jo@example.org").await;
        let key = jo.add_key("phone").await;
        // Programs need not sign in, so that they are not let in where something lasts.
        assert!(rp.client.status().await.is_err());
        assert_eq!(jo.open("/overview").await.status, 404);
        key
    };
    let rp = start(RpConfig { origin: Some("http://localhost:1".into()), ..config() }).await;
    let mut jo = Person::at(rp.addr, "http://localhost:1".into());
    assert_eq!(jo.sign_in(&key, None).await.status, 200);
    assert!(jo.open("/account").await.body.contains("Jo Hansen"));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}
