//! What others try, and what comes of it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde_json::json;
use towline_rp::{RpConfig, Showcase, WallClock};

use crate::{
    device::{Device, any_key},
    person::{FORM, PASSWORD, Person, wish},
    start,
};

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let own = jo.origin.clone();
    let forged: [&[(&str, &str)]; 5] = [
        &[("Content-Type", FORM), ("Origin", "https://evil.example")],
        &[("Content-Type", FORM), ("Origin", "null")],
        &[("Content-Type", FORM)],
        &[("Content-Type", FORM), ("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
        &[("Content-Type", FORM), ("Origin", &own), ("Sec-Fetch-Site", "same-site")],
    ];
    for path in
        ["/account/name", "/account/password", "/account/add", "/sign-out", "/join", "/language"]
    {
        for headers in forged {
            let answer = jo.send("POST", path, headers, "called=Evil&new=a+long+password").await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    let scripts = [("Content-Type", "application/json"), ("Origin", "https://evil.example")];
    let answer = jo.send("POST", "/account/keys/begin", &scripts, &wish("x").to_string()).await;
    assert_eq!(answer.status, 403);
    let page = jo.open("/account").await.body;
    assert!(page.contains("Jo Hansen") && !page.contains("Evil"));
}

#[tokio::test]
async fn no_page_can_be_framed_or_run_what_is_not_ours() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    for path in ["/", "/sign-in", "/join", "/nothing", "/assets/page.js", "/status"] {
        let answer = jo.open(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let elsewhere = ["src=\"http", "href=\"http", "style=\"", "onclick", "<style"];
        assert!(elsewhere.iter().all(|sign| !answer.body.contains(sign)), "{path}");
    }
}

#[tokio::test]
async fn one_page_may_frame_the_sites_if_it_was_named_and_no_other() {
    let origin = "http://localhost:9".to_owned();
    let script = format!("{origin}/script.js");
    let showcase = Some(Showcase { origin, script });
    let free = RpConfig::default().addr;
    let rp = start(RpConfig { showcase, sites: Some([free, free]), ..RpConfig::default() }).await;
    let mut visits = vec![Person::new(&rp)];
    for url in &rp.sites {
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        visits.push(Person::at(([127, 0, 0, 1], port).into(), url.clone()));
    }
    for mut jo in visits {
        let answer = jo.open("/").await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors http://localhost:9;"), "{policy}");
        assert!(policy.contains("script-src 'self' http://localhost:9;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), None);
        let (first, _) = answer.body.split_once("/assets/page.js").unwrap();
        assert!(first.contains("src=\"http://localhost:9/script.js\""), "{first}");
    }
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_not_the_one_that_is_signed_in() {
    let rp = start(RpConfig::default()).await;
    let name = format!("towline-rp-{}", rp.addr.port());
    let planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut jo = Person::new(&rp);
    jo.cookies.insert(name.clone(), planted.into());
    jo.join("jo@example.org").await;
    assert_ne!(jo.cookies[&name], planted);
    let mut thief = Person::new(&rp);
    thief.cookies.insert(name.clone(), planted.into());
    assert!(!thief.is_signed_in().await);

    // Each sign-in has a session of its own, and ends the one before.
    let mut before = jo.clone();
    let key = jo.add_key("phone").await;
    jo.sign_in(&key, None).await;
    assert!(jo.is_signed_in().await && !before.is_signed_in().await);

    // So does signing out, also for whoever kept the cookie.
    let mut kept = jo.clone();
    jo.post("/sign-out", &[]).await;
    assert!(!kept.is_signed_in().await);
    assert!(jo.cookies.is_empty());
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    let fields = [("email", "jo@example.org"), ("password", PASSWORD)];
    let answer = jo.post("/join", &fields).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn a_new_password_ends_everybody_elses_sessions() {
    let rp = start(RpConfig::default()).await;
    let (mut jo, mut thief) = (Person::new(&rp), Person::new(&rp));
    jo.join("jo@example.org").await;
    thief.password("jo@example.org", PASSWORD).await.leads_to();
    let wrong = [("current", "not the password"), ("new", "another long one")];
    assert_eq!(jo.post("/account/password", &wrong).await.status, 403);
    let right = [("current", PASSWORD), ("new", "another long one")];
    jo.post("/account/password", &right).await.leads_to();
    assert!(jo.is_signed_in().await && !thief.is_signed_in().await);
    assert_eq!(thief.password("jo@example.org", PASSWORD).await.status, 403);
}

#[tokio::test]
async fn a_challenge_is_good_once_and_for_its_account() {
    let rp = start(RpConfig::default()).await;
    let (mut jo, mut eve) = (Person::new(&rp), Person::new(&rp));
    jo.join("jo@example.org").await;
    eve.join("eve@example.org").await;
    let key = jo.add_key("phone").await;

    // Eve finishes what Jo began: the key would be hers, in Jo's account.
    let begun = jo.ask("/account/keys/begin", &wish("x")).await.json();
    let eves = Device::new(&eve.origin);
    let answer = json!({
        "ceremony": begun["ceremony"], "credential": eves.create(&begun["public_key"]),
    });
    assert_eq!(eve.ask("/account/keys/finish", &answer).await.status, 409);
    // And it is used up.
    assert_eq!(jo.ask("/account/keys/finish", &answer).await.status, 409);

    let begun = jo.ask("/session/begin", &json!({})).await.json();
    let credential = key.get(&begun["public_key"]);
    let answer = json!({ "ceremony": begun["ceremony"], "credential": credential });
    assert_eq!(jo.ask("/session/finish", &answer).await.status, 200);
    let again = jo.ask("/session/finish", &answer).await;
    assert_eq!((again.status, &again.json()["error"]["code"]), (409, &json!("unknown_ceremony")));
    // An old answer to a new question.
    let begun = jo.ask("/session/begin", &json!({})).await.json();
    let replayed = json!({ "ceremony": begun["ceremony"], "credential": credential });
    assert_eq!(jo.ask("/session/finish", &replayed).await.status, 403);
    // Jo's key on Eve's way.
    let step = jo.begin("eve@example.org", "").await;
    let begun = jo.ask("/session/begin", &json!({ "step": step })).await.json();
    let credential = key.get(&any_key(&begun["public_key"]));
    let answer = json!({ "ceremony": begun["ceremony"], "credential": credential, "step": step });
    let refused = jo.ask("/session/finish", &answer).await;
    assert_eq!(refused.status, 404);
    assert!(refused.json()["error"]["more"].is_null(), "Jo's key is not told to forget itself");
}

#[tokio::test]
async fn nobody_reaches_the_keys_of_others() {
    let rp = start(RpConfig::default()).await;
    let (mut jo, mut eve) = (Person::new(&rp), Person::new(&rp));
    jo.join("jo@example.org").await;
    jo.add_key("phone").await;
    eve.join("eve@example.org").await;
    for path in ["/account/keys/1/added", "/account/keys/1/rename", "/account/keys/1/remove"] {
        assert_eq!(eve.open(path).await.status, 404, "{path}");
    }
    assert_eq!(eve.post("/account/keys/1/rename", &[("name", "x")]).await.status, 404);
    assert_eq!(eve.post("/account/keys/1/remove", &[]).await.status, 404);
    for row in ["0", "-1", "99999999999999999999", "x", "1%00"] {
        assert_eq!(jo.open(&format!("/account/keys/{row}/rename")).await.status, 404, "{row}");
    }
    assert!(jo.open("/account").await.body.contains("phone"));
}

#[tokio::test]
async fn names_are_text_whatever_is_in_them() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let emoji = "🔑".repeat(64);
    for name in
        ["<img src=x onerror=alert(1)>", "\"><script>alert(1)</script>", "\u{202e}gnp.exe", &emoji]
    {
        jo.add_key(name).await;
    }
    let page = jo.open("/account").await.body;
    assert!(!page.contains("<img src=x") && !page.contains("<script>alert"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && page.contains(&emoji));
    // What turns the direction of a line is kept apart from the rest, or left out.
    assert!(page.contains("<bdi>\u{202e}gnp.exe</bdi>"));
    assert!(page.contains("aria-label=\"Rename \u{2068}gnp.exe\u{2069}\""));
    for name in ["", "   ", &"🔑".repeat(65), "a\u{0}b", "a\nb"] {
        assert_eq!(jo.post("/account/add", &[("name", name)]).await.status, 400, "{name:?}");
        let answer = jo.ask("/account/keys/begin", &wish(name)).await;
        assert_eq!(answer.status, 400, "{name:?}");
    }
    let wrong = jo.post("/account/add", &[("name", &"x".repeat(65))]).await.body;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("aria-invalid=\"true\""));
    assert!(wrong.contains(&"x".repeat(65)), "what was typed is still there");
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_known_one() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    jo.add_key("phone").await;
    let mut stranger = Person::new(&rp);
    let mut pages = Vec::new();
    for email in ["jo@example.org", "no@example.org"] {
        let step = stranger.begin(email, "").await;
        let page = stranger.open(&format!("/sign-in/how?step={step}")).await;
        let options = stranger.ask("/session/begin", &json!({ "step": step })).await.json();
        let wrong = [("step", step.as_str()), ("password", "not the password")];
        let refused = stranger.post("/sign-in/password", &wrong).await;
        let blank = |body: &str| body.replace(&step, "STEP").replace(email, "EMAIL");
        let allowed = options["public_key"]["allowCredentials"].as_array().unwrap();
        assert_eq!((page.status, refused.status, allowed.len()), (200, 403, 1));
        pages.push((blank(&page.body), blank(&refused.body)));
        // The same made-up key each time.
        let again = stranger.ask("/session/begin", &json!({ "step": step })).await.json();
        assert_eq!(
            again["public_key"]["allowCredentials"],
            options["public_key"]["allowCredentials"]
        );
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn passwords_are_not_guessed_and_keys_still_let_in() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("phone").await;
    jo.post("/sign-out", &[]).await;
    let mut statuses = Vec::new();
    for email in ["jo@example.org", "no@example.org"] {
        for _ in 0..6 {
            statuses.push(jo.password(email, "not the password").await.status);
        }
    }
    assert_eq!(statuses[..6], statuses[6..]);
    assert_eq!(statuses[..6], [403, 403, 403, 403, 403, 429]);
    let right = jo.password("jo@example.org", PASSWORD).await;
    assert_eq!(right.status, 429, "not even the right one");
    assert!(right.body.contains("Wait a quarter of an hour"));
    let step = jo.begin("jo@example.org", "").await;
    assert_eq!(jo.sign_in(&key, Some(&step)).await.status, 200);
    assert!(jo.open("/account").await.body.contains("Refused: wrong password"), "the log has them");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("phone").await;
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
    {
        let page = jo.open(&format!("/sign-in?next={next}")).await.body;
        assert!(!page.contains("name=\"next\"") && !page.contains("data-next"), "{next}");
        let step = jo.begin("jo@example.org", next).await;
        assert_eq!(jo.sign_in(&key, Some(&step)).await.json()["next"], "/account");
        let begun = jo.ask("/session/begin", &json!({})).await.json();
        let answer = json!({
            "ceremony": begun["ceremony"], "credential": key.get(&begun["public_key"]), "next": next,
        });
        assert_eq!(jo.ask("/session/finish", &answer).await.json()["next"], "/account");
    }
}

#[tokio::test]
async fn two_tabs_and_the_back_button_do_no_harm() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let mut eve = Person::new(&rp);
    eve.join("eve@example.org").await;
    eve.post("/sign-out", &[]).await;

    // Two people begin in two tabs: each step is that of its own tab.
    let (first, second) =
        (eve.begin("jo@example.org", "").await, eve.begin("eve@example.org", "").await);
    let fields = [("step", first.as_str()), ("password", PASSWORD)];
    eve.post("/sign-in/password", &fields).await.leads_to();
    assert!(eve.open("/account").await.body.contains("jo@example.org"));
    // Back: the form is over, and says how to go on.
    let back = eve.post("/sign-in/password", &fields).await;
    assert_eq!(back.status, 409);
    assert!(back.body.contains("Begin it again"));
    let fields = [("step", second.as_str()), ("password", PASSWORD)];
    eve.post("/sign-in/password", &fields).await.leads_to();
    assert!(eve.open("/account").await.body.contains("eve@example.org"));

    // Two tabs add keys at once; both are there. One removes, the other too.
    let one = jo.ask("/account/keys/begin", &wish("one")).await.json();
    let two = jo.ask("/account/keys/begin", &wish("two")).await.json();
    for begun in [two, one] {
        let key = Device::new(&jo.origin);
        let credential = key.create(&begun["public_key"]);
        let answer = json!({ "ceremony": begun["ceremony"], "credential": credential });
        assert_eq!(jo.ask("/account/keys/finish", &answer).await.status, 200);
    }
    jo.post("/account/keys/1/remove", &[]).await.leads_to();
    assert_eq!(jo.post("/account/keys/1/remove", &[]).await.status, 404);
    assert_eq!(jo.post("/account/keys/1/rename", &[("name", "x")]).await.status, 404);
    let page = jo.open("/account").await;
    assert!(page.body.contains(">one<") && page.header("cache-control") == Some("no-store"));
}

#[tokio::test]
async fn bodies_that_are_too_long_or_no_forms_are_refused_with_a_page() {
    let rp = start(RpConfig::default()).await;
    let mut jo = Person::new(&rp);
    let long = "x".repeat(70_000);
    let answer = jo.post("/sign-in", &[("email", &long)]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("<html") && answer.body.contains("Shorten it"));
    let origin = jo.origin.clone();
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let headers = [("Accept", "text/html"), ("Content-Type", kind), ("Origin", &origin)];
        assert_eq!(jo.send("POST", "/sign-in", &headers, "{}").await.status, 415, "{kind}");
    }
    for (path, fields) in
        [("/sign-in", ""), ("/join", "email=a%40b.c"), ("/sign-in/password", "x=y")]
    {
        let headers = [("Accept", "text/html"), ("Content-Type", FORM), ("Origin", &origin)];
        assert_eq!(jo.send("POST", path, &headers, fields).await.status, 400, "{path}");
    }
    for body in ["", "{", "7", "{\"step\":1}", "{\"other\":1}"] {
        let headers = [("Content-Type", "application/json"), ("Origin", origin.as_str())];
        assert_eq!(jo.send("POST", "/session/begin", &headers, body).await.status, 400, "{body}");
    }
    let lost = jo.open("/nothing").await;
    assert!(lost.status == 404 && lost.body.contains("To the first page"));
}

#[tokio::test]
async fn a_clock_that_jumps_signs_people_out_at_worst() {
    let time = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)));
    let read = Arc::clone(&time);
    let clock = WallClock(Arc::new(move || *read.lock().unwrap()));
    let set = |seconds: i64| {
        let at = u64::try_from(2_000_000_000 + seconds).unwrap();
        *time.lock().unwrap() = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    };
    let rp = start(RpConfig { clock, ..RpConfig::default() }).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("phone").await;
    set(29 * 60);
    assert!(jo.is_signed_in().await);
    set(58 * 60);
    assert!(jo.is_signed_in().await, "seen half an hour ago");
    set(90 * 60);
    assert!(!jo.is_signed_in().await, "not seen for half an hour");
    for jump in [90 * 60, -1_000_000_000, 1_000_000_000] {
        set(jump);
        assert_eq!(jo.sign_in(&key, None).await.status, 200, "{jump}");
        assert!(jo.is_signed_in().await);
    }
    set(0);
    assert!(!jo.is_signed_in().await, "a session from the future");
    assert_eq!(jo.password("jo@example.org", PASSWORD).await.leads_to(), "/account");
    assert!(jo.open("/account").await.body.contains(">phone<"), "nothing is lost");
}

#[tokio::test]
async fn nothing_is_lost_while_another_program_holds_the_database() {
    let file = std::env::temp_dir().join(format!("towline-rp-held-{}", std::process::id()));
    let rp = start(RpConfig { data: Some(file.clone()), ..RpConfig::default() }).await;
    let mut jo = Person::new(&rp);
    jo.join("jo@example.org").await;
    let key = jo.add_key("phone").await;

    let mut other = rusqlite::Connection::open(&file).unwrap();
    let held = rusqlite::TransactionBehavior::Immediate;
    let held = other.transaction_with_behavior(held).unwrap();
    let refused = jo.post("/account/keys/1/rename", &[("name", "lost")]).await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("Nothing was saved, since another program is using"));
    // A sign-in that can't be noted does not happen: the counter would not be kept.
    assert_eq!(jo.sign_in(&key, None).await.status, 503);
    assert!(jo.open("/account").await.body.contains(">phone<"), "pages are shown all the same");

    drop(held);
    jo.post("/account/keys/1/rename", &[("name", "kept")]).await.leads_to();
    assert_eq!(jo.sign_in(&key, None).await.status, 200);
    assert!(jo.open("/account").await.body.contains(">kept<"));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}
