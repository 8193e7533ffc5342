//! Phones that answer the codes of computers, over HTTP, an air and a relay.

use std::{io::Cursor, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, QrCode};
use serde_json::{Value, json};
use towline_virtual_phone::{
    FakeComputer, Place,
    towline::{
        PhoneTransport,
        hybrid::domain::TunnelDomain,
        radio::air::{UdpAir, UdpHub},
    },
};
use towline_virtual_server::{Service, Vicinity};

use crate::support::{Answer, CHALLENGE, ORIGIN, Running, creation};

impl Running {
    /// A new phone in the default session: the path below which it is.
    async fn phone(&self, options: Value) -> String {
        let made = self.post("/v1/default/phones", options).await.ok();
        format!("/v1/default/phones/{}", made["phoneId"].as_str().unwrap())
    }

    /// The computer's screen, as soon as there is something to see on it.
    async fn screen(&self, verb: &str) -> Value {
        let options = if verb == "create" { creation() } else { json!({"challenge": CHALLENGE}) };
        let asked = json!({"verb": verb, "origin": ORIGIN, "options": options});
        self.post("/v1/default/screens", asked).await.ok()
    }

    /// The same screen when it is over.
    async fn seen(&self, screen: &Value) -> Value {
        let id = screen["screenId"].as_str().unwrap();
        self.get(&format!("/v1/default/screens/{id}?wait=60")).await.ok()
    }

    async fn scan(&self, phone: &str, screen: &Value) -> Answer {
        let seen = json!({"code": screen["code"], "wait": 60});
        self.post(&format!("{phone}/scan"), seen).await
    }
}

#[tokio::test]
async fn a_phone_answers_codes_and_the_site_gets_what_it_asked_for() {
    let it = Running::start().await;
    let phone = it.phone(json!({})).await;
    let screen = it.screen("create").await;
    assert!(screen["code"].as_str().unwrap().starts_with("FIDO:/"), "{screen}");
    let scanned = it.scan(&phone, &screen).await.ok();
    assert_eq!(scanned, json!({"requests": 1, "linked": false}));
    let made = it.seen(&screen).await;
    assert!(made["response"]["response"]["attestationObject"].is_string(), "{made}");

    let screen = it.screen("get").await;
    it.scan(&phone, &screen).await.ok();
    let used = it.seen(&screen).await;
    assert_eq!(used["response"]["id"], made["response"]["id"]);
    let kept = it.get(&format!("{phone}/credentials")).await.ok();
    assert_eq!(kept["credentials"][0]["credentialId"], made["response"]["id"]);
    assert_eq!(it.get(&phone).await.ok()["passkeys"], 1);

    // Whatever has travelled is in the log, member by member.
    let log = it.get("/v1/default/log").await.ok();
    let log = log["notices"].as_array().unwrap();
    let of = |event: &str| log.iter().filter(|it| it["event"] == event).collect::<Vec<_>>();
    assert_eq!(of("codeShown")[0]["code"].as_str().unwrap().get(..6), Some("FIDO:/"));
    let steps: Vec<_> = of("phoneStep").iter().map(|it| it["step"].as_str().unwrap()).collect();
    assert_eq!(steps.get(..3).unwrap(), ["connecting", "advertising", "connected"]);
    assert_eq!(of("phoneRequest")[0]["request"]["command"], "authenticatorMakeCredential");
    assert_eq!(of("phoneRequest")[0]["request"]["members"]["user"]["name"], "alice");
    assert_eq!(of("phoneResponse").len(), 2);
    assert_eq!(of("phoneEnded")[1]["requests"], 1);
    assert_eq!(of("screenEnded").len(), 2);
}

/// A code as a computer draws it, in a PNG, in base64.
fn picture(code: &str) -> String {
    const SCALE: u32 = 4;
    let code = QrCode::new(code).unwrap();
    let width = u32::try_from(code.width()).unwrap();
    let side = (width + 8) * SCALE;
    let colors = code.to_colors();
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let module = |at: u32| (at / SCALE).checked_sub(4).filter(|it| *it < width);
        let dark = module(x)
            .zip(module(y))
            .is_some_and(|(x, y)| colors[usize::try_from(y * width + x).unwrap()] == Color::Dark);
        Luma([if dark { 0 } else { 255 }])
    });
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    STANDARD.encode(png.into_inner())
}

#[tokio::test]
async fn a_picture_of_a_code_is_as_good_as_its_text() {
    let it = Running::start().await;
    let phone = it.phone(json!({"preset": "iphone", "name": "Alice's phone"})).await;
    let screen = it.screen("create").await;
    let picture = picture(screen["code"].as_str().unwrap());
    let seen = json!({"picture": format!("data:image/png;base64,{picture}"), "wait": 60});
    let scanned = it.post(&format!("{phone}/scan"), seen).await.ok();
    assert_eq!(scanned["requests"], 1);
    assert!(it.seen(&screen).await["response"].is_object());
    // The service draws it, too.
    let drawn = it.screen("create").await;
    let id = drawn["screenId"].as_str().unwrap();
    let drawn = it.get(&format!("/v1/default/screens/{id}/code.svg")).await;
    assert!(drawn.head.contains("image/svg+xml") && drawn.text.starts_with("<svg"), "{drawn:?}");
}

