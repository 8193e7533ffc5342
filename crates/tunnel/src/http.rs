//! From an HTTP request to an answer: a refusal, or an upgrade whose socket goes to a task of its own.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, Response, StatusCode, Version};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use towline_hybrid::relay::{self, Refusal, RequestHead, Source};
use towline_hybrid::tunnel::{
    CLIENT_PAYLOAD_HEADER, CONTACT_KEY_HEADER, ROUTING_ID_HEADER, SIGNAL_CONNECTION_HEADER,
    SUBPROTOCOL,
};

use crate::leg::{self, Waiting};
use crate::shared::{Admitted, Shared};

/// The only version of the WebSocket protocol there is (RFC 6455 §4.1).
const WEBSOCKET_VERSION: &str = "13";

/// Answers one request. An admitted one is carried on by a task that holds `alive`.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    source: Source,
    mut request: Request<Incoming>,
    alive: mpsc::Sender<()>,
) -> Response<Empty<Bytes>> {
    let admitted = read(shared, &request)
        .and_then(|(wanted, accept)| Ok((shared.admit(source, &wanted)?, accept, wanted)));
    let (mut admitted, accept, wanted) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(shared, refusal),
    };
    if let Admitted::Ringing { answer, .. } = &mut admitted {
        // The rendezvous answers in time, whatever the phone does.
        if let Err(refusal) = answer.await.unwrap_or(Err(Refusal::Unavailable)) {
            return refuse(shared, refusal);
        }
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    match admitted {
        Admitted::Waiting { guard, routing_id, events } => {
            tracing::debug!("a phone waits");
            insert(headers, ROUTING_ID_HEADER, &routing_id);
            let waiting = Waiting::Phone;
            tokio::spawn(leg::wait(shared.clone(), guard, upgrade, events, waiting, alive));
        }
        Admitted::Listening { guard, events } => {
            tracing::debug!("a phone listens");
            tokio::spawn(leg::listen(shared.clone(), guard, upgrade, events, alive));
        }
        Admitted::Ringing { guard, events, .. } => {
            tracing::debug!("a phone comes to a computer that rang");
            let signal = matches!(wanted, relay::Request::Contact { signal: true, .. });
            if signal {
                insert(headers, SIGNAL_CONNECTION_HEADER, "true");
            }
            let waiting = Waiting::Computer { signal };
            tokio::spawn(leg::wait(shared.clone(), guard, upgrade, events, waiting, alive));
        }
        Admitted::Joined { guard, partner } => {
            tracing::debug!("the other end joins");
            tokio::spawn(leg::join(shared.clone(), guard, upgrade, partner, alive));
        }
    }
    response
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) =
        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
    {
        headers.insert(name, value);
    }
}

fn refuse(shared: &Shared, refusal: Refusal) -> Response<Empty<Bytes>> {
    shared.counters.refused(refusal);
    tracing::debug!(status = refusal.status(), %refusal, "request refused");
    let mut response = Response::new(Empty::new());
    *response.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    // One connection, one request. (Hyper's own switch for this would also spoil the answer to an upgrade.)
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The request, and what proves to the client that it was understood as a WebSocket upgrade.
fn read(
    shared: &Shared,
    request: &Request<Incoming>,
) -> Result<(relay::Request, HeaderValue), Refusal> {
    let headers = request.headers();
    let head = RequestHead {
        method: request.method().as_str(),
        target: request.uri().path_and_query().map_or("", |target| target.as_str()),
        subprotocols: values(headers, &SEC_WEBSOCKET_PROTOCOL),
        origins: values(headers, &ORIGIN),
        client_payloads: named(headers, CLIENT_PAYLOAD_HEADER),
        signals: named(headers, SIGNAL_CONNECTION_HEADER),
        contact_keys: named(headers, CONTACT_KEY_HEADER),
        origin_policy: Some(&shared.origin_policy),
    };
    let wanted = head.read()?;
    // What follows an upgrade is the WebSocket's: a body would be read as its first frames, or be lost (RFC 6455 §4.1).
    if request.version() != Version::HTTP_11 || !request.body().is_end_stream() {
        return Err(Refusal::Malformed);
    }
    let lists = |name: &HeaderName, token: &str| {
        let mut tokens = values(headers, name).into_iter().flat_map(|value| value.split(','));
        tokens.any(|given| given.trim().eq_ignore_ascii_case(token))
    };
    let upgrade = lists(&CONNECTION, "upgrade") && lists(&UPGRADE, "websocket");
    if !upgrade || values(headers, &SEC_WEBSOCKET_VERSION) != [WEBSOCKET_VERSION] {
        return Err(Refusal::Malformed);
    }
    let keys = values(headers, &SEC_WEBSOCKET_KEY);
    let [key] = keys.as_slice() else { return Err(Refusal::Malformed) };
    // Sixteen bytes in base64. What they are does not matter: they go into a hash.
    if key.len() != 24 || !key.ends_with("==") {
        return Err(Refusal::Malformed);
    }
    let accept = derive_accept_key(key.as_bytes());
    Ok((wanted, HeaderValue::from_str(&accept).map_err(|_| Refusal::Malformed)?))
}

/// Every value of a header. One that is not text counts as an empty one: it is there, and it is wrong.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
}

/// The same, by a name in text.
fn named<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
}
