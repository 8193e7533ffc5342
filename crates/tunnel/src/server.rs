//! The accept loop, the clock of the rendezvous, and the way to an orderly end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use towline_rendezvous::{Drain, DrainStage, Source};

use crate::accepting::Accepting;
use crate::certificate::Files;
use crate::requests::RequestPlace;
use crate::shared::{Admitted, Shared, stopped};
use crate::stream::Stream;
use crate::tls::TlsStream;
use crate::{BusEvent, RelayConfig, RelayError, Security, Stats, admin, http, leg, proxies};

/// Files are not read in a frenzy.
const SHORTEST_CHECK: Duration = Duration::from_millis(10);

/// A relay that is bound to its address. It serves within [`run`](Self::run).
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<(TcpListener, SocketAddr)>,
    tls: Option<Arc<ServerConfig>>,
    files: Option<Arc<Files>>,
    certificate_check: Duration,
    accepting: Accepting,
    bus: Option<mpsc::Receiver<BusEvent>>,
    shared: Arc<Shared>,
}

/// Watches and stops a running relay. Clones are handles of the same relay.
#[derive(Clone)]
pub struct RelayHandle {
    shared: Arc<Shared>,
}

impl RelayHandle {
    /// How the relay is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Why the relay stopped by itself, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<RelayError> {
        self.shared.failure.get().cloned()
    }

    /// Stops in good order: the operator's listener says at once that the relay is not ready any
    /// more, and who is there leaves as `drain` says. [`Relay::run`] returns when all are gone.
    /// Said again it can only become faster.
    pub fn drain(&self, drain: &Drain) {
        self.shared.drain(drain);
    }

    /// The same without notice: phones that wait or listen and computers that ring are closed at
    /// once, and tunnels may go on for at most `grace`.
    pub fn shutdown(&self, grace: Duration) {
        self.drain(&Drain::at_once(grace));
    }
}

impl Relay {
    /// Binds the address, and the operator's if there is one.
    ///
    /// # Errors
    /// [`RelayError::PlainNotLoopback`] and [`RelayError::Bind`].
    pub async fn bind(mut config: RelayConfig) -> Result<Self, RelayError> {
        let address = config.listen;
        let (tls, files) = match &config.security {
            Security::Tls(tls) => (Some(tls.config.clone()), tls.files.clone()),
            Security::Plain if !address.ip().to_canonical().is_loopback() => {
                return Err(RelayError::PlainNotLoopback { address });
            }
            Security::Plain | Security::PlainAnywhere => (None, None),
        };
        let (listener, address) = listen(address).await?;
        let admin = match config.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let certificate_check = config.certificate_check;
        let accepting = Accepting::new("peers", config.connections);
        let bus =
            config.bus.as_mut().map(|bus| std::mem::replace(&mut bus.events, mpsc::channel(1).1));
        let shared = Shared::new(config);
        Ok(Self { listener, address, admin, tls, files, certificate_check, accepting, bus, shared })
    }

    /// Where the relay is bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's listener is bound, if there is one.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// A handle to watch and stop it.
    #[must_use]
    pub fn handle(&self) -> RelayHandle {
        RelayHandle { shared: self.shared.clone() }
    }

    /// Serves until [`RelayHandle::shutdown`]. Dropping the future ends all connections at once.
    pub async fn run(mut self) {
        let aside = aside(
            self.admin.take().map(|(listener, _)| admin::serve(listener, self.shared.clone())),
            self.files
                .take()
                .map(|files| watch(files, self.certificate_check, self.shared.clone())),
            self.bus.take().map(|events| hear(events, self.shared.clone())),
        );
        // A task of its own is woken at less cost than whoever calls this, which may be the root of
        // its runtime.
        let mut service = JoinSet::new();
        service.spawn(self.serve());
        tokio::select! {
            _ = service.join_next() => {}
            () = aside => {}
        }
    }

    async fn serve(self) {
        let stop = StopOnDrop(self.shared.clone());
        // Every task holds a clone; when all are gone the receiver says so.
        let (alive, mut all_gone) = mpsc::channel::<()>(1);
        tracing::info!(address = %self.address, tls = self.tls.is_some(), "tunnel service ready");
        self.take_connections(&alive).await;
        tracing::info!("tunnel service takes no connections any more");
        drop(self.listener);
        drop(alive);
        loop {
            let (look, stage) = self.shared.next_look();
            if stage == DrainStage::Over {
                break;
            }
            tokio::select! {
                _ = all_gone.recv() => break,
                () = tokio::time::sleep_until(look.into()) => self.shared.tick(),
                () = self.shared.changed.notified() => {}
            }
        }
        drop(stop);
        // Tasks end by themselves within the time for requests and for closing.
        let _ = all_gone.recv().await;
        tracing::info!("tunnel service stopped");
    }

    /// Takes connections for as long as anybody may come to one that is there.
    async fn take_connections(&self, alive: &mpsc::Sender<()>) {
        let mut coming = std::pin::pin!(self.next());
        loop {
            let (look, stage) = self.shared.next_look();
            if stage >= DrainStage::Tunnels {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(look.into()) => self.shared.tick(),
                () = self.shared.changed.notified() => {}
                come = &mut coming => {
                    if let Some((connection, stream)) = come {
                        let serving = connection.serve(stream, self.tls.clone(), alive.clone());
                        tokio::spawn(serving);
                    }
                    coming.set(self.next());
                }
            }
        }
    }

