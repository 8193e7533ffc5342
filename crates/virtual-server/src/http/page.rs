//! The doors for pages under test, and for programs that drive browsers on their behalf.

use std::time::Duration;

use axum::{
    Extension, Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{SinkExt as _, StreamExt as _, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    HttpRefusal, PageAccess,
    extract::{Asked, At, Body, read},
    websocket::{self, Socket},
};
use crate::{
    Service, Session,
    page::{self, Message, PageAnswer, Way},
};

/// The longest message of a page, in bytes.
const LONGEST: usize = 1 << 20;

/// How many messages of one page may wait for their answers.
const MOST: usize = 64;

/// How long a page may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// For pages, with the key of their session.
pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/page/script.js", get(script))
        .route("/page", post(ask))
        .route("/page/socket", get(connect))
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

/// The origin of a page is what its browser says; a page can't choose it.
fn origin_of(headers: &HeaderMap) -> Result<&str, HttpRefusal> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.ok_or_else(|| {
        let message = "a message of a page comes with the header Origin, which browsers write";
        HttpRefusal::new(StatusCode::BAD_REQUEST, "origin", message)
    })
}

/// What a page asks for.
async fn ask(
    Extension(PageAccess { session }): Extension<PageAccess>,
    headers: HeaderMap,
    Body(message): Body<Message>,
) -> Result<Json<PageAnswer>, HttpRefusal> {
    Ok(Json(PageAnswer::to(&session, origin_of(&headers)?, message).await))
}

/// The same over a WebSocket, which costs a page a fraction of a request.
async fn connect(
    Extension(PageAccess { session }): Extension<PageAccess>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let origin = origin_of(request.headers())?.to_owned();
    websocket::accept(request, LONGEST, |socket| serve(session, origin, socket))
}

/// The answer to a message that came over a WebSocket.
#[derive(Serialize)]
struct Answered {
    id: String,
    answer: PageAnswer,
}

/// Answers messages in whatever order they are done with. What still waits at the end is dropped,
/// as of a page that is left.
async fn serve(session: Session, origin: String, socket: Socket) {
    let (mut answers, mut messages) = socket.split();
    let mut waiting = FuturesUnordered::new();
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(tungstenite::Message::Text(text))) if waiting.len() < MOST => {
                    let Ok(message) = read::<Message>(text.as_bytes()) else { break };
                    let (session, origin) = (&session, &origin);
                    waiting.push(async move {
                        let id = message.id().to_owned();
                        Answered { id, answer: PageAnswer::to(session, origin, message).await }
                    });
                }
                Some(Ok(it)) if it.is_ping() || it.is_pong() => {}
                // What the script never sends.
                _ => break,
            },
            Some(answered) = waiting.next() => {
                let Ok(text) = serde_json::to_string(&answered) else { break };
                let sent = answers.send(tungstenite::Message::text(text));
                if !matches!(tokio::time::timeout(PATIENCE, sent).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
    let _gone = tokio::time::timeout(PATIENCE, answers.close()).await;
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
