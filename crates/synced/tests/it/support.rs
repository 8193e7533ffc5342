//! Devices with stores in memory, a folder between them, and a clock that is moved by hand.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt, io,
    rc::Rc,
    time::{Duration, Instant},
};

use towline_authenticator::{
    Change, Credential, CredentialStore as _, ExtensionData, KeyHandle, LargeBlobPlace, Replaces,
};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{CredentialId, RpId, User, UserHandle, extension::LargeBlob};
use towline_store::{KeySource, Store};
use towline_sync::{
    Circle, CircleConfig, CircleStore, DeviceKeys, MemberKind, Moment, StoreName, SyncNotice,
};
use towline_synced::{SyncedError, SyncedStore};
use towline_testkit::Disk;
pub(crate) use towline_testkit::rig::done;
use zeroize::Zeroizing;

pub(crate) fn crypto() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

pub(crate) fn key() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

pub(crate) fn id(number: u8) -> CredentialId {
    CredentialId::new(&[number; 32]).unwrap()
}

/// A passkey that may be on other devices.
pub(crate) fn passkey(number: u8) -> Credential {
    let user = User {
        id: UserHandle::new(&[number]).unwrap(),
        name: Some(format!("user {number}")),
        display_name: None,
    };
    let key = KeyHandle::new(-7, Zeroizing::new([number; 32].into()));
    let mut data = ExtensionData::default();
    data.large_blob = Some(LargeBlobPlace::Empty);
    Credential {
        discoverable: true,
        backup_eligible: true,
        extensions: Some(Box::new(data)),
        ..Credential::new(id(number), RpId::new("example.org").unwrap(), user, key)
    }
}

/// The same, in which the site keeps something.
pub(crate) fn with_blob(number: u8, bytes: &[u8]) -> Credential {
    let mut data = ExtensionData::default();
    let blob = LargeBlob { compressed: bytes.to_vec(), original_size: 99 };
    data.large_blob = Some(LargeBlobPlace::Holds(Box::new(blob)));
    Credential { extensions: Some(Box::new(data)), ..passkey(number) }
}

/// Where all devices look, and the time.
pub(crate) struct World {
    objects: Objects,
    begun: Instant,
    passed: Cell<Duration>,
}

impl World {
    pub(crate) fn new() -> Self {
        let objects = Objects::default();
        Self { objects, begun: Instant::now(), passed: Cell::default() }
    }

    /// A minute later.
    pub(crate) fn now(&self) -> Moment {
        self.passed.set(self.passed.get() + Duration::from_secs(60));
        let millis = 1_796_000_000_000 + self.passed.get().as_millis() as u64;
        Moment { instant: self.begun + self.passed.get(), wall_clock: millis }
    }

    /// The first device of a circle.
    pub(crate) fn first(&self, disk: Disk) -> Device {
        let store = Store::create_on(disk.clone(), &key(), &crypto()).unwrap();
        self.begin(store, disk)
    }

    pub(crate) fn begin(&self, store: Store, disk: Disk) -> Device {
        let (crypto, keys) = (crypto(), DeviceKeys::generate(&crypto()).unwrap());
        let paper = DeviceKeys::generate(&crypto).unwrap();
        let paper = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
        let own = DeviceKeys::from_bytes(&crypto, &keys.to_bytes().unwrap()).unwrap();
        let config = CircleConfig::default();
        let circle = Circle::begin(crypto, config, own, paper, self.now()).unwrap();
        self.device(store, disk, &keys, circle).unwrap()
    }

    /// One more device, with what its store has.
    pub(crate) fn join(&self, sponsor: &mut Device, store: Store, disk: Disk) -> Device {
        let (crypto, keys) = (crypto(), DeviceKeys::generate(&crypto()).unwrap());
        let circle = sponsor.synced.circle_mut();
        let (id, by) = (circle.id(), circle.device());
        let introduced = keys.introduce(Some(id), by, MemberKind::Device).unwrap();
        circle.add(introduced, self.now()).unwrap();
        let welcome = circle.welcome();
        let own = DeviceKeys::from_bytes(&crypto, &keys.to_bytes().unwrap()).unwrap();
        let config = CircleConfig::default();
        let circle = Circle::join(crypto, config, own, &welcome, self.now()).unwrap();
        self.sync(sponsor);
        self.device(store, disk, &keys, circle).unwrap()
    }

    /// One more device, whose store has these passkeys before, and what else is done to it.
    pub(crate) fn join_with(
        &self,
        sponsor: &mut Device,
        passkeys: &[Credential],
        before: impl FnOnce(&mut Store),
    ) -> Device {
        let disk = disk();
        let mut store = Store::create_on(disk.clone(), &key(), &crypto()).unwrap();
        for passkey in passkeys {
            let (credential, replaces) = (Box::new(passkey.clone()), Replaces::Nothing);
            done(store.commit(vec![Change::Save { credential, replaces }])).unwrap();
        }
        before(&mut store);
        self.join(sponsor, store, disk)
    }

