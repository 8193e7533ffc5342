//! Each kind of bad input: a refusal that names the member, and a service that goes on.

use serde_json::{Value, json};
use towline_virtual_server::{Service, ServiceLimits};

use crate::support::{ORIGIN, Running, creation};

#[tokio::test]
async fn bodies_that_can_not_be_used_are_refused_by_the_member() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    let person = format!("{path}/person");
    let faults = format!("{path}/faults");
    let credentials = format!("{path}/credentials");
    let ceremony = |member: &str, value: Value| {
        let mut body = json!({"origin": ORIGIN, "options": creation()});
        body[member] = value;
        body
    };
    for (method, path, body, reason, member) in [
        ("POST", "/v1/default/authenticators", json!({"transports": []}), "member", "transports"),
        ("POST", "/v1/default/authenticators", json!({"transport": "air"}), "member", "transport"),
        ("POST", "/v1/default/authenticators", json!({"hasPrf": 1}), "member", "hasPrf"),
        ("POST", "/v1/default/authenticators", json!([]), "member", ""),
        (
            "POST",
            "/v1/default/authenticators",
            json!({"extensions": ["credProtect", "x"]}),
            "unsupported",
            "extensions[1]",
        ),
        ("PATCH", path.as_str(), json!({"isUserPresent": true}), "member", "isUserPresent"),
        ("PUT", person.as_str(), json!({"rules": "sleeps"}), "member", "rules"),
        ("PUT", person.as_str(), json!({}), "member", ""),
        ("PUT", person.as_str(), json!({"rules": "x".repeat(20_000)}), "member", "rules"),
        (
            "PUT",
            faults.as_str(),
            json!({"faults": [{"fault": "high-s"}, {"fault": "x"}]}),
            "member",
            "faults[1].fault",
        ),
        (
            "PUT",
            faults.as_str(),
            json!({"faults": [{"fault": "loses-reports"}]}),
            "member",
            "faults[0].fault",
        ),
        ("POST", credentials.as_str(), json!({"credentialId": "*"}), "member", "credentialId"),
        (
            "POST",
            credentials.as_str(),
            json!({"credentialId": "AA", "rpId": "example.org", "privateKey": "AA"}),
            "member",
            "privateKey",
        ),
        ("GET", "/v1/default/log?after=-1", Value::Null, "member", "after"),
        ("GET", "/v1/default/ceremonies/x?wait=x", Value::Null, "member", "wait"),
        ("PATCH", "/v1/default/clock", json!({"advance": -1}), "member", "advance"),
        ("PATCH", "/v1/default/clock", json!({"advance": 1e300}), "member", "advance"),
        ("PATCH", "/v1/default/clock", json!({"advance": 4e8}), "member", "advance"),
        ("POST", "/v1/default/create", ceremony("wait", json!(1e9)), "member", "wait"),
        ("POST", "/v1/default/create", ceremony("mediation", json!("x")), "member", "mediation"),
        ("POST", "/v1/default/create", ceremony("more", json!(1)), "member", "more"),
        ("POST", "/v1/default/create", ceremony("origin", json!("ftp://x")), "ceremony", ""),
        ("POST", "/v1/default/create", ceremony("options", json!(1)), "ceremony", ""),
        ("POST", "/v1/default/get", json!({"options": {}}), "member", ""),
    ] {
        let answer = it.call(method, path, body.clone()).await;
        let (why, what, message) = answer.refusal();
        assert_eq!((why.as_str(), what.as_str()), (reason, member), "{path} {body}: {message}");
    }
    // Nothing of it has done anything.
    assert_eq!(it.register().await.status, 200);
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let it = Running::start().await;
    let path = format!("/{}/v1/default/authenticators", it.token);
    for body in ["{", "{\"transport\"}", "nonsense", "{} {}", "{\"name\":1e}"] {
        let answer = it.raw("POST", &path, "", body).await;
        assert_eq!(answer.refusal().0, "not-json", "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(it.raw("POST", &path, "", &deep).await.status, 400);
}

#[tokio::test]
async fn unknown_names_are_said_by_kind() {
    let it = Running::start().await;
    let path = it.authenticator(json!({})).await;
    for (path, reason) in [
        ("/v1/nobody", "unknown-session"),
        ("/v1/nobody/authenticators", "unknown-session"),
        ("/v1/default/authenticators/nobody", "unknown-authenticator"),
        ("/v1/default/authenticators/nobody/credentials", "unknown-authenticator"),
        ("/v1/default/authenticators/nobody/person", "unknown-authenticator"),
        ("/v1/default/ceremonies/nobody", "unknown-ceremony"),
        ("/v1/default/log?since=1", "member"),
        ("/v1/default/log?after=x", "member"),
        ("/v2", "path"),
        ("/v1/default/nothing", "path"),
        ("/v1/%ff", "path"),
    ] {
        assert_eq!(it.get(path).await.refusal().0, reason, "{path}");
    }
    let missing = it.get(&format!("{path}/credentials/AAAA")).await;
    assert_eq!((missing.status, missing.refusal().0.as_str()), (404, "unknown-credential"));
    let bad = it.get(&format!("{path}/credentials/**")).await;
    assert_eq!((bad.status, bad.refusal().1.as_str()), (400, "credentialId"));
    let method = it.call("PUT", "/v1/default/clock", json!({})).await;
    assert_eq!((method.status, method.refusal().0.as_str()), (405, "method"));
}

#[tokio::test]
async fn there_is_a_limit_to_everything() {
    let mut limits = ServiceLimits::default();
    (limits.sessions, limits.authenticators, limits.credentials) = (2, 2, 1);
    (limits.ceremonies, limits.options_length) = (1, 2000);
    let it = Running::with(Service::new(limits)).await;
    let _default = it.service.default_session();
    it.post("/v1/sessions", Value::Null).await.ok();
    assert_eq!(it.post("/v1/sessions", Value::Null).await.refusal().0, "full");
    let path = it.authenticator(json!({"isUserConsenting": false})).await;
    let _second = it.authenticator(json!({"preset": "u2f-key"})).await;
    let third = it.post("/v1/default/authenticators", json!({})).await;
    assert_eq!((third.status, third.refusal().0.as_str()), (429, "full"));
    let body = json!({"origin": ORIGIN, "options": creation(), "wait": 0});
    assert_eq!(it.post("/v1/default/create", body.clone()).await.status, 202);
    assert_eq!(it.post("/v1/default/create", body.clone()).await.refusal().0, "full");
    let mut long = body;
    long["options"]["rp"]["name"] = json!("x".repeat(2000));
    assert_eq!(it.post("/v1/default/create", long).await.refusal().1, "options");
    // A body that is too large is not read.
    let huge = "x".repeat(2 << 20);
    let path = format!("/{}{path}/credentials", it.token);
    let answer = it.raw("POST", &path, "", &huge).await;
    assert!(matches!(answer.status, 413 | 0), "{answer:?}");
    assert_eq!(it.get("/v1/default").await.status, 200);
}

#[tokio::test]
async fn the_service_never_ends_because_of_a_request() {
    let it = Running::start().await;
    let token = it.token.clone();
    let paths = ["/", "/v1/default", "/v1/default/authenticators", "/v1/default/create", "/%00"];
    for method in ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "X"] {
        for path in paths {
            for body in ["", "null", "{}", "[]", "{\"options\":null}", "\u{0}"] {
                let _answer = it.raw(method, &format!("/{token}{path}"), "", body).await;
            }
        }
    }
    for request in ["\r\n\r\n", "GET", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}"] {
        use tokio::io::AsyncWriteExt as _;
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", it.port)).await;
        stream.unwrap().write_all(request.as_bytes()).await.unwrap();
    }
    let _path = it.authenticator(json!({})).await;
    assert_eq!(it.register().await.status, 200);
}
