//! The demonstration as a whole.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::{
    net::TcpListener,
    sync::{Notify, broadcast, watch},
};
use towline::{Computer, client::Client, fastest, hybrid::link::MemoryPhoneLinks, radio::air::Air};
use towline_rp::{ErrorCode, RpConfig, RpServer, Showcase, SiteEvent, StrictVerifier};
use towline_virtual_server::{
    Service, ServiceLimits,
    http::{self, Settings},
};
use url::Url;

use crate::{
    DemoConfig, DemoError,
    account::Account,
    board::{Board, COMPUTER},
    browser::Browser,
    built_in::BuiltIn,
    desk::Desk,
    devices::DeviceId,
    door::{self, Stage},
    handset::{Handset, Making},
    pair::Pair,
    relay::RelayPlace,
    timing::Timed,
    wires::way,
};

/// How long requests under way may take once the demonstration is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// What the site is called.
const NAME: &str = "Harbour Login";

/// A demonstration that listens.
pub struct Demo {
    listener: TcpListener,
    url: String,
    rp: RpServer,
    stage: Arc<Stage>,
    service: Service,
    settings: Settings,
}

/// What happens, for whoever runs the demonstration.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemoEvent {
    /// A step of the tour was done.
    StepDone {
        /// Its number among all, from 1 to 17.
        step: u8,
        /// Its number on the short way, from 1 to 5, if it is on that.
        short: Option<u8>,
    },
    /// A ceremony succeeded, and took so long.
    Timed(Timed),
}

/// Stops a demonstration. Clones stop the same one.
#[derive(Debug, Clone)]
pub struct DemoStop(watch::Sender<bool>);

impl DemoStop {
    /// Tells the demonstration to stop; once is enough.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn wished(&self) {
        // Can't fail: this value holds a sender.
        let _ = self.0.subscribe().wait_for(|stop| *stop).await;
    }
}

impl Demo {
    /// Starts the relay and the phones, and listens: for the page, for the site, and for the two
    /// sites that sign in through it.
    ///
    /// # Errors
    /// [`DemoError`] for an address that is not loopback or can't be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub async fn bind(config: DemoConfig) -> Result<Self, DemoError> {
        let DemoConfig { addr, speed } = config;
        if !addr.ip().is_loopback() {
            return Err(DemoError::NotLoopback(addr));
        }
        let failed = |error: std::io::Error| DemoError::Listen { addr, reason: error.to_string() };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let origin = format!("http://localhost:{}", listener.local_addr().map_err(failed)?.port());

        let provider = fastest::provider();
        let service = Service::new(ServiceLimits::default());
        let settings = Settings::new(service.new_token()?);
        let page_key = service.default_session().page_key().unwrap_or_default();
        let url = format!("{origin}/{}/", settings.token.reveal());
        let showcase = Showcase {
            origin: origin.clone(),
            script: format!("{origin}/{page_key}/page/script.js"),
        };
        let rp = site(showcase.clone()).await?;

