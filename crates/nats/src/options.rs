//! How a node joins the bus.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectOptions;
use towline_crypto::CryptoProvider;
use towline_rendezvous::bus::NodeInstance;
use towline_tunnel::BusLink;

use crate::NatsContacts;
use crate::bus;

/// A server that says nothing for twice as long is given up.
const PING_EVERY: Duration = Duration::from_secs(2);

/// The longest pause between two tries to connect, and the first.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(50));

/// Why a node can't join.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// What was given as the bus is no address of one: the how many-th. Not what it is, since
    /// passwords are written there, too.
    #[error(
        "number {0} of the bus's servers is no address of one; write nats://host:4222, several \
         with commas"
    )]
    Address(usize),
    /// Servers with `tls://` and others without: who answers for the others could have the password.
    #[error("only some servers of the bus are given with tls://; write tls:// before all of them")]
    Mixed,
    /// No random bytes were to be had.
    #[error("the system gives no random bytes")]
    Random,
    /// A certificate, key or password that is not usable.
    #[error("the bus can't be used: {0}")]
    Unusable(String),
}

/// How a node joins the bus. Without TLS whoever reads the network between the nodes sees who is
/// rung, and whoever writes to it can displace phones: take `tls://` and a password there. With
/// `tls://`, or with certificates, no server is spoken to without TLS, whatever it says. Servers
/// that are not given are never asked.
#[derive(Clone)]
pub struct Nats {
    servers: String,
    user: Option<(String, String)>,
    root_certificates: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
}

/// A node's end of the bus. It may not be connected yet, and connects again for as long as it is
/// kept.
pub struct Joined {
    /// For [`RelayConfig::bus`](towline_tunnel::RelayConfig::bus).
    pub link: BusLink,
    /// For [`RelayConfig::contacts`](towline_tunnel::RelayConfig::contacts).
    pub contacts: NatsContacts,
}

impl Nats {
    /// The bus at these servers: `nats://host:4222` or `tls://host:4222`, several with commas.
    #[must_use]
    pub fn new(servers: impl Into<String>) -> Self {
        Self {
            servers: servers.into(),
            user: None,
            root_certificates: None,
            client_certificate: None,
        }
    }

    /// As this user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = Some((name.into(), password.into()));
        self
    }

    /// Servers prove who they are by a certificate of these roots, a PEM file, instead of the
    /// system's.
    #[must_use]
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(file.into());
        self
    }

    /// The node proves who it is by this certificate and its key, PEM files.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Joins as a new run of a node. A bus that is away is waited for by the node, not here.
    ///
    /// # Errors
    /// [`NatsError`], of what no wait would cure.
    pub async fn join(self, provider: &CryptoProvider) -> Result<Joined, NatsError> {
        let instance = provider.random.bytes().map_err(|_| NatsError::Random)?;
        let instance = NodeInstance::new(instance);
        let servers: Vec<async_nats::ServerAddr> = (1..)
            .zip(self.servers.split(','))
            .map(|(number, server)| {
                let address = server.trim().parse().ok();
                address
                    .filter(|address: &async_nats::ServerAddr| {
                        matches!(address.scheme(), "nats" | "tls") && !address.host().is_empty()
                    })
                    .ok_or(NatsError::Address(number))
            })
            .collect::<Result<_, _>>()?;
        let secured = servers.iter().filter(|server| server.tls_required()).count();
        if secured != 0 && secured != servers.len() {
            return Err(NatsError::Mixed);
        }
        let tls =
            secured != 0 || self.root_certificates.is_some() || self.client_certificate.is_some();
        // The client would look at them when it connects, again and again.
        let files = self.root_certificates.iter().chain(
            self.client_certificate.iter().flat_map(|(certificate, key)| [certificate, key]),
        );
        for file in files {
            std::fs::File::open(file).map_err(|error| {
                NatsError::Unusable(format!("{}: {}", file.display(), error.kind()))
            })?;
        }
        let (events, state) = tokio::sync::watch::channel(false);
        let mut options = ConnectOptions::new()
            .name("towline relay")
            .retry_on_initial_connect()
            // What a server says of TLS and of other servers comes before it has proved who it is.
            .require_tls(tls)
            .ignore_discovered_servers()
            .ping_interval(PING_EVERY)
            .reconnect_delay_callback(|tries| {
                let (longest, first) = PAUSES;
                let doubled = u32::try_from(tries).unwrap_or(u32::MAX).min(8);
                first.saturating_mul(1 << doubled).min(longest)
            })
            .event_callback(move |event| {
                let events = events.clone();
                async move {
                    match event {
                        async_nats::Event::Connected => {
                            events.send_replace(true);
                        }
                        async_nats::Event::Disconnected | async_nats::Event::Closed => {
                            events.send_replace(false);
                        }
                        other => tracing::warn!(%other, "the bus says"),
                    }
                }
            });
        if let Some((name, password)) = self.user {
            options = options.user_and_password(name, password);
        }
        if let Some(file) = self.root_certificates {
            options = options.add_root_certificates(file);
        }
        if let Some((certificate, key)) = self.client_certificate {
            options = options.add_client_certificate(certificate, key);
        }
        let unusable = |error: &dyn std::fmt::Display| NatsError::Unusable(error.to_string());
        let client = options.connect(servers).await.map_err(|error| unusable(&error))?;
        let link =
            bus::join(client.clone(), instance, state).await.map_err(|error| unusable(&error))?;
        Ok(Joined { link, contacts: NatsContacts::new(client, provider.clone()) })
    }
}

/// Without the password.
impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nats").field("servers", &self.servers.split(',').count()).finish()
    }
}
