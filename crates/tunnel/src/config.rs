//! How a relay is set up.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::mpsc::Sender;
use towline_crypto::CryptoProvider;
use towline_rendezvous::{Limits, OriginPolicy};

use crate::{BusLink, Contacts, Happening, MemoryContacts, Subnet, Tls};

/// How a relay is set up. Start from [`RelayConfig::new`].
#[non_exhaustive]
pub struct RelayConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// With TLS or without.
    pub security: Security,
    /// Where to answer an operator's questions: metrics, and whether the relay is alive and ready.
    /// Nowhere by default. It speaks plain HTTP and asks nobody who they are, so that strangers
    /// should not reach it.
    pub admin: Option<SocketAddr>,
    /// How often the files of [`Tls::from_files`] are looked at, 30 seconds.
    pub certificate_check: Duration,
    /// This node's number within its service: the first byte of the routing ids that it hands out.
    pub node: u8,
    /// What the service grants, to all and to each.
    pub limits: Limits,
    /// Which origins are served; all but those of web pages by default.
    pub origin_policy: OriginPolicy,
    /// How long a connection may take for TLS and its request, 10 seconds. The phone's answer to a
    /// ring is part of it.
    pub request_timeout: Duration,
    /// How long a peer may take to accept a message, or 64 KiB of a longer one, 10 seconds.
    pub write_timeout: Duration,
    /// How long a peer may take to answer a close frame, 2 seconds.
    pub close_timeout: Duration,
    /// How many connections there may be at once, whatever for; any number by default. Further ones
    /// have to wait. A program that knows how many descriptors it has keeps some for itself.
    pub connections: usize,
    /// How many connections may be at their TLS handshake or request at once, 1024. When they are
    /// as many, the network that has most of them loses its oldest, if it had a second; otherwise
    /// further ones have to wait.
    pub requests_at_once: usize,
    /// How many of those one source may have, 128, the /56 around it twice, and the /48 (IPv4: the
    /// /24) four times as many. Further ones are closed at once.
    pub requests_per_source: usize,
    /// Where to tell of tunnels that begin and end; nowhere by default. What finds no room in the
    /// channel is not told.
    pub happenings: Option<Sender<Happening>>,
    /// Which contact ids of linked phones are gone for good; those that were revoked since the
    /// start, by default.
    pub contacts: Arc<dyn Contacts>,
    /// What connects this node with the others of its service; nothing by default. Then it is the
    /// only one.
    pub bus: Option<BusLink>,
    /// Proxies that are believed when they say in `X-Forwarded-For` where a connection came from;
    /// none by default. Without that all connections through a proxy have one source.
    pub trusted_proxies: Vec<Subnet>,
    /// Proxies whose connections begin with a header of the PROXY protocol, version 2, which says
    /// where each came from; none by default. Without the header they are not served. Nobody else's
    /// header is read.
    pub proxy_protocol: Vec<Subnet>,
    /// Where the random part of routing ids comes from.
    pub provider: CryptoProvider,
}

impl RelayConfig {
    /// A single node with the default limits.
    #[must_use]
    pub fn new(listen: SocketAddr, security: Security, provider: CryptoProvider) -> Self {
        Self {
            listen,
            security,
            admin: None,
            certificate_check: Duration::from_secs(30),
            node: 0,
            limits: Limits::default(),
            origin_policy: OriginPolicy::default(),
            request_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            connections: usize::MAX,
            requests_at_once: 1024,
            requests_per_source: 128,
            happenings: None,
            contacts: Arc::new(MemoryContacts::new()),
            bus: None,
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            provider,
        }
    }
}

/// With TLS or without.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Security {
    /// TLS with this certificate: what clients of the protocol expect.
    Tls(Tls),
    /// No TLS, and loopback addresses only: for tests and for a reverse proxy on the same machine.
    /// Behind a proxy all connections have one source, unless it is one of the
    /// [`trusted_proxies`](RelayConfig::trusted_proxies), so that the limits per source have to be
    /// raised.
    Plain,
    /// No TLS on whatever address: for a network that protects the way from a proxy by other means.
    PlainAnywhere,
}
