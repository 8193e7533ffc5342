//! HTTP with JSON.

use axum::{Router, routing::get};

use crate::Service;

/// The paths below `/v1`, and their description.
pub(super) fn router() -> Router<Service> {
    Router::new().route("/", get(front))
}

/// What is where.
async fn front() -> &'static str {
    concat!(
        "towline virtual serve: virtual authenticators for tests.\n",
        "/openapi.json describes what is below /v1.\n",
    )
}
