//! A real relay on loopback, and what connects to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rcgen::{CertificateParams, KeyPair};
use rustls::{RootCertStore, pki_types::CertificateDer};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use towline_crypto::rustcrypto::provider;
use towline_hybrid_tokio::TunnelConnector;
use towline_tunnel::{Relay, RelayConfig, RelayHandle, Security, Stats, Tls};

/// More than anything takes here; what does not end by then hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A relay that serves until it is dropped.
pub struct LoopbackRelay {
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The operator's hand on it.
    pub handle: RelayHandle,
    /// The certificate that it shows, if it speaks TLS; it is its own root.
    pub certificate: Option<CertificateDer<'static>>,
    /// The task that serves; a relay whose task is aborted was killed.
    pub task: JoinHandle<()>,
    security: Security,
}

impl LoopbackRelay {
    /// Without TLS.
    pub async fn plain() -> Self {
        Self::start("127.0.0.1:0", Security::Plain, None).await
    }

    /// With a certificate for this host.
    pub async fn tls(host: &str) -> Self {
        Self::tls_at("127.0.0.1:0", CertificateParams::new([host.to_owned()]).unwrap()).await
    }

    /// At this address, with a certificate that says what a test wants.
    pub async fn tls_at(listen: &str, certificate: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let (chain, key) = (certificate.pem(), key.serialize_pem());
        let tls = Tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        Self::start(listen, Security::Tls(tls), Some(certificate.der().clone())).await
    }

    async fn start(
        listen: &str,
        security: Security,
        certificate: Option<CertificateDer<'static>>,
    ) -> Self {
        let config = RelayConfig::new(listen.parse().unwrap(), security.clone(), provider());
        let relay = Relay::bind(config).await.unwrap();
        let (address, handle) = (relay.local_addr(), relay.handle());
        Self { address, handle, certificate, task: tokio::spawn(relay.run()), security }
    }

    /// Killed without a word, and started again at the same address, with nothing remembered.
    pub async fn restart(&mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
        let again = async {
            loop {
                let config = RelayConfig::new(self.address, self.security.clone(), provider());
                match Relay::bind(config).await {
                    Ok(relay) => return relay,
                    Err(_) => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let relay = timeout(PATIENCE, again).await.expect("the port is free again");
        self.handle = relay.handle();
        self.task = tokio::spawn(relay.run());
    }

    /// Leads to this relay, and trusts its certificate alone.
    #[must_use]
    pub fn connector(&self) -> Arc<TunnelConnector> {
        Arc::new(match &self.certificate {
            None => TunnelConnector::plain_loopback(self.address).unwrap(),
            Some(certificate) => tls_connector([certificate.clone()]).relay_at(self.address),
        })
    }

    /// Waits until what the relay counts is as `wanted`.
    pub async fn until(&self, wanted: impl Fn(&Stats) -> bool) {
        let settled = async {
            while !wanted(&self.handle.stats()) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(PATIENCE, settled).await;
        assert!(in_time.is_ok(), "{:?}", self.handle.stats());
    }

    /// Waits until the relay holds no connection any more.
    pub async fn until_empty(&self) {
        self.until(|stats| {
            (stats.waiting, stats.ringing, stats.listening, stats.joined) == (0, 0, 0, 0)
        })
        .await;
    }
}

impl Drop for LoopbackRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Trusts these roots and no others.
pub fn tls_connector(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> TunnelConnector {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).unwrap();
    }
    TunnelConnector::with_roots(store, provider()).unwrap()
}
