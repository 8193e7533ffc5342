//! DevTools over HTTP: what there is to connect to, below `/json`, and the WebSockets, below
//! `/devtools`.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::HttpRefusal;
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

/// Answers the handshake of a WebSocket (RFC 6455 §4.2), and serves what comes over it.
fn accept(
    service: &Service,
    session: Session,
    mut request: Request,
) -> Result<Response, HttpRefusal> {
    let no_websocket = || {
        let message = "this is the address of a WebSocket; connect a client of DevTools to it";
        HttpRefusal::new(StatusCode::UPGRADE_REQUIRED, "websocket", message)
    };
    let headers = request.headers();
    let says = |name: HeaderName, word: &str| {
        let value = headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        value.split(',').any(|it| it.trim().eq_ignore_ascii_case(word))
    };
    let right = says(header::CONNECTION, "upgrade")
        && says(header::UPGRADE, "websocket")
        && says(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| right);
    let accepted = derive_accept_key(key.ok_or_else(no_websocket)?.as_bytes());
    let accepted = HeaderValue::from_str(&accepted).map_err(|_| no_websocket())?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(no_websocket)?;
    let connection = Connection::new(service, session);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(connection, upgraded).await;
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

async fn serve(mut connection: Connection, upgraded: Upgraded) {
    let limits =
        WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(limits)).await;
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
