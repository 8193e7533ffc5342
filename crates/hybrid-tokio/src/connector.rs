//! The way to a tunnel service: name, TCP, TLS, WebSocket, and what may be different about each.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::{
    LOCATION, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};
use towline_crypto::CryptoProvider;
use towline_hybrid::ids::RoutingId;
use towline_hybrid::tunnel::{
    CLIENT_PAYLOAD_HEADER, CONTACT_KEY_HEADER, ConnectFailure, LISTEN_PATH, ROUTING_ID_HEADER,
    SEQUENCE_HEADER, SIGNAL_CONNECTION_HEADER, SUBPROTOCOL, connect_path, contact_path, new_path,
    read_routing_id,
};
use towline_hybrid::{Opened, Target};
use towline_radio::BoxFuture;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::address::is_public;
use crate::dial::tcp;
use crate::proxy::{Detour, Proxy};
use crate::trust::why_not_trusted;
use crate::websocket::{self, WebSocket};
use crate::{Connected, Connector};

/// The port of `wss`.
const WSS_PORT: u16 = 443;

/// How many redirects are followed where they are allowed.
const MAX_REDIRECTS: usize = 5;

/// Finds the addresses of a tunnel service.
pub trait Resolve: Send + Sync {
    /// The addresses of a host, the best first.
    ///
    /// # Errors
    /// The name can't be found.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;

    /// As what a proxy is asked for this host: the name or address, and the port. The same, unless
    /// the resolver knows that the host is elsewhere.
    fn destination(&self, host: &str, port: u16) -> (String, u16) {
        (host.to_owned(), port)
    }
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Every host is at one address.
struct Fixed(SocketAddr);

impl Resolve for Fixed {
    fn resolve<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(Ok(vec![self.0])))
    }

    fn destination(&self, _host: &str, _port: u16) -> (String, u16) {
        (self.0.ip().to_string(), self.0.port())
    }
}

/// The address is not one of this machine, so that a connection without TLS is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an address of this machine: use a relay with TLS, or one on 127.0.0.1")]
pub struct NotLoopback(
    /// The refused address.
    pub SocketAddr,
);

/// Opens WebSockets to tunnel services.
///
/// By default it behaves as browsers do: the host of the tunnel domain on port 443, TLS with the
/// roots that the caller trusts, and no redirects.
#[derive(Clone)]
pub struct TunnelConnector {
    way: Way,
    redirects: bool,
}

#[derive(Clone)]
enum Way {
    Tls {
        config: Arc<ClientConfig>,
        provider: CryptoProvider,
        resolver: Arc<dyn Resolve>,
        vouched: bool,
        proxy: Option<Proxy>,
    },
    Plain(SocketAddr),
}

impl TunnelConnector {
    /// Trusts these roots. `provider` computes the hosts of derived tunnel domains; TLS uses ring.
    ///
    /// # Errors
    /// [`rustls::Error`], if ring does not support the default protocol versions.
    pub fn with_roots(
        roots: RootCertStore,
        provider: CryptoProvider,
    ) -> Result<Self, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::with_tls(Arc::new(config), provider))
    }

    /// Uses a finished TLS configuration, such as one with the platform's verifier. HTTP/2 must not
    /// be negotiated.
    #[must_use]
    pub fn with_tls(config: Arc<ClientConfig>, provider: CryptoProvider) -> Self {
        let resolver = Arc::new(SystemResolver);
        let way = Way::Tls { config, provider, resolver, vouched: false, proxy: None };
        Self { way, redirects: false }
    }

    /// Every tunnel domain leads to one relay on this machine, without TLS. For tests and
    /// demonstrations.
    ///
    /// # Errors
    /// [`NotLoopback`].
    pub fn plain_loopback(relay: SocketAddr) -> Result<Self, NotLoopback> {
        if !relay.ip().to_canonical().is_loopback() {
            return Err(NotLoopback(relay));
        }
        Ok(Self { way: Way::Plain(relay), redirects: false })
    }

    /// Finds addresses in another way. The TLS server name stays that of the tunnel domain.
    ///
    /// The resolver is trusted: a redirect to a host that it knows may lead to any address that it
    /// names.
    #[must_use]
    pub fn resolver(mut self, other: Arc<dyn Resolve>) -> Self {
        if let Way::Tls { resolver, vouched, .. } = &mut self.way {
            *resolver = other;
            *vouched = true;
        }
        self
    }

    /// Every host is at this address: a relay of one's own. The TLS server name stays that of the
    /// tunnel domain.
    #[must_use]
    pub fn relay_at(self, address: SocketAddr) -> Self {
        self.resolver(Arc::new(Fixed(address)))
    }

    /// Goes through HTTP proxies. None, by default: a library does not look at the environment by
    /// itself. A redirect is not followed through one, since only the proxy would know whether the
    /// address is public.
    #[must_use]
    pub fn proxy(mut self, other: Proxy) -> Self {
        if let Way::Tls { proxy, .. } = &mut self.way {
            *proxy = Some(other);
        }
        self
    }

    /// Whether to follow redirects: at most five, with TLS only, and never to an address that is
    /// not public. Off by default, as in browsers. Without TLS they are never followed.
    #[must_use]
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.redirects = follow;
        self
    }

    async fn open(self, target: Target) -> Result<Connected, ConnectFailure> {
        let (path, ask) = Ask::to(&target);
        match &self.way {
            Way::Plain(address) => {
                let stream = tcp(&[*address]).await?;
                websocket(stream, "ws", &address.to_string(), &path, &ask)
                    .await
                    .map_err(Refused::into_failure)
            }
            Way::Tls { config, provider, resolver, vouched, proxy } => {
                let host = target.domain().host(provider);
                let mut url = Url::parse(&format!("wss://{host}{path}"))
                    .map_err(|_| ConnectFailure::Name(host))?;
                let mut followed = 0_usize;
                loop {
                    let (resolver, proxy) = (&**resolver, proxy.as_ref());
                    let way = TlsWay { config, resolver, vouched: *vouched, proxy };
                    let refused = match way.open(&url, followed > 0, &ask).await {
                        Ok(connected) => return Ok(connected),
                        Err(refused) => refused,
                    };
                    let Refused::Elsewhere(location) = refused else {
                        return Err(refused.into_failure());
                    };
                    if !self.redirects || followed >= MAX_REDIRECTS {
                        return Err(ConnectFailure::Redirected);
                    }
                    followed = followed.saturating_add(1);
                    url = redirected(&url, &location).ok_or(ConnectFailure::Redirected)?;
                    tracing::debug!(followed, "the tunnel service redirects");
                }
            }
        }
    }
}

