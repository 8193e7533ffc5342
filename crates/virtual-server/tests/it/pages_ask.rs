//! What the script for pages asks, and what it is told.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::support::{Answer, CHALLENGE, ORIGIN, Running, creation};

impl Running {
    fn page_key(&self) -> String {
        self.service.default_session().page_key().unwrap()
    }

    /// A message of a page, as browsers send it.
    async fn page(&self, origin: &str, message: &Value) -> Answer {
        let head = format!("Origin: {origin}\r\nContent-Type: text/plain\r\n");
        let path = format!("/{}/page", self.page_key());
        self.raw("POST", &path, &head, &message.to_string()).await
    }
}

fn create(more: Value) -> Value {
    let mut message = json!({"ask": "create", "id": "1", "options": creation()});
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn get() -> Value {
    json!({"ask": "get", "id": "2", "options": {"challenge": CHALLENGE}})
}

/// The exception of an answer.
#[track_caller]
fn error(answer: &Answer) -> String {
    let told = answer.ok();
    assert!(told["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{told}");
    told["error"]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_registers_and_signs_in_from_the_origin_that_its_browser_says() {
    let it = Running::start().await;
    it.authenticator(json!({})).await;
    let made = it.page(ORIGIN, &create(json!({}))).await;
    assert!(made.head.contains(&format!("access-control-allow-origin: {ORIGIN}")), "{made:?}");
    let id = made.ok()["response"]["id"].clone();
    assert_eq!(it.page(ORIGIN, &get()).await.ok()["response"]["id"], id);

    // The message can't say another one.
    let lie = create(json!({"origin": "https://example.com"}));
    assert_eq!(it.page(ORIGIN, &lie).await.refusal().0, "member");
    let foreign = json!({"ask": "get", "id": "3",
        "options": {"challenge": CHALLENGE, "rpId": "example.org"}});
    assert_eq!(error(&it.page("https://example.com", &foreign).await), "SecurityError");
    for origin in ["null", "http://example.org", "https://192.0.2.1"] {
        assert_eq!(error(&it.page(origin, &get()).await), "SecurityError", "{origin}");
    }
    let path = format!("/{}/page", it.page_key());
    let nowhere = it.raw("POST", &path, "", &get().to_string()).await;
    assert_eq!((nowhere.status, nowhere.refusal().0.as_str()), (400, "origin"));
}

#[tokio::test]
async fn a_frame_says_whose_page_is_at_the_top() {
    let it = Running::start().await;
    it.authenticator(json!({})).await;
    let message = create(json!({"topOrigin": "https://top.example"}));
    let made = it.page(ORIGIN, &message).await.ok();
    let data = made["response"]["response"]["clientDataJSON"].as_str().unwrap();
    let data = base64(data);
    assert!(data.contains(r#""crossOrigin":true,"topOrigin":"https://top.example""#), "{data}");
}

/// The text of base64url without padding.
fn base64(text: &str) -> String {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let bits = text.bytes().fold((0_u32, 0, Vec::new()), |(bits, count, mut out), byte| {
        let (bits, count) = (bits << 6 | u32::from(value(byte)), count + 6);
        if count < 8 {
            return (bits, count, out);
        }
        out.push(u8::try_from(bits >> (count - 8) & 0xff).unwrap());
        (bits & ((1 << (count - 8)) - 1), count - 8, out)
    });
    String::from_utf8(bits.2).unwrap()
}

#[tokio::test]
async fn what_an_authenticator_cant_do_is_told_as_a_refusal() {
    let it = Running::start().await;
    it.authenticator(json!({"protocol": "ctap1/u2f", "transport": "usb"})).await;
    // Discoverable, which U2F has not.
    assert_eq!(error(&it.page(ORIGIN, &create(json!({}))).await), "NotAllowedError");
    // The page's own mistakes keep their names.
    let options = json!({"options": {"rp": {"name": "Example"}}});
    assert_eq!(error(&it.page(ORIGIN, &create(options)).await), "TypeError");
}

#[tokio::test]
async fn a_message_that_nobody_waits_for_ends_what_it_began() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"isUserConsenting": false})).await;
    let session = it.service.default_session();
    let ended = |count: usize| {
        let log = session.log(0);
        let events = log.iter().map(|notice| serde_json::to_value(&**notice).unwrap());
        events.filter(|notice| notice["event"] == "ceremonyEnded").count() == count
    };
    // By its connection, which a page that is left does not keep.
    let message = create(json!({}));
    let gone = it.page(ORIGIN, &message);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), gone).await.is_err());
    until(|| ended(1)).await;

    // By another message, which comes through another function.
    let relayed = json!({"origin": ORIGIN, "message": message});
    let cancel = json!({"origin": ORIGIN, "message": {"ask": "cancel", "id": "1"}});
    let (answer, ()) = tokio::join!(it.post("/v1/default/page", relayed.clone()), async {
        until(|| session.log(0).iter().filter(|it| began(it)).count() == 2).await;
        it.post("/v1/default/page", cancel.clone()).await.ok();
    });
    assert_eq!(error(&answer), "AbortError");
    assert!(ended(2));

    // Or before it came.
    it.post("/v1/default/page", cancel).await.ok();
    assert_eq!(error(&it.post("/v1/default/page", relayed).await), "AbortError");
    it.call("PATCH", &path, json!({"isUserConsenting": true})).await.ok();
    assert!(it.page(ORIGIN, &create(json!({}))).await.ok()["response"].is_object());
}

