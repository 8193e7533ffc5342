//! DevTools over HTTP: what there is to connect to, below `/json`, and the WebSockets, below
//! `/devtools`.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{OriginalUri, Path, Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    HttpRefusal,
    websocket::{self, Socket},
};
use crate::{
    Service, Session, SessionId,
    devtools::{Connection, PRODUCT, PROTOCOL_VERSION},
};

/// The longest message of a client, in bytes.
const LONGEST: usize = 1 << 20;

/// How long a client may take to read a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// The description from which some clients make their methods.
const PROTOCOL: &str = include_str!("../devtools/protocol.json");

/// The paths of DevTools. Some clients put a slash behind them.
pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/json/version", get(browser))
        .route("/json/version/", get(browser))
        .route("/json", get(list))
        .route("/json/list", get(list))
        .route("/json/list/", get(list))
        .route("/json/protocol", get(protocol))
        .route("/json/protocol/", get(protocol))
        .route("/devtools/browser", get(to_default))
        .route("/devtools/browser/{id}", get(to_default))
        .route("/devtools/page/{session}", get(to_session))
}

async fn browser(original: OriginalUri, request: Request) -> Json<Value> {
    Json(json!({
        "Browser": PRODUCT,
        "Protocol-Version": PROTOCOL_VERSION,
        "User-Agent": PRODUCT,
        "webSocketDebuggerUrl": format!("{}/devtools/browser", base(&original, &request)),
    }))
}

async fn list(
    State(service): State<Service>,
    original: OriginalUri,
    request: Request,
) -> Json<Value> {
    let base = base(&original, &request);
    // It is there from the first time that it is asked for.
    let _default = service.default_session();
    let targets = service.session_ids().into_iter().map(|id| {
        json!({
            "description": "",
            "id": id,
            "title": id,
            "type": "page",
            "url": "about:blank",
            "webSocketDebuggerUrl": format!("{base}/devtools/page/{id}"),
        })
    });
    Json(targets.collect())
}

async fn protocol() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], PROTOCOL).into_response()
}

/// The beginning of the addresses of WebSockets, with the token if it was in the path.
fn base(original: &OriginalUri, request: &Request) -> String {
    let prefix = original.0.path().strip_suffix(request.uri().path()).unwrap_or_default();
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    format!("ws://{}{prefix}", host.unwrap_or("localhost"))
}

async fn to_default(
    State(service): State<Service>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let session = service.default_session();
    accept(&service, session, request)
}

async fn to_session(
    State(service): State<Service>,
    Path(session): Path<String>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let session = service.session(&SessionId::new(session))?;
    accept(&service, session, request)
}

/// Serves a client of DevTools.
fn accept(service: &Service, session: Session, request: Request) -> Result<Response, HttpRefusal> {
    let connection = Connection::new(service, session);
    websocket::accept(request, LONGEST, |socket| serve(connection, socket))
}

async fn serve(mut connection: Connection, mut socket: Socket) {
    loop {
        let messages = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => connection.handle_text(&text),
                Some(Ok(Message::Binary(_))) => {
                    let reason = "messages are text".into();
                    let frame = CloseFrame { code: CloseCode::Unsupported, reason };
                    let _gone = tokio::time::timeout(PATIENCE, socket.close(Some(frame))).await;
                    return;
                }
                // Pings are answered below.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            messages = connection.next_events() => messages,
        };
        for message in messages {
            let sent = tokio::time::timeout(PATIENCE, socket.send(Message::text(message))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
    let _gone = tokio::time::timeout(PATIENCE, socket.close(None)).await;
}
