//! The relying party as a whole: what it is told, what it knows, where it listens.

use std::{net::SocketAddr, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::broadcast;

use crate::{
    ApiError, Identity, RpConfig, RpError, Shutdown, SiteEvent, Verifier, VerifyError,
    judge::Shared,
    oidc::OpenIdProvider,
    router::router,
    serve::{Door, listen},
    site::Site,
    sites::{Kind, KnownSite, RelyingSite},
    store::{Store, secrets},
};

/// A relying party that listens.
pub struct RpServer {
    local_addr: SocketAddr,
    site: Arc<Site>,
    doors: Vec<Door>,
    stop: Shutdown,
}

impl RpServer {
    /// Listens, and makes the verifier with what is known only then: the origin may contain the
    /// port. Records of keys are kept as JSON.
    ///
    /// # Errors
    /// [`RpError`] for an address that is not loopback or can't be listened on, for a database that
    /// can't be opened, or what the verifier says.
    pub async fn bind<V>(
        config: RpConfig,
        verifier: impl FnOnce(&Identity) -> Result<V, VerifyError>,
    ) -> Result<Self, RpError>
    where
        V: Verifier,
        V::Record: Serialize + DeserializeOwned,
    {
        let (listener, local_addr) = listen(config.addr).await?;
        let port = local_addr.port();
        let identity = Identity {
            rp_id: config.rp_id.clone(),
            rp_name: config.rp_name.clone(),
            origin: config.origin.clone().unwrap_or_else(|| format!("http://localhost:{port}")),
            challenge_lifetime: config.challenge_lifetime,
        };
        let verifier = verifier(&identity)?;
        let store = Store::open(config.data.as_deref()).map_err(|reason| RpError::Data {
            file: config.data.clone().unwrap_or_default(),
            reason,
        })?;
        let (limits, stop) = (config.limits.clone(), Shutdown::new());
        let judge = Box::new(Shared(Arc::new(verifier)));
        let mut doors = Vec::new();
        let mut known = Vec::new();
        for (kind, addr) in Kind::ALL.into_iter().zip(config.sites.into_iter().flatten()) {
            let (listener, addr) = listen(addr).await?;
            let at = KnownSite { kind, url: format!("http://localhost:{}", addr.port()) };
            let (origin, name) = (identity.origin.clone(), identity.rp_name.clone());
            let (clock, showcase) = (config.clock.clone(), config.showcase.clone());
            let router = RelyingSite::new(at.clone(), origin, name, clock, showcase).router();
            doors.push(Door { listener, router, limits: limits.clone(), stop: stop.clone() });
            known.push(at);
        }
        let unusable = |error: ApiError| RpError::Data {
            file: config.data.clone().unwrap_or_default(),
            reason: error.message,
        };
        let oidc = OpenIdProvider::new(&store, &config.provider, known, &limits).await;
        let oidc = oidc.map_err(unusable)?;
        let decoys = secrets::random(&store, &config.provider, "decoys").await;
        let decoys = decoys.map_err(unusable)?;
        let site = Arc::new(Site::new(config, identity, port, judge, store, oidc, decoys));
        let router = router(&site);
        doors.push(Door { listener, router, limits, stop: stop.clone() });
        Ok(Self { local_addr, site, doors, stop })
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

    /// Where the sites are that sign in through this one.
    #[must_use]
    pub fn site_urls(&self) -> Vec<String> {
        self.site.oidc.sites.iter().map(|site| site.url.clone()).collect()
    }

    /// What happens at the site from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<SiteEvent> {
        self.site.events.subscribe()
    }

    /// Stops [`RpServer::run`] from elsewhere.
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Serves until told to stop. Requests under way are then finished, for at most two seconds.
    pub async fn run(self) {
        futures_util::future::join_all(self.doors.into_iter().map(Door::run)).await;
    }
}

impl std::fmt::Debug for RpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpServer").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