fn began(notice: &towline_virtual_server::Notice) -> bool {
    serde_json::to_value(notice).unwrap()["event"] == "ceremonyBegan"
}

/// Lets others work until it holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn signals_and_capabilities_are_those_of_the_session() {
    let it = Running::start().await;
    let capabilities = json!({"ask": "capabilities", "id": "1"});
    let none = it.page(ORIGIN, &capabilities).await.ok()["response"].take();
    assert_eq!(none["userVerifyingPlatformAuthenticator"], false);
    assert_eq!(none["signalUnknownCredential"], true);
    let path = it.authenticator(json!({"preset": "synced-passkey"})).await;
    let some = it.page(ORIGIN, &capabilities).await.ok()["response"].take();
    assert_eq!(some["userVerifyingPlatformAuthenticator"], true);

    let made = it.page(ORIGIN, &create(json!({}))).await.ok();
    let signal = |rp_id: &str| {
        let id = &made["response"]["id"];
        json!({"ask": "signal", "id": "2", "options":
            {"signal": "unknownCredential", "rpId": rp_id, "credentialId": id}})
    };
    assert_eq!(error(&it.page(ORIGIN, &signal("example.com")).await), "SecurityError");
    // What came of it is not told.
    assert_eq!(it.page(ORIGIN, &signal("example.org")).await.ok(), json!({"response": null}));
    let left = it.get(&format!("{path}/credentials")).await.ok();
    assert_eq!(left["credentials"], json!([]));
}

#[tokio::test]
async fn the_script_knows_its_way_and_is_for_every_page() {
    let it = Running::start().await;
    let path = format!("/{}/page/script.js", it.page_key());
    let script = it.raw("GET", &path, "", "").await;
    assert_eq!(script.status, 200);
    assert!(script.head.contains("content-type: text/javascript"), "{}", script.head);
    assert!(script.head.contains("cross-origin-resource-policy: cross-origin"));
    let endpoint = format!("http://127.0.0.1:{}/{}/page", it.port, it.page_key());
    assert!(script.text.contains(&format!("{{\"endpoint\":\"{endpoint}\"}}")));

    let bound = it.get("/v1/default/page/script.js?binding=towline").await;
    assert!(bound.text.contains("{\"binding\":\"towline\"}"));
    assert!(!bound.text.contains(&it.page_key()), "the page needs no key");
    // A page has no business there.
    let path = format!("/{}/v1/default/page/script.js?binding=towline", it.page_key());
    assert_eq!(it.raw("GET", &path, "", "").await.status, 403);
}

#[tokio::test]
async fn odd_messages_are_refused_with_what_is_wrong() {
    let it = Running::start().await;
    for (message, word) in [
        (json!({"ask": "sing", "id": "1"}), "sing"),
        (json!({"id": "1"}), "ask"),
        (json!({"ask": "create", "id": "1"}), "options"),
        (json!({"ask": "get", "id": 1, "options": {}}), "string"),
        (json!({"ask": "get", "id": "1", "options": {}, "mediation": "loud"}), "loud"),
        (json!([]), "object"),
    ] {
        let answer = it.page(ORIGIN, &message).await;
        let (reason, _, said) = answer.refusal();
        assert!(reason == "member" && said.contains(word), "{message}: {said}");
    }
    let path = format!("/{}/page", it.page_key());
    let head = format!("Origin: {ORIGIN}\r\n");
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(it.raw("POST", &path, &head, &long).await.status, 413);
    assert_eq!(it.raw("POST", &path, &head, "{").await.refusal().0, "not-json");
}