        let relay = RelayPlace::open(provider.clone()).await?;
        let to_relay = relay.connector()?;
        let board = Board::new();
        let desk = Desk::new(board.clone());
        let air = Air::new();
        let client = Client::new(provider.clone());
        let mut handsets: BTreeMap<DeviceId, Handset> = BTreeMap::new();
        let pair = Pair::begin(&provider, &board);
        let pair = Arc::new(pair.map_err(|error| DemoError::Synced(error.to_string()))?);
        let [phone_b, tablet] = &pair.stores;
        for id in DeviceId::HANDSETS {
            let making = Making {
                id,
                radio: air.radio(),
                relay: &to_relay,
                provider: provider.clone(),
                desk: &desk,
                board: &board,
                pair: (id == DeviceId::PhoneB).then(|| pair.clone()),
                store: match id {
                    DeviceId::PhoneB => Some(phone_b),
                    DeviceId::Tablet => Some(tablet),
                    _ => None,
                },
            };
            handsets.insert(id, making.phone()?);
        }
        let links = Arc::new(MemoryPhoneLinks::new());
        let radio = air.radio();
        let computer = Computer::new(
            provider.clone(),
            Arc::new(radio.clone()),
            way(&to_relay, COMPUTER, &board),
        );
        let browser = Browser {
            computer: computer.with_client(client.clone()).with_links(links.clone()),
            laptop: BuiltIn::new(DeviceId::Laptop, client.clone(), &desk, &board)?,
            key: BuiltIn::new(DeviceId::Key, client.clone(), &desk, &board)?,
            board: board.clone(),
            desk: desk.clone(),
            client,
            provider,
            links,
            radio,
            turn: tokio::sync::Mutex::default(),
            newer: Notify::new(),
            cancel: Notify::new(),
            went: std::sync::Mutex::default(),
        };
        let stage = Arc::new(Stage {
            board,
            desk,
            browser,
            handsets,
            relay,
            pair,
            joining: tokio::sync::Mutex::default(),
            site: rp.url(),
            others: rp.site_urls(),
            script: showcase.script,
            speed,
            stop: DemoStop(watch::Sender::new(false)),
        });
        Ok(Self { listener, url, rp, stage, service, settings })
    }

    /// The address of the page. It holds the token that lets in: it is for whoever runs it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Where the site is, and the two that sign in through it.
    #[must_use]
    pub fn site_urls(&self) -> Vec<String> {
        let mut urls = vec![self.stage.site.clone()];
        urls.extend(self.stage.others.iter().cloned());
        urls
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<DemoEvent> {
        self.stage.board.events()
    }

    /// Stops [`Self::run`] from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> DemoStop {
        self.stage.stop.clone()
    }

    /// Serves until told to stop. Requests under way are then finished, for at most two seconds.
    ///
    /// # Errors
    /// [`DemoError::Accounts`], where the site does not take the people of the demonstration;
    /// [`DemoError::Listen`], where the listener fails for good.
    pub async fn run(self) -> Result<(), DemoError> {
        let Self { listener, rp, stage, service, settings, .. } = self;
        let (stop, shutdown, events) = (stage.stop.clone(), rp.shutdown_handle(), rp.events());
        let addr = rp.local_addr();
        let control = door::control(stage.clone());
        let page = door::page(stage.clone());
        let router = http::guarded(service, settings, control, page);
        let following = tokio::spawn(follow(stage.clone(), events));
        let site = tokio::spawn(rp.run());
        let ended = async {
            let url = Url::parse(&stage.site).map_err(|error| error.to_string());
            let url = url.map_err(DemoError::Accounts)?;
            for account in Account::ALL {
                account.joins(&url).await.map_err(DemoError::Accounts)?;
            }
            let wished = stop.clone();
            let serving = http::serve(listener, router, async move { wished.wished().await });
            let late = async {
                stop.wished().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                served = serving => served
                    .map_err(|error| DemoError::Listen { addr, reason: error.to_string() }),
                () = late => Ok(()),
            }
        }
        .await;
        shutdown.shutdown();
        following.abort();
        // It has its own limit of time.
        let _ended = site.await;
        ended
    }
}

impl std::fmt::Debug for Demo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demo").field("site", &self.stage.site).finish_non_exhaustive()
    }
}

/// The site, and the two that sign in through it, which only the demonstration's page may frame.
async fn site(showcase: Showcase) -> Result<RpServer, DemoError> {
    let free = RpConfig::default().addr;
    let config = RpConfig {
        rp_name: NAME.into(),
        sites: Some([free, free]),
        programs: Some(false),
        showcase: Some(showcase),
        ..RpConfig::default()
    };
    let provider = fastest::provider();
    // People may let it ask for attestation, of which it has no roots to judge any.
    let bound = RpServer::bind(config, |identity| {
        Ok(StrictVerifier::new(identity, provider)?.without_attestation())
    });
    Ok(bound.await?)
}

/// What the site makes of what it is told: steps of the tour are done by that.
async fn follow(stage: Arc<Stage>, mut events: broadcast::Receiver<SiteEvent>) {
    let board = &stage.board;
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let mut went = stage.browser.went.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            SiteEvent::Registered { .. } => {
                board.mark("site", false);
                board.measured();
                board.done(7);
                // Nobody signed in by that.
                match went.take() {
                    Some((DeviceId::Laptop, _)) => board.done(3),
                    Some((DeviceId::Key, _)) | None => {}
                    Some((device, _)) => stage.browser.has_passkey(device),
                }
            }
            SiteEvent::SignedIn { .. } => {
                board.mark("site", false);
                board.measured();
                match *went {
                    Some((DeviceId::Laptop, _)) => board.done(9),
                    Some((DeviceId::Tablet, _)) => board.done(15),
                    Some((DeviceId::PhoneA, "code")) => stage.browser.remembered(),
                    _ => {}
                }
            }
            // In order: the one that believes whoever is signed in, and the one that wants proof.
            SiteEvent::Vouched { site, .. } => {
                match (*went, stage.others.iter().position(|other| *other == site)) {
                    (Some((DeviceId::PhoneB, "code")), Some(0)) => board.done(10),
                    (Some((DeviceId::PhoneA, "link")), Some(1)) => board.done(11),
                    _ => {}
                }
            }
            SiteEvent::Removed { .. } => board.done(14),
            SiteEvent::SignInRefused { why: ErrorCode::UnknownKey, .. } => {
                board.done(14);
                if let Some((device, _)) = *went {
                    board.device(device, |view| view.unknown = true);
                }
            }
            _ => {}
        }
    }
}
