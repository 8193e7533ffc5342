//! What browsers and password managers look for at fixed addresses.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use crate::{programs::Json, site::Site};

/// Where passkeys are added and managed (W3C, "A Well-Known URL for Relying Party Passkey
/// Endpoints").
pub(super) async fn passkey_endpoints(State(site): State<Arc<Site>>) -> Response {
    let origin = &site.identity.origin;
    Json(json!({
        "enroll": format!("{origin}/account/add"),
        "manage": format!("{origin}/account"),
    }))
    .into_response()
}

/// Which origins may use this site's passkeys (WebAuthn L3 §5.11.1): this one.
pub(super) async fn webauthn(State(site): State<Arc<Site>>) -> Response {
    Json(json!({ "origins": [site.identity.origin] })).into_response()
}
