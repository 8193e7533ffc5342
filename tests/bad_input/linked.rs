//! Linked sessions over real sockets, with one message of one side tampered with: a typed error at
//! whoever receives it, no link lost, everything released.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use towline::{
    Bell, BellEvent, Computer,
    hybrid::{
        self, InitiatorConfig, Party, Step,
        link::{ComputerLinks, MemoryComputerLinks, MemoryPhoneLinks, PhoneLinks},
        tunnel::ConnectFailure,
    },
    radio::BoxFuture,
    transport::{Connected, Connector, DataChannel, Incoming, Target, TransportError},
};
use towline_virtual::{Builder, ScriptedPerson, SyncedSet, person::connecting};
use towline_virtual_phone::FakePhone;

use crate::support::*;

/// What happens to one message that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Flip,
    Truncate,
    Extend,
    Empty,
    Garbage,
    Text,
    Closed,
}

const FAULTS: [Fault; 7] = [
    Fault::Flip,
    Fault::Truncate,
    Fault::Extend,
    Fault::Empty,
    Fault::Garbage,
    Fault::Text,
    Fault::Closed,
];

/// Which of a device's connections is tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    Contact,
    Connect,
    Listen,
}

/// A way to the relay on which the message of this number, from 1, comes in as something else.
struct Tampering {
    inner: Arc<dyn Connector>,
    leg: Leg,
    number: usize,
    fault: Fault,
}

struct Tampered {
    inner: Box<dyn DataChannel>,
    left: usize,
    fault: Fault,
}

impl Connector for Tampering {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        let hit = matches!(
            (self.leg, &target),
            (Leg::Contact, Target::Contact { .. })
                | (Leg::Connect, Target::Connect { .. })
                | (Leg::Listen, Target::Listen { .. })
        );
        let (opening, left, fault) = (self.inner.connect(target), self.number, self.fault);
        Box::pin(async move {
            let mut connected = opening.await?;
            if hit {
                let inner = connected.channel;
                connected.channel = Box::new(Tampered { inner, left, fault });
            }
            Ok(connected)
        })
    }
}

impl DataChannel for Tampered {
    fn send(&mut self, message: Vec<u8>) {
        self.inner.send(message);
    }

    fn next(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async {
            let incoming = self.inner.next().await;
            let Incoming::Frame(mut frame) = incoming else { return incoming };
            self.left = self.left.saturating_sub(1);
            if self.left > 0 {
                return Incoming::Frame(frame);
            }
            self.left = usize::MAX;
            match self.fault {
                Fault::Flip => *frame.last_mut().unwrap() ^= 1,
                Fault::Truncate => drop(frame.pop()),
                Fault::Extend => frame.push(0),
                Fault::Empty => frame.clear(),
                Fault::Garbage => frame.fill(0x5a),
                Fault::Text => return Incoming::Text,
                Fault::Closed => return Incoming::Closed,
            }
            Incoming::Frame(frame)
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.inner.close()
    }
}

/// Two devices that are linked, in a world of their own.
struct Linked {
    world: World,
    known: Arc<MemoryPhoneLinks>,
    own: Arc<MemoryComputerLinks>,
    passkeys: SyncedSet,
    /// Who held the phone each time.
    people: Mutex<Vec<ScriptedPerson>>,
}

impl Linked {
    async fn new() -> Self {
        let linked = Self {
            world: World::new().await,
            known: Arc::default(),
            own: Arc::default(),
            passkeys: SyncedSet::new(),
            people: Mutex::default(),
        };
        let mut phone = linked.phone(linked.world.relay.connector());
        let (display, mut camera) = Display::new();
        let computer = linked.world.computer().with_links(linked.known.clone());
        let ceremony = register_at(&linked.world, computer, display, "alice", "Phone");
        tow(&mut phone, &mut camera, ceremony).await.0.unwrap();
        assert_eq!(linked.known.all().unwrap().len(), 1);
        linked
    }

    /// The phone, which reaches the relay in this way.
    fn phone(&self, connector: Arc<dyn Connector>) -> FakePhone {
        let transport = phone_transport(&self.world.air, connector);
        let authenticator = Builder::phone().synced_with(&self.passkeys);
        let phone = FakePhone::over(authenticator, transport).unwrap();
        phone.person().when(connecting()).connects_and_is_remembered();
        self.people.lock().unwrap().push(phone.person().clone());
        phone.with(|phone| phone.with_links(self.own.clone(), "Phone"))
    }

    fn tampering(&self, leg: Leg, number: usize, fault: Fault) -> Arc<dyn Connector> {
        Arc::new(Tampering { inner: self.world.relay.connector(), leg, number, fault })
    }

