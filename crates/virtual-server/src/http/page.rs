//! The doors for pages under test, and for programs that drive browsers on their behalf.

use axum::{
    Extension, Json as Written, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{Body, PageAccess, Refusal};
use crate::{
    Service, SessionId,
    page::{self, Answer, Message, UnderWay, Way},
};

/// For pages, with the key of their session.
pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/page/script.js", get(script))
        .route("/page", post(ask))
        .layer(Extension(UnderWay::default()))
}

/// For programs with the token: what pages hand to a function that such a program has bound.
pub(super) fn control() -> Router<Service> {
    Router::new()
        .route("/v1/sessions/{session}/page", post(relay))
        .route("/v1/sessions/{session}/page/script.js", get(bound_script))
        .layer(Extension(UnderWay::default()))
}

/// A script, which is another one whenever the service starts.
fn javascript(script: String) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    let store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let strict = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    ([kind, store, strict], script).into_response()
}

async fn script(
    Extension(PageAccess { session }): Extension<PageAccess>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // The guard has let it through, so that it is one of this machine's names.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let key = session.page_key().unwrap_or_default();
    Ok(javascript(page::script(&Way::Endpoint(format!("http://{host}/{key}/page")))))
}

/// What a page asks for. Its origin is what the browser says; a page can't choose it.
async fn ask(
    Extension(PageAccess { session }): Extension<PageAccess>,
    Extension(under_way): Extension<UnderWay>,
    headers: HeaderMap,
    Body(message): Body<Message>,
) -> Result<Written<Answer>, Refusal> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin else {
        let message = "a message of a page comes with the header Origin, which browsers write";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "origin", message));
    };
    Ok(Written(Answer::to(&session, &under_way, origin, message).await))
}

/// A message of a page, with the origin of the frame that it came from.
#[derive(Deserialize)]
struct Relayed {
    origin: String,
    message: Message,
}

async fn relay(
    State(service): State<Service>,
    Extension(under_way): Extension<UnderWay>,
    Path(session): Path<SessionId>,
    Body(Relayed { origin, message }): Body<Relayed>,
) -> Result<Written<Answer>, Refusal> {
    let session = service.session(&session)?;
    Ok(Written(Answer::to(&session, &under_way, &origin, message).await))
}

#[derive(Deserialize)]
struct Bound {
    binding: String,
}

async fn bound_script(
    State(service): State<Service>,
    Path(session): Path<SessionId>,
    axum::extract::Query(Bound { binding }): axum::extract::Query<Bound>,
) -> Result<Response, Refusal> {
    service.session(&session)?;
    Ok(javascript(page::script(&Way::Binding(binding))))
}
