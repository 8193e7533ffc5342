//! The rules R2 to R19, each with tests that fail without it, and a model with random schedules.
//! `docs/sync.md` says which tests those are. R1, R10, R12 and R18 are tested where they are, too:
//! in membership, state and clock.

mod honest;
mod lies;
mod members;
mod model;
mod parts;
mod taken;
mod written;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use towline_crypto::{rustcrypto, zeroize::Zeroizing};
use towline_crypto_test::SeededRandom;

use super::*;
use crate::{
    PaperKey, Register, Tag,
    sealed::{Sealed, SealedKind},
};

const NOW: u64 = 1_790_000_000_000;

/// A store that does what it is told, unless names are hidden from those who list.
#[derive(Debug, Clone, Default)]
struct Store {
    objects: BTreeMap<StoreName, Vec<u8>>,
    hidden: BTreeSet<StoreName>,
    requests: usize,
    bytes: usize,
}

impl Store {
    fn names(&self, wanted: impl Fn(&StoreName) -> bool) -> Vec<StoreName> {
        self.objects.keys().filter(|name| wanted(name)).copied().collect()
    }

    fn heads(&self, of: DeviceId) -> Vec<StoreName> {
        self.names(|name| matches!(name, StoreName::Head(by, ..) if *by == of))
    }

    fn segments(&self, of: DeviceId) -> Vec<StoreName> {
        self.names(|name| matches!(name, StoreName::Segment(by, _) if *by == of))
    }

    fn shows(&self, name: &StoreName) -> bool {
        self.objects.contains_key(name) && !self.hidden.contains(name)
    }
}

/// What a device has kept.
type Rows = BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>;

/// A device with its disk.
struct Device {
    circle: Circle,
    crypto: CryptoProvider,
    keys: Zeroizing<[u8; 64]>,
    kept: Rows,
    notices: Vec<SyncNotice>,
    changed: BTreeSet<[u8; 16]>,
    /// All that it has sent, in order.
    sent: Vec<StoreName>,
    saves: usize,
    wrong_by: i64,
}

/// Time, randomness, and the store that all see.
struct World {
    store: Store,
    crypto: CryptoProvider,
    begun: Instant,
    passed: Duration,
    config: CircleConfig,
}

impl World {
    fn new(seed: u64) -> Self {
        let random = Arc::new(SeededRandom::new(seed));
        Self {
            store: Store::default(),
            crypto: CryptoProvider { random, ..rustcrypto::provider() },
            begun: Instant::now(),
            passed: Duration::ZERO,
            config: CircleConfig { patience: Duration::ZERO, ..CircleConfig::default() },
        }
    }

    /// A minute later.
    fn moment(&mut self, device: &Device) -> Moment {
        self.passed += Duration::from_secs(60);
        let millis = u64::try_from(self.passed.as_millis()).unwrap();
        let wall_clock = (NOW + millis).checked_add_signed(device.wrong_by).unwrap();
        Moment { instant: self.begun + self.passed, wall_clock }
    }

    fn moment_now(&self) -> Moment {
        Moment { instant: self.begun + self.passed, wall_clock: NOW }
    }

    fn device(&self, circle: Circle, keys: Zeroizing<[u8; 64]>) -> Device {
        Device {
            circle,
            crypto: self.crypto.clone(),
            keys,
            kept: Rows::new(),
            notices: Vec::new(),
            changed: BTreeSet::new(),
            sent: Vec::new(),
            saves: 0,
            wrong_by: 0,
        }
    }

    /// A first device, and the keys on paper.
    fn begin(&self) -> (Device, DeviceKeys) {
        let keys = DeviceKeys::generate(&self.crypto).unwrap();
        let paper = DeviceKeys::generate(&self.crypto).unwrap();
        let introduced = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
        let bytes = keys.to_bytes().unwrap();
        let now = self.moment_now();
        let circle = Circle::begin(self.crypto.clone(), self.config, keys, introduced, now);
        (self.device(circle.unwrap(), bytes), paper)
    }

    /// One more device, which has not looked at the store yet.
    fn join(&mut self, sponsor: &mut Device) -> Device {
        let keys = DeviceKeys::generate(&self.crypto).unwrap();
        let (circle, by) = (sponsor.circle.id(), sponsor.circle.device());
        let introduced = keys.introduce(Some(circle), by, MemberKind::Device).unwrap();
        let now = self.moment(sponsor);
        sponsor.circle.add(introduced, now).unwrap();
        let welcome = sponsor.circle.welcome();
        let bytes = keys.to_bytes().unwrap();
        let circle = Circle::join(self.crypto.clone(), self.config, keys, &welcome, now);
        self.device(circle.unwrap(), bytes)
    }

    /// A circle of so many devices that have seen all of each other.
    fn circle(&mut self, count: usize) -> Vec<Device> {
        let mut devices = vec![self.begin().0];
        while devices.len() < count {
            let joined = self.join(&mut devices[0]);
            devices.push(joined);
            self.settle(&mut devices);
        }
        self.settle(&mut devices);
        devices
    }

