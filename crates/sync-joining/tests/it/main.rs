//! Both sides over a real relay, with real sockets and a simulated air.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod before_the_handshake;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use towline_crypto::{CryptoProvider, rustcrypto, zeroize::Zeroizing};
use towline_hybrid::{
    CodeSource, InitiatorConfig, ResponderConfig,
    domain::TunnelDomain,
    qr::{CircleHint, Hint, QrPayload},
};
use towline_hybrid_tokio::{ComputerSession, Connector, PhoneEvent, PhoneSession, TransportError};
use towline_radio::air::Air;
use towline_sync::{
    Circle, CircleConfig, Content, DeviceKeys, JoinedCircle, Joining, JoiningConfig, JoiningError,
    JoiningSide, JoiningStep, JoiningSummary, MemberKind, Moment, SyncOutput,
};
use towline_sync_joining::{JoiningEvent, JoiningEvents, JoiningFailure, JoiningSession};
use towline_testkit::relay::LoopbackRelay;

const PATIENCE: Duration = Duration::from_secs(20);

type Session = (JoiningSession, JoiningEvents);

fn crypto() -> CryptoProvider {
    rustcrypto::provider()
}

fn domain() -> TunnelDomain {
    TunnelDomain::new(257).unwrap()
}

fn now() -> Moment {
    Moment { instant: Instant::now(), wall_clock: 1_790_000_000_000 }
}

fn keep(circle: &mut Circle) {
    while let Some(output) = circle.poll_output() {
        if let SyncOutput::Save { token, .. } = output {
            circle.handle_saved(token);
        }
    }
}

/// A circle of one device and a paper key, with so many passkeys of 300 bytes.
fn circle(passkeys: u16) -> Circle {
    let (keys, paper) =
        (DeviceKeys::generate(&crypto()).unwrap(), DeviceKeys::generate(&crypto()).unwrap());
    let introduced = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
    let mut circle =
        Circle::begin(crypto(), CircleConfig::default(), keys, introduced, now()).unwrap();
    for number in 0..passkeys {
        let mut record = [0; 16];
        record[..2].copy_from_slice(&number.to_be_bytes());
        let (fixed, names) = (Content::new(vec![7; 300]), Content::new(b"Anna".to_vec()));
        circle.make(record, &fixed, &names, now()).unwrap();
    }
    keep(&mut circle);
    circle
}

fn keys() -> Zeroizing<[u8; 64]> {
    DeviceKeys::generate(&crypto()).unwrap().to_bytes().unwrap()
}

fn newcomer(keys: &[u8; 64]) -> Joining {
    let keys = DeviceKeys::from_bytes(&crypto(), keys).unwrap();
    Joining::newcomer(crypto(), JoiningConfig::new("Laptop"), CircleConfig::default(), keys)
}

fn sponsor(circle: &Circle) -> Joining {
    Joining::sponsor(JoiningConfig::new("Desktop"), circle).unwrap()
}

fn show(machine: Joining, air: &Air, connector: Arc<dyn Connector>) -> Session {
    let config = InitiatorConfig::default();
    JoiningSession::show(machine, config, &crypto(), Arc::new(air.radio()), connector).unwrap()
}

fn code(session: &JoiningSession) -> QrPayload {
    QrPayload::from_uri(&crypto(), &session.qr_uri().unwrap()).unwrap()
}

fn scan(
    machine: Joining,
    code: QrPayload,
    air: &Air,
    connector: Arc<dyn Connector>,
) -> Result<Session, JoiningFailure> {
    let config = ResponderConfig::for_circle(domain());
    let (code, radio) = ((code, CodeSource::Camera), Arc::new(air.radio()));
    JoiningSession::scan(machine, config, &crypto(), code, radio, connector)
}

type Ended = Result<JoiningSummary, JoiningFailure>;

/// The device in the circle, whose person agrees.
async fn admit((session, mut events): Session, mut circle: Circle) -> (Ended, Circle) {
    loop {
        match events.next().await.expect("a last event") {
            JoiningEvent::Ask(_) => session.answer(true),
            JoiningEvent::Admit(newcomer) => match circle.add(newcomer, now()) {
                Ok(_) => {
                    keep(&mut circle);
                    session.admitted(circle.welcome(), Content::new(b"folder".to_vec()));
                }
                Err(error) => session.not_admitted(Some(error)),
            },
            JoiningEvent::Finished(result) => return (result, circle),
            _ => {}
        }
    }
}

