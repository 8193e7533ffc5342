//! The relying party on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod accounts;
mod attacks;
mod bad_input;
mod device;
mod other_sites;
mod pages;
mod person;
mod verification;

use tokio::sync::broadcast;
use towline_rp::{RpClient, RpConfig, RpServer, Shutdown, SiteEvent, StrictVerifier};

/// A relying party that serves until dropped.
struct Running {
    client: RpClient,
    addr: std::net::SocketAddr,
    shutdown: Shutdown,
    /// Where the sites are that sign in through it.
    sites: Vec<String>,
    events: broadcast::Receiver<SiteEvent>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.shutdown();
    }
}

async fn start(config: RpConfig) -> Running {
    let provider = towline_crypto::rustcrypto::provider();
    let rp =
        RpServer::bind(config, |identity| StrictVerifier::new(identity, provider)).await.unwrap();
    let running = Running {
        client: RpClient::new(&rp.url()).unwrap(),
        addr: rp.local_addr(),
        shutdown: rp.shutdown_handle(),
        sites: rp.site_urls(),
        events: rp.events(),
    };
    tokio::spawn(rp.run());
    running
}
