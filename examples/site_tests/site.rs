//! A small site in axum, with one account; webauthn-rs-core judges its passkeys. Its page is for
//! the test in a browser.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    response::Html,
    routing::{get, post},
};
use webauthn_rs_core::{
    WebauthnCore,
    proto::{
        AuthenticationState, CreationChallengeResponse, Credential, PublicKeyCredential,
        RegisterPublicKeyCredential, RegistrationState, RequestChallengeResponse,
    },
};

/// Of whatever port.
pub(crate) const ORIGIN: &str = "http://localhost";

#[derive(Default)]
struct Site {
    registration: Option<RegistrationState>,
    passkeys: Vec<Credential>,
    sign_in: Option<AuthenticationState>,
}

type Shared = State<Arc<Mutex<Site>>>;

fn core() -> WebauthnCore {
    let (origins, patience) = (vec![ORIGIN.parse().unwrap()], Duration::from_secs(60));
    let (name, id) = ("Example", "localhost");
    WebauthnCore::new_unsafe_experts_only(name, id, origins, patience, None, Some(true))
}

async fn register(State(site): Shared) -> Json<CreationChallengeResponse> {
    let builder = core().new_challenge_register_builder(b"42", "alice", "Alice").unwrap();
    let (options, state) = core().generate_challenge_register(builder).unwrap();
    site.lock().unwrap().registration = Some(state);
    Json(options)
}

async fn registered(State(site): Shared, Json(response): Json<RegisterPublicKeyCredential>) {
    let mut site = site.lock().unwrap();
    let state = site.registration.take().unwrap();
    site.passkeys.push(core().register_credential(&response, &state, None).unwrap());
}

async fn sign_in(State(site): Shared) -> Json<RequestChallengeResponse> {
    let mut site = site.lock().unwrap();
    let builder = core().new_challenge_authenticate_builder(site.passkeys.clone(), None).unwrap();
    let (options, state) = core().generate_challenge_authenticate(builder).unwrap();
    site.sign_in = Some(state);
    Json(options)
}

async fn signed_in(State(site): Shared, Json(response): Json<PublicKeyCredential>) -> Json<bool> {
    let state = site.lock().unwrap().sign_in.take().unwrap();
    Json(core().authenticate_credential(&response, &state).is_ok())
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("site.html")) }))
        .route("/register", post(register))
        .route("/registered", post(registered))
        .route("/sign-in", post(sign_in))
        .route("/signed-in", post(signed_in))
        .with_state(Arc::default())
}
