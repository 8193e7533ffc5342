//! The request of a connection, and its answer: a refusal, or the upgrade to a WebSocket (RFC 9112,
//! RFC 6455 §4.2).

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use httparse::{EMPTY_HEADER, Header, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use towline_rendezvous::tunnel::{
    CLIENT_PAYLOAD_HEADER, CONTACT_KEY_HEADER, ROUTING_ID_HEADER, SEQUENCE_HEADER,
    SIGNAL_CONNECTION_HEADER, SUBPROTOCOL,
};
use towline_rendezvous::{Refusal, RequestHead, Role, Source, TunnelRequest};
use towline_websocket::{VERSION, accept};

use crate::proxies;
use crate::requests::RequestPlace;
use crate::shared::{Admitted, Shared};
use crate::stream::Stream;

/// The longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Headers in a request. Browsers send about a dozen.
const MAX_HEADERS: usize = 64;

/// Room for the request of any client at the first try, in bytes.
const USUAL_HEAD: usize = 1024;

/// Bytes that a computer may send while its phone is asked whether it comes. It has no reason to.
const MAX_EARLY: usize = 1024;

/// What a peer asks for.
struct Asked {
    request: TunnelRequest,
    /// What proves to the client that it was understood.
    accept: String,
    /// Where it came from, as a proxy says: believed from trusted ones only.
    forwarded: Option<IpAddr>,
    /// Bytes of the head; what follows is the WebSocket's.
    head: usize,
}

/// Reads one request and answers it. An admitted one goes on with what the peer sent after it.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    place: RequestPlace,
    stream: &mut Stream,
) -> io::Result<Option<(Admitted, Vec<u8>)>> {
    let mut received = Vec::with_capacity(USUAL_HEAD);
    let asked = match read(shared, stream, &mut received).await? {
        Ok(asked) => asked,
        Err(refusal) => return refuse(shared, stream, refusal, received).await,
    };
    let mut rest = received.split_off(asked.head);
    drop(received);
    let source = match asked.forwarded {
        Some(address) if place.by_proxy => Source::of(address),
        _ => place.source,
    };
    let mut admitted = match shared.admit(source, asked.request) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(shared, stream, refusal, rest).await,
    };
    // It has another place now. A computer that rings would hold up other requests for as long as
    // the phone thinks.
    drop(place);
    if let Role::Rings { .. } = admitted.role {
        let answered = tokio::select! {
            // The rendezvous answers in time, whatever the phone does.
            answered = admitted.events.answer() => answered,
            gone = hang_up(stream, &mut rest) => return Err(gone),
        };
        if let Err(refusal) = answered {
            return refuse(shared, stream, refusal, rest).await;
        }
    }
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n",
        asked.accept
    );
    let mut header = |name: &str, value: &str| {
        response.extend([name, ": ", value, "\r\n"]);
    };
    match &admitted.role {
        Role::Waits { routing_id, .. } => {
            tracing::debug!("a phone waits");
            header(ROUTING_ID_HEADER, &routing_id.to_string());
        }
        Role::Listens { .. } => tracing::debug!("a phone listens"),
        Role::Rings { signal, .. } => {
            tracing::debug!("a phone comes to a computer that rang");
            if *signal {
                header(SIGNAL_CONNECTION_HEADER, "true");
            }
        }
        Role::Joins { .. } => tracing::debug!("the other end joins"),
    }
    response.push_str("\r\n");
    stream.write_all(response.as_bytes()).await?;
    stream.flush().await?;
    Ok(Some((admitted, rest)))
}

