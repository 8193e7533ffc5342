//! A phone that acts by itself: scans codes, answers rings, can be wiped.

use std::sync::Arc;

use serde_json::json;
use tokio::{
    sync::{Notify, OwnedMutexGuard, mpsc},
    task::AbortHandle,
};
use towline::{
    Bell, BellEvent, Phone, PhoneStep, PhoneTransport,
    crypto::{CryptoProvider, zeroize::Zeroizing},
    hybrid::{
        CodeSource, Error as HybridError, ResponderSummary,
        domain::TunnelDomain,
        link::{ComputerLinks as _, MemoryComputerLinks, PhoneIdentity},
    },
    radio::air::AirRadio,
    transport::{TransportError, TunnelConnector},
};
use towline_store::Store;
use towline_virtual::{
    BuildError, Builder, TEST_AAGUID,
    attestation::{Format, TestAttestation},
    authenticator::{Authenticator, BackupState, Config, SoftwareKeys},
    ctap::Command,
};
use towline_virtual_server::Exchange;

use crate::{
    board::{Board, COMPUTER, Place},
    desk::{Asked, Desk, Holder, Reply},
    devices::DeviceId,
    moving::Mover,
    pair::{self, Pair},
    shelf::Shelf,
    wires::{SeenRadio, way},
};

/// The number of the tunnel domain that the phones use: its host is derived, and nobody's.
const DERIVED: u16 = 257;

/// A phone, from outside.
pub(crate) struct Handset {
    pub(crate) radio: AirRadio,
    orders: mpsc::Sender<Order>,
    /// Held from when its person wants something of it until that is done, or not.
    turn: Arc<tokio::sync::Mutex<()>>,
    stop: Arc<Notify>,
    task: AbortHandle,
}

enum Order {
    Scan(String, CodeSource),
    Relisten,
    Own(Wish, OwnedMutexGuard<()>),
}

/// What a person wants of a phone beside computers, of which it asks them once more.
enum Wish {
    Wipe,
    Export,
    Import(Zeroizing<Vec<u8>>),
    Lose,
}

/// What a phone consists of.
pub(crate) struct Making<'a> {
    pub(crate) id: DeviceId,
    pub(crate) radio: AirRadio,
    pub(crate) relay: &'a TunnelConnector,
    pub(crate) provider: CryptoProvider,
    pub(crate) desk: &'a Desk,
    pub(crate) board: &'a Board,
    /// The circle that it is the first device of.
    pub(crate) pair: Option<Arc<Pair>>,
    /// Its place in a circle.
    pub(crate) store: Option<&'a Store>,
}

impl Making<'_> {
    /// Makes the phone, and lets it run.
    pub(crate) fn phone(self) -> Result<Handset, BuildError> {
        let Self { id, radio, relay, provider, desk, board, pair, store } = self;
        let (authenticator, passkeys) = match store {
            Some(store) => synced(store, &provider)?,
            None => alone()?,
        };
        let place = Place::Device(id);
        let transport = PhoneTransport {
            advertiser: Arc::new(SeenRadio {
                radio: radio.clone(),
                whose: place,
                board: board.clone(),
            }),
            connector: way(relay, place, board),
            domain: domain(),
        };
        let holder = Holder { device: id, desk: desk.clone() };
        let mut phone = Phone::new(authenticator, provider.clone(), transport, holder)
            .with_watcher(watcher(id, board.clone(), passkeys.clone()));
        let links = (id == DeviceId::PhoneA).then(|| Arc::new(MemoryComputerLinks::new()));
        if let Some(links) = &links {
            phone = phone.with_links(links.clone(), id.own_name());
        }
        let (orders, incoming) = mpsc::channel(8);
        let stop = Arc::new(Notify::new());
        let mover = Mover {
            id,
            passkeys: passkeys.clone(),
            provider: provider.clone(),
            desk: desk.clone(),
            board: board.clone(),
        };
        let running = Running {
            id,
            mover,
            phone,
            links,
            provider,
            passkeys,
            pair,
            desk: desk.clone(),
            board: board.clone(),
            stop: stop.clone(),
        };
        let task = tokio::spawn(running.run(incoming)).abort_handle();
        Ok(Handset { radio, orders, turn: Arc::default(), stop, task })
    }
}

