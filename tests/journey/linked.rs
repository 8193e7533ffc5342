//! Steps 5, 11 and 12: a phone lets the computer remember it, signs in without a code, and forgets.

use std::{sync::Arc, time::Duration};

use towline::{
    Bell, BellEvent, Computer, ComputerError,
    hybrid::{
        InitiatorConfig, ListenError, ResponderSummary,
        ids::{ContactId, LinkId},
        link::{ComputerLinks, LinkStoreError, LinkedPhone, MemoryPhoneLinks, PhoneLinks},
    },
    radio::air::Room,
    transport::TransportError,
};
use towline_virtual::{Builder, Parts, person::*};
use towline_virtual_phone::FakePhone;

use crate::support::*;

/// A computer that remembers phones, and a phone that offers to be remembered.
struct Devices {
    world: World,
    known: Arc<MemoryPhoneLinks>,
    phone: FakePhone,
}

/// A phone whose person lets computers remember it.
fn remembered(world: &World, name: &str) -> FakePhone {
    let phone = world.phone().named(name);
    phone.person().when(connecting()).connects_and_is_remembered();
    phone
}

/// Listens, and waits until computers can ring.
async fn listen(phone: &mut FakePhone) -> Bell {
    let mut bell = in_time(phone.phone().listen()).await.unwrap();
    assert!(matches!(in_time(bell.next()).await.unwrap(), BellEvent::Listening));
    bell
}

/// Answers the next computer that rings.
async fn answer(
    phone: &mut FakePhone,
    bell: &mut Bell,
) -> Result<ResponderSummary, TransportError> {
    let ring = rung(bell).await;
    phone.phone().answer_ring_until(ring, std::future::pending()).await
}

async fn rung(bell: &mut Bell) -> towline::hybrid::link::Ring {
    loop {
        if let BellEvent::Rung(ring) = bell.next().await.unwrap() {
            return ring;
        }
    }
}

impl Devices {
    async fn new() -> Self {
        let world = World::new().await;
        let phone = remembered(&world, "Alice's phone");
        Self { world, known: Arc::new(MemoryPhoneLinks::new()), phone }
    }

    fn computer(&self) -> Computer {
        self.world.computer().with_links(self.known.clone())
    }

    /// Registers with a code, and lets the computer remember the phone.
    async fn link(&mut self) {
        let Self { world, known, phone } = self;
        link(world, known, phone, "alice").await;
    }

    /// Signs in with the phone that is rung, without a code.
    async fn ring(&mut self, bell: &mut Bell) -> Result<(), Failure> {
        let (display, camera) = Display::new();
        let remote = display.remote();
        let ceremony = sign_in_at(&self.world, self.computer(), display, None);
        let (signed_in, served) =
            in_time(async { tokio::join!(ceremony, answer(&mut self.phone, bell)) }).await;
        drop(camera);
        assert!(!remote.see(|shown| shown.sentences.iter().any(|said| said.contains("Scan"))));
        served.unwrap();
        signed_in.map(|signed_in| assert_eq!(signed_in.account, "alice"))
    }
}

async fn link(world: &World, known: &Arc<MemoryPhoneLinks>, phone: &mut FakePhone, account: &str) {
    let (display, mut camera) = Display::new();
    let display = display.choosing(|_| None);
    let computer = world.computer().with_links(known.clone());
    let before = known.all().unwrap().len();
    let ceremony = register_at(world, computer, display, account, "Phone");
    let (made, served) = tow(phone, &mut camera, ceremony).await;
    made.unwrap();
    assert!(served.unwrap().unwrap().linked);
    assert_eq!(known.all().unwrap().len(), before + 1);
}

/// A sign-in whose ring leads nowhere, and which goes on with a code that the phone scans.
async fn ring_then_scan(devices: &mut Devices) -> Remote {
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = sign_in_at(&devices.world, devices.computer(), display, None);
    let (signed_in, served) = tow(&mut devices.phone, &mut camera, ceremony).await;
    assert_eq!(signed_in.unwrap().account, "alice");
    served.unwrap().unwrap();
    remote
}

#[tokio::test]
async fn step_5_the_phone_lets_the_computer_remember_it() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let known = devices.known.all().unwrap();
    assert_eq!(known[0].display_name(), "Alice's phone");
    assert_eq!(known[0].domain, domain());
    let link_id = devices.phone.links().computers().unwrap()[0].link_id;
    assert_eq!(link_id, known[0].information.link_id);
    assert!(visitors(devices.phone.person())[0].may_remember);
    devices.world.released().await;
}

#[tokio::test]
async fn step_5_a_phone_whose_person_says_no_is_not_remembered() {
    let mut devices = Devices::new().await;
    devices.phone.person().forget();
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&devices.world, devices.computer(), display, "alice", "Phone");
    let (made, served) = tow(&mut devices.phone, &mut camera, ceremony).await;
    made.unwrap();
    assert!(!served.unwrap().unwrap().linked);
    assert!(devices.known.all().unwrap().is_empty());
    assert!(devices.phone.links().computers().unwrap().is_empty());
}

