//! A linked phone is reached whenever it can be: right after the last ceremony, right after it was
//! linked, while somebody rings it again and again, and not while it serves somebody else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use towline::{
    Bell, BellEvent, Computer,
    hybrid::{
        InitiatorConfig, ResponderSummary,
        ids::{ClientNonce, ContactId, LinkId},
        link::{
            ClientPayload, ComputerLinks, LinkedComputer, LinkedPhone, MemoryComputerLinks,
            MemoryPhoneLinks, PhoneIdentity, PhoneLinks,
        },
        qr::Hint,
        tunnel::ConnectFailure,
    },
    transport::{Connector as _, Target, TransportError},
};
use towline_virtual::person::{connecting, verifying};
use towline_virtual_phone::FakePhone;

use crate::support::*;

/// A phone that listens, and a computer that it let remember it.
struct Linked {
    world: World,
    known: Arc<MemoryPhoneLinks>,
    own: Arc<MemoryComputerLinks>,
    phone: FakePhone,
    bell: Bell,
}

impl Linked {
    async fn new() -> Self {
        let world = World::new().await;
        let mut phone = world.phone();
        phone.person().when(connecting()).connects_and_is_remembered();
        let own = phone.links().clone();
        let bell = in_time(phone.phone().listen()).await.unwrap();
        let known = Arc::new(MemoryPhoneLinks::new());
        let mut linked = Self { world, known, own, phone, bell };
        assert!(matches!(linked.told().await, BellEvent::Listening));
        linked.link("alice").await;
        linked
    }

    async fn told(&mut self) -> BellEvent {
        in_time(self.bell.next()).await.unwrap()
    }

    fn computer(&self) -> Computer {
        self.world.computer().with_links(self.known.clone())
    }

    async fn link(&mut self, account: &str) {
        let (display, mut camera) = Display::new();
        let display = display.choosing(|_| None);
        let computer = self.computer();
        let ceremony = register_at(&self.world, computer, display, account, "Phone");
        let (made, served) = tow(&mut self.phone, &mut camera, ceremony).await;
        made.unwrap();
        assert!(served.unwrap().unwrap().linked);
    }

    /// Signs in by ringing; whether the phone was reached, and no code shown.
    async fn sign_in(&mut self, account: &str) -> bool {
        let (display, camera) = Display::new();
        let remote = display.remote();
        // A code would lead nowhere.
        let mut config = InitiatorConfig::default();
        config.scan_timeout = Duration::from_millis(200);
        let computer = self.world.computer_with(&self.world.air.radio(), config);
        let computer = computer.with_links(self.known.clone());
        let ceremony = sign_in_at(&self.world, computer, display, Some(account));
        let answering = async {
            loop {
                if let BellEvent::Rung(ring) = self.bell.next().await.unwrap() {
                    let phone = self.phone.phone();
                    return phone.answer_ring_until(ring, std::future::pending()).await;
                }
            }
        };
        // The computer is done before the phone is, as a rule; the next ring does not wait for the
        // phone.
        let (signed_in, served): (_, Option<Result<ResponderSummary, TransportError>>) =
            in_time(async {
                let mut ceremony = std::pin::pin!(ceremony);
                let mut answering = std::pin::pin!(answering);
                tokio::select! {
                    signed_in = &mut ceremony => match signed_in {
                        Ok(done) => (Ok(done), Some(answering.await)),
                        failed => (failed, None),
                    },
                    served = &mut answering => (ceremony.await, Some(served)),
                }
            })
            .await;
        drop(camera);
        let code = remote.see(|shown| shown.sentences.iter().any(|said| said.contains("Scan")));
        signed_in.is_ok() && served.is_some_and(|served| served.is_ok()) && !code
    }
}