    fn device(
        &self,
        store: Store,
        disk: Disk,
        keys: &DeviceKeys,
        circle: Circle,
    ) -> Result<Device, SyncedError> {
        let synced =
            SyncedStore::begin(store.clone(), crypto(), keys, circle, "folder", self.now())?;
        Ok(Device { store, synced, disk, notices: Vec::new() })
    }

    /// Two devices that have seen each other.
    pub(crate) fn two(&self) -> [Device; 2] {
        let mut first = self.first(disk());
        let other = disk();
        let store = Store::create_on(other.clone(), &key(), &crypto()).unwrap();
        let mut second = self.join(&mut first, store, other);
        self.settle([&mut first, &mut second]);
        [first, second]
    }

    /// What all devices see, which stops after so many requests.
    pub(crate) fn cut(&self, requests: usize) -> Cut {
        Cut { objects: Rc::clone(&self.objects), left: Cell::new(requests) }
    }

    pub(crate) fn sync(&self, device: &mut Device) {
        self.sync_with(device, &self.cut(usize::MAX)).unwrap();
    }

    pub(crate) fn sync_with<S: CircleStore<Error: fmt::Debug>>(
        &self,
        device: &mut Device,
        remote: &S,
    ) -> Result<usize, SyncedError> {
        device.synced.circle_mut().look_now(self.now());
        let turn = device.synced.turn(remote, || self.now())?;
        device.notices.extend(turn.notices);
        Ok(turn.merged)
    }

    pub(crate) fn settle<const N: usize>(&self, mut devices: [&mut Device; N]) {
        for _ in 0..3 {
            devices.iter_mut().for_each(|device| self.sync(device));
        }
    }
}

pub(crate) fn disk() -> Disk {
    Disk::new(io::ErrorKind::Other)
}

pub(crate) struct Device {
    pub(crate) store: Store,
    pub(crate) synced: SyncedStore,
    pub(crate) disk: Disk,
    pub(crate) notices: Vec<SyncNotice>,
}

impl Device {
    /// As the authenticator does it.
    pub(crate) fn commit(&mut self, changes: Vec<Change>) {
        done(self.store.commit(changes)).unwrap();
    }

    pub(crate) fn make(&mut self, credential: Credential) {
        let replaces = Replaces::Account;
        self.commit(vec![Change::Save { credential: Box::new(credential), replaces }]);
    }

    pub(crate) fn get(&mut self, number: u8) -> Option<Credential> {
        done(self.store.lookup(&id(number))).unwrap()
    }

    pub(crate) fn rename(&mut self, number: u8, name: &str) {
        let user = User { name: Some(name.to_owned()), ..passkey(number).user };
        self.commit(vec![Change::Rename { id: id(number), user, at: None }]);
    }

    pub(crate) fn blob(&mut self, number: u8) -> Option<Vec<u8>> {
        let data = self.get(number)?.extensions?;
        Some(data.large_blob.as_ref()?.blob()?.compressed.clone())
    }

    pub(crate) fn write_blob(&mut self, number: u8, bytes: &[u8]) {
        let data = with_blob(number, bytes).extensions;
        self.commit(vec![Change::SetExtensionData { id: id(number), data, at: None }]);
    }

    pub(crate) fn name(&mut self, number: u8) -> Option<String> {
        self.get(number)?.user.name
    }

    /// The program ends, however far it is, and starts again.
    pub(crate) fn restart(self, world: &World) -> Self {
        let Self { store, synced, disk, notices } = self;
        drop((store, synced));
        disk.fails_after(i64::MAX);
        let store = Store::open_on(disk.clone(), &key(), &crypto()).unwrap();
        let config = CircleConfig::default();
        let opened = SyncedStore::open(store.clone(), crypto(), config, world.now()).unwrap();
        Self { store, synced: opened.unwrap(), disk, notices }
    }
}

/// The circle's store, by the names of its objects.
type Objects = Rc<RefCell<BTreeMap<StoreName, Vec<u8>>>>;

/// A view of it that does nothing more after so many requests.
pub(crate) struct Cut {
    objects: Objects,
    pub(crate) left: Cell<usize>,
}

impl Cut {
    fn step(&self) -> io::Result<()> {
        let left = self.left.get().checked_sub(1).ok_or(io::ErrorKind::Other)?;
        self.left.set(left);
        Ok(())
    }
}

impl CircleStore for Cut {
    type Error = io::Error;

    fn list(&self) -> io::Result<Vec<String>> {
        self.step()?;
        Ok(self.objects.borrow().keys().map(ToString::to_string).collect())
    }

    fn get(&self, name: StoreName) -> io::Result<Option<Vec<u8>>> {
        self.step()?;
        Ok(self.objects.borrow().get(&name).cloned())
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.objects.borrow_mut().insert(name, bytes.to_vec());
        Ok(())
    }

    fn delete(&self, name: StoreName) -> io::Result<()> {
        self.step()?;
        self.objects.borrow_mut().remove(&name);
        Ok(())
    }
}