#[tokio::test]
async fn step_5_a_computer_that_can_not_remember_is_not_offered_it() {
    let mut devices = Devices::new().await;
    let (made, served) = register(&devices.world, &mut devices.phone, "alice", "Phone").await;
    made.unwrap();
    assert!(!served.unwrap().unwrap().linked);
    assert!(!visitors(devices.phone.person())[0].may_remember);
    assert!(devices.phone.links().computers().unwrap().is_empty());
}

#[tokio::test]
async fn step_5_a_late_yes_is_kept_as_well() {
    let mut devices = Devices::new().await;
    let person = devices.phone.person().forget();
    person.when(connecting()).connects_and_decides_later();
    let asked = person.when(remembering()).consents().expect(1);
    devices.link().await;
    assert_eq!(asked.count(), 1);
    let mut bell = listen(&mut devices.phone).await;
    devices.ring(&mut bell).await.unwrap();
}

#[tokio::test]
async fn step_5_a_person_who_thinks_about_it_keeps_nobody_waiting() {
    let mut devices = Devices::new().await;
    devices.phone.person().forget().when(connecting()).connects_and_decides_later();
    devices.phone.person().when(remembering()).ignores_it();
    let (display, mut camera) = Display::new();
    let computer = devices.computer();
    let Devices { world, known, phone } = &mut devices;
    let made_it = tokio::sync::Notify::new();
    let serving = async {
        let code = camera.scan().await.unwrap();
        let source = towline::hybrid::CodeSource::Camera;
        // The person is still thinking when the computer has what it wanted.
        phone.phone().answer_code_until(&code, source, made_it.notified()).await
    };
    let ceremony = async {
        let made = register_at(world, computer, display, "alice", "Phone").await;
        assert!(known.all().unwrap().is_empty());
        made_it.notify_one();
        made
    };
    let (made, stopped) = in_time(async { tokio::join!(ceremony, serving) }).await;
    made.unwrap();
    assert!(stopped.is_err());
    assert!(known.all().unwrap().is_empty());
}

#[tokio::test]
async fn step_11_the_second_sign_in_needs_no_code() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut bell = listen(&mut devices.phone).await;
    for _ in 0..2 {
        let asked = questions(devices.phone.person()).len();
        devices.ring(&mut bell).await.unwrap();
        // The screen lock was asked for; whether to connect was not.
        assert_eq!(questions(devices.phone.person()).len(), asked + 1);
        assert_eq!(visitors(devices.phone.person()).len(), 1);
    }
    in_time(bell.stop()).await.unwrap();
    devices.world.released().await;
}

#[tokio::test]
async fn step_11_one_of_several_phones_is_chosen_by_its_name() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut other = remembered(&devices.world, "Work\u{202e} phone");
    link(&devices.world, &devices.known, &mut other, "bob").await;
    let mut first = listen(&mut devices.phone).await;
    let mut second = listen(&mut other).await;
    for (choice, account) in [
        ((|names| names.iter().position(|name| name == "Alice's phone")) as Choice, "alice"),
        (|names| names.iter().position(|name| name == "Work phone"), "bob"),
    ] {
        let (display, _camera) = Display::new();
        let remote = display.remote();
        let display = display.choosing(choice);
        let ceremony = sign_in_at(&devices.world, devices.computer(), display, None);
        let phones = async {
            tokio::select! {
                served = answer(&mut devices.phone, &mut first) => served,
                served = answer(&mut other, &mut second) => served,
            }
        };
        let (signed_in, served) = in_time(async { tokio::join!(ceremony, phones) }).await;
        assert_eq!(signed_in.unwrap().account, account);
        served.unwrap();
        // Without the character that would turn the writing round.
        assert_eq!(remote.see(|shown| shown.phones.clone()), ["Alice's phone", "Work phone"]);
    }
}

#[tokio::test]
async fn step_11_a_linked_phone_in_another_room_does_not_sign_in() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut bell = listen(&mut devices.phone).await;
    let far = devices.world.air.radio();
    far.move_to(Room(1));
    let mut config = InitiatorConfig::default();
    (config.ring_timeout, config.scan_timeout) =
        (Duration::from_millis(700), Duration::from_millis(100));
    let computer = devices.world.computer_with(&far, config).with_links(devices.known.clone());
    let (display, _camera) = Display::new();
    let remote = display.remote();
    let ceremony = sign_in_at(&devices.world, computer, display, None);
    let (refused, served) =
        in_time(async { tokio::join!(ceremony, answer(&mut devices.phone, &mut bell)) }).await;
    assert!(matches!(refused.unwrap_err().computer(), ComputerError::Transport(_)));
    served.unwrap_err();
    // A code was offered, and the link is still there.
    assert!(remote.see(|shown| shown.sentences.iter().any(|said| said.contains("Scan"))));
    assert_eq!(devices.known.all().unwrap().len(), 1);
}

