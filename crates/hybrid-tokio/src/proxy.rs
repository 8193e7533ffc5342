//! Networks whose way out is an HTTP proxy.

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tower_service::Service;
use towline_hybrid::tunnel::ConnectFailure;

/// The text names no HTTP proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no HTTP proxy; one looks like http://proxy.example:3128")]
pub struct NotAProxy;

/// Which HTTP proxy leads to which host, by `CONNECT` (RFC 9110 §9.3.6). What goes through is TLS:
/// the proxy learns the name of the tunnel service and no more. The proxy finds the service's
/// address, too.
///
/// Hosts of this machine (`localhost` and loopback addresses) are never reached through a proxy.
#[derive(Clone)]
pub struct Proxy(Arc<Matcher>);

impl Proxy {
    /// As the environment says: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not,
    /// which are understood as curl does. Without them no proxy is used.
    #[must_use]
    pub fn from_environment() -> Self {
        Self(Arc::new(Matcher::from_env()))
    }

    /// This one for every host: `http://HOST:PORT`, with `USER:PASSWORD@` before the host where it
    /// asks for them.
    ///
    /// # Errors
    /// [`NotAProxy`].
    pub fn new(url: &str) -> Result<Self, NotAProxy> {
        let matcher = Matcher::builder().all(url).build();
        let (host, port) = ("tunnel.invalid", 443);
        let intercept = intercepted(&matcher, host, port).ok_or(NotAProxy)?;
        if is_http(&intercept) { Ok(Self(Arc::new(matcher))) } else { Err(NotAProxy) }
    }

    /// The way to the host through its proxy; `None` if it has none.
    pub(crate) fn detour(&self, host: &str, port: u16) -> Option<Detour> {
        let intercept = intercepted(&self.0, host, port)?;
        Some(Detour { intercept, destination: destination(host, port)? })
    }
}

/// A way through a proxy.
pub(crate) struct Detour {
    intercept: Intercept,
    destination: Uri,
}

impl Detour {
    pub(crate) async fn dial(self) -> Result<TcpStream, ConnectFailure> {
        if !is_http(&self.intercept) {
            return Err(failed(&NotAProxy));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut tunnel = Tunnel::new(self.intercept.uri().clone(), connector);
        if let Some(credentials) = self.intercept.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        poll_fn(|cx| tunnel.poll_ready(cx)).await.map_err(|error| failed(&error))?;
        let stream = tunnel.call(self.destination).await.map_err(|error| failed(&error))?;
        Ok(stream.into_inner())
    }
}

fn failed(error: &dyn std::error::Error) -> ConnectFailure {
    ConnectFailure::Network(format!("by the proxy: {error}"))
}

/// Proxies may have passwords.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy")
    }
}

fn intercepted(matcher: &Matcher, host: &str, port: u16) -> Option<Intercept> {
    if is_here(host) {
        return None;
    }
    matcher.intercept(&destination(host, port)?)
}

fn is_here(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn destination(host: &str, port: u16) -> Option<Uri> {
    let uri = if host.contains(':') {
        format!("https://[{host}]:{port}/")
    } else {
        format!("https://{host}:{port}/")
    };
    uri.parse().ok()
}

fn is_http(intercept: &Intercept) -> bool {
    intercept.uri().scheme_str() == Some("http")
}