/// A phone that has its passkeys to itself, and says which model it is.
fn alone() -> Result<(Authenticator, Shelf), BuildError> {
    let builder = || Builder::phone().backup(BackupState::DeviceBound);
    // Another one with the same passkeys, for what is done to them beside ceremonies.
    let aside = builder().build()?;
    let phone = builder()
        .synced_with(&aside.synced_set())
        .attestation(TestAttestation::new(Format::Packed))
        .build_parts()?;
    Ok((phone.authenticator, Shelf::Own(aside)))
}

/// A phone whose passkeys are in a store that a circle keeps up with.
fn synced(store: &Store, provider: &CryptoProvider) -> Result<(Authenticator, Shelf), BuildError> {
    let mut config = Config::phone().with_backup(BackupState::Synced);
    config.identity.aaguid = TEST_AAGUID;
    let keys = SoftwareKeys::new(provider.clone());
    let phone = Authenticator::new(config, provider.clone(), store.clone(), keys)?;
    Ok((phone, Shelf::Synced(store.clone())))
}

impl Handset {
    /// Points its camera at a code, or is given the code's text. What it did before ends.
    pub(crate) fn scan(&self, code: String, source: CodeSource) {
        self.order(Order::Scan(code, source));
    }

    /// Asks its person whether all is to be deleted.
    pub(crate) fn wipe(&self) {
        self.wish(Wish::Wipe);
    }

    /// Asks its person whether its passkeys are to be written into a file.
    pub(crate) fn export(&self) {
        self.wish(Wish::Export);
    }

    /// Asks its person whether those of a file are to be taken in.
    pub(crate) fn import(&self, file: Zeroizing<Vec<u8>>) {
        self.wish(Wish::Import(file));
    }

    /// Asks its person whether the tablet is to be removed from their devices.
    pub(crate) fn lose(&self) {
        self.wish(Wish::Lose);
    }

    /// Listens for computers anew.
    pub(crate) fn relisten(&self) {
        self.order(Order::Relisten);
    }

    /// One at a time: a button that is pressed twice asks once.
    fn wish(&self, wish: Wish) {
        let Ok(turn) = self.turn.clone().try_lock_owned() else { return };
        if matches!(wish, Wish::Wipe) {
            self.stop.notify_waiters();
        }
        self.order(Order::Own(wish, turn));
    }

    fn order(&self, order: Order) {
        if matches!(order, Order::Scan(..)) {
            self.stop.notify_waiters();
        }
        // One that does not keep up has been told often enough.
        let _ = self.orders.try_send(order);
    }
}

impl Drop for Handset {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A phone, from inside.
struct Running {
    id: DeviceId,
    mover: Mover,
    phone: Phone<Holder>,
    links: Option<Arc<MemoryComputerLinks>>,
    provider: CryptoProvider,
    passkeys: Shelf,
    pair: Option<Arc<Pair>>,
    desk: Desk,
    board: Board,
    stop: Arc<Notify>,
}

impl Running {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut bell = self.listen().await;
        loop {
            let rung = async {
                match &mut bell {
                    Some(bell) => bell.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => match order {
                    None => return,
                    Some(Order::Scan(code, source)) => {
                        let stop = self.stop.clone();
                        self.board.device(self.id, |view| view.busy = true);
                        let served =
                            self.phone.answer_code_until(&code, source, stop.notified()).await;
                        self.served(served);
                    }
                    Some(Order::Own(wish, _turn)) => match wish {
                        Wish::Wipe => if self.wipe().await {
                            drop(bell.take());
                            bell = self.listen().await;
                        },
                        Wish::Export => self.mover.export().await,
                        Wish::Import(file) => self.mover.import(&file).await,
                        Wish::Lose => self.lose().await,
                    },
                    Some(Order::Relisten) => {
                        drop(bell.take());
                        bell = self.listen().await;
                    }
                },
                event = rung => match event {
                    Ok(BellEvent::Rung(ring)) => {
                        let stop = self.stop.clone();
                        self.board.mark("rung", false);
                        self.board.device(self.id, |view| (view.busy, view.rung) = (true, true));
                        let served = self.phone.answer_ring_until(ring, stop.notified()).await;
                        self.served(served);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the phone listens no more");
                        bell = None;
                    }
                },
            }
        }
    }