    /// All look until nothing is sent any more.
    fn settle(&mut self, devices: &mut [Device]) {
        for _ in 0..8 {
            let before = devices.iter().map(|device| device.sent.len()).sum::<usize>();
            devices.iter_mut().for_each(|device| self.sync(device));
            if before == devices.iter().map(|device| device.sent.len()).sum::<usize>() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn sync(&mut self, device: &mut Device) {
        self.sync_until(device, usize::MAX);
    }

    /// Looks at the store, and stops after so many outputs.
    fn sync_until(&mut self, device: &mut Device, outputs: usize) {
        let now = self.moment(device);
        device.circle.look_now(now);
        device.circle.handle_timeout(now);
        self.pump(device, outputs);
    }

    /// Answers what the device asks, at most so often. Whether it came to its end.
    fn pump(&mut self, device: &mut Device, outputs: usize) -> bool {
        for _ in 0..outputs.min(2000) {
            let now = self.moment(device);
            let Some(output) = device.circle.poll_output() else { return true };
            device.answer(output, &mut self.store, now);
        }
        assert!(outputs < 2000, "it asks for ever");
        false
    }

    fn make(&mut self, device: &mut Device, record: u8) {
        let now = self.moment(device);
        device.make(record, now);
        self.pump(device, usize::MAX);
    }
}

impl Device {
    fn id(&self) -> DeviceId {
        self.circle.device()
    }

    fn make(&mut self, record: u8, now: Moment) {
        let (fixed, names) = (secret(record), content(b"Alice"));
        self.circle.make([record; 16], &fixed, &names, now).unwrap();
    }

    fn rename(&mut self, record: u8, name: &str, now: Moment) -> bool {
        self.circle.write([record; 16], Register::Names, &content(name.as_bytes()), now)
    }

    fn answer(&mut self, output: SyncOutput, store: &mut Store, now: Moment) {
        match output {
            SyncOutput::List { token } => {
                store.requests += 1;
                let names = store.objects.keys().filter(|name| !store.hidden.contains(name));
                let mut names: Vec<String> = names.map(ToString::to_string).collect();
                names.push("m/00 (conflicted copy)".into());
                self.circle.handle_listing(token, names.iter().map(String::as_str), now);
            }
            SyncOutput::Get { token, name } => {
                store.requests += 1;
                let bytes = store.objects.get(&name).filter(|_| store.shows(&name)).cloned();
                self.circle.handle_object(token, bytes, now);
            }
            SyncOutput::Put { token, name, bytes } => {
                store.requests += 1;
                store.bytes += bytes.len();
                self.sent.push(name);
                store.objects.entry(name).or_insert(Arc::unwrap_or_clone(bytes));
                store.hidden.remove(&name);
                self.circle.handle_stored(token, now);
            }
            SyncOutput::Delete { token, name } => {
                store.requests += 1;
                store.objects.remove(&name);
                self.circle.handle_stored(token, now);
            }
            SyncOutput::Save { token } => {
                self.saves += 1;
                for CircleRow { key, value } in self.circle.unsaved() {
                    match value {
                        Some(value) => drop(self.kept.insert(key, value)),
                        None => drop(self.kept.remove(&key)),
                    }
                }
                assert_eq!(self.kept, self.circle.all_rows(), "no change was passed over");
                self.circle.handle_saved(token);
            }
            SyncOutput::Changed(records) => self.changed.extend(records),
            SyncOutput::Notice(notice) => self.notices.push(notice),
        }
    }

    /// What is in its memory is gone, and it begins again from what it has kept.
    fn crash(&mut self, now: Moment) {
        let kept = self.kept.clone();
        self.restore(&kept, now);
    }

    fn restore(&mut self, rows: &Rows, now: Moment) {
        let keys = DeviceKeys::from_bytes(&self.crypto, &self.keys).unwrap();
        let (crypto, config) = (self.crypto.clone(), self.circle.config);
        self.circle = Circle::restore(crypto, config, keys, rows, now).unwrap();
        self.kept.clone_from(rows);
    }

    /// A second copy of it, from what it has kept.
    fn copy(&self, now: Moment) -> Self {
        let keys = DeviceKeys::from_bytes(&self.crypto, &self.keys).unwrap();
        let (crypto, config) = (self.crypto.clone(), self.circle.config);
        let circle = Circle::restore(crypto, config, keys, &self.kept, now).unwrap();
        Self {
            circle,
            crypto: self.crypto.clone(),
            keys: self.keys.clone(),
            kept: self.kept.clone(),
            notices: Vec::new(),
            changed: BTreeSet::new(),
            sent: Vec::new(),
            saves: 0,
            wrong_by: self.wrong_by,
        }
    }

    fn has(&self, record: u8) -> bool {
        self.circle.state().fixed([record; 16]) == Some(&secret(record))
    }

    fn name(&self, record: u8) -> Option<String> {
        let written = self.circle.state().written([record; 16], Register::Names)?;
        Some(String::from_utf8(written.expose().to_vec()).unwrap())
    }

    /// Whether its keys, with all that is in the store for it, open this object.
    fn could_open(&self, store: &Store, knows_all: &Device, bytes: &[u8]) -> bool {
        let (crypto, keys) = (&self.crypto, &self.circle.keys);
        let mut epochs = Epochs::new(self.circle.circle);
        for (name, bytes) in &store.objects {
            match name {
                StoreName::Epoch(_) => {
                    epochs.take(crypto, &knows_all.circle.roster, keys, bytes);
                }
                StoreName::Wrap(_) => {
                    epochs.take_wrap(crypto, &knows_all.circle.roster, keys, bytes);
                }
                _ => {}
            }
        }
        let sealed = Sealed::read(bytes).unwrap();
        let key = epochs.key(sealed.header.epoch);
        let key = key.or_else(|| self.circle.epochs.key(sealed.header.epoch));
        key.is_some_and(|key| sealed.open(crypto, self.circle.circle, key).is_some())
    }
}

fn content(bytes: &[u8]) -> Content {
    Content::new(bytes.to_vec())
}

fn secret(record: u8) -> Content {
    content(&[record; 120])
}

fn kind(bytes: &[u8]) -> SealedKind {
    Sealed::read(bytes).unwrap().header.kind
}

/// The two of a circle, apart.
fn two(devices: &mut [Device]) -> (&mut Device, &mut Device) {
    let (first, rest) = devices.split_first_mut().unwrap();
    (first, &mut rest[0])
}
