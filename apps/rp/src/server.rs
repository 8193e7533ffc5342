//! The server: a socket on loopback, requests in, JSON out.

mod routes;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, broadcast, watch},
    task::JoinSet,
};

use towline_crypto::CryptoProvider;

use crate::{
    Identity, Limits, RpConfig, RpError, SiteEvent, User, Verifier, VerifyError,
    accounts::Accounts, pending::Pending,
};

/// How long requests under way may take once the server is told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// How many [`SiteEvent`]s wait for somebody who is slow to read them; then the oldest are lost.
const EVENTS: usize = 64;

/// A relying party that listens.
pub struct Rp<V: Verifier> {
    listener: TcpListener,
    local_addr: SocketAddr,
    site: Arc<Site<V>>,
    stop: Shutdown,
}

/// What every connection works on.
pub(crate) struct Site<V: Verifier> {
    identity: Identity,
    limits: Limits,
    port: u16,
    verifier: V,
    provider: CryptoProvider,
    state: Mutex<State<V>>,
    events: broadcast::Sender<SiteEvent>,
}

struct State<V: Verifier> {
    accounts: Accounts<V::Record>,
    registrations: Pending<Registration<V::Registration>>,
    sign_ins: Pending<SignIn<V::SignIn>>,
}

struct Registration<S> {
    user: User,
    key_name: String,
    state: S,
}

struct SignIn<S> {
    account: Option<String>,
    state: S,
}

impl<V: Verifier> Rp<V> {
    /// Listens, and makes the verifier with what is known only then: the origin may contain the
    /// port.
    ///
    /// # Errors
    /// [`RpError`] for an address that is not loopback or can't be listened on, or what the
    /// verifier says.
    pub async fn bind(
        config: RpConfig,
        verifier: impl FnOnce(&Identity) -> Result<V, VerifyError>,
    ) -> Result<Self, RpError> {
        let addr = config.addr;
        if !addr.ip().is_loopback() {
            return Err(RpError::NotLoopback(addr));
        }
        let listen_error =
            |error: std::io::Error| RpError::Listen { addr, reason: error.to_string() };
        let listener = TcpListener::bind(addr).await.map_err(listen_error)?;
        let local_addr = listener.local_addr().map_err(listen_error)?;
        let port = local_addr.port();
        let identity = Identity {
            rp_id: config.rp_id,
            rp_name: config.rp_name,
            origin: config.origin.unwrap_or_else(|| format!("http://localhost:{port}")),
            challenge_lifetime: config.challenge_lifetime,
        };
        let verifier = verifier(&identity)?;
        let pending = config.limits.challenges;
        let site = Site {
            port,
            verifier,
            provider: config.provider,
            state: Mutex::new(State {
                accounts: Accounts::new(config.limits.clone()),
                registrations: Pending::new(config.challenge_lifetime, pending),
                sign_ins: Pending::new(config.challenge_lifetime, pending),
            }),
            limits: config.limits,
            identity,
            events: broadcast::Sender::new(EVENTS),
        };
        Ok(Self {
            listener,
            local_addr,
            site: Arc::new(site),
            stop: Shutdown(watch::Sender::new(false)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The RP ID, name and origin that it answers for.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.site.identity
    }

    /// Where a client on this machine reaches it: `http://localhost:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.local_addr.port())
    }

    /// What happens at the site from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<SiteEvent> {
        self.site.events.subscribe()
    }

    /// Stops [`Rp::run`] from elsewhere.
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Serves until told to stop. Requests under way are then finished, for at most two seconds.
    pub async fn run(self) {
        let slots = Arc::new(Semaphore::new(self.site.limits.connections.max(1)));
        let mut connections = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.stop.wait() => break,
            };
            while connections.try_join_next().is_some() {}
            match stream {
                Ok((stream, _)) => {
                    let (site, stop) = (Arc::clone(&self.site), self.stop.clone());
                    connections.spawn(async move {
                        serve(stream, site, stop).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: accepting again at once would spin.
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE, finish).await.is_err() {
            tracing::debug!("connections were cut at shutdown");
        }
    }
}

impl<V: Verifier> std::fmt::Debug for Rp<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rp").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

async fn serve<V: Verifier>(stream: TcpStream, site: Arc<Site<V>>, stop: Shutdown) {
    let request_time = site.limits.request_time;
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.handle(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_time)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl<V: Verifier> Site<V> {
    /// Nothing in a locked section can panic half way, so a poisoned lock still guards sound data.
    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops a running [`Rp`]. Clones stop the same one.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    /// Tells the relying party to stop; once is enough.
    pub fn shutdown(&self) {
        self.0.send_replace(true);
    }

    async fn wait(&self) {
        // Can't fail: this value holds a sender.
        let _ = self.0.subscribe().wait_for(|stop| *stop).await;
    }
}
