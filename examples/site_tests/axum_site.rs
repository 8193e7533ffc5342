//! The passkeys of a site in axum, under `cargo test`: without a browser, and without a network.
//! The site is the one of `site.rs`; put your router in its place.
#![allow(clippy::unwrap_used)]

mod site;

use axum::{Router, body::Body, http::Request};
use tower_service::Service as _;
use towline_virtual::{Fault, VirtualAuthenticator, person::signing_in};

/// What a page does: it posts JSON, and gets JSON.
async fn post(site: &mut Router, path: &str, body: String) -> String {
    let request = Request::post(path).header("content-type", "application/json");
    let answer = site.call(request.body(Body::from(body)).unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn alice_registers_and_signs_in_once_she_agrees() {
    let mut site = site::router();
    let phone = VirtualAuthenticator::synced_passkey();

    let options = post(&mut site, "/register", String::new()).await;
    let response = phone.create(site::ORIGIN, &options).unwrap();
    post(&mut site, "/registered", response).await;

    phone.person().when(signing_in()).refuses().once();
    let options = post(&mut site, "/sign-in", String::new()).await;
    let refused = phone.get(site::ORIGIN, &options).unwrap_err();
    assert_eq!(refused.name(), "NotAllowedError");
    let response = phone.get(site::ORIGIN, &options).unwrap();
    assert_eq!(post(&mut site, "/signed-in", response).await, "true");
}

#[tokio::test]
async fn a_sign_in_for_another_site_is_refused() {
    let mut site = site::router();
    let phone = VirtualAuthenticator::synced_passkey();
    let options = post(&mut site, "/register", String::new()).await;
    post(&mut site, "/registered", phone.create(site::ORIGIN, &options).unwrap()).await;

    phone.faults().inject(Fault::WrongOrigin);
    let options = post(&mut site, "/sign-in", String::new()).await;
    let response = phone.get(site::ORIGIN, &options).unwrap();
    assert_eq!(post(&mut site, "/signed-in", response).await, "false");
}
