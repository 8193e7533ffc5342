//! An authority that is asked over HTTP: one request, one answer.

use std::{path::Path, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use towline::transport::why_not_trusted;
use towline_tpm::LONGEST_ENROLLMENT;
use url::Url;

use crate::{exit::Failure, network, tls};

/// How long the authority may take, which may ask somebody.
const PATIENCE: Duration = Duration::from_secs(60);
/// As much as is shown of what it says instead of an answer.
const REASON_MAX: usize = 200;

/// Sends a request for a certificate, and gives the answer.
pub(super) async fn ask(
    url: &Url,
    roots: Option<&Path>,
    request: String,
) -> Result<String, Failure> {
    let answer = async {
        let (host, port) = network::host_and_port(url)?;
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(|error| unreachable(url, &error.to_string()))?;
        if url.scheme() != "https" {
            return exchange(stream, url, request).await;
        }
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|_| unreachable(url, "the host can have no certificate"))?;
        let config = Arc::new(tls::client(roots, None)?);
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let stream = stream.map_err(|error| unreachable(url, &why_not_trusted(&error)))?;
        exchange(stream, url, request).await
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(unreachable(url, "no answer in time")))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Url,
    request: String,
) -> Result<String, Failure> {
    let strange = |error: &dyn std::fmt::Display| unreachable(url, &error.to_string());
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| strange(&error))?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = Request::post(path)
        .header(HOST, url.authority())
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::from(request)))
        .map_err(|error| strange(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| strange(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ENROLLMENT).collect().await;
        let body = body.map_err(|error| strange(&error))?.to_bytes();
        Ok::<_, Failure>((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(answer);
    let (status, body) = tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    let why: String = body.trim().chars().take(REASON_MAX).collect();
    Err(Failure::environment(
        "enrollment_refused",
        format!("{url} gives no certificate ({status}): {why}"),
    ))
}

fn unreachable(url: &Url, why: &str) -> Failure {
    Failure::environment("authority", format!("the authority at {url} can't be asked: {why}"))
}
