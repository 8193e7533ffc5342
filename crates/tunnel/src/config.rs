//! How a relay is set up.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{ServerConfig, crypto::ring};
use towline_crypto::CryptoProvider;
use towline_hybrid::relay::{Contacts, Limits, MemoryContacts, OriginPolicy};

use crate::RelayError;

/// How a relay is set up. Start from [`RelayConfig::new`].
#[non_exhaustive]
pub struct RelayConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// With TLS or without.
    pub security: Security,
    /// This node's number within its service: the first byte of the routing ids that it hands out.
    pub node: u8,
    /// What the service grants, to all and to each.
    pub limits: Limits,
    /// Which origins are served; all by default.
    pub origin_policy: OriginPolicy,
    /// How long a connection may take for TLS and its request, 10 seconds. The phone's answer to a ring is part of it.
    pub request_timeout: Duration,
    /// How long a peer may take to accept a message, 10 seconds.
    pub write_timeout: Duration,
    /// How long a peer may take to answer a close frame, 2 seconds.
    pub close_timeout: Duration,
    /// How many connections may be at their TLS handshake or request at once, 1024. Further ones have to wait.
    pub requests_at_once: usize,
    /// How many of those one source may have, 128. Further ones are closed at once.
    pub requests_per_source: usize,
    /// Which contact ids of linked phones are gone for good; those that were revoked since the start, by default.
    pub contacts: Box<dyn Contacts>,
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
            node: 0,
            limits: Limits::default(),
            origin_policy: OriginPolicy::default(),
            request_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            requests_at_once: 1024,
            requests_per_source: 128,
            contacts: Box::new(MemoryContacts::new()),
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
    /// No TLS, and loopback addresses only: for tests and for a reverse proxy on the same machine. Behind a proxy all
    /// connections have one source, so that the limits per source have to be raised.
    Plain,
    /// No TLS on whatever address: for a network that protects the way from a proxy by other means.
    PlainAnywhere,
}

/// A server certificate and its key, ready for use with rustls and ring.
#[derive(Clone)]
pub struct Tls(pub(crate) Arc<ServerConfig>);

impl Tls {
    /// Reads a certificate chain (the server's own first) and a private key, both in PEM.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, RelayError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| RelayError::certificate(format!("the chain is not PEM ({error})")))?;
        if chain.is_empty() {
            return Err(RelayError::certificate("there is no certificate in the chain"));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| RelayError::certificate(format!("the key is not PEM ({error})")))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(RelayError::certificate)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(RelayError::certificate)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Takes a finished configuration, for callers with needs of their own. HTTP/2 must not be negotiated.
    #[must_use]
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}
