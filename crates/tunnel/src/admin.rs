//! The operator's listener: metrics, and whether the relay is alive and ready. Apart from the one
//! for peers, so that neither can be reached through the other.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use crate::accepting::Accepting;
use crate::shared::{Phase, Shared};

/// Questions answered at once; more have to wait.
const AT_ONCE: usize = 16;

/// How long one may take, from its connection to the end of its answer.
const TIME: Duration = Duration::from_secs(5);

/// The longest request head, in bytes: the least that hyper takes.
const MAX_HEAD: usize = 8192;

/// Answers for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let accepting = Accepting::new("operators", AT_ONCE);
    while let Some((stream, _, place)) = accepting.next(&listener).await {
        tokio::spawn(answer(stream, shared.clone(), place));
    }
}

async fn answer(stream: TcpStream, shared: Arc<Shared>, _place: OwnedSemaphorePermit) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&shared, request.method(), request.uri().path());
        async { Ok::<_, Infallible>(response) }
    });
    let answered = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if !matches!(tokio::time::timeout(TIME, answered).await, Ok(Ok(()))) {
        tracing::debug!("an operator's question went wrong");
    }
}

fn respond(shared: &Shared, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let draining = *shared.phase.borrow() != Phase::Running;
    let (status, body) = match path {
        "/metrics" => (StatusCode::OK, shared.metrics(draining)),
        "/health/live" => (StatusCode::OK, "alive\n".to_owned()),
        "/health/ready" if draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
        "/health/ready" => (StatusCode::OK, "ready\n".to_owned()),
        _ => (
            StatusCode::NOT_FOUND,
            "there are /metrics, /health/live and /health/ready\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    *response.status_mut() = status;
    if !matches!(*method, Method::GET | Method::HEAD) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        *response.body_mut() = Full::default();
    }
    response
}
