//! The medium within one process: radios in rooms, adverts that repeat, and faults that a test
//! chooses one by one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::{ADVERT_INTERVAL, SIMULATED_RSSI, device_address};
use crate::{
    Advertisement, Advertiser, BoxFuture, FIDO_UUID16, MAX_SERVICE_DATA, RadioError, Scan, Scanner,
    Sighting, is_hybrid_uuid16,
};

/// Receptions that a scan keeps for a slow reader; further ones are missed, as a real radio misses
/// them.
const SCAN_QUEUE: usize = 64;

/// What becomes of one reception: one transmission at one scanner in range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is heard.
    Deliver,
    /// It is not heard.
    Lose,
    /// It is heard this much later, even when the advert is gone by then.
    Delay(Duration),
    /// It is heard twice.
    Duplicate,
}

/// Who hears whom: radios hear each other if, and only if, they are in the same room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Room(pub u32);

/// A simulated broadcast medium within one process. Clones are the same air.
///
/// Time is tokio's, so that tests may pause it.
#[derive(Clone)]
pub struct Air {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    interval: Duration,
}

type Fates = Box<dyn FnMut(u64) -> Fate + Send>;

struct State {
    scans: BTreeMap<u64, Slot>,
    next_scan: u64,
    adverts: usize,
    receptions: u64,
    fates: Fates,
}

struct Slot {
    radio: watch::Receiver<Setting>,
    sightings: mpsc::Sender<(Instant, Sighting)>,
}

/// What a test can change about a radio while it is in use.
#[derive(Clone)]
struct Setting {
    room: Room,
    fault: Option<RadioError>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements; a panicking test must not hide behind a
        // poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transmit(&self, from: &watch::Receiver<Setting>, sighting: &Sighting) {
        let room = from.borrow().room;
        let now = Instant::now();
        let mut state = self.lock();
        let State { scans, receptions, fates, .. } = &mut *state;
        for slot in scans.values() {
            if slot.radio.same_channel(from) || slot.radio.borrow().room != room {
                continue;
            }
            let fate = fates(*receptions);
            *receptions = receptions.saturating_add(1);
            let (copies, at) = match fate {
                Fate::Deliver => (1, now),
                Fate::Lose => (0, now),
                // A delay beyond the clock's range never ends.
                Fate::Delay(delay) => now.checked_add(delay).map_or((0, now), |at| (1, at)),
                Fate::Duplicate => (2, now),
            };
            for _ in 0..copies {
                // A full queue is a reception that the scanner missed.
                let _missed = slot.sightings.try_send((at, sighting.clone()));
            }
        }
    }
}

impl Air {
    /// An air in which nothing is lost.
    #[must_use]
    pub fn new() -> Self {
        Self::with_fates(|_| Fate::Deliver)
    }

    /// An air in which `fates` decides about every reception, which it is told by number: 0, 1, 2,
    /// ..
    ///
    /// A reception is one transmission at one scanner in range; scanners are served in the order in
    /// which they began.
    #[must_use]
    pub fn with_fates(fates: impl FnMut(u64) -> Fate + Send + 'static) -> Self {
        Self::build(ADVERT_INTERVAL, Box::new(fates))
    }

    /// Like [`with_fates`](Self::with_fates), with another time between two transmissions of an
    /// advert.
    #[must_use]
    pub fn with_interval(
        interval: Duration,
        fates: impl FnMut(u64) -> Fate + Send + 'static,
    ) -> Self {
        Self::build(interval.max(Duration::from_millis(1)), Box::new(fates))
    }

    fn build(interval: Duration, fates: Fates) -> Self {
        let state =
            State { scans: BTreeMap::new(), next_scan: 0, adverts: 0, receptions: 0, fates };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), interval }) }
    }

    /// A new radio in room 0.
    #[must_use]
    pub fn radio(&self) -> AirRadio {
        let setting = Setting { room: Room::default(), fault: None };
        AirRadio {
            shared: self.shared.clone(),
            setting: Arc::new(watch::Sender::new(setting)),
            service_uuid16: FIDO_UUID16,
        }
    }

    /// How many adverts are on the air now.
    #[must_use]
    pub fn adverts(&self) -> usize {
        self.shared.lock().adverts
    }

    /// How many scans are running now.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.shared.lock().scans.len()
    }
}

impl Default for Air {
    fn default() -> Self {
        Self::new()
    }
}

/// A simulated radio on an [`Air`]. Clones are the same radio; it never hears itself.
#[derive(Clone)]
pub struct AirRadio {
    shared: Arc<Shared>,
    setting: Arc<watch::Sender<Setting>>,
    service_uuid16: u16,
}

impl AirRadio {
    /// Carries the radio into another room: from now on it hears, and is heard by, the radios
    /// there.
    pub fn move_to(&self, room: Room) {
        self.setting.send_modify(|setting| setting.room = room);
    }

