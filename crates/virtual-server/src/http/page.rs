//! The doors for pages under test, and for programs that drive browsers on their behalf.

use axum::{
    Extension, Json, Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    HttpRefusal, PageAccess,
    extract::{Asked, At, Body},
};
use crate::{
    Service,
    page::{self, Message, PageAnswer, Way},
};

/// For pages, with the key of their session.
pub(super) fn router() -> Router<Service> {
    Router::new().route("/page/script.js", get(script)).route("/page", post(ask))
}

/// For programs with the token, which hand on what pages give to a function that they have bound.
pub(super) fn relays() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(relay)).routes(routes!(bound_script))
}

/// A script. It holds an address that is another one whenever the service starts.
fn javascript(script: String) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    let unkept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let strict = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    ([kind, unkept, strict], script).into_response()
}

async fn script(
    Extension(PageAccess { session }): Extension<PageAccess>,
    headers: HeaderMap,
) -> Response {
    // The guard has let it through, so that it is a name of this machine.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let key = session.page_key().unwrap_or_default();
    javascript(page::script(&Way::Endpoint(format!("http://{host}/{key}/page"))))
}

/// What a page asks for. Its origin is what the browser says; a page can't choose it.
async fn ask(
    Extension(PageAccess { session }): Extension<PageAccess>,
    headers: HeaderMap,
    Body(message): Body<Message>,
) -> Result<Json<PageAnswer>, HttpRefusal> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin else {
        let message = "a message of a page comes with the header Origin, which browsers write";
        return Err(HttpRefusal::new(StatusCode::BAD_REQUEST, "origin", message));
    };
    Ok(Json(PageAnswer::to(&session, origin, message).await))
}

/// A message of a page, and whose page it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PageMessage {
    /// The origin of the frame that the message came from, as the browser says it.
    origin: String,
    /// What the function was called with, as JSON.
    message: Message,
}

/// Answer a message of the script for pages, which came through a bound function
#[utoipa::path(
    post,
    path = "/v1/{session}/page",
    request_body = PageMessage,
    responses((status = 200, body = PageAnswer))
)]
async fn relay(
    at: At,
    Body(PageMessage { origin, message }): Body<PageMessage>,
) -> Json<PageAnswer> {
    Json(PageAnswer::to(&at.session, &origin, message).await)
}

/// How the script reaches the service.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Binding {
    /// The name of a function of the page's window, which takes a text and promises a text.
    binding: String,
}

/// Get the script for pages that reach the service through a bound function
#[utoipa::path(
    get,
    path = "/v1/{session}/page/script.js",
    params(Binding),
    responses(
        (status = 200, body = String, content_type = "text/javascript"))
)]
async fn bound_script(_: At, Asked(Binding { binding }): Asked<Binding>) -> Response {
    javascript(page::script(&Way::Binding(binding)))
}