    async fn listen(&mut self) -> Option<Bell> {
        self.links.as_ref()?;
        match self.phone.listen().await {
            Ok(bell) => Some(bell),
            Err(error) => {
                tracing::warn!(%error, "the phone can't listen");
                None
            }
        }
    }

    /// Shows how it went with a computer.
    fn served(&self, served: Result<ResponderSummary, TransportError>) {
        let notice = match &served {
            Ok(_) => None,
            Err(TransportError::Hybrid(HybridError::Declined | HybridError::Cancelled)) => None,
            Err(TransportError::Hybrid(HybridError::Qr(_))) => Some("bad-code"),
            Err(TransportError::Hybrid(HybridError::Tunnel(_))) => Some("relay-gone"),
            Err(TransportError::Hybrid(HybridError::TimedOut { .. })) => Some("not-heard"),
            Err(TransportError::Radio(_)) => Some("bluetooth-off"),
            Err(_) => Some("broken"),
        };
        let computers =
            self.links.as_ref().and_then(|links| links.computers().ok()).map_or(0, |all| all.len());
        let detail = served.err().map(|error| error.to_string()).unwrap_or_default();
        self.board.device(self.id, |view| {
            (view.busy, view.rung, view.computers) = (false, false, computers);
            if let Some(notice) = notice {
                view.notice = Some((notice, detail));
            }
        });
        self.board.passkeys(self.id, || self.passkeys.passkeys());
    }

    /// Deletes everything, if its person wants that. They are told what it means first.
    async fn wipe(&mut self) -> bool {
        let mut posted = self.desk.post(self.id, Asked::Reset);
        let reply = posted.reply().await;
        drop(posted);
        if reply != Reply::Allow {
            return false;
        }
        if let Some(links) = &self.links {
            let other = PhoneIdentity::generate(&self.provider).map_err(|_| ());
            if other.is_ok_and(|other| links.become_other(&other).is_ok()) {
                self.board.device(self.id, |view| view.computers = 0);
            }
        }
        if let Err(error) = self.passkeys.clear() {
            tracing::warn!(%error, "the phone can't be wiped");
            return false;
        }
        self.board.passkeys(self.id, || self.passkeys.passkeys());
        self.board.device(self.id, |view| view.notice = Some(("wiped", String::new())));
        self.board.done(17);
        true
    }

    /// Removes the tablet from the circle, if its person wants that.
    async fn lose(&mut self) {
        let Some(pair) = self.pair.clone().filter(|_| !self.board.is_lost()) else { return };
        if self.desk.post(self.id, Asked::Lose).reply().await != Reply::Finger {
            return;
        }
        if let Some(exposed) = pair.asked(pair::Order::Remove).await {
            // What is left to do is said of each passkey.
            let notice = (exposed == 0).then(|| ("lost-empty", String::new()));
            self.board.device(self.id, |view| view.notice = notice);
        }
    }
}

/// Tells what the computer asks of a phone and what it is told, as both ends of the tunnel see it.
fn watcher(
    id: DeviceId,
    board: Board,
    passkeys: Shelf,
) -> impl FnMut(PhoneStep<'_>) + Send + Sync + 'static {
    let mut asked = Vec::new();
    move |step| match step {
        PhoneStep::Asked(request) => {
            board.mark("request", false);
            ctap(&board, COMPUTER, Place::Device(id), &Exchange::request(request));
            asked = request.to_vec();
        }
        PhoneStep::Answered { response, .. } => {
            board.mark("response", false);
            board.change(|scene| scene.answered = Some(id));
            board.passkeys(id, || passkeys.passkeys());
            let exchange = Exchange::response(&asked, response);
            ctap(&board, Place::Device(id), COMPUTER, &exchange);
        }
        _ => {}
    }
}

/// Notes a message of CTAP, decoded.
pub(crate) fn ctap(board: &Board, from: Place, to: Place, message: &Exchange) {
    let mut detail = message.decoded();
    if let Some(object) = detail.as_object_mut() {
        object.insert("length".into(), json!(message.bytes().len()));
    }
    if message.command() != Command::GetInfo.to_u8() || message.is_response() {
        board.travels(from, to, "ctap", detail);
    }
}

#[allow(clippy::expect_used, reason = "every number from 256 on is a domain")]
pub(crate) fn domain() -> TunnelDomain {
    TunnelDomain::new(DERIVED).expect("a derived domain")
}