/// How often; `TOWLINE_ROUNDS=500` by hand.
fn rounds() -> usize {
    std::env::var("TOWLINE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_reached_each_time_right_after_the_last_ceremony() {
    let mut linked = Linked::new().await;
    let rounds = rounds();
    let mut reached = 0;
    for _ in 0..rounds {
        reached += usize::from(linked.sign_in("alice").await);
    }
    assert_eq!(reached, rounds);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_reached_while_the_last_session_is_still_being_closed() {
    let linked = Linked::new().await;
    let Linked { world, known, mut phone, mut bell, .. } = linked;
    let serving = tokio::spawn(async move {
        loop {
            if let BellEvent::Rung(ring) = bell.next().await.unwrap() {
                let phone = phone.phone();
                phone.answer_ring_until(ring, std::future::pending()).await.unwrap();
            }
        }
    });
    for round in 0..rounds() {
        let (display, _camera) = Display::new();
        let remote = display.remote();
        let mut config = InitiatorConfig::default();
        config.scan_timeout = Duration::from_millis(200);
        let computer = world.computer_with(&world.air.radio(), config).with_links(known.clone());
        in_time(sign_in_at(&world, computer, display, None)).await.unwrap();
        remote.see(|shown| assert!(!shown.code, "a code in round {round}"));
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_reached_by_a_computer_that_was_linked_a_moment_ago() {
    let mut linked = Linked::new().await;
    for number in 0..8 {
        // The same phone: the new link takes the place of the old one.
        let account = format!("somebody-{number}");
        linked.link(&account).await;
        assert_eq!(linked.known.all().unwrap().len(), 1);
        assert!(linked.sign_in(&account).await, "link {number}");
    }
}

/// Rings as a program of somebody's own does: any link, any contact id, as often as it likes. What
/// the service answers.
async fn ring(world: &World, contact_id: &ContactId, link_id: LinkId, nonce: u128) -> Answer {
    let nonce = ClientNonce::new(nonce.to_be_bytes());
    let payload = ClientPayload { link_id, nonce, hint: Hint::GetAssertion };
    let target = Target::Contact { domain: domain(), contact_id: contact_id.clone(), payload };
    match in_time(world.relay.connector().connect(target)).await {
        Ok(connected) => Answer::Comes(connected.channel),
        Err(ConnectFailure::Status(status)) => Answer::Refused(status),
        Err(other) => panic!("{other}"),
    }
}

enum Answer {
    /// It comes for as long as this is open.
    Comes(Box<dyn towline::transport::DataChannel>),
    Refused(u16),
}

impl Answer {
    fn status(&self) -> u16 {
        match self {
            Self::Comes(_) => 101,
            Self::Refused(status) => *status,
        }
    }
}

fn known(linked: &Linked) -> LinkedPhone {
    linked.known.all().unwrap().remove(0)
}

#[tokio::test]
async fn a_phone_that_is_busy_says_so_at_once_and_answers_no_ring_later() {
    let mut linked = Linked::new().await;
    let information = known(&linked).information;
    // Its person is asked by somebody else, and thinks about it.
    let asked = ignores(linked.phone.person(), verifying());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = sign_in_at(&linked.world, linked.world.computer(), display, Some("alice"));
    let phone = &mut linked.phone;
    let serving = async {
        let code = camera.scan().await.unwrap();
        phone.scan(&code).await
    };
    let ringing = async {
        asked.comes().await;
        for nonce in 0..20 {
            let started = Instant::now();
            let answer =
                ring(&linked.world, &information.contact_id, information.link_id, nonce).await;
            assert!(matches!(answer.status(), 503 | 429), "{}", answer.status());
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
        remote.cancel();
    };
    let (ceremony, _, ()) = in_time(async { tokio::join!(ceremony, serving, ringing) }).await;
    ceremony.unwrap_err();
    let late = tokio::time::timeout(Duration::from_millis(300), linked.bell.next()).await;
    assert!(late.is_err(), "{late:?}");
}

#[tokio::test]
async fn a_ring_whose_computer_went_away_is_not_answered() {
    let mut linked = Linked::new().await;
    let information = known(&linked).information;
    let answer = ring(&linked.world, &information.contact_id, information.link_id, 1).await;
    assert_eq!(answer.status(), 101);
    drop(answer);
    // The service says so; nobody has asked the bell in between.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let late = tokio::time::timeout(Duration::from_millis(300), linked.bell.next()).await;
    assert!(late.is_err(), "{late:?}");
    assert!(linked.sign_in("alice").await, "and the next is");
}

#[tokio::test]
async fn a_computer_that_was_forgotten_has_no_right_to_ring_and_keeps_nobody_off() {
    let mut linked = Linked::new().await;
    let forgotten = known(&linked).information;
    // Another one is linked as well.
    linked.known = Arc::new(MemoryPhoneLinks::new());
    linked.link("bob").await;
    let other = known(&linked).information;
    assert_ne!(forgotten.contact_id, other.contact_id, "each rings by an id of its own");
    assert!(linked.own.forget(&forgotten.link_id).unwrap());
    // The phone runs, and does not know yet: it learns by the first ring.
    let answer = ring(&linked.world, &forgotten.contact_id, forgotten.link_id, 1).await;
    assert_eq!(answer.status(), 410);
    in_time(async {
        while linked.own.ledger().unwrap().forgotten[0].contact_key.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let rings = linked.world.relay.handle.stats().listening;
    for nonce in 2..200 {
        let answer = ring(&linked.world, &forgotten.contact_id, forgotten.link_id, nonce).await;
        assert!(matches!(answer.status(), 410 | 429), "{}", answer.status());
    }
    assert_eq!(linked.world.relay.handle.stats().listening, rings, "the phone is not called");
    assert!(linked.sign_in("bob").await);
}

#[tokio::test]
async fn a_link_of_before_is_rung_by_the_id_that_all_shared() {
    let mut linked = Linked::new().await;
    let provider = &linked.world.provider;
    let identity = linked.own.identity().unwrap().unwrap();
    // As the version before wrote it, at both ends.
    let mut phone = known(&linked);
    phone.information.contact_id = identity.contact_key.contact_id(provider);
    let contact = phone.information.contact_id.clone();
    phone.information.secret =
        identity.root_secret.link_secret(provider, &contact, &phone.information.link_id).unwrap();
    linked.known.save(&phone).unwrap();
    let link_id = phone.information.link_id;
    linked.own.change(&mut |ledger| ledger.computers[0].contact_key = None).unwrap();
    // A phone that starts now listens by it.
    linked.bell = in_time(linked.phone.phone().listen()).await.unwrap();
    assert!(matches!(linked.told().await, BellEvent::Listening));
    assert!(linked.sign_in("alice").await);
    // New computers get an id of their own beside it.
    linked.known = Arc::new(MemoryPhoneLinks::new());
    linked.link("bob").await;
    assert!(linked.sign_in("bob").await);
    assert_eq!(ring(&linked.world, &contact, link_id, 9).await.status(), 101);
    // With the last that shares it, it is given up.
    assert!(linked.own.forget(&link_id).unwrap());
    assert_eq!(ring(&linked.world, &contact, link_id, 10).await.status(), 410);
}

#[tokio::test]
async fn what_was_forgotten_while_the_phone_was_off_is_given_up_when_it_starts() {
    let linked = Linked::new().await;
    let forgotten = known(&linked).information;
    let Linked { world, own, mut phone, bell, .. } = linked;
    in_time(bell.stop()).await.unwrap();
    assert!(own.forget(&forgotten.link_id).unwrap());
    let mut bell = in_time(phone.phone().listen()).await.unwrap();
    assert!(matches!(in_time(bell.next()).await.unwrap(), BellEvent::Listening));
    let answer = ring(&world, &forgotten.contact_id, forgotten.link_id, 1).await;
    assert_eq!(answer.status(), 410, "the computer is told to delete its link");
}

#[tokio::test]
async fn a_restored_link_that_was_given_up_does_not_ring_and_costs_no_other() {
    let mut linked = Linked::new().await;
    let before: Vec<LinkedComputer> = linked.own.computers().unwrap();
    let revived = known(&linked).information;
    linked.known = Arc::new(MemoryPhoneLinks::new());
    linked.link("bob").await;
    assert!(linked.own.forget(&revived.link_id).unwrap());
    linked.bell = in_time(linked.phone.phone().listen()).await.unwrap();
    assert!(matches!(linked.told().await, BellEvent::Listening));
    // An old copy of the links is brought back.
    linked.own.change(&mut |ledger| ledger.computers.extend(before.clone())).unwrap();
    linked.bell = in_time(linked.phone.phone().listen()).await.unwrap();
    let mut told = vec![linked.told().await];
    told.push(linked.told().await);
    assert!(
        told.iter().any(|event| matches!(event, BellEvent::GivenUp { computers: 1 })),
        "{told:?}"
    );
    let answer = ring(&linked.world, &revived.contact_id, revived.link_id, 1).await;
    assert_eq!(answer.status(), 410);
    assert!(linked.sign_in("bob").await);
}

#[tokio::test]
async fn a_phone_that_forgets_all_without_a_connection_is_another_one_at_once() {
    let linked = Linked::new().await;
    let forgotten = known(&linked).information;
    let before = linked.own.identity().unwrap().unwrap();
    linked.world.relay.handle.shutdown(Duration::ZERO);
    let Linked { world, own, mut phone, bell, .. } = linked;
    // Nobody waits for a service that is not there.
    let waited = tokio::time::timeout(Duration::from_millis(300), bell.forget_all()).await;
    assert!(waited.is_err());
    let other: PhoneIdentity = own.identity().unwrap().unwrap();
    assert_ne!(other, before);
    assert!(own.computers().unwrap().is_empty());
    let mut world = world;
    world.relay.restart().await;
    // The next bell goes on.
    let mut bell = in_time(phone.phone().listen()).await.unwrap();
    loop {
        if let BellEvent::Listening = in_time(bell.next()).await.unwrap() {
            break;
        }
    }
    let answer = ring(&world, &forgotten.contact_id, forgotten.link_id, 1).await;
    assert_eq!(answer.status(), 410);
}