    /// The next connection, unless its source has too many already.
    async fn next(&self) -> Option<(Connection, TcpStream)> {
        let shared = &self.shared;
        let (stream, peer, permit) = self.accepting.next(&self.listener).await?;
        shared.counters.accepted.add(1);
        let peer = peer.ip();
        let announced = proxies::among(&shared.proxy_protocol, peer).then_some(peer);
        let place = enter(shared, peer, announced.is_some()).await?;
        Some((Connection { shared: shared.clone(), place, permit, announced }, stream))
    }
}

/// A place for a connection, unless its source has too many already. One that comes through a proxy
/// has a source of its own.
async fn enter(shared: &Shared, peer: IpAddr, announced: bool) -> Option<RequestPlace> {
    let by_proxy = announced || proxies::among(&shared.trusted_proxies, peer);
    let place = shared.requests.enter(Source::of(peer), by_proxy).await;
    if place.is_none() {
        shared.counters.over_quota.add(1);
        tracing::debug!("too many connections from one source");
    }
    place
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), RelayError> {
    let failed = |error: std::io::Error| RelayError::Bind { address, reason: error.kind() };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// What goes on beside the service for as long as it runs; never ends by itself.
async fn aside(
    admin: Option<impl Future<Output = ()>>,
    watch: Option<impl Future<Output = ()>>,
    bus: Option<impl Future<Output = ()>>,
) {
    async fn one(task: Option<impl Future<Output = ()>>) {
        if let Some(task) = task {
            task.await;
        }
    }
    tokio::join!(one(admin), one(watch), one(bus));
    std::future::pending().await
}

/// Passes on what the bus has. One that is gone delivers nothing any more.
async fn hear(mut events: mpsc::Receiver<BusEvent>, shared: Arc<Shared>) {
    while let Some(event) = events.recv().await {
        shared.hear_bus(event);
    }
    shared.hear_bus(BusEvent::State(false));
}

/// Looks at the certificate's files again and again. That they can't be used is said once, and
/// counted each time.
async fn watch(files: Arc<Files>, every: Duration, shared: Arc<Shared>) {
    let mut said = false;
    loop {
        tokio::time::sleep(every.max(SHORTEST_CHECK)).await;
        let files = files.clone();
        match tokio::task::spawn_blocking(move || files.reload()).await {
            Ok(Ok(false)) => said = false,
            Ok(Ok(true)) => {
                said = false;
                shared.counters.certificates.add(1);
                tracing::info!("the certificate was replaced");
            }
            Ok(Err(error)) => {
                shared.counters.certificates_failed.add(1);
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "the certificate in use stays");
                }
            }
            Err(_) => return,
        }
    }
}

/// Ends all connections, however the accept loop ended.
struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// One TCP connection until its request is answered.
struct Connection {
    shared: Arc<Shared>,
    place: RequestPlace,
    permit: OwnedSemaphorePermit,
    /// The proxy that says first where it came from.
    announced: Option<IpAddr>,
}

impl Connection {
    /// To the end of the connection, which `_alive` witnesses.
    async fn serve(
        self,
        stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        _alive: mpsc::Sender<()>,
    ) {
        let shared = self.shared.clone();
        // Boxed: what a request needs would otherwise be part of every connection that waits.
        let Self { place, permit, announced, .. } = self;
        let answered = Box::pin(async {
            let (place, stream) = match announced {
                Some(proxy) => arrive(&shared, place, stream, proxy).await?,
                None => (place, stream),
            };
            answer(&shared, place, stream, tls).await
        })
        .await;
        if let Some((stream, admitted, rest)) = answered {
            leg::run(admitted, shared, stream, permit, rest).await;
        }
    }
}

/// A proxy says where the connection came from, which has to have a place there: one of its own,
/// such as a look at the relay's health, at the proxy's address.
async fn arrive(
    shared: &Arc<Shared>,
    mut place: RequestPlace,
    mut stream: TcpStream,
    proxy: IpAddr,
) -> Option<(RequestPlace, TcpStream)> {
    let mut phase = shared.phase.subscribe();
    let header = tokio::select! {
        header = tokio::time::timeout(shared.request_timeout, proxies::announced(&mut stream)) => {
            header
        }
        () = place.cut() => return shared.no_request("no header yet, and others need its place"),
        () = stopped(&mut phase) => return None,
    };
    match header {
        Ok(Ok(source)) => {
            drop(place);
            Some((enter(shared, source.unwrap_or(proxy), false).await?, stream))
        }
        Ok(Err(_)) => shared.no_request("a proxy did not say where a connection came from"),
        Err(_) => shared.no_request("no header of a proxy in time"),
    }
}

async fn answer(
    shared: &Arc<Shared>,
    mut place: RequestPlace,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
) -> Option<(Stream, Admitted, Vec<u8>)> {
    let mut phase = shared.phase.subscribe();
    let cut = place.cut();
    // Small messages that wait for answers: Nagle's algorithm would only add delay.
    let _slower = stream.set_nodelay(true);
    let answered = tokio::time::timeout(shared.request_timeout, async {
        let mut stream = match tls {
            Some(tls) => match Box::pin(TlsStream::accept(tls, stream)).await {
                Ok(stream) => Stream::Tls(Box::new(stream)),
                Err(_) => {
                    shared.counters.tls_failed.add(1);
                    tracing::debug!("TLS handshake failed");
                    return None;
                }
            },
            None => Stream::Plain(stream),
        };
        match http::answer(shared, place, &mut stream).await {
            Ok(answered) => answered.map(|(admitted, rest)| (stream, admitted, rest)),
            Err(_) => {
                tracing::debug!("gone before an answer");
                None
            }
        }
    });
    tokio::select! {
        answered = answered => answered.unwrap_or_else(|_| shared.no_request("no request in time")),
        () = cut => shared.no_request("no request yet, and others need its place"),
        () = stopped(&mut phase) => None,
    }
}