#[tokio::test]
async fn its_person_follows_a_script_and_is_answered_for() {
    let it = Running::start().await;
    let phone = it.phone(json!({})).await;
    let script = json!({"rules": "connecting: refuses once"});
    let rules = it.call("PUT", &format!("{phone}/person"), script).await.ok();
    assert_eq!(rules["rules"], 1);
    let screen = it.screen("create").await;
    let (reason, _, message) = it.scan(&phone, &screen).await.refusal();
    assert_eq!(reason, "phone", "{message}");

    // Nobody consents: somebody else answers, question by question.
    let off = json!({"switches": {"isUserConsenting": false}});
    it.call("PATCH", &phone, off).await.ok();
    let seen = json!({"code": screen["code"], "wait": 0});
    let pending = it.post(&format!("{phone}/scan"), seen.clone()).await;
    assert_eq!(pending.status, 202, "{pending:?}");
    assert_eq!(it.post(&format!("{phone}/scan"), seen).await.refusal().0, "busy");
    while it.get(&phone).await.ok()["doing"] != "idle" {
        let agrees = json!({"answer": "agrees"});
        it.post(&format!("{phone}/person/answer"), agrees).await.ok();
        tokio::task::yield_now().await;
    }
    assert!(it.seen(&screen).await["response"].is_object());
    let log = it.get("/v1/default/log").await.ok().to_string();
    assert!(log.contains("phoneQuestionOpened"), "{log}");
    let heard = it.get(&format!("{phone}/person")).await.ok();
    assert!(heard["heard"].as_array().unwrap().len() >= 3, "{heard}");
}

#[tokio::test]
async fn a_connection_is_given_up() {
    let it = Running::start().await;
    let phone = it.phone(json!({"isUserConsenting": false})).await;
    let screen = it.screen("create").await;
    let seen = json!({"code": screen["code"], "wait": 0});
    assert_eq!(it.post(&format!("{phone}/scan"), seen).await.status, 202);
    it.call("DELETE", &format!("{phone}/connection"), Value::Null).await.ok();
    let (reason, _, message) = it.get(&format!("{phone}/connection?wait=60")).await.refusal();
    assert_eq!((reason.as_str(), message.as_str()), ("phone", "it was given up"));
    let id = screen["screenId"].as_str().unwrap();
    it.call("DELETE", &format!("/v1/default/screens/{id}"), Value::Null).await.ok();
    assert_eq!(it.get("/v1/default/screens").await.ok()["screens"], json!([]));
    it.call("DELETE", &phone, Value::Null).await.ok();
    assert_eq!(it.get("/v1/default/phones").await.ok()["phones"], json!([]));
}

#[tokio::test]
async fn a_computer_that_remembers_the_phone_rings_it_until_it_is_wiped() {
    let it = Running::start().await;
    let phone = it.phone(json!({})).await;
    let script = json!({"rules": "is-remembered once"});
    it.call("PUT", &format!("{phone}/person"), script).await.ok();
    let screen = it.screen("create").await;
    assert_eq!(it.scan(&phone, &screen).await.ok()["linked"], true);
    it.seen(&screen).await;
    let listening = it.call("PATCH", &phone, json!({"listening": true})).await.ok();
    assert_eq!((&listening["listening"], &listening["computers"]), (&json!(true), &json!(1)));

    let rings = it.post(
        "/v1/default/screens",
        json!({"verb": "get", "origin": ORIGIN, "options": {"challenge": CHALLENGE}}),
    );
    let screen = tokio::time::timeout(Duration::from_secs(60), rings).await.unwrap().ok();
    assert_eq!(screen["code"], Value::Null, "{screen}");
    assert!(it.seen(&screen).await["response"].is_object());

    let wiped = it.post(&format!("{phone}/wipe"), Value::Null).await.ok();
    assert_eq!((&wiped["passkeys"], &wiped["computers"]), (&json!(0), &json!(0)));
    assert_eq!(wiped["listening"], false);
}

#[tokio::test]
async fn a_phone_is_broken_by_name_and_mended() {
    let it = Running::start().await;
    let phone = it.phone(json!({})).await;
    let known = it.get("/v1/phone-flaws").await.ok();
    let known = known["flaws"].as_array().unwrap();
    assert!(known.len() >= 12, "{known:?}");
    for flaw in known {
        let broken = json!({"broken": {"flaw": flaw["flaw"]}});
        let state = it.call("PATCH", &phone, broken.clone()).await.ok();
        assert_eq!(state["broken"], broken["broken"]);
    }
    it.call("PATCH", &phone, json!({"broken": {"flaw": "no-tunnel"}})).await.ok();
    let screen = it.screen("create").await;
    let (reason, _, message) = it.scan(&phone, &screen).await.refusal();
    assert_eq!(reason, "phone", "{message}");
    // Other changes leave it as it is.
    let same = it.call("PATCH", &phone, json!({"listening": false})).await.ok();
    assert_eq!(same["broken"]["flaw"], "no-tunnel");
    let mended = it.call("PATCH", &phone, json!({"broken": null})).await.ok();
    assert_eq!(mended["broken"], Value::Null);
    assert_eq!(it.scan(&phone, &screen).await.ok()["requests"], 1);
}

