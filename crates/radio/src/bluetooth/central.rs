//! Scanning by `btleplug`: unfiltered, with duplicates, and sorted here.

use std::{collections::HashMap, hash::Hash, pin::Pin, time::Duration};

use btleplug::{
    api::{
        Central as _, CentralEvent, CentralState, Manager as _, Peripheral as _, ScanFilter,
        bleuuid::uuid_from_u16,
    },
    platform::{Adapter, Manager, PeripheralId},
};
use futures_util::{Stream, StreamExt};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

#[cfg(target_os = "linux")]
use super::{bluez, daemon::Daemon};
use crate::{FIDO_UUID16, LEGACY_UUID16, MAX_SERVICE_DATA, RadioError, Sighting};

/// How often it is checked that the adapter is still there: a daemon that died says nothing.
const CHECK: Duration = Duration::from_secs(1);

/// How long another scan may stand in the way of a new one.
const LEFT_BEHIND: Duration = Duration::from_secs(12);

/// After how long a device is asked again for its properties.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// How many devices are remembered, so that they are not asked again at once.
const MOST_SEEN: usize = 4096;

/// How often it is tried meanwhile.
const RETRY: Duration = Duration::from_millis(500);

/// The adapter of this name, or the first, if it is there and on.
pub(super) async fn open(name: Option<&str>) -> Result<Adapter, RadioError> {
    let manager = Manager::new().await.map_err(no_service)?;
    let mut known = Vec::new();
    for adapter in manager.adapters().await.map_err(no_service)? {
        let info = adapter.adapter_info().await.map_err(reason)?;
        known.push((info, adapter));
    }
    known.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (_, adapter) = match name {
        Some(name) => {
            let names = known.iter().map(|(info, _)| called(info)).collect::<Vec<_>>();
            let error = RadioError::UnknownAdapter {
                name: name.into(),
                known: if names.is_empty() { "none".into() } else { names.join(", ") },
            };
            known.into_iter().find(|(info, _)| called(info) == name).ok_or(error)?
        }
        None => known.into_iter().next().ok_or(RadioError::NoAdapter)?,
    };
    // To start a scan would switch it on.
    match adapter.adapter_state().await.map_err(reason)? {
        CentralState::PoweredOff => Err(RadioError::Off),
        _ => Ok(adapter),
    }
}

/// Starts to listen. A scan that a daemon left behind when it died goes on in the kernel for ten
/// seconds, and a new one can't be started as long.
async fn start(adapter: &Adapter) -> Result<(), RadioError> {
    let begun = Instant::now();
    loop {
        match adapter.start_scan(ScanFilter::default()).await.map_err(reason) {
            Err(RadioError::Busy) if begun.elapsed() < LEFT_BEHIND => sleep(RETRY).await,
            started => return started,
        }
    }
}

/// `hci0` of `hci0 (usb:...)`.
fn called(info: &str) -> &str {
    info.split_whitespace().next().unwrap_or_default()
}

/// A scan that has started.
pub(super) struct Listening {
    adapter: Adapter,
    events: Pin<Box<dyn Stream<Item = CentralEvent> + Send>>,
    #[cfg(target_os = "linux")]
    daemon: Daemon,
}

impl Listening {
    /// Starts to listen, by the adapter of this name or the first.
    pub(super) async fn start(name: Option<&str>) -> Result<Self, RadioError> {
        #[cfg(target_os = "linux")]
        let daemon = {
            // Says why not, in terms that btleplug does not have.
            bluez::Adapter::open(name).await?;
            Daemon::find().await?
        };
        let adapter = open(name).await?;
        // The events come first, so that none is missed.
        let events = adapter.events().await.map_err(reason)?;
        start(&adapter).await?;
        Ok(Self {
            adapter,
            events,
            #[cfg(target_os = "linux")]
            daemon,
        })
    }

    /// If this fails, the adapter is gone, and the scan with it.
    pub(super) async fn stop(self) {
        let _ = self.adapter.stop_scan().await;
    }

    /// Passes on what is heard, until the adapter is gone or off.
    pub(super) async fn listen(
        &mut self,
        sightings: &Sender<Result<Sighting, RadioError>>,
    ) -> RadioError {
        let listening = listen(&self.adapter, &mut self.events, sightings);
        #[cfg(target_os = "linux")]
        let listening = self.daemon.until_gone(listening);
        listening.await
    }
}

async fn listen(
    adapter: &Adapter,
    events: &mut (impl Stream<Item = CentralEvent> + Unpin),
    sightings: &Sender<Result<Sighting, RadioError>>,
) -> RadioError {
    let mut seen = Seen::default();
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(CentralEvent::StateUpdate(CentralState::PoweredOff)) => return RadioError::Off,
                Some(event) => {
                    for sighting in heard(adapter, event, &mut seen).await {
                        // If the computer does not keep up, the phone is heard again in a moment.
                        let _ = sightings.try_send(Ok(sighting));
                    }
                }
                None => return RadioError::lost("the events ended"),
            },
            _ = check.tick() => {
                if let Err(error) = adapter.adapter_info().await {
                    return reason(error);
                }
                if adapter.adapter_state().await.is_ok_and(|state| state == CentralState::PoweredOff) {
                    return RadioError::Off;
                }
            }
        }
    }
}