#[tokio::test]
async fn step_12_a_wiped_phone_is_gone_its_link_is_dropped_and_a_code_is_offered() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let bell = listen(&mut devices.phone).await;
    in_time(bell.forget_all()).await.unwrap();
    assert!(devices.phone.links().computers().unwrap().is_empty());
    let remote = ring_then_scan(&mut devices).await;
    remote.see(|shown| {
        let said = |text: &str| shown.sentences.iter().any(|said| said.contains(text));
        assert!(said("Alice's phone does not know this computer any more"), "{shown:?}");
        assert!(said("Scan the code"), "{shown:?}");
    });
    // The same scan linked the two anew.
    let known = devices.known.all().unwrap();
    assert_eq!(known.len(), 1);
    let mut bell = listen(&mut devices.phone).await;
    devices.ring(&mut bell).await.unwrap();
}

#[tokio::test]
async fn step_12_a_phone_that_forgot_this_computer_alone_says_so() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let link_id = devices.known.all().unwrap()[0].information.link_id;
    assert!(devices.phone.links().forget(&link_id).unwrap());
    devices.phone.person().forget();
    let mut bell = listen(&mut devices.phone).await;
    let listening = tokio::spawn(async move { bell.next().await.map(drop) });
    ring_then_scan(&mut devices).await;
    assert!(devices.known.all().unwrap().is_empty());
    assert!(!listening.is_finished(), "its person heard nothing of it");
    listening.abort();
}

#[tokio::test]
async fn a_phone_that_does_not_listen_keeps_its_link_and_a_code_is_offered() {
    let mut devices = Devices::new().await;
    devices.link().await;
    devices.phone.person().forget();
    ring_then_scan(&mut devices).await;
    assert_eq!(devices.known.all().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stranger_who_claims_the_identity_can_not_evict_a_stored_link() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let stored = devices.known.all().unwrap();
    // A phone with another root secret: what it signs is signed for its own identity, which is
    // another record.
    let mut stranger = remembered(&devices.world, "Alice's phone");
    link(&devices.world, &devices.known, &mut stranger, "mallory").await;
    let known = devices.known.all().unwrap();
    assert_eq!((known.len(), &known[0]), (2, &stored[0]));
    assert_ne!(known[1].information.identity, stored[0].information.identity);
}

#[tokio::test]
async fn a_relay_that_is_killed_while_the_phone_listens_is_found_again() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut bell = listen(&mut devices.phone).await;
    devices.world.relay.restart().await;
    loop {
        match in_time(bell.next()).await.unwrap() {
            BellEvent::Lost { .. } => {}
            BellEvent::Listening => break,
            BellEvent::Rung(_) => panic!("nobody rang"),
            other => panic!("{other:?}"),
        }
    }
    devices.ring(&mut bell).await.unwrap();
}

#[tokio::test]
async fn of_two_copies_of_a_phone_the_older_one_says_so_and_stops() {
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut first = listen(&mut devices.phone).await;
    let mut second = listen(&mut devices.phone).await;
    let replaced = in_time(first.next()).await.unwrap_err();
    assert_eq!(replaced, TransportError::Listen(ListenError::Replaced));
    assert!(replaced.to_string().contains("another place"), "{replaced}");
    devices.ring(&mut second).await.unwrap();
}

#[tokio::test]
async fn a_phone_without_links_does_not_listen() {
    let world = World::new().await;
    let Parts { authenticator, .. } = Builder::phone().build_parts().unwrap();
    let transport = world.phone_transport();
    let phone = towline::Phone::new(authenticator, provider(), transport, towline::Agreeable);
    let refused = phone.listen().await.unwrap_err();
    assert!(
        matches!(refused, TransportError::Links(LinkStoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_store_that_fails_costs_the_link_and_not_the_sign_in() {
    struct Full;
    impl PhoneLinks for Full {
        fn all(&self) -> Result<Vec<LinkedPhone>, LinkStoreError> {
            Err(LinkStoreError::Damaged)
        }
        fn save(&self, _: &LinkedPhone) -> Result<(), LinkStoreError> {
            Err(LinkStoreError::Unavailable("the disk is full".into()))
        }
        fn remove(
            &self,
            _: &towline::crypto::P256PublicKey,
            _: &LinkId,
        ) -> Result<bool, LinkStoreError> {
            Err(LinkStoreError::Damaged)
        }
    }
    let world = World::new().await;
    let mut phone = remembered(&world, "Alice's phone");
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let computer = world.computer().with_links(Arc::new(Full));
    let ceremony = register_at(&world, computer, display, "alice", "Phone");
    let (made, _) = tow(&mut phone, &mut camera, ceremony).await;
    made.unwrap();
    assert!(remote.see(|shown| !shown.sentences.iter().any(|said| said.contains("from now on"))));
    assert_eq!(phone.passkeys().len(), 1);
}

#[tokio::test]
async fn a_contact_that_nobody_holds_is_not_reached() {
    // A link whose contact id is made up: as after a restart of the relay, with the phone switched
    // off.
    let mut devices = Devices::new().await;
    devices.link().await;
    let mut known = devices.known.all().unwrap().remove(0);
    known.information.contact_id = ContactId::new([9; 32]);
    devices.known.save(&known).unwrap();
    let _bell = listen(&mut devices.phone).await;
    devices.phone.person().forget();
    ring_then_scan(&mut devices).await;
    assert_eq!(devices.known.all().unwrap(), [known]);
}