/// The new device, whose person agrees.
async fn join((session, mut events): Session) -> (Ended, Option<Box<JoinedCircle>>) {
    let mut joined = None;
    loop {
        match events.next().await.expect("a last event") {
            JoiningEvent::Ask(_) => session.answer(true),
            JoiningEvent::Keep(mut circle) => {
                keep(&mut circle.circle);
                joined = Some(circle);
                session.kept();
            }
            JoiningEvent::Finished(result) => return (result, joined),
            _ => {}
        }
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("in time")
}

/// Both to the end, the one that is new last.
async fn both(old: Session, new: Session, circle: Circle) -> (Circle, Box<JoinedCircle>) {
    let (old, new) = in_time(async { tokio::join!(admit(old, circle), join(new)) }).await;
    assert_eq!(old.0.unwrap().name, "Laptop");
    assert_eq!(new.0.unwrap().name, "Desktop");
    (old.1, new.1.unwrap())
}

/// `cargo test -p towline-sync-joining five_hundred -- --nocapture` says how long it takes.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_passkeys_are_there_whoever_shows_the_code() {
    let relay = LoopbackRelay::tls(&domain().host(&crypto())).await;
    let air = Air::new();
    for new_shows in [true, false] {
        let circle = circle(500);
        let (begun, ours) = (Instant::now(), sponsor(&circle));
        let (old, new) = if new_shows {
            let new = show(newcomer(&keys()), &air, relay.connector());
            assert_eq!(code(&new.0).circle_hint(), Some(CircleHint::Join));
            (scan(ours, code(&new.0), &air, relay.connector()).unwrap(), new)
        } else {
            let old = show(ours, &air, relay.connector());
            assert_eq!(code(&old.0).circle_hint(), Some(CircleHint::Invite));
            let new = scan(newcomer(&keys()), code(&old.0), &air, relay.connector()).unwrap();
            (old, new)
        };
        let (circle, joined) = both(old, new, circle).await;
        println!("joined with 500 passkeys in {:?}", begun.elapsed());
        assert_eq!(joined.circle.state().records().count(), 500);
        assert_eq!(joined.circle.state(), circle.state());
        assert_eq!(joined.store.expose(), b"folder");
        relay.until_empty().await;
        assert_eq!((air.adverts(), air.scans()), (0, 0));
    }
}

#[tokio::test]
async fn a_phone_for_passkeys_is_told_from_a_device_that_joins() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let phone = |code| {
        let config = ResponderConfig::new(vec![0xa1, 1, 0x80], domain());
        let radio = Arc::new(air.radio());
        let (source, connector) = (CodeSource::Camera, relay.connector());
        PhoneSession::start(config, &crypto(), code, source, radio, connector)
    };
    // One of ours says so at once.
    let (session, mut events) = show(newcomer(&keys()), &air, relay.connector());
    let refused = phone(code(&session)).err().unwrap();
    assert_eq!(refused, TransportError::Hybrid(towline_hybrid::Error::OnlyForCircles));
    assert!(refused.to_string().contains("for joining your devices, not for signing in"));

    // Another one takes the hint for one that it does not know.
    let mut stranger = code(&session);
    assert_eq!(stranger.request_hint(), Hint::GetAssertion);
    stranger.hint = None;
    let (phone, mut phone_events) = phone(stranger).unwrap();
    let phone = tokio::spawn(async move {
        while let Some(event) = phone_events.next().await {
            if let PhoneEvent::Ask { token, .. } = event {
                let yes = towline_hybrid::ResponderAnswer::Connect { remember: false };
                phone.answer(token, yes).await.unwrap();
            }
        }
    });
    let failure = in_time(async {
        loop {
            match events.next().await.unwrap() {
                JoiningEvent::Finished(result) => return result.unwrap_err(),
                JoiningEvent::Connected | JoiningEvent::Ask(_) => panic!("with a phone"),
                _ => {}
            }
        }
    });
    let failure = failure.await;
    let no_circle = TransportError::Hybrid(towline_hybrid::Error::NoCircle);
    assert_eq!(failure, JoiningFailure::Transport(no_circle));
    assert!(failure.to_string().starts_with("that is a phone for passkeys, not for joining"));
    assert_eq!(session.qr_uri(), None);
    in_time(phone).await.unwrap();
}

