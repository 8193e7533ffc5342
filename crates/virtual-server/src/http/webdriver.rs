//! WebDriver over HTTP: below `/session`, and `/status`.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequest as _, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};

use crate::{
    Service,
    webdriver::{RemoteEnd, WebDriverResponse},
};

/// The paths of WebDriver.
pub(super) fn router<S: Clone + Send + Sync + 'static>(service: &Service) -> Router<S> {
    Router::new()
        .route("/status", any(serve))
        .route("/session", any(serve))
        .route("/session/{*rest}", any(serve))
        .with_state(Arc::new(RemoteEnd::new(service)))
}

async fn serve(State(remote_end): State<Arc<RemoteEnd>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match Bytes::from_request(request, &()).await {
        Ok(body) => dressed(&remote_end.answer(method.as_str(), &path, &body)),
        Err(rejection) => {
            // It is too long, or broke off.
            dressed(&WebDriverResponse::unread(rejection.status().as_u16(), &rejection.body_text()))
        }
    }
}

/// A response as every command has it (WebDriver §6.4, "send a response").
fn dressed(answer: &WebDriverResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body.to_string()).into_response();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
