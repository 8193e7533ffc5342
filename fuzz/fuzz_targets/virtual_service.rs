//! Requests to the JSON door of the virtual service, one a line: method, path and body. Each gets
//! one answer of the right form, and the service goes on.
#![no_main]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use libfuzzer_sys::fuzz_target;
use tower_service::Service as _;
use towline_virtual_server::{
    Service, VirtualAuthenticatorOptions,
    http::{Settings, router},
};

/// A request of the token's holder: the status, and the JSON that came with it.
async fn call(router: &mut Router, request: Request<Body>) -> (u16, Option<serde_json::Value>) {
    let response = router.call(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).ok())
}

fuzz_target!(|text: &str| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let service = Service::default();
        let session = service.default_session();
        let added = session.add_authenticator(VirtualAuthenticatorOptions::default());
        let base = format!("/v1/default/authenticators/{}", added.expect("an authenticator"));
        let token = service.new_token().expect("a token");
        let bearer = format!("Bearer {}", token.reveal());
        let mut router = router(service, Settings::new(token));
        let request = |method: &str, path: &str, body: &str| {
            Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .header("authorization", &bearer)
                .body(Body::from(body.to_owned()))
        };
        for line in text.lines().take(16) {
            let line = line.replace("{a}", &base);
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().unwrap_or_default();
            let (method, path, body) = (part(), part(), part());
            // Whoever waits for nothing would wait for seconds.
            if body.contains("\"wait\"") || path.contains("wait=") {
                continue;
            }
            let Ok(request) = request(method, path, body) else { continue };
            let answer = tokio::time::timeout(
                std::time::Duration::from_millis(20),
                call(&mut router, request),
            );
            let Ok((status, json)) = answer.await else { continue };
            if status >= 400 && method != "HEAD" {
                let error = json.expect("JSON")["error"].take();
                assert!(error["reason"].is_string() && error["message"].is_string());
            }
        }
        let last = request("GET", "/v1/default", "").expect("a request");
        let (status, json) = call(&mut router, last).await;
        assert!(status == 200 && json.expect("JSON")["sessionId"] == "default");
    });
});
