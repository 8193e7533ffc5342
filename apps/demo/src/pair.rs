//! Phone B and its tablet, which are a circle: each has a store of its own, and what one makes
//! comes to the other through a place between them in which everything is sealed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::oneshot;
use towline::{
    crypto::{CryptoProvider, zeroize::Zeroizing},
    ctap::CredentialId,
};
use towline_store::{KeySource, Store};
use towline_sync::{
    Circle, CircleConfig, CircleError, Content, DeviceId as MemberId, DeviceKeys, Introduction,
    JoinedCircle, Joining, JoiningConfig, MemberKind, Moment, PaperKey,
};
use towline_synced::{SyncedError, SyncedStore};
use towline_virtual::authenticator::StoreError;

use crate::{
    board::Board,
    devices::DeviceId,
    memory::{Between, Memory},
    shelf::Shelf,
    wires::hex,
};

/// How soon what was made is on its way.
const SOON: Duration = Duration::from_millis(250);
/// How often each device looks at what is between them.
const PERIOD: Duration = Duration::from_secs(1);
/// How many times both look before the page is there, so that each knows the other.
const TO_REST: usize = 2;

/// What the two call the place between them, which has no address.
const ADDRESS: &str = "between phone B and tablet B";

/// Why two devices can't be a circle.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct PairError(#[from] SyncedError);

