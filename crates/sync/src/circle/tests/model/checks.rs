//! What must hold after a schedule.

use super::*;

impl Schedule {
    /// R13: whoever had seen more, and looks at once, is told.
    pub(super) fn go_back(&mut self, old: Store) {
        self.world.store = old;
        let who = self.dice.below(self.devices.len());
        if self.thieves.contains(&self.devices[who].id()) {
            return;
        }
        self.pump(who, 2000, false);
        self.look(who);
        self.pump(who, 2000, false);
        let Device { circle, .. } = &self.devices[who];
        if !circle.is_member() {
            return;
        }
        for (device, seen) in &circle.seen {
            let newest =
                self.world.store.heads(*device).into_iter().filter_map(|name| match name {
                    StoreName::Head(_, number, _) => Some(number),
                    _ => None,
                });
            let gone = newest.max().is_none_or(|newest| newest < seen.number);
            let told = circle.told.iter().any(|notice| match notice {
                SyncNotice::WentBack { device: of, number } => {
                    of == device && number == &seen.number
                }
                _ => false,
            });
            if gone && circle.roster.members().contains(device) {
                assert!(told, "{device:?} had {seen:?}, and nobody says that it is gone");
            }
        }
    }

    /// What must hold once everybody has looked, at a store that does what it is told.
    pub(super) fn heal(&mut self) {
        if let Some(other) = self.fork.take() {
            self.world.store.objects.extend(other.objects);
        }
        self.thieves.clear();
        let mut all = State::default();
        let mut clock = HybridClock::new(DeviceId([0; 16]), 0);
        self.rest_of_all();
        let out = self.devices.iter().flat_map(|device| device.circle.roster.out().clone());
        let out: BTreeSet<_> = out.collect();
        for device in self.devices.iter().filter(|device| !out.contains(&device.id())) {
            all.merge(&device.circle.state, &mut clock).unwrap();
        }
        for round in 0.. {
            let before = self.sent.len();
            self.rest_of_all();
            if before == self.sent.len() {
                break;
            }
            assert!(round < 20, "it does not come to rest");
        }
        self.check_agreement(&all);
        self.check_secrecy();
        if self.honest {
            for device in &self.devices {
                let alarms = device.notices.iter().any(|notice| *notice != SyncNotice::Removed);
                assert!(!alarms, "an honest store: {:?}", device.notices);
            }
        }
    }

    fn rest_of_all(&mut self) {
        for who in 0..self.devices.len() {
            self.pump(who, 2000, false);
            self.look(who);
            self.pump(who, 2000, false);
        }
    }

    fn check_agreement(&self, all: &State<Content, Content>) {
        let members: Vec<_> =
            self.devices.iter().filter(|device| device.circle.is_member()).collect();
        let Some(first) = members.first() else { return };
        for device in &members {
            assert_eq!(device.circle.roster.members(), first.circle.roster.members());
            assert!(device.circle.state == first.circle.state, "two members have two states");
            assert!(!device.circle.is_on_this_device_only());
            let (mut more, mut clock) = (device.circle.state.clone(), device.circle.clock);
            more.merge(all, &mut clock).unwrap();
            assert!(more == device.circle.state, "something is lost that a member had");
        }
        // With the words on paper, and what is in the store.
        let now = self.world.moment_now();
        let (crypto, id) = (self.world.crypto.clone(), first.circle.id());
        let bytes = self.paper.to_bytes().unwrap();
        let keys = DeviceKeys::from_bytes(&crypto, &bytes).unwrap();
        let circle = Circle::recover(crypto, self.world.config, keys, id, now);
        let mut paper = self.world.device(circle, Zeroizing::new([0; 64]));
        let mut store = self.world.store.clone();
        paper.circle.handle_timeout(now);
        while let Some(output) = paper.circle.poll_output() {
            paper.answer(output, &mut store, now);
        }
        let mut clock = paper.circle.clock;
        let read = paper.circle.state.clone();
        paper.circle.state.merge(&first.circle.state, &mut clock).unwrap();
        assert!(read == paper.circle.state, "paper does not bring back what the members have");
    }

    /// Nobody reads what was sealed, or a key that was made, by somebody who knew that they are
    /// out.
    fn check_secrecy(&self) {
        let Some(knows_all) = self.devices.iter().find(|device| device.circle.is_member()) else {
            return;
        };
        for thief in self.devices.iter().filter(|device| !device.circle.is_member()) {
            let epochs = thief.all_keys(&self.world.store, knows_all);
            for Sent { name, bytes, known_out } in &self.sent {
                let signed;
                let bytes = if let StoreName::Head(..) = name {
                    signed = crate::object::Signed::read(bytes).unwrap();
                    signed.body
                } else {
                    bytes
                };
                let sealed = Sealed::read(bytes).unwrap();
                let Some(key) = epochs.key(sealed.header.epoch) else { continue };
                let Some(plain) = sealed.open(&thief.crypto, thief.circle.circle, key) else {
                    continue;
                };
                assert!(
                    !known_out.contains(&thief.id()),
                    "{name} can be read by one whose removal its writer knew of"
                );
                let Ok(state) = State::from_bytes(&plain) else { continue };
                for (_, tag) in state.records.keys() {
                    let known = self.made.get(tag).is_some_and(|out| out.contains(&thief.id()));
                    assert!(!known, "a key can be read by one whose removal its maker knew of");
                }
            }
        }
    }
}

impl Device {
    /// All keys of epochs that its own open, with all that is in the store.
    fn all_keys(&self, store: &Store, knows_all: &Device) -> Epochs {
        let mut epochs = Epochs::new(self.circle.circle);
        let roster = &knows_all.circle.roster;
        for (name, bytes) in &store.objects {
            if let StoreName::Epoch(_) = name {
                epochs.take(&self.crypto, roster, &self.circle.keys, bytes);
            }
        }
        for (name, bytes) in &store.objects {
            if let StoreName::Wrap(_) = name {
                epochs.take_wrap(&self.crypto, roster, &self.circle.keys, bytes);
            }
        }
        for (epoch, key) in self.circle.epochs.keys() {
            epochs.learn(&self.crypto, epoch, key.clone());
        }
        epochs
    }
}
