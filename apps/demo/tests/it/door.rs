//! Who gets in, and who frames what.

use serde_json::json;
use towline_demo::{Demo, DemoConfig, DemoError};
use url::Url;

use crate::person::{Person, send};

#[tokio::test]
async fn strangers_and_names_that_point_here_stay_out() {
    let anna = Person::new().await;
    let mut bare = anna.page.clone();
    bare.set_path("/v1/state");
    assert_eq!(send(&bare, "GET", &[], "").await.status, 401);
    let state = anna.page.join("v1/state").unwrap();
    let host = ("Host", "evil.example:80");
    assert_eq!(send(&state, "GET", &[host], "").await.status, 421);
    let foreign = ("Origin", "http://evil.example");
    let json = ("Content-Type", "application/json");
    let scan = anna.page.join("v1/scan").unwrap();
    assert_eq!(send(&scan, "POST", &[foreign, json], "{}").await.status, 403);
    assert_eq!(send(&scan, "POST", &[json], "not json").await.status, 400);
    assert_eq!(
        anna.press("v1/answer", json!({ "question": 1, "reply": "allow" })).await.status,
        410
    );
    assert_eq!(anna.press("v1/scan", json!({ "phone": "key" })).await.status, 404);
    assert_eq!(anna.press("v1/scan", json!({ "phone": "phone-a" })).await.status, 409);
}

#[tokio::test]
async fn the_site_lets_itself_be_framed_by_the_page_alone_and_the_page_by_nobody() {
    let mut anna = Person::new().await;
    let page = send(&anna.page, "GET", &[("Accept-Language", "da")], "").await;
    assert!(page.body.contains("<html lang=\"da\">"), "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let origin = anna.page.origin().ascii_serialization();
    for site in anna.sites.clone() {
        assert!(policy.contains(&site.origin().ascii_serialization()), "{policy}");
        let framed = anna.opens(&site).await;
        let policy = framed.header("content-security-policy");
        assert!(policy.contains(&format!("frame-ancestors {origin};")), "{policy}");
        assert!(policy.contains(&format!("script-src 'self' {origin};")), "{policy}");
        assert_eq!(framed.header("x-frame-options"), "");
    }
}

#[tokio::test]
async fn by_its_number_the_page_sends_to_its_name_where_the_frames_have_their_cookies() {
    let anna = Person::new().await;
    let host = format!("127.0.0.1:{}", anna.page.port().unwrap());
    let answer = send(&anna.page, "GET", &[("Host", &host)], "").await;
    assert_eq!((answer.status, answer.header("location")), (307, anna.page.as_str()));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let addr = "192.0.2.1:0".parse().unwrap();
    let error = Demo::bind(DemoConfig { addr, ..DemoConfig::default() }).await.unwrap_err();
    assert!(matches!(error, DemoError::NotLoopback(_)), "{error}");
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_answer_from_the_devices() {
    let anna = Person::new().await;
    let html = send(&anna.page, "GET", &[], "").await.body;
    let script = html.split("<script src=\"").nth(2).unwrap().split('"').next().unwrap();
    let endpoint = Url::parse(script).unwrap().join("../page").unwrap();
    let options = json!({ "challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "localhost" });
    let message = json!({ "ask": "get", "id": "1", "options": options }).to_string();
    let headers = [("Content-Type", "text/plain"), ("Origin", "https://evil.example")];
    let asking = tokio::spawn(async move { send(&endpoint, "POST", &headers, &message).await });
    anna.answers("browser", "way", json!({ "way": "laptop" })).await;
    let answer = asking.await.unwrap().json();
    assert_eq!(answer["error"]["name"], "SecurityError", "{answer}");
}
