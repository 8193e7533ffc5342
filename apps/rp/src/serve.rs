//! A socket on loopback and the loop that serves requests from it.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower_service::Service as _;

use crate::{RpError, RpLimits};

/// How long requests under way may take once the server is told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The address that a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source(pub(crate) IpAddr);

/// A socket that listens, and what answers at it.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) limits: RpLimits,
    pub(crate) stop: Shutdown,
}

/// Listens on loopback, and says where.
pub(crate) async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), RpError> {
    if !addr.ip().is_loopback() {
        return Err(RpError::NotLoopback(addr));
    }
    let failed = |error: std::io::Error| RpError::Listen { addr, reason: error.to_string() };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let local_addr = listener.local_addr().map_err(failed)?;
    Ok((listener, local_addr))
}

impl Door {
    /// Serves until told to stop. Requests under way are then finished, for at most two seconds.
    pub(crate) async fn run(self) {
        let slots = Arc::new(Semaphore::new(self.limits.connections.max(1)));
        let mut connections = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.stop.wait() => break,
            };
            while connections.try_join_next().is_some() {}
            match stream {
                Ok((stream, peer)) => {
                    let (router, stop) = (self.router.clone(), self.stop.clone());
                    let time = self.limits.request_time;
                    connections.spawn(async move {
                        serve(stream, Source(peer.ip()), router, time, stop).await;
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

async fn serve(
    stream: TcpStream,
    source: Source,
    router: Router,
    request_time: Duration,
    stop: Shutdown,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let mut router = router.clone();
        request.extensions_mut().insert(source);
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|no| match no {})) }
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

/// Stops a running [`RpServer`](crate::RpServer). Clones stop the same one.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells the relying party to stop; once is enough.
    pub fn shutdown(&self) {
        self.0.send_replace(true);
    }

    async fn wait(&self) {
        // Can't fail: this value holds a sender.
        let _ = self.0.subscribe().wait_for(|stop| *stop).await;
    }
}
