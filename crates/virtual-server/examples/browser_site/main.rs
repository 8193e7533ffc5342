//! What the tests in browsers need of Rust: the service of virtual authenticators, and a site whose
//! relying party is `towline-webauthn-rp`. Prints one JSON line that says where they are, and runs
//! until its input ends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod relying_party;

use std::io::Read as _;

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::Html,
    routing::{MethodRouter, get, post},
};
use relying_party::RelyingParty;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use towline_virtual_server::{Service, http};

/// A page of the site, with this in its head.
fn page(head: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>A site</title>{head}\
         <body><button id=register>Register</button><button id=sign-in>Sign in</button>\
         <output></output><script src=/site.js></script></body></html>"
    ))
}

/// A path that takes and gives JSON; what it refuses is a 400.
fn json_door<F>(answer: F) -> MethodRouter
where
    F: Fn(&Value) -> Result<Value, String> + Clone + Send + Sync + 'static,
{
    post(move |Json(body): Json<Value>| {
        let answer = answer(&body).map(Json);
        let refused = |why| (StatusCode::BAD_REQUEST, Json(json!({ "refused": why })));
        async move { answer.map_err(refused) }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let service = Service::default();
    let session = service.default_session();
    let token = service.new_token().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let script = format!("{address}/{}/page/script.js", session.page_key().unwrap());
    let control = format!("{address}/{}", token.reveal());
    let router = http::router(service, http::Settings::new(token));
    tokio::spawn(http::serve(listener, router, std::future::pending()));

    // Reachable by an address that is no secure context, too.
    let listener = TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    let origin = format!("http://site.localhost:{}", listener.local_addr().unwrap().port());
    println!("{}", json!({ "service": control, "script": script, "site": origin }));

    let rp = RelyingParty::new(&origin);
    let ceremony = |what: &'static str| {
        let rp = rp.clone();
        json_door(move |body| rp.answer(what, body))
    };
    let tag = format!("<script src=\"{script}\"></script>");
    let strict = (header::CONTENT_SECURITY_POLICY, "default-src 'self'");
    // A page that is alone in its process has a clock of 5 microseconds, and otherwise one of 100.
    let alone = [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
    ];
    let kind = (header::CONTENT_TYPE, "text/javascript");
    let site = Router::new()
        .route("/", get(|| async { page("") }))
        .route("/tagged", get(move || async move { page(&tag) }))
        .route("/strict", get(move || async move { ([strict], page("")) }))
        .route("/isolated", get(move || async move { (alone, page("")) }))
        .route("/site.js", get(move || async move { ([kind], include_str!("site.js")) }))
        .route("/register/begin", ceremony("register/begin"))
        .route("/register/finish", ceremony("register/finish"))
        .route("/sign-in/begin", ceremony("sign-in/begin"))
        .route("/sign-in/finish", ceremony("sign-in/finish"));
    tokio::spawn(async move { axum::serve(listener, site).await.unwrap() });
    // Whoever has started this reads the site no more.
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    let _ended = tokio::task::spawn_blocking(read).await;
}
