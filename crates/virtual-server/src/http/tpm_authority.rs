//! An authority for attestation keys in TPMs, which anybody on this machine may ask: what it
//! certifies is a test's.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use towline_virtual::attestation::TpmAuthority;

/// The longest request that is read, in bytes.
const REQUEST_MAX: usize = 64 << 10;

/// `POST /` takes a request for a certificate and gives the answer, both in JSON as `docs/tpm.md`
/// says; `GET /root` gives the certificate of the root in DER. Serve it by [`serve`](super::serve).
pub fn tpm_authority(authority: TpmAuthority) -> Router {
    Router::new()
        .route("/", post(answer))
        .route("/root", get(root))
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(Arc::new(authority))
}

async fn answer(
    State(authority): State<Arc<TpmAuthority>>,
    headers: HeaderMap,
    request: String,
) -> Response {
    // Pages of any origin can send a form, but not this.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "a request is application/json\n")
            .into_response();
    }
    match authority.answer_json(&request) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(refusal) => (StatusCode::FORBIDDEN, format!("{refusal}\n")).into_response(),
    }
}

async fn root(State(authority): State<Arc<TpmAuthority>>) -> Response {
    match authority.root() {
        Ok(root) => ([(header::CONTENT_TYPE, "application/pkix-cert")], root).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
