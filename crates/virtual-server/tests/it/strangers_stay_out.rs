//! The guard: host, token, origin, and what pages may do.

use serde_json::{Value, json};

use crate::support::Running;

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let it = Running::start().await;
    let other = it.service.new_token().unwrap().reveal();
    let shortened = &it.token[1..];
    for path in ["/", "/v1/default", "/openapi.json", "/null/v1/default", "//v1/default"] {
        let answer = it.raw("GET", path, "", "").await;
        assert_eq!((answer.status, answer.refusal().0.as_str()), (401, "token"), "{path}");
    }
    for token in [other.as_str(), shortened, "default.", &format!("default.{}", it.token)] {
        let answer = it.raw("GET", &format!("/{token}/v1/default"), "", "").await;
        assert_eq!(answer.status, 401, "{token}");
        let bearer = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(it.raw("GET", "/v1/default", &bearer, "").await.status, 401, "{token}");
    }
}

#[tokio::test]
async fn the_token_opens_everything_by_the_path_or_by_a_header() {
    let it = Running::start().await;
    assert_eq!(it.get("/v1/default").await.ok()["sessionId"], "default");
    let bearer = format!("Authorization: Bearer {}\r\n", it.token);
    let answer = it.raw("GET", "/v1/default", &bearer, "").await;
    assert_eq!(answer.ok()["sessionId"], "default");
    let page = it.get("/").await;
    assert!(page.head.contains("text/html"), "{page:?}");
    // Without the slash at its end the address leads to the same.
    let answer = it.raw("GET", &format!("/{}", it.token), "", "").await;
    assert_eq!(answer.status, 307, "{answer:?}");
    let location = format!("location: /{}/\r\n", it.token.to_lowercase());
    assert!(answer.head.contains(&location), "{answer:?}");
}

#[tokio::test]
async fn a_name_that_was_pointed_at_this_machine_is_refused() {
    let it = Running::start().await;
    let path = format!("/{}/v1/default", it.token);
    for host in ["attacker.example", "attacker.example:80", "127.0.0.1.attacker.example", ""] {
        let answer = it.raw("GET", &path, &format!("Host: {host}\r\n"), "").await;
        assert_eq!((answer.status, answer.refusal().0.as_str()), (421, "host"), "{host}");
    }
    for host in ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80", "[::1]"] {
        let answer = it.raw("GET", &path, &format!("Host: {host}\r\n"), "").await;
        assert_eq!(answer.status, 200, "{host}");
    }
    let two = "Host: localhost\r\nHost: attacker.example\r\n";
    assert_eq!(it.raw("GET", &path, two, "").await.status, 421);
}

#[tokio::test]
async fn a_page_of_another_origin_can_do_nothing_even_with_the_token() {
    let it = Running::start().await;
    let path = format!("/{}/v1/default/authenticators", it.token);
    let port = it.port;
    for origin in [
        "https://attacker.example".to_owned(),
        "null".to_owned(),
        "http://localhost".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
    ] {
        for method in ["POST", "GET", "OPTIONS", "DELETE"] {
            let answer = it.raw(method, &path, &format!("Origin: {origin}\r\n"), "{}").await;
            assert_eq!((answer.status, answer.refusal().0.as_str()), (403, "origin"), "{origin}");
            assert!(!answer.head.contains("access-control"), "{answer:?}");
        }
    }
    assert_eq!(it.get("/v1/default/authenticators").await.ok(), json!({"authenticators": []}));
    let own = format!("Origin: http://127.0.0.1:{port}\r\n");
    assert_eq!(it.raw("POST", &path, &own, "{}").await.status, 201);
}

#[tokio::test]
async fn the_key_of_a_session_opens_nothing_but_its_pages() {
    let it = Running::start().await;
    let key = it.get("/v1/default").await.ok()["pageKey"].as_str().unwrap().to_owned();
    for path in ["/v1/default", "/", "/openapi.json", "/session", "/v1/sessions"] {
        for origin in ["", "Origin: https://example.org\r\n"] {
            let answer = it.raw("GET", &format!("/{key}{path}"), origin, "").await;
            assert_eq!((answer.status, answer.refusal().0.as_str()), (403, "token"), "{path}");
        }
    }
    // Another session has another key, and one that has ended has none.
    let other = it.post("/v1/sessions", Value::Null).await.ok();
    let (id, other_key) =
        (other["sessionId"].as_str().unwrap(), other["pageKey"].as_str().unwrap());
    let (_, secret) = other_key.split_once('.').unwrap();
    let answer = it.raw("GET", &format!("/default.{secret}/page"), "", "").await;
    assert_eq!(answer.status, 401);
    it.call("DELETE", &format!("/v1/{id}"), Value::Null).await.ok();
    assert_eq!(it.raw("GET", &format!("/{other_key}/page"), "", "").await.status, 401);
}

#[tokio::test]
async fn pages_of_any_origin_are_told_that_they_may_ask() {
    let it = Running::start().await;
    let key = it.service.default_session().page_key().unwrap();
    let head = "Origin: https://example.org\r\nAccess-Control-Request-Method: POST\r\n";
    let answer = it.raw("OPTIONS", &format!("/{key}/page/anything"), head, "").await;
    assert_eq!(answer.status, 204);
    assert!(answer.head.contains("access-control-allow-origin: https://example.org"));
    assert!(answer.head.contains("access-control-allow-private-network: true"));
}