    /// Breaks the radio (running scans and adverts end with `fault`), or mends it with `None`.
    pub fn set_fault(&self, fault: Option<RadioError>) {
        self.setting.send_modify(|setting| setting.fault = fault);
    }

    /// The same radio advertising under another UUID, such as
    /// [`LEGACY_UUID16`](crate::LEGACY_UUID16).
    #[must_use]
    pub fn with_service_uuid16(mut self, uuid16: u16) -> Self {
        self.service_uuid16 = uuid16;
        self
    }

    fn fault(&self) -> Option<RadioError> {
        self.setting.borrow().fault.clone()
    }
}

impl Advertiser for AirRadio {
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        let service_data = service_data.to_vec();
        Box::pin(async move {
            if let Some(fault) = self.fault() {
                return Err(fault);
            }
            if service_data.len() > MAX_SERVICE_DATA {
                return Err(RadioError::TooLong { length: service_data.len() });
            }
            let sighting = Sighting {
                service_uuid16: self.service_uuid16,
                service_data,
                rssi: Some(SIMULATED_RSSI.into()),
                address: Some(device_address()),
            };
            let setting = self.setting.subscribe();
            let task =
                tokio::spawn(repeat(self.shared.clone(), setting.clone(), sighting)).abort_handle();
            let mut state = self.shared.lock();
            state.adverts = state.adverts.saturating_add(1);
            drop(state);
            Ok::<Box<dyn Advertisement>, _>(Box::new(OnAir {
                shared: self.shared.clone(),
                setting,
                task,
            }))
        })
    }

    fn description(&self) -> String {
        "simulated radio (in this process)".to_owned()
    }
}

async fn repeat(shared: Arc<Shared>, setting: watch::Receiver<Setting>, sighting: Sighting) {
    let mut ticks = tokio::time::interval(shared.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if setting.borrow().fault.is_none() {
            shared.transmit(&setting, &sighting);
        }
    }
}

struct OnAir {
    shared: Arc<Shared>,
    setting: watch::Receiver<Setting>,
    task: AbortHandle,
}

impl Advertisement for OnAir {
    fn stopped(&mut self) -> BoxFuture<'_, RadioError> {
        Box::pin(broken(&mut self.setting))
    }
}

impl Drop for OnAir {
    fn drop(&mut self) {
        self.task.abort();
        let mut state = self.shared.lock();
        state.adverts = state.adverts.saturating_sub(1);
    }
}

/// Waits until the radio has a fault.
async fn broken(setting: &mut watch::Receiver<Setting>) -> RadioError {
    loop {
        if let Some(fault) = setting.borrow_and_update().fault.clone() {
            return fault;
        }
        if setting.changed().await.is_err() {
            // Every handle to the radio is gone: nobody can break it any more.
            return std::future::pending().await;
        }
    }
}

impl Scanner for AirRadio {
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>> {
        Box::pin(async move {
            if let Some(fault) = self.fault() {
                return Err(fault);
            }
            let (sender, sightings) = mpsc::channel(SCAN_QUEUE);
            let setting = self.setting.subscribe();
            let mut state = self.shared.lock();
            let id = state.next_scan;
            state.next_scan = id.saturating_add(1);
            state.scans.insert(id, Slot { radio: setting.clone(), sightings: sender });
            drop(state);
            let scan = Listening {
                shared: self.shared.clone(),
                id,
                setting,
                sightings,
                late: VecDeque::new(),
            };
            Ok::<Box<dyn Scan>, _>(Box::new(scan))
        })
    }

    fn description(&self) -> String {
        Advertiser::description(self)
    }
}

struct Listening {
    shared: Arc<Shared>,
    id: u64,
    setting: watch::Receiver<Setting>,
    sightings: mpsc::Receiver<(Instant, Sighting)>,
    /// Delayed receptions, the earliest first.
    late: VecDeque<(Instant, Sighting)>,
}

impl Listening {
    async fn hear(&mut self) -> Result<Sighting, RadioError> {
        loop {
            let due = self.late.front().map(|(at, _)| *at);
            tokio::select! {
                biased;
                fault = broken(&mut self.setting) => return Err(fault),
                () = sleep_until(due) => if let Some((_, sighting)) = self.late.pop_front() {
                    return Ok(sighting);
                },
                received = self.sightings.recv() => {
                    let Some((at, sighting)) = received else { return Err(RadioError::lost("the air is gone")) };
                    if !is_hybrid_uuid16(sighting.service_uuid16) {
                        continue;
                    }
                    if at <= Instant::now() {
                        return Ok(sighting);
                    }
                    let place = self.late.partition_point(|(other, _)| *other <= at);
                    self.late.insert(place, (at, sighting));
                }
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Scan for Listening {
    fn next(&mut self) -> BoxFuture<'_, Result<Sighting, RadioError>> {
        Box::pin(self.hear())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared.lock().scans.remove(&self.id);
    }
}
