//! Doors with a security key behind them.

use std::{convert::Infallible, future::Future};

use tokio::task::JoinHandle;
use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_ctap::Transport;
use towline_ctaphid_socket::{Door, Endpoint};
use towline_ctaphid_tokio::{Person, SecurityKey};

/// Opens a door at the endpoints, with a security key behind it.
pub(crate) async fn open(
    endpoints: &[&str],
    person: impl Person + 'static,
) -> (Vec<Endpoint>, JoinHandle<()>) {
    open_with(endpoints, |key, authenticator| key.run(authenticator, person)).await
}

/// The same, with simulated presence.
pub(crate) async fn open_simulated(
    endpoints: &[&str],
    watcher: impl Person + 'static,
) -> (Vec<Endpoint>, JoinHandle<()>) {
    open_with(endpoints, |key, authenticator| key.run_simulated(authenticator, watcher)).await
}

async fn open_with<F>(
    endpoints: &[&str],
    run: impl FnOnce(SecurityKey, Authenticator) -> F,
) -> (Vec<Endpoint>, JoinHandle<()>)
where
    F: Future<Output = Infallible> + Send + 'static,
{
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let mut config = Config::security_key();
    config.reset.transports = Some(vec![Transport::Usb]);
    let authenticator = Authenticator::new(config, provider, MemoryStore::new(), keys).unwrap();
    let key = SecurityKey::new();
    let mut door = Door::new(key.reports());
    let mut bound = Vec::new();
    for endpoint in endpoints {
        bound.push(door.listen(&endpoint.parse().unwrap()).await.unwrap());
    }
    let running = run(key, authenticator);
    let task = tokio::spawn(async move {
        let _open = door;
        match running.await {}
    });
    (bound, task)
}
