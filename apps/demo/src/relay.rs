//! The relay, which can be taken away and come back at the same address.

use std::net::SocketAddr;

use tokio::{sync::Mutex, task::JoinHandle};
use towline::{
    crypto::CryptoProvider,
    transport::TunnelConnector,
    tunnel::{Relay, RelayConfig, RelayError, Security},
};

/// A relay on loopback, or the place where it was.
pub(crate) struct RelayPlace {
    address: SocketAddr,
    provider: CryptoProvider,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl RelayPlace {
    pub(crate) async fn open(provider: CryptoProvider) -> Result<Self, RelayError> {
        let (address, running) = start(SocketAddr::from(([127, 0, 0, 1], 0)), &provider).await?;
        Ok(Self { address, provider, running: Mutex::new(Some(running)) })
    }

    /// The way there.
    pub(crate) fn connector(&self) -> Result<TunnelConnector, RelayError> {
        let elsewhere = |_| RelayError::PlainNotLoopback { address: self.address };
        TunnelConnector::plain_loopback(self.address).map_err(elsewhere)
    }

    /// Ends it with all its tunnels, as when its machine loses power. Then its address is free.
    pub(crate) async fn fails(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.abort();
            // It was cancelled.
            let _ = running.await;
        }
    }

    /// Another one starts at the same address.
    pub(crate) async fn comes_back(&self) -> Result<(), RelayError> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            *running = Some(start(self.address, &self.provider).await?.1);
        }
        Ok(())
    }
}

impl Drop for RelayPlace {
    fn drop(&mut self) {
        if let Some(running) = self.running.get_mut() {
            running.abort();
        }
    }
}

async fn start(
    at: SocketAddr,
    provider: &CryptoProvider,
) -> Result<(SocketAddr, JoinHandle<()>), RelayError> {
    let relay = Relay::bind(RelayConfig::new(at, Security::Plain, provider.clone())).await?;
    let address = relay.local_addr();
    Ok((address, tokio::spawn(relay.run())))
}
