//! The server's handshake of a WebSocket (RFC 6455 §4.2).

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::HttpRefusal;

/// One that a client has opened.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the handshake, and lets somebody serve what comes over it: messages of at most this
/// length, in bytes.
///
/// # Errors
/// Where the request is no handshake.
pub(super) fn accept<S: Future<Output = ()> + Send + 'static>(
    mut request: Request,
    longest: usize,
    serve: impl FnOnce(Socket) -> S + Send + 'static,
) -> Result<Response, HttpRefusal> {
    let no_websocket = || {
        let message = "this is the address of a WebSocket; connect to it as to one";
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
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let limits = WebSocketConfig::default()
                .max_message_size(Some(longest))
                .max_frame_size(Some(longest));
            let stream = TokioIo::new(upgraded);
            serve(WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await).await;
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}