#[tokio::test]
async fn codes_for_something_else_are_refused_before_anything_is_sent() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let circle = circle(0);
    let (computer, _events) = ComputerSession::start(
        InitiatorConfig::default(),
        &crypto(),
        Hint::GetAssertion,
        Arc::new(air.radio()),
        relay.connector(),
    )
    .unwrap();
    let signing_in = QrPayload::from_uri(&crypto(), &computer.qr_uri().unwrap()).unwrap();
    let refused = scan(sponsor(&circle), signing_in, &air, relay.connector()).err().unwrap();
    let wrong = TransportError::Hybrid(towline_hybrid::Error::NotForCircles);
    assert_eq!(refused, JoiningFailure::Transport(wrong));

    let (new, _events) = show(newcomer(&keys()), &air, relay.connector());
    let refused = scan(newcomer(&keys()), code(&new), &air, relay.connector()).err().unwrap();
    assert_eq!(refused, JoiningError::SamePart { both_new: true }.into());
    let (old, _events) = show(sponsor(&circle), &air, relay.connector());
    let refused = scan(sponsor(&circle), code(&old), &air, relay.connector()).err().unwrap();
    assert_eq!(refused, JoiningError::SamePart { both_new: false }.into());
    assert_eq!(relay.handle.stats().tunnels, 0);
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_elsewhere() {
    let relay = LoopbackRelay::plain().await;
    let (air, far) = (Air::new(), Air::new());
    let circle = circle(3);
    let (old, mut old_events) = show(sponsor(&circle), &air, relay.connector());
    let (thief, mut events) = scan(newcomer(&keys()), code(&old), &far, relay.connector()).unwrap();
    let Some(JoiningEvent::Radio { radio }) = in_time(events.next()).await else { panic!() };
    assert!(radio.contains("simulated"));
    let nothing = async {
        loop {
            tokio::select! {
                event = old_events.next() => {
                    let listens = matches!(event, Some(JoiningEvent::Radio { .. }));
                    assert!(listens, "{event:?}");
                }
                event = events.next() => panic!("{event:?}"),
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_millis(500), nothing).await.is_err());
    assert_eq!(relay.handle.stats().tunnels, 0);
    thief.cancel();
    let Some(JoiningEvent::Finished(Err(_))) = in_time(events.next()).await else { panic!() };
    assert!(old.qr_uri().is_some() && circle.devices().count() == 1);
}

#[tokio::test]
async fn what_the_network_interrupts_is_told_and_taken_up_again() {
    let mut relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (mut circle, keys) = (circle(3), keys());
    let (new, mut new_events) = show(newcomer(&keys), &air, relay.connector());
    let (old, mut old_events) =
        scan(sponsor(&circle), code(&new), &air, relay.connector()).unwrap();
    // Up to where the new device was added, and is not told so any more.
    let added = async {
        loop {
            tokio::select! {
                event = new_events.next() => if let Some(JoiningEvent::Ask(_)) = event {
                    new.answer(true);
                },
                event = old_events.next() => match event {
                    Some(JoiningEvent::Ask(_)) => old.answer(true),
                    Some(JoiningEvent::Admit(newcomer)) => {
                        circle.add(newcomer, now()).unwrap();
                        return keep(&mut circle);
                    }
                    _ => {}
                },
            }
        }
    };
    in_time(added).await;
    relay.restart().await;
    let last = async |events: &mut JoiningEvents| loop {
        if let Some(JoiningEvent::Finished(result)) = in_time(events.next()).await {
            return result.unwrap_err().to_string();
        }
    };
    let closed = |step| JoiningError::Closed(step).to_string();
    assert_eq!(last(&mut new_events).await, closed(JoiningStep::BeingAdded));
    assert_eq!(last(&mut old_events).await, closed(JoiningStep::HandingOver));
    drop((old, new));

    // With a new code, and the other way round.
    let old = show(sponsor(&circle), &air, relay.connector());
    let new = scan(newcomer(&keys), code(&old.0), &air, relay.connector()).unwrap();
    let (circle, joined) = both(old, new, circle).await;
    assert_eq!(circle.devices().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(joined.circle.state(), circle.state());
}

#[tokio::test]
async fn a_person_who_says_no_or_stops_is_heard_on_the_other_side() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    for stops in [false, true] {
        let circle = circle(0);
        let new = show(newcomer(&keys()), &air, relay.connector());
        let (old, mut events) =
            scan(sponsor(&circle), code(&new.0), &air, relay.connector()).unwrap();
        let new = tokio::spawn(join(new));
        let ended = async {
            loop {
                match events.next().await.unwrap() {
                    JoiningEvent::Ask(_) if stops => old.cancel(),
                    JoiningEvent::Ask(_) => old.answer(false),
                    JoiningEvent::Finished(result) => return result.unwrap_err(),
                    _ => {}
                }
            }
        };
        let error = |side| {
            let end = if stops { JoiningError::Cancelled } else { JoiningError::Declined };
            JoiningFailure::from(end(side, JoiningStep::Agreeing))
        };
        assert_eq!(in_time(ended).await, error(JoiningSide::Here));
        let (result, joined) = in_time(new).await.unwrap();
        assert_eq!(result.unwrap_err(), error(JoiningSide::There));
        assert!(joined.is_none());
        relay.until_empty().await;
    }
}

#[tokio::test]
async fn a_session_that_is_dropped_lets_go_of_everything() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let old = show(sponsor(&circle(0)), &air, relay.connector());
    let (new, mut events) = scan(newcomer(&keys()), code(&old.0), &air, relay.connector()).unwrap();
    let connected =
        async { while !matches!(events.next().await.unwrap(), JoiningEvent::Connected) {} };
    in_time(connected).await;
    drop(old);
    let ended = async {
        loop {
            if let JoiningEvent::Finished(result) = events.next().await.unwrap() {
                return result.unwrap_err();
            }
        }
    };
    assert_eq!(in_time(ended).await, JoiningError::Closed(JoiningStep::Agreeing).into());
    drop(new);
    relay.until_empty().await;
    let released = async {
        while (air.adverts(), air.scans()) != (0, 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(released).await;
}