#[tokio::test]
async fn a_site_lets_others_use_its_passkeys_where_its_document_lists_them() {
    let it = Running::start().await;
    it.authenticator(json!({"preset": "synced-passkey"})).await;
    let id = it.page(ORIGIN, &create(json!({}))).await.ok()["response"]["id"].take();
    let related = "https://example.net";
    let message = json!({"ask": "get", "id": "3",
        "options": {"challenge": CHALLENGE, "rpId": "example.org"}});
    assert_eq!(error(&it.page(related, &message).await), "SecurityError");

    let path = "/v1/default/related-origins/example.org";
    let document = json!({"origins": [related], "more": "than is known here"});
    it.call("PUT", path, document).await.ok();
    assert_eq!(it.page(related, &message).await.ok()["response"]["id"], id);
    assert_eq!(error(&it.page("https://example.com", &message).await), "SecurityError");
    let signal = json!({"ask": "signal", "id": "4", "options":
        {"signal": "unknownCredential", "rpId": "example.org", "credentialId": id}});
    assert_eq!(it.page(related, &signal).await.ok(), json!({"response": null}));

    it.call("PUT", path, json!({"origins": []})).await.ok();
    assert_eq!(error(&it.page(related, &message).await), "SecurityError");
    for (path, document, member) in [
        (path, json!({"origins": "all"}), "origins"),
        (path, json!({}), ""),
        ("/v1/default/related-origins/Example.org", json!({"origins": []}), "rpId"),
        ("/v1/default/related-origins/a%2Fb", json!({"origins": []}), "rpId"),
    ] {
        let (reason, named, _) = it.call("PUT", path, document.clone()).await.refusal();
        assert_eq!((reason.as_str(), named.as_str()), ("member", member), "{path} {document}");
    }
}

/// A page's WebSocket.
async fn socket(it: &Running, origin: Option<&'static str>) -> Option<WebSocketStream<TcpStream>> {
    let address = format!("ws://127.0.0.1:{}/{}/page/socket", it.port, it.page_key());
    let mut request = address.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", HeaderValue::from_static(origin));
    }
    let stream = TcpStream::connect(("127.0.0.1", it.port)).await.unwrap();
    Some(client_async(request, stream).await.ok()?.0)
}

async fn next(page: &mut WebSocketStream<TcpStream>) -> Value {
    let text = page.next().await.unwrap().unwrap().into_text().unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_page_asks_over_a_websocket_from_the_origin_that_its_browser_says() {
    let it = Running::start().await;
    let path = it.authenticator(json!({"isUserConsenting": false})).await;
    assert!(socket(&it, None).await.is_none(), "a program is no page");
    let mut page = socket(&it, Some(ORIGIN)).await.unwrap();
    let session = it.service.default_session();
    let ended = || {
        let log = session.log(0);
        let events = log.iter().map(|notice| serde_json::to_value(&**notice).unwrap());
        events.filter(|notice| notice["event"] == "ceremonyEnded").count()
    };
    // What waits does not keep others waiting, and can be called off.
    let quick = json!({"ask": "capabilities", "id": "quick"});
    let cancel = json!({"ask": "cancel", "id": "slow"});
    for message in [create(json!({"id": "slow"})), quick] {
        page.send(Message::text(message.to_string())).await.unwrap();
    }
    let first = next(&mut page).await;
    assert_eq!(first["id"], "quick");
    assert_eq!(first["answer"]["response"]["signalUnknownCredential"], true);
    page.send(Message::text(cancel.to_string())).await.unwrap();
    let both = [next(&mut page).await, next(&mut page).await];
    assert!(both.iter().any(|it| it["answer"]["error"]["name"] == "AbortError"), "{both:?}");

    // A page that is left ends what it began; so does one that sends what no script does.
    for last in [None, Some("[]")] {
        let mut page = socket(&it, Some(ORIGIN)).await.unwrap();
        let before = ended();
        page.send(Message::text(create(json!({})).to_string())).await.unwrap();
        until(|| session.log(0).iter().filter(|it| began(it)).count() > before).await;
        if let Some(text) = last {
            page.send(Message::text(text)).await.unwrap();
        } else {
            drop(page);
        }
        until(|| ended() > before).await;
    }
    it.call("DELETE", &path, Value::Null).await.ok();
}
