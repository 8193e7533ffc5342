//! What phone B and its tablet do, without a page.

use std::collections::BTreeSet;

use towline::fastest;

use super::*;
use crate::shelf::passkey;

/// The two, and what each has.
struct Rig {
    both: Both,
    phone: Shelf,
    tablet: Shelf,
}

fn ids(shelf: &Shelf) -> BTreeSet<CredentialId> {
    shelf.passkeys().into_iter().map(|passkey| passkey.credential.id).collect()
}

fn these<const N: usize>(numbers: [u8; N]) -> BTreeSet<CredentialId> {
    numbers.into_iter().map(|number| passkey(number).id).collect()
}

impl Rig {
    fn new() -> Self {
        let both = Both::begin(fastest::provider(), Board::new()).unwrap();
        let [phone, tablet] = both.stores.clone().map(Shelf::Synced);
        Self { both, phone, tablet }
    }

    /// Both look as often as it takes for each to know what the other knows.
    fn settle(&mut self) {
        for _ in 0..4 {
            for synced in [&mut self.both.phone, &mut self.both.tablet] {
                synced.circle_mut().look_now(now());
            }
            self.both.turn();
        }
    }

    /// The tablet is lost. How many passkeys can whoever has it use?
    fn lose(&mut self) -> usize {
        let (done, mut wait) = oneshot::channel();
        self.both.follow(Order::Remove(done));
        wait.try_recv().unwrap()
    }

    /// Phone B adds the tablet that it meets, and tells it of the circle.
    fn admit(&mut self) -> Zeroizing<Vec<u8>> {
        let keys = self.both.new.as_ref().unwrap();
        let circle = self.both.phone.circle();
        let to = (circle.id(), circle.device());
        let introduced = keys.introduce(Some(to.0), to.1, MemberKind::Device).unwrap();
        self.both.admit(introduced).unwrap().0
    }

    fn joined(&self, welcome: &[u8]) -> JoinedCircle {
        let crypto = &self.both.crypto;
        let keys = self.both.new.as_ref().unwrap().to_bytes().unwrap();
        let own = DeviceKeys::from_bytes(crypto, &keys).unwrap();
        let circle = Circle::join(crypto.clone(), config(), own, welcome, now()).unwrap();
        JoinedCircle { circle, store: Content::new("where it was told".into()) }
    }
}

#[test]
fn whoever_has_the_lost_tablet_has_what_came_to_it_and_nothing_that_never_left() {
    let mut rig = Rig::new();
    assert!(rig.phone.add(passkey(1)));
    rig.settle();
    assert_eq!(ids(&rig.tablet), these([1]));
    rig.both.follow(Order::Reach(false));
    assert!(rig.phone.add(passkey(2)));
    rig.settle();
    assert_eq!((ids(&rig.phone), ids(&rig.tablet)), (these([1, 2]), these([1])));

    assert_eq!(rig.lose(), 1);
    let exposed = rig.both.exposed();
    let [(record, id)] = exposed.as_slice() else { panic!("{}", exposed.len()) };
    assert_eq!(*id, passkey(1).id);
    rig.both.follow(Order::TickOff(hex(record)));
    assert!(rig.both.exposed().is_empty(), "its person has removed it at its site");
}

#[test]
fn a_tablet_that_broke_off_is_the_same_again_and_has_nothing_of_the_lost_one() {
    let mut rig = Rig::new();
    assert!(rig.phone.add(passkey(1)));
    rig.settle();
    rig.lose();
    assert!(rig.tablet.add(passkey(9)), "whoever has it goes on using it");

    rig.both.meet().unwrap();
    let first = rig.both.new.as_ref().unwrap().id();
    rig.admit();
    let devices = rig.both.phone.circle().devices().count();
    // Here it breaks off: what phone B has added is there, and has kept nothing.
    assert!(rig.both.board.is_lost());
    rig.both.meet().unwrap();
    assert_eq!(rig.both.new.as_ref().unwrap().id(), first);
    let welcome = rig.admit();
    assert_eq!(rig.both.phone.circle().devices().count(), devices, "it is there once");

    let joined = rig.joined(&welcome);
    rig.both.keep(joined).unwrap();
    assert_eq!(rig.both.tablet.circle().device(), first);
    assert_eq!(rig.both.tablet.address(), "where it was told");
    assert!(!rig.both.board.is_lost());
    rig.settle();
    assert_eq!((ids(&rig.tablet), ids(&rig.phone)), (these([1]), these([1])));

    // The next one is another one.
    rig.both.meet().unwrap();
    assert_ne!(rig.both.new.as_ref().unwrap().id(), first);
}
