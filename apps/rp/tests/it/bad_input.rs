//! Requests that no client of ours would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use towline_rp::{ClientError, RpClient, RpConfig, RpLimits};

use crate::{Running, start};

async fn raw(rp: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(rp.addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses early may reset the connection after its answer.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

async fn post(rp: &Running, path: &str, headers: &str, body: &str) -> String {
    let (port, length) = (rp.addr.port(), body.len());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    raw(rp, &request).await
}

fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(
        answer.contains(&format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"")),
        "{answer}"
    );
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn bodies_that_are_not_the_json_needed_are_refused() {
    let rp = start(RpConfig::default()).await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"account\":1,\"key_name\":\"x\"}",
        "{\"account\":\"a\"}",
        "\u{1}",
    ] {
        assert_refused(&post(&rp, "/register/begin", JSON, body).await, 400, "bad_request");
    }
    let unknown = "{\"account\":\"a\",\"key_name\":\"x\",\"admin\":true}";
    assert_refused(&post(&rp, "/register/begin", JSON, unknown).await, 400, "bad_request");
    let deep = "[".repeat(10_000);
    assert_refused(&post(&rp, "/sign-in/finish", JSON, &deep).await, 400, "bad_request");
}

#[tokio::test]
async fn bodies_of_another_type_are_refused() {
    let rp = start(RpConfig::default()).await;
    for headers in
        ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
    {
        assert_refused(
            &post(&rp, "/sign-in/begin", headers, "{}").await,
            415,
            "unsupported_media_type",
        );
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused() {
    let rp = start(RpConfig {
        limits: RpLimits { body: 100, ..RpLimits::default() },
        ..RpConfig::default()
    })
    .await;
    let body = format!("{{\"account\":\"{}\"}}", "a".repeat(200));
    assert_refused(&post(&rp, "/sign-in/begin", JSON, &body).await, 413, "too_large");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let limits = RpLimits { request_time: Duration::from_millis(500), ..RpLimits::default() };
    let rp = start(RpConfig { limits, ..RpConfig::default() }).await;
    let port = rp.addr.port();
    let request = format!(
        "POST /sign-in/begin HTTP/1.1\r\nHost: localhost:{port}\r\n{JSON}Content-Length: 10\r\n\r\n{{"
    );
    assert_refused(&raw(&rp, &request).await, 408, "too_slow");
}

#[tokio::test]
async fn headers_that_never_end_are_given_up() {
    let limits = RpLimits { request_time: Duration::from_millis(500), ..RpLimits::default() };
    let rp = start(RpConfig { limits, ..RpConfig::default() }).await;
    let answer = raw(&rp, "GET / HTTP/1.1\r\nHost: ").await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn other_pages_and_methods_are_refused() {
    let rp = start(RpConfig::default()).await;
    let port = rp.addr.port();
    let ask = |line: &str| {
        format!("{line} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")
    };
    assert_refused(&raw(&rp, &ask("GET /nothing")).await, 404, "not_found");
    assert_refused(&raw(&rp, &ask("GET /register/begin")).await, 405, "method_not_allowed");
    assert_refused(&raw(&rp, &ask("DELETE /status")).await, 405, "method_not_allowed");
    assert!(raw(&rp, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_name_made_to_point_here_is_refused() {
    let rp = start(RpConfig::default()).await;
    let port = rp.addr.port();
    for host in ["evil.example", &format!("evil.example:{port}"), "localhost:1", ""] {
        let request = format!("GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_refused(&raw(&rp, &request).await, 403, "forbidden");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let rp = start(RpConfig::default()).await;
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let headers = format!("{JSON}Origin: {origin}\r\n");
        assert_refused(&post(&rp, "/sign-in/begin", &headers, "{}").await, 403, "forbidden");
    }
    let own = format!("{JSON}Origin: {}\r\n", rp.client.origin());
    assert!(post(&rp, "/sign-in/begin", &own, "{}").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_page_lists_accounts_and_keys() {
    let rp = start(RpConfig::default()).await;
    crate::accounts::register(&rp, "alice & co", "Alice's <phone>").await;
    let port = rp.addr.port();
    let page = raw(
        &rp,
        &format!("GET /overview HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"),
    )
    .await;
    assert!(page.contains("alice &amp; co") && page.contains("Alice's &lt;phone&gt;"), "{page}");
}

#[tokio::test]
async fn the_client_tells_a_stranger_from_a_relying_party() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
            "SSH-2.0\r\n",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let client = RpClient::new(&url).unwrap();
    for _ in 0..3 {
        let error = client.status().await.unwrap_err();
        assert!(matches!(error, ClientError::NotARelyingParty { .. }), "{error:?}");
    }
}