impl Connector for TunnelConnector {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        Box::pin(self.clone().open(target))
    }
}

/// Why there is no WebSocket.
enum Refused {
    Elsewhere(String),
    Failure(ConnectFailure),
}

impl Refused {
    fn into_failure(self) -> ConnectFailure {
        match self {
            Self::Elsewhere(_) => ConnectFailure::Redirected,
            Self::Failure(failure) => failure,
        }
    }
}

impl From<ConnectFailure> for Refused {
    fn from(failure: ConnectFailure) -> Self {
        Self::Failure(failure)
    }
}

/// Where a redirect leads; nothing if it may not be followed.
fn redirected(from: &Url, location: &str) -> Option<Url> {
    let mut url = from.join(location).ok()?;
    if url.scheme() == "https" {
        url.set_scheme("wss").ok()?;
    }
    let plain_text = url.scheme() != "wss";
    let credentials = !url.username().is_empty() || url.password().is_some();
    url.set_fragment(None);
    (!plain_text && !credentials).then_some(url)
}

struct TlsWay<'a> {
    config: &'a Arc<ClientConfig>,
    resolver: &'a dyn Resolve,
    vouched: bool,
    proxy: Option<&'a Proxy>,
}

impl TlsWay<'_> {
    async fn open(&self, url: &Url, redirected: bool, ask: &Ask) -> Result<Connected, Refused> {
        let port = url.port().unwrap_or(WSS_PORT);
        let host = url.host().ok_or_else(|| ConnectFailure::Name(String::new()))?;
        let name = match host {
            Host::Domain(host) => ServerName::try_from(host.to_owned())
                .map_err(|_| ConnectFailure::Name(host.to_owned()))?,
            Host::Ipv4(address) => ServerName::IpAddress(IpAddr::from(address).into()),
            Host::Ipv6(address) => ServerName::IpAddress(IpAddr::from(address).into()),
        };
        let stream = match self.detour(&host, port) {
            Some(_) if redirected => return Err(ConnectFailure::Redirected.into()),
            Some(detour) => detour.dial().await?,
            None => tcp(&self.addresses(&host, port, redirected).await?).await?,
        };
        let tls = TlsConnector::from(self.config.clone());
        let stream = tls
            .connect(name, stream)
            .await
            .map_err(|error| ConnectFailure::Tls(why_not_trusted(&error)))?;
        let host = url.host_str().unwrap_or_default();
        let authority = if port == WSS_PORT { host.to_owned() } else { format!("{host}:{port}") };
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        websocket(stream, "wss", &authority, &target, ask).await
    }

    fn detour(&self, host: &Host<&str>, port: u16) -> Option<Detour> {
        let host = match host {
            Host::Domain(name) => (*name).to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let (host, port) = self.resolver.destination(&host, port);
        self.proxy?.detour(&host, port)
    }

    async fn addresses(
        &self,
        host: &Host<&str>,
        port: u16,
        redirected: bool,
    ) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let (found, vouched) = match *host {
            Host::Domain(host) => {
                let found = self.resolver.resolve(host, port).await;
                // The name that was looked up, which need not be the domain's.
                let (looked_up, _) = self.resolver.destination(host, port);
                let found = found.ok().filter(|found| !found.is_empty());
                (found.ok_or(ConnectFailure::Name(looked_up))?, self.vouched)
            }
            Host::Ipv4(address) => (vec![(address, port).into()], false),
            Host::Ipv6(address) => (vec![(address, port).into()], false),
        };
        if redirected && !vouched && !found.iter().all(|found| is_public(found.ip())) {
            return Err(ConnectFailure::Redirected);
        }
        Ok(found)
    }
}