/// What an event says under the UUIDs of the hybrid transport.
async fn heard(
    adapter: &Adapter,
    event: CentralEvent,
    seen: &mut Seen<PeripheralId>,
) -> Vec<Sighting> {
    match event {
        CentralEvent::ServiceDataAdvertisement { id, service_data } => {
            sightings(adapter, &id, Some(service_data)).await
        }
        // The first report of a device brings no event of its own for its service data. Later ones
        // do where it changes; most of them are about the signal's strength, and of things that are
        // none of ours.
        CentralEvent::DeviceDiscovered(id) | CentralEvent::DeviceUpdated(id) => {
            if seen.is_due(&id, Instant::now()) {
                sightings(adapter, &id, None).await
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// Which devices were asked for their properties, which costs a call each, and when.
struct Seen<K>(HashMap<K, Instant>);

impl<K> Default for Seen<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Seen<K> {
    /// Whether a device is to be asked: now and then, and not for each report.
    fn is_due(&mut self, device: &K, now: Instant) -> bool {
        let recent = |asked: &Instant| now.saturating_duration_since(*asked) < ASK_AGAIN;
        if self.0.get(device).is_some_and(recent) {
            return false;
        }
        if self.0.len() >= MOST_SEEN {
            self.0.retain(|_, asked| recent(asked));
        }
        // In a crowd that is larger than that, each is asked as often as it is heard.
        if self.0.len() < MOST_SEEN || self.0.contains_key(device) {
            self.0.insert(device.clone(), now);
        }
        true
    }
}

async fn sightings(
    adapter: &Adapter,
    id: &PeripheralId,
    service_data: Option<HashMap<Uuid, Vec<u8>>>,
) -> Vec<Sighting> {
    // Most of what is on the air is none of ours, and asking for its properties costs a call each.
    if service_data.as_ref().is_some_and(|data| of_hybrid(data).is_empty()) {
        return Vec::new();
    }
    let properties = match adapter.peripheral(id).await {
        Ok(peripheral) => peripheral.properties().await.ok().flatten(),
        Err(_) => None,
    };
    let rssi = properties.as_ref().and_then(|properties| properties.rssi);
    let address = properties.as_ref().map(|properties| properties.address.into_inner());
    let data = service_data.or(properties.map(|properties| properties.service_data));
    let found = data.as_ref().map(of_hybrid).unwrap_or_default().into_iter();
    let found = found.filter(|(_, data)| data.len() <= MAX_SERVICE_DATA);
    found
        .map(|(service_uuid16, service_data)| Sighting {
            service_uuid16,
            service_data: service_data.clone(),
            rssi,
            address,
        })
        .collect()
}

/// The service data under the two UUIDs of the hybrid transport.
fn of_hybrid(data: &HashMap<Uuid, Vec<u8>>) -> Vec<(u16, &Vec<u8>)> {
    [FIDO_UUID16, LEGACY_UUID16]
        .into_iter()
        .filter_map(|uuid16| Some((uuid16, data.get(&uuid_from_u16(uuid16))?)))
        .collect()
}

fn no_service(error: btleplug::Error) -> RadioError {
    match reason(error) {
        RadioError::Lost { detail } => RadioError::NoService { detail },
        other => other,
    }
}

/// What the platform says, in our terms.
fn reason(error: btleplug::Error) -> RadioError {
    match error {
        btleplug::Error::PermissionDenied => RadioError::NoPermission,
        btleplug::Error::NoAdapterAvailable | btleplug::Error::DeviceNotFound => {
            RadioError::NoAdapter
        }
        error => {
            // On Linux the name of the D-Bus error is all that tells, and only programmers are
            // shown it.
            let (text, names) = (error.to_string(), format!("{error:?}"));
            let says = |name: &str| text.contains(name) || names.contains(name);
            if says("org.bluez.Error.NotReady") {
                RadioError::Off
            } else if says("org.bluez.Error.InProgress") {
                RadioError::Busy
            } else if says("NotAuthorized") || says("AccessDenied") {
                RadioError::NoPermission
            } else if says("ServiceUnknown") || says("NameHasNoOwner") {
                RadioError::NoService { detail: text }
            } else {
                RadioError::lost(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_reports_all_the_time_is_asked_now_and_then() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let pause = Duration::from_millis(10);
        let asked = (0..1000_u32)
            .filter_map(|number| start.checked_add(pause.saturating_mul(number)))
            .filter(|now| seen.is_due(&"headphones", *now))
            .count();
        assert_eq!(asked, 5, "in ten seconds");
        assert!(seen.is_due(&"phone", start), "and another at once");
    }

    #[test]
    fn a_crowd_costs_no_more_memory_than_it_may() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        for number in 0..10_000_u32 {
            assert!(seen.is_due(&number, start), "nobody is overheard");
        }
        assert_eq!(seen.0.len(), MOST_SEEN);
        seen.is_due(&0, start.checked_add(ASK_AGAIN).unwrap());
        assert_eq!(seen.0.len(), 1, "what is old goes");
    }
}
