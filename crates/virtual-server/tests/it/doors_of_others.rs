//! The doors of WebDriver and DevTools over real sockets: what they look like there, and who stays
//! outside.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest as _,
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::support::Running;

type Socket = WebSocketStream<TcpStream>;

/// Connects to the address of a WebSocket.
async fn connect(it: &Running, address: &str) -> Socket {
    let stream = TcpStream::connect(("127.0.0.1", it.port)).await.unwrap();
    client_async(address, stream).await.unwrap().0
}

async fn connected(it: &Running) -> Socket {
    let version = it.get("/json/version").await.ok();
    connect(it, version["webSocketDebuggerUrl"].as_str().unwrap()).await
}

async fn next(socket: &mut Socket) -> Value {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn send(socket: &mut Socket, message: Value) -> Value {
    socket.send(Message::text(message.to_string())).await.unwrap();
    next(socket).await
}

#[tokio::test]
async fn webdriver_answers_as_its_specification_says() {
    let it = Running::start().await;
    let created = it.post("/session", json!({ "capabilities": {} })).await;
    assert!(created.head.contains("content-type: application/json; charset=utf-8"), "{created:?}");
    assert!(created.head.contains("cache-control: no-cache"), "{created:?}");
    assert!(created.text.starts_with('{'));
    let session = created.ok()["value"]["sessionId"].as_str().unwrap().to_owned();
    let path = format!("/session/{session}/webauthn/authenticator");
    let options = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true });
    let authenticator = it.post(&path, options).await.ok()["value"].as_str().unwrap().to_owned();
    // It is an authenticator of the session of the same name.
    let listed = it.get(&format!("/v1/{session}/authenticators")).await.ok();
    assert_eq!(listed["authenticators"].as_array().unwrap().len(), 1);
    let refused = it.get(&format!("{path}/{authenticator}/credentials/AA%3D%3D")).await;
    assert_eq!(
        (refused.status, &refused.json()["value"]["error"]),
        (405, &json!("unknown method"))
    );
    let unknown = it.get(&format!("/session/{session}/url")).await;
    assert_eq!(
        (unknown.status, &unknown.json()["value"]["error"]),
        (404, &json!("unknown command"))
    );
    assert_eq!(it.get("/status").await.ok()["value"]["ready"], true);
    // The address that the program prints has a slash at its end.
    assert_eq!(it.get("//status").await.ok()["value"]["ready"], true);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_an_invalid_argument() {
    let it = Running::start().await;
    let name = "x".repeat(2 << 20);
    let refused = it.post("/session", json!({ "capabilities": { "x": name } })).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.json()["value"]["error"], "invalid argument");
    assert_eq!(it.get("/status").await.status, 200);
}

#[tokio::test]
async fn a_client_of_devtools_is_told_what_happens() {
    let it = Running::start().await;
    let listed = it.get("/json/list").await.ok();
    assert_eq!(listed[0]["id"], "default");
    let mut socket = connect(&it, listed[0]["webSocketDebuggerUrl"].as_str().unwrap()).await;
    let enabled = send(&mut socket, json!({ "id": 1, "method": "WebAuthn.enable" })).await;
    assert_eq!(enabled, json!({ "id": 1, "result": {} }));
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true,
    });
    let add = json!({
        "id": 2, "method": "WebAuthn.addVirtualAuthenticator", "params": { "options": options },
    });
    let id = send(&mut socket, add).await["result"]["authenticatorId"].clone();
    it.register().await.ok();
    let event = next(&mut socket).await;
    assert_eq!(event["method"], "WebAuthn.credentialAdded");
    assert_eq!(event["params"]["authenticatorId"], id);
    it.sign_in().await.ok();
    assert_eq!(next(&mut socket).await["method"], "WebAuthn.credentialAsserted");
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    // What the client has made goes with it.
    let session = it.service.default_session();
    while !session.authenticators().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_address_of_devtools_is_there_with_a_slash_and_without() {
    let it = Running::start().await;
    for path in ["/json/version", "/json/list", "/json/protocol"] {
        let answer = it.get(path).await.ok();
        assert_eq!(it.get(&format!("{path}/")).await.ok(), answer);
    }
    let unknown = it.get("/devtools/page/nobody").await;
    assert_eq!(unknown.refusal().0, "unknown-session");
    for path in ["/devtools/browser", "/devtools/page/default"] {
        assert_eq!(
            (it.get(path).await.status, it.get(path).await.refusal().0.as_str()),
            (426, "websocket")
        );
    }
}

#[tokio::test]
async fn what_is_no_text_or_too_long_ends_the_connection_and_nothing_else() {
    let it = Running::start().await;
    let mut socket = connected(&it).await;
    socket.send(Message::binary(vec![0; 4])).await.unwrap();
    let closed = socket.next().await.unwrap().unwrap();
    assert!(
        matches!(&closed, Message::Close(Some(CloseFrame { code: CloseCode::Unsupported, .. }))),
        "{closed:?}"
    );
    let mut socket = connected(&it).await;
    let _sent = socket.send(Message::text("x".repeat(2 << 20))).await;
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    let mut socket = connected(&it).await;
    let answer = send(&mut socket, json!({ "id": 1, "method": "Browser.getVersion" })).await;
    assert!(answer["result"]["product"].as_str().unwrap().starts_with("towline/"));
}

#[tokio::test]
async fn a_page_of_another_origin_gets_into_neither() {
    let it = Running::start().await;
    let origin = "Origin: https://attacker.example\r\n";
    for (method, path) in
        [("POST", "/session"), ("GET", "/status"), ("GET", "/json/version"), ("GET", "/json/list")]
    {
        let body = r#"{"capabilities": {}}"#;
        let path = format!("/{}{path}", it.token);
        let answer = it.raw(method, &path, origin, body).await;
        assert_eq!((answer.status, answer.refusal().0.as_str()), (403, "origin"), "{path}");
        let answer = it.raw(method, &path, "Host: attacker.example\r\n", body).await;
        assert_eq!((answer.status, answer.refusal().0.as_str()), (421, "host"), "{path}");
    }
    assert_eq!(it.service.session_ids().len(), 0);
    let address = format!("ws://127.0.0.1:{}/{}/devtools/browser", it.port, it.token);
    let mut request = address.as_str().into_client_request().unwrap();
    let attacker = HeaderValue::from_static("https://attacker.example");
    request.headers_mut().insert("origin", attacker);
    let stream = TcpStream::connect(("127.0.0.1", it.port)).await.unwrap();
    let error = client_async(request, stream).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    let address = format!("ws://127.0.0.1:{}/{}x/devtools/browser", it.port, it.token);
    let stream = TcpStream::connect(("127.0.0.1", it.port)).await.unwrap();
    let error = client_async(address, stream).await.unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
}
