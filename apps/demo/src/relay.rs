//! The relay, which can be taken away and come back at the same address.

use std::{net::SocketAddr, sync::Mutex, sync::PoisonError};

use tokio::task::AbortHandle;
use towline::{
    crypto::CryptoProvider,
    transport::TunnelConnector,
    tunnel::{Relay, RelayConfig, RelayError, Security},
};

/// A relay on loopback, or the place where it was.
pub(crate) struct RelayPlace {
    address: SocketAddr,
    provider: CryptoProvider,
    running: Mutex<Option<AbortHandle>>,
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

    /// Ends it with all its tunnels, as when its machine loses power.
    pub(crate) fn fails(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.abort();
        }
    }

    /// Another one starts at the same address.
    pub(crate) async fn comes_back(&self) -> Result<(), RelayError> {
        let lock = || self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if lock().is_some() {
            return Ok(());
        }
        let (_, running) = start(self.address, &self.provider).await?;
        if let Some(other) = lock().replace(running) {
            other.abort();
        }
        Ok(())
    }
}

impl Drop for RelayPlace {
    fn drop(&mut self) {
        self.fails();
    }
}

async fn start(
    at: SocketAddr,
    provider: &CryptoProvider,
) -> Result<(SocketAddr, AbortHandle), RelayError> {
    let relay = Relay::bind(RelayConfig::new(at, Security::Plain, provider.clone())).await?;
    let address = relay.local_addr();
    Ok((address, tokio::spawn(relay.run()).abort_handle()))
}