#[tokio::test]
async fn a_phone_has_the_passkeys_of_what_it_is_synced_with() {
    let it = Running::start().await;
    let authenticator = it.authenticator(json!({})).await;
    let made = it.register().await.ok();
    let id = authenticator.rsplit('/').next().unwrap();
    let phone = it.phone(json!({"syncedWith": id})).await;
    let screen = it.screen("get").await;
    it.scan(&phone, &screen).await.ok();
    assert_eq!(it.seen(&screen).await["response"]["id"], made["response"]["id"]);
}

/// As a browser, or `towline computer`, that the service knows nothing of.
#[tokio::test]
async fn a_computer_of_somebody_else_is_met_where_the_service_was_told() {
    let hub = UdpHub::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let air = hub.local_addr();
    let hub = tokio::spawn(hub.run());
    let relay = Place::open().await.unwrap();
    let vicinity = Vicinity {
        phones: PhoneTransport {
            advertiser: Arc::new(UdpAir::connect(air).await.unwrap()),
            connector: relay.connector(),
            domain: TunnelDomain::new(257).unwrap(),
        },
        scanner: Arc::new(UdpAir::connect(air).await.unwrap()),
    };
    let it = Running::with(Service::default().near(vicinity)).await;
    let phone = it.phone(json!({})).await;
    let scanner = Arc::new(UdpAir::connect(air).await.unwrap());
    let computer = FakeComputer::over(scanner, relay.connector());
    let mut screen = computer.create(ORIGIN, &creation().to_string());
    let seen = json!({"code": screen.code().await.unwrap(), "wait": 60});
    assert_eq!(it.post(&format!("{phone}/scan"), seen).await.ok()["requests"], 1);
    assert!(screen.response().await.unwrap().contains("attestationObject"));
    hub.abort();
}

#[tokio::test]
async fn what_no_phone_can_do_is_refused_by_the_member() {
    let it = Running::start().await;
    for (options, member) in [
        (json!({"preset": "u2f-key"}), "protocol"),
        (json!({"protocol": "u2f"}), "protocol"),
        (json!({"transport": "usb"}), "transport"),
        (json!({"name": "x".repeat(300)}), "name"),
        (json!({"extensions": ["nonsense"]}), "extensions[0]"),
    ] {
        let refused = it.post("/v1/default/phones", options.clone()).await.refusal();
        assert_eq!(refused.1, member, "{options} {refused:?}");
    }
    let unknown = json!({"syncedWith": "nobody"});
    let refused = it.post("/v1/default/phones", unknown).await.refusal();
    assert_eq!(refused.0, "unknown-authenticator");

    let phone = it.phone(json!({})).await;
    for (seen, member) in [
        (json!({}), "code"),
        (json!({"code": "FIDO:/1", "picture": "AAAA"}), "code"),
        (json!({"code": "https://example.org"}), "code"),
        (json!({"code": 5}), "code"),
        (json!({"picture": "%"}), "picture"),
        (json!({"picture": "AAAA"}), "picture"),
        (json!({"picture": picture("https://example.org")}), "picture"),
        (json!({"code": "FIDO:/1", "wait": 1000}), "wait"),
    ] {
        let refused = it.post(&format!("{phone}/scan"), seen.clone()).await.refusal();
        assert_eq!(refused.1, member, "{seen} {refused:?}");
    }
    for (change, member) in [
        (json!({"broken": {"flaw": "nonsense"}}), "broken.flaw"),
        (json!({"broken": {"flaw": "advert-lost", "seconds": 1}}), "broken.seconds"),
        (json!({"broken": {"flaw": "advert-late", "seconds": -1}}), "broken.seconds"),
        (json!({"listening": "yes"}), "listening"),
        (json!({"switches": {"isUserConsenting": 1}}), "switches.isUserConsenting"),
    ] {
        let refused = it.call("PATCH", &phone, change.clone()).await.refusal();
        assert_eq!(refused.1, member, "{change} {refused:?}");
    }
    let screen = json!({"verb": "create", "origin": "http://example.org", "options": {}});
    assert_eq!(it.post("/v1/default/screens", screen).await.refusal().0, "ceremony");
    let unknown = it.get("/v1/default/phones/nobody").await.refusal();
    assert_eq!(unknown.0, "unknown-phone");
    let unknown = it.get("/v1/default/screens/nothing").await.refusal();
    assert_eq!(unknown.0, "unknown-screen");
    // There may be so many, and no more.
    for _ in 1..8 {
        it.phone(json!({})).await;
    }
    assert_eq!(it.post("/v1/default/phones", json!({})).await.refusal().0, "full");
}
