//! HTTP with JSON, and its description in OpenAPI, which follows from the handlers.

mod authenticators;
#[allow(unused_qualifications, reason = "utoipa writes out what `params` names")]
mod ceremonies;
mod credentials;
#[allow(unused_qualifications, reason = "utoipa writes out what `params` names")]
mod ctap;
mod description;
#[allow(unused_qualifications, reason = "utoipa writes out what `params` names")]
mod log;
mod people;
mod phones;
mod screens;
mod sessions;

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::Service;

/// The paths below `/v1`, and their description.
pub(super) fn router() -> Router<Service> {
    let (router, mut description) = OpenApiRouter::with_openapi(description::Head::openapi())
        .merge(sessions::routes())
        .merge(authenticators::routes())
        .merge(credentials::routes())
        .merge(people::routes())
        .merge(ceremonies::routes())
        .merge(ctap::routes())
        .merge(phones::routes())
        .merge(screens::routes())
        .merge(log::routes())
        .merge(super::page::relays())
        .split_for_parts();
    description::complete(&mut description);
    // It is made once, and is the same for everybody.
    let description: Arc<str> = description.to_json().unwrap_or_default().into();
    router.route("/openapi.json", get(move || describe(description)))
}

async fn describe(description: Arc<str>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description.to_string()).into_response()
}