impl From<CircleError> for PairError {
    fn from(error: CircleError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for PairError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<towline_store::Error> for PairError {
    fn from(error: towline_store::Error) -> Self {
        Self(error.into())
    }
}

impl From<towline::crypto::Error> for PairError {
    fn from(error: towline::crypto::Error) -> Self {
        Self(CircleError::from(error).into())
    }
}

/// The two, from outside. They end with it.
pub(crate) struct Pair {
    orders: Sender<Order>,
    /// The stores of the phone and of the tablet.
    pub(crate) stores: [Store; 2],
}

/// What is to be done. Where it can't be done, what is waited for is dropped.
pub(crate) enum Order {
    /// Whether the two are online.
    Reach(bool),
    /// Phone B removes the tablet. Gives how many passkeys whoever has it can use.
    Remove(oneshot::Sender<usize>),
    /// A passkey that the lost one has was removed at its site.
    TickOff(String),
    /// Phone B and another tablet, before they meet.
    Meet(oneshot::Sender<(Joining, Joining)>),
    /// Phone B adds that tablet. Gives what it has to know, and where all of it is.
    Admit(Box<Introduction>, oneshot::Sender<(Zeroizing<Vec<u8>>, Content)>),
    /// That tablet keeps it, and has nothing else.
    Keep(Box<JoinedCircle>, oneshot::Sender<()>),
}

impl Pair {
    /// Makes both. A thread keeps them up from then on.
    pub(crate) fn begin(provider: &CryptoProvider, board: &Board) -> Result<Self, PairError> {
        let both = Both::begin(provider.clone(), board.clone())?;
        let stores = both.stores.clone();
        let (orders, incoming) = channel();
        thread::spawn(move || both.run(&incoming));
        Ok(Self { orders, stores })
    }

    /// Has something done, and waits for what comes of it.
    pub(crate) async fn asked<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Option<T> {
        let (done, wait) = oneshot::channel();
        self.order(order(done));
        wait.await.ok()
    }

    /// Has something done.
    pub(crate) fn order(&self, order: Order) {
        // Whoever asked sees that nothing comes of it.
        let _ = self.orders.send(order);
    }
}

/// The two, from inside.
struct Both {
    phone: SyncedStore,
    tablet: SyncedStore,
    stores: [Store; 2],
    between: Between,
    crypto: CryptoProvider,
    board: Board,
    /// The keys of a tablet that is about to join.
    new: Option<DeviceKeys>,
}

impl Both {
    fn begin(crypto: CryptoProvider, board: Board) -> Result<Self, PairError> {
        let store = || {
            let key = KeySource::Key(crypto.random.secret::<32>()?);
            Ok::<_, PairError>(Store::create_on(Memory::default(), &key, &crypto)?)
        };
        let stores = [store()?, store()?];
        let [phone, tablet] = &stores;
        let between = Between::default();
        let mut phone = first(phone, &crypto)?;
        let tablet = joins(&mut phone, tablet, &between, &crypto)?;
        let mut both = Self { phone, tablet, stores, between, crypto, board, new: None };
        for _ in 0..TO_REST {
            both.turn();
        }
        Ok(both)
    }

    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(SOON) {
                Ok(order) => self.follow(order),
                Err(RecvTimeoutError::Timeout) => self.turn(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Reach(reached) => {
                self.between.offline = !reached;
                for synced in [&mut self.phone, &mut self.tablet] {
                    synced.circle_mut().look_now(now());
                }
            }
            Order::Remove(done) => {
                let lost = BTreeSet::from([self.tablet.circle().device()]);
                let removed = self.phone.circle_mut().remove(&lost, now());
                self.board.device(DeviceId::Tablet, |view| view.lost = removed.is_ok());
                self.tick_off_what_never_left();
                answered(done, removed.map(|()| self.exposed().len()).map_err(PairError::from));
            }
            Order::Meet(done) => answered(done, self.meet()),
            Order::Admit(newcomer, done) => answered(done, self.admit(*newcomer)),
            Order::Keep(joined, done) => answered(done, self.keep(*joined)),
            Order::TickOff(record) => {
                let known = self.exposed();
                if let Some((record, _)) = known.into_iter().find(|(it, _)| hex(it) == record) {
                    self.phone.circle_mut().tick_off(record);
                }
            }
        }
        self.turn();
    }

    /// Lets both do what there is to do, and shows what they have.
    fn turn(&mut self) {
        for synced in [&mut self.phone, &mut self.tablet] {
            match synced.turn(&self.between, now).map(|turn| turn.failed) {
                Ok(None) => {}
                Ok(Some(error)) => tracing::debug!(%error, "the other one is not reached"),
                Err(error) => tracing::warn!(%error, "nothing is synced for now"),
            }
        }
        let exposed: BTreeMap<CredentialId, String> =
            self.exposed().into_iter().map(|(record, id)| (id, hex(&record))).collect();
        self.board.exposes(exposed);
        for (id, store) in [DeviceId::PhoneB, DeviceId::Tablet].into_iter().zip(&self.stores) {
            self.board.passkeys(id, || Shelf::Synced(store.clone()).passkeys());
        }
    }

    /// What those who are out can use, as far as it is still on the phone.
    fn exposed(&self) -> Vec<([u8; 16], CredentialId)> {
        let out = self.phone.circle().removed();
        let all = out.flat_map(|device: MemberId| self.phone.exposed(device));
        all.filter_map(|(record, credential)| Some((record, credential?.id))).collect()
    }

    /// What no other device could have got is not on the lost one.
    fn tick_off_what_never_left(&mut self) {
        let [phone, _] = &self.stores;
        let passkeys = Shelf::Synced(phone.clone()).passkeys().into_iter();
        let left: BTreeSet<_> =
            passkeys.filter(|it| it.backed_up).map(|it| it.credential.id).collect();
        for (record, id) in self.exposed() {
            if !left.contains(&id) {
                self.phone.circle_mut().tick_off(record);
            }
        }
    }

    fn meet(&mut self) -> Result<(Joining, Joining), PairError> {
        let called = |device: DeviceId| JoiningConfig::new(device.own_name());
        let ours = Joining::sponsor(called(DeviceId::PhoneB), self.phone.circle())?;
        // One that phone B has added, and that has not kept it, is the same when it tries again.
        let keys = match self.new.take() {
            Some(keys) => keys,
            None => DeviceKeys::generate(&self.crypto)?,
        };
        let own = DeviceKeys::from_bytes(&self.crypto, &*keys.to_bytes()?)?;
        self.new = Some(keys);
        let tablet = called(DeviceId::Tablet);
        Ok((ours, Joining::newcomer(self.crypto.clone(), tablet, config(), own)))
    }

    fn admit(&mut self, new: Introduction) -> Result<(Zeroizing<Vec<u8>>, Content), PairError> {
        self.phone.circle_mut().add(new, now())?;
        // Durable before it is handed over.
        self.phone.turn(&self.between, now)?;
        let address = Content::new(self.phone.address().into());
        Ok((self.phone.circle().welcome(), address))
    }

    fn keep(&mut self, joined: JoinedCircle) -> Result<(), PairError> {
        let keys = self.new.as_ref().ok_or(SyncedError::Device)?;
        let [_, store] = &self.stores;
        // What the lost one has is not here any more: this is another one.
        Shelf::Synced(store.clone()).clear()?;
        let address = String::from_utf8_lossy(joined.store.expose());
        self.tablet = begun(store, &self.crypto, keys, joined.circle, &address)?;
        self.new = None;
        self.board.device(DeviceId::Tablet, |view| view.lost = false);
        Ok(())
    }
}

/// Gives what came of an order to whoever waits for it, if anything did.
fn answered<T>(done: oneshot::Sender<T>, result: Result<T, PairError>) {
    match result {
        // Nobody has to wait.
        Ok(result) => drop(done.send(result)),
        Err(error) => tracing::warn!(%error, "phone B and its tablet fail"),
    }
}

/// Begins a circle with this store. Its paper key is nobody's: who has it could bring the circle
/// back, and this one ends with the program.
fn first(store: &Store, crypto: &CryptoProvider) -> Result<SyncedStore, PairError> {
    let keys = DeviceKeys::generate(crypto)?;
    let paper = PaperKey::generate(crypto)?.keys(crypto)?;
    let paper = paper.introduce(None, keys.id(), MemberKind::Paper)?;
    let own = DeviceKeys::from_bytes(crypto, &*keys.to_bytes()?)?;
    let mut circle = Circle::begin(crypto.clone(), config(), own, paper, now())?;
    circle.name_device(DeviceId::PhoneB.own_name(), now())?;
    Ok(SyncedStore::begin(store.clone(), crypto.clone(), &keys, circle, ADDRESS, now())?)
}

/// A store joins the circle of another one, as it has before anybody looks.
fn joins(
    sponsor: &mut SyncedStore,
    store: &Store,
    between: &Between,
    crypto: &CryptoProvider,
) -> Result<SyncedStore, PairError> {
    let keys = DeviceKeys::generate(crypto)?;
    let circle = sponsor.circle_mut();
    let introduced = keys.introduce(Some(circle.id()), circle.device(), MemberKind::Device)?;
    circle.add(introduced, now())?;
    sponsor.turn(between, now)?;
    let own = DeviceKeys::from_bytes(crypto, &*keys.to_bytes()?)?;
    let welcome = sponsor.circle().welcome();
    let circle = Circle::join(crypto.clone(), config(), own, &welcome, now())?;
    begun(store, crypto, &keys, circle, sponsor.address())
}

/// The tablet's store belongs to this circle.
fn begun(
    store: &Store,
    crypto: &CryptoProvider,
    keys: &DeviceKeys,
    mut circle: Circle,
    address: &str,
) -> Result<SyncedStore, PairError> {
    circle.name_device(DeviceId::Tablet.own_name(), now())?;
    Ok(SyncedStore::begin(store.clone(), crypto.clone(), keys, circle, address, now())?)
}

fn config() -> CircleConfig {
    CircleConfig { period: PERIOD, ..CircleConfig::default() }
}

fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall_clock = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Moment { instant: Instant::now(), wall_clock }
}

#[cfg(test)]
mod tests;