    /// One sign-in by a ring: what the computer's person was told, and how both ended.
    async fn ring(
        &self,
        computers: Arc<dyn Connector>,
        phones: Arc<dyn Connector>,
    ) -> (Remote, Result<(), Failure>, Result<(), TransportError>) {
        let mut config: InitiatorConfig = impatient();
        (config.scan_timeout, config.ring_timeout) =
            (Duration::from_millis(50), Duration::from_secs(10));
        let computer = Computer::new(provider(), Arc::new(self.world.air.radio()), computers)
            .with_config(config)
            .with_links(self.known.clone());
        let mut phone = self.phone(phones);
        let mut bell = in_time(phone.phone().listen()).await.unwrap();
        while !matches!(in_time(bell.next()).await.unwrap(), BellEvent::Listening) {}
        let (display, _camera) = Display::new();
        let remote = display.remote();
        let ceremony = sign_in_at(&self.world, computer, display, Some("alice"));
        let serving = async {
            let ring = rung(&mut bell).await;
            phone.phone().answer_ring_until(ring, pending()).await
        };
        let (signed_in, served) = in_time(async { tokio::join!(ceremony, serving) }).await;
        in_time(bell.stop()).await.unwrap();
        assert_eq!(self.known.all().unwrap().len(), 1, "the link is kept");
        assert_eq!(self.own.computers().unwrap().len(), 1, "the link is kept");
        self.world.released().await;
        (remote, signed_in.map(drop), served.map(drop))
    }
}

async fn rung(bell: &mut Bell) -> hybrid::link::Ring {
    loop {
        if let BellEvent::Rung(ring) = bell.next().await.unwrap() {
            return ring;
        }
    }
}

/// Whether an error says who broke the protocol, or that the connection ended.
fn blames(error: &TransportError, by: Party) -> bool {
    match hybrid_error(error) {
        hybrid::Error::Misbehaved { by: blamed, .. } => *blamed == by,
        hybrid::Error::Closed { .. } => true,
        _ => false,
    }
}

#[tokio::test]
async fn before_the_phone_has_authenticated_a_code_is_offered_instead() {
    let linked = Linked::new().await;
    // The signal, message 2, the first message.
    for number in 1..=3 {
        for fault in FAULTS {
            let computers = linked.tampering(Leg::Contact, number, fault);
            let (remote, signed_in, _) =
                linked.ring(computers, linked.world.relay.connector()).await;
            let late = signed_in.unwrap_err().transport();
            assert!(
                matches!(hybrid_error(&late), hybrid::Error::TimedOut { step: Step::Advert, .. }),
                "{number} {fault:?}: {late:?}"
            );
            remote.see(|shown| {
                let said = |text: &str| shown.sentences.iter().any(|said| said.contains(text));
                assert!(said("was not reached"), "{number} {fault:?}: {:?}", shown.sentences);
                assert!(said("Scan the code"), "{number} {fault:?}: {:?}", shown.sentences);
            });
        }
    }
}

#[tokio::test]
async fn a_response_that_is_tampered_with_ends_the_sign_in() {
    let linked = Linked::new().await;
    for fault in FAULTS {
        let computers = linked.tampering(Leg::Contact, 4, fault);
        let (_, signed_in, _) = linked.ring(computers, linked.world.relay.connector()).await;
        let error = signed_in.unwrap_err().transport();
        assert!(blames(&error, Party::Phone), "{fault:?}: {error:?}");
    }
}

#[tokio::test]
async fn what_the_computer_sends_is_tampered_with_and_the_phone_says_so() {
    let linked = Linked::new().await;
    // Message 1, the request.
    for number in 1..=2 {
        for fault in FAULTS {
            let phones = linked.tampering(Leg::Connect, number, fault);
            let (_, signed_in, served) = linked.ring(linked.world.relay.connector(), phones).await;
            signed_in.unwrap_err();
            let error = served.unwrap_err();
            assert!(blames(&error, Party::Computer), "{number} {fault:?}: {error:?}");
        }
    }
    // Nothing was signed for any of them.
    let people = linked.people.lock().unwrap();
    let asked: Vec<_> = people.iter().flat_map(questions).collect();
    assert_eq!(asked.len(), 1, "only the registration was asked about");
}

#[tokio::test]
async fn a_ring_that_arrives_as_nonsense_is_told_again() {
    let linked = Linked::new().await;
    for fault in [Fault::Garbage, Fault::Truncate, Fault::Empty, Fault::Text, Fault::Closed] {
        let once = Arc::new(Once {
            tampered: linked.tampering(Leg::Listen, 1, fault),
            plain: linked.world.relay.connector(),
            used: std::sync::atomic::AtomicBool::new(false),
        });
        let (_, signed_in, served) = linked.ring(linked.world.relay.connector(), once).await;
        signed_in.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        served.unwrap();
    }
}

/// Tampered with on the first connection, plain on all others.
struct Once {
    tampered: Arc<dyn Connector>,
    plain: Arc<dyn Connector>,
    used: std::sync::atomic::AtomicBool,
}

impl Connector for Once {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        let used = self.used.swap(true, std::sync::atomic::Ordering::SeqCst);
        if used { self.plain.connect(target) } else { self.tampered.connect(target) }
    }
}