/// The WebSocket handshake. Every answer but the right one is a refusal.
async fn websocket<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    scheme: &str,
    authority: &str,
    target: &str,
    ask: &Ask,
) -> Result<Connected, Refused> {
    let request = request(scheme, authority, target, ask)
        .ok_or_else(|| ConnectFailure::Name(authority.to_owned()))?;
    let (socket, response) = client_async_with_config(request, stream, Some(websocket::config()))
        .await
        .map_err(refused)?;
    // None was asked for, so that its frames would not be what they seem (RFC 6455, section 4.1).
    if response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Err(ConnectFailure::NotATunnelService.into());
    }
    let routing_id = if ask.wants_routing_id { Some(routing_id(&response)?) } else { None };
    // Only its presence counts.
    let signal = response.headers().contains_key(SIGNAL_CONNECTION_HEADER);
    let opened = Opened { routing_id, signal };
    Ok(Connected { channel: Box::new(WebSocket::new(socket)), opened })
}

/// What a request says beside its path, also to where it is redirected.
struct Ask {
    wants_routing_id: bool,
    headers: Vec<(&'static str, Zeroizing<String>)>,
}

impl Ask {
    /// For this target, and the path at its service.
    fn to(target: &Target) -> (String, Self) {
        let mut ask = Self { wants_routing_id: false, headers: Vec::new() };
        let path = match target {
            Target::New { tunnel_id, .. } => {
                ask.wants_routing_id = true;
                new_path(tunnel_id)
            }
            Target::Connect { routing_id, tunnel_id, .. } => connect_path(routing_id, tunnel_id),
            Target::Contact { contact_id, payload, .. } => {
                ask.headers = vec![
                    (CLIENT_PAYLOAD_HEADER, Zeroizing::new(payload.to_header())),
                    (SIGNAL_CONNECTION_HEADER, Zeroizing::new("true".to_owned())),
                ];
                contact_path(contact_id)
            }
            Target::Listen { key, .. } => {
                ask.headers = vec![
                    (CONTACT_KEY_HEADER, key.to_header()),
                    (SEQUENCE_HEADER, Zeroizing::new(sequence().to_string())),
                ];
                LISTEN_PATH.to_owned()
            }
        };
        (path, ask)
    }
}

fn request(scheme: &str, authority: &str, target: &str, ask: &Ask) -> Option<Request> {
    let mut request = format!("{scheme}://{authority}{target}").into_client_request().ok()?;
    let origin = HeaderValue::from_str(&format!("{scheme}://{authority}")).ok()?;
    request.headers_mut().insert(ORIGIN, origin);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    for (name, value) in &ask.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Some(request)
}

fn routing_id(response: &Response) -> Result<RoutingId, ConnectFailure> {
    let values = response.headers().get_all(ROUTING_ID_HEADER).iter();
    read_routing_id(values.map(|value| value.to_str().unwrap_or_default()))
        .map_err(|_| ConnectFailure::RoutingId)
}

fn refused(error: tungstenite::Error) -> Refused {
    use tungstenite::Error;
    match error {
        Error::Http(response) => {
            let status = response.status().as_u16();
            let location =
                response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            match (status, location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    Refused::Elsewhere(location.to_owned())
                }
                _ => {
                    let body = response.body().as_deref().unwrap_or_default();
                    ConnectFailure::answered(status, body).into()
                }
            }
        }
        Error::Io(error) => ConnectFailure::Network(error.kind().to_string()).into(),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            ConnectFailure::Network("connection closed".to_owned()).into()
        }
        _ => ConnectFailure::NotATunnelService.into(),
    }
}
/// The number of one more connection that listens: larger than all before it in this process, and,
/// as far as the clock goes on, than those of earlier ones.
fn sequence() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let clock = u64::try_from(clock).unwrap_or(u64::MAX);
    let next = |last: u64| Some(clock.max(last.saturating_add(1)));
    let before = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    before.map_or(clock, |last| clock.max(last.saturating_add(1)))
}