/// Until the peer is gone, or has sent more than it may.
async fn hang_up(stream: &mut Stream, rest: &mut Vec<u8>) -> io::Error {
    while rest.len() < MAX_EARLY {
        match stream.read_buf(rest).await {
            Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
    io::ErrorKind::InvalidData.into()
}

/// Reads a head, all of it or up to where it is wrong.
async fn read(
    shared: &Shared,
    stream: &mut Stream,
    received: &mut Vec<u8>,
) -> io::Result<Result<Asked, Refusal>> {
    // One that comes in drops is looked at when it has its empty line or is twice as long, so that
    // it costs no more than others.
    let mut look_at = 0;
    loop {
        let seen = received.len().saturating_sub(2);
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let new = received.get(seen..).unwrap_or_default();
        let empty_line =
            new.windows(2).any(|end| end == b"\n\n") || new.windows(3).any(|end| end == b"\n\r\n");
        if received.len() < look_at && !empty_line {
            continue;
        }
        look_at = received.len().saturating_mul(2).min(MAX_HEAD);
        match parse(shared, received) {
            Ok(Some(asked)) if asked.head <= MAX_HEAD => return Ok(Ok(asked)),
            Ok(None) if received.len() < MAX_HEAD => {}
            Ok(_) => return Ok(Err(Refusal::Malformed)),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
}

/// A whole request; nothing if more of it has to come.
fn parse(shared: &Shared, received: &[u8]) -> Result<Option<Asked>, Refusal> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let size = match head.parse(received).map_err(|_| Refusal::Malformed)? {
        Status::Complete(size) => size,
        Status::Partial => return Ok(None),
    };
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Err(Refusal::Malformed);
    };
    let headers = &*head.headers;
    let request = RequestHead {
        method,
        target: origin_form(target),
        hosts: values(headers, "Host"),
        subprotocols: values(headers, "Sec-WebSocket-Protocol"),
        origins: values(headers, "Origin"),
        client_payloads: values(headers, CLIENT_PAYLOAD_HEADER),
        signals: values(headers, SIGNAL_CONNECTION_HEADER),
        contact_keys: values(headers, CONTACT_KEY_HEADER),
        sequences: values(headers, SEQUENCE_HEADER),
        origin_policy: Some(&shared.origin_policy),
    }
    .read()?;
    // What follows an upgrade is the WebSocket's: a body would be read as its first frames, or be
    // lost (RFC 6455 §4.1).
    let body = values(headers, "Content-Length").iter().any(|length| length.trim() != "0")
        || !values(headers, "Transfer-Encoding").is_empty();
    let lists = |name, token| {
        let mut tokens = values(headers, name).into_iter().flat_map(|value| value.split(','));
        tokens.any(|given: &str| given.trim().eq_ignore_ascii_case(token))
    };
    let upgrade = lists("Connection", "upgrade") && lists("Upgrade", "websocket");
    let versions = values(headers, "Sec-WebSocket-Version");
    if version != 1 || body || !upgrade || versions.len() != 1 {
        return Err(Refusal::Malformed);
    }
    if versions != [VERSION] {
        return Err(Refusal::Version);
    }
    let keys = values(headers, "Sec-WebSocket-Key");
    let [key] = keys.as_slice() else { return Err(Refusal::Malformed) };
    let accept = accept(key).ok_or(Refusal::Malformed)?;
    let forwarded =
        proxies::forwarded(&values(headers, "X-Forwarded-For"), &shared.trusted_proxies);
    Ok(Some(Asked { request, accept, forwarded, head: size }))
}

/// The path of a target that names the server, too, as some clients write it for proxies (RFC 9112
/// §3.2.2).
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.find('/').and_then(|path| rest.get(path..)).unwrap_or("/")
        }
        _ => target,
    }
}

/// Every value of a header. One that is not text counts as an empty one: it is there, and it is
/// wrong.
fn values<'head>(headers: &[Header<'head>], name: &str) -> Vec<&'head str> {
    headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| std::str::from_utf8(header.value).unwrap_or_default())
        .collect()
}

/// One connection, one request. `unread` is what the peer sent besides.
async fn refuse<T>(
    shared: &Shared,
    stream: &mut Stream,
    refusal: Refusal,
    mut unread: Vec<u8>,
) -> io::Result<Option<T>> {
    shared.counters.refused(refusal);
    tracing::debug!(status = refusal.status(), %refusal, "request refused");
    let (reason, header) = match refusal {
        Refusal::Malformed | Refusal::Version => ("Bad Request", "Sec-WebSocket-Version: 13\r\n"),
        Refusal::NoSubprotocol => ("Bad Request", ""),
        Refusal::Origin => ("Forbidden", ""),
        Refusal::NotFound => ("Not Found", ""),
        Refusal::Method => ("Method Not Allowed", "Allow: GET\r\n"),
        Refusal::InUse => ("Conflict", ""),
        Refusal::Gone => ("Gone", ""),
        Refusal::TooMany => ("Too Many Requests", ""),
        _ => ("Service Unavailable", ""),
    };
    // Whoever has to mend a program or a proxy is told what is wrong.
    let (kind, body) = match refusal.status() {
        400 => ("Content-Type: text/plain\r\n", format!("{refusal}\n")),
        _ => ("", String::new()),
    };
    let response = format!(
        "HTTP/1.1 {} {reason}\r\nConnection: close\r\nContent-Length: {}\r\nDate: {}\r\n\
         {kind}{header}\r\n{body}",
        refusal.status(),
        body.len(),
        httpdate::fmt_http_date(SystemTime::now()),
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await?;
    if !unread.is_empty() {
        // A connection that is closed with something unread is reset, and the answer may be lost
        // with it.
        let reading = async {
            while stream.read_buf(&mut unread).await? > 0 {
                unread.clear();
            }
            Ok::<_, io::Error>(())
        };
        let _late = tokio::time::timeout(shared.close_timeout, reading).await;
    }
    Ok(None)
}
