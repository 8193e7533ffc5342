//! One request over a connection of its own, to another server on this machine.

use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 1 << 22;

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Nothing answers there.
    #[error("{0}")]
    Unreachable(String),
    /// Whatever answers does not speak HTTP as expected.
    #[error("{0}")]
    Strange(String),
}

/// Sends a request to a host and port, and reads the answer, of at most 4 MiB. The URI of the
/// request says which host is meant, where no header `Host` does. It waits as long as it takes:
/// dropping it gives up.
///
/// # Errors
/// [`ExchangeError`].
pub async fn exchange(
    host: &str,
    port: u16,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, ExchangeError> {
    let unreachable = |error: &dyn std::fmt::Display| ExchangeError::Unreachable(error.to_string());
    let strange = |error: &dyn std::fmt::Display| ExchangeError::Strange(error.to_string());
    let stream = TcpStream::connect((host, port)).await.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
    let (mut parts, body) = request.into_parts();
    if !parts.headers.contains_key(header::HOST) {
        let authority = parts.uri.authority().map_or_else(String::new, ToString::to_string);
        let host = HeaderValue::from_str(&authority).map_err(|error| strange(&error))?;
        parts.headers.insert(header::HOST, host);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>().map_err(|error| strange(&error))?;
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| strange(&error))?;
        let (parts, body) = response.into_parts();
        let body =
            Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| strange(&error))?;
        Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
    };
    tokio::pin!(answer);
    // The connection is driven here, not in a task of its own, so that dropping this future drops
    // it too.
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}
