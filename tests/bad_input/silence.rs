//! Peers and people that fall silent, with the clock stopped from there on: each wait has an end.

use std::{sync::Arc, time::Duration};

use towline::{
    ComputerError,
    client::Error as ClientError,
    hybrid::{
        self, InitiatorConfig, Party, Step,
        internal::eid::EidKey,
        qr::{Hint, QrPayload, QrSecret},
    },
    radio::{
        Scanner,
        air::{Air, Room as Elsewhere},
    },
    transport::{ComputerSession, Target, TransportError},
};
use towline_ctap::Status;
use towline_virtual::person::{connecting, verifying};

use crate::{
    meddler::{Fault, Meddler, Meddling},
    messages::{Room, is_sentence},
    support::*,
};

/// A service that does nothing bad.
async fn harmless() -> Meddler {
    Meddler::start(Meddling::Message(Party::Phone, usize::MAX, Fault::Flip)).await
}

fn timed_out(error: &TransportError, expected: Step) -> Duration {
    is_sentence(error);
    match hybrid_error(error) {
        hybrid::Error::TimedOut { step, after } if *step == expected => *after,
        other => panic!("{expected:?} expected: {other:?}"),
    }
}

#[tokio::test]
async fn a_phone_whose_person_never_says_whether_to_connect() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let mut phone = room.phone(meddler.connector());
    phone.person().when(connecting()).ignores_it();
    let code = room.code_of_a_computer_that_waits();
    tokio::time::pause();
    let failed = phone.scan(&code).await.unwrap_err();
    timed_out(&failed, Step::Consent);
    tokio::time::resume();
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_phone_that_no_computer_hears() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let (mut phone, steps) = Steps::of(room.phone(meddler.connector()));
    let code = room.code_of_a_computer_that_waits();
    let pausing = async {
        steps.until(|went| !went.radios.is_empty()).await;
        tokio::time::pause();
    };
    let (failed, ()) = tokio::join!(phone.scan(&code), pausing);
    timed_out(&failed.unwrap_err(), Step::Message1);
    tokio::time::resume();
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_computer_that_no_phone_answers() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let (display, _camera) = Display::new();
    let radio = room.air.radio();
    radio.move_to(Elsewhere(1));
    let computer = towline::Computer::new(provider(), Arc::new(radio), meddler.connector());
    tokio::time::pause();
    let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;
    let failed = computer.get(&display, "https://example.org", options).await.unwrap_err();
    // The ceremony's own limit and that of the code are both five minutes.
    match &failed {
        ComputerError::Transport(error) => {
            timed_out(error, Step::Advert);
        }
        error => assert_eq!(
            error,
            &ComputerError::Client(ClientError::TimedOut(Duration::from_secs(300)))
        ),
    }
    assert_eq!(failed.name(), "NotAllowedError");
    tokio::time::resume();
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_computer_that_joins_the_tunnel_and_says_nothing() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let mut phone = room.phone(meddler.connector());
    let mut scan = room.air.radio().scan().await.unwrap();
    let code = room.code_of_a_computer_that_waits();
    let joining = async {
        let secret: QrSecret = QrPayload::from_uri(&provider(), &code).unwrap().secret;
        let sighting = scan.next().await.unwrap();
        let key = EidKey::qr(&provider(), &secret).unwrap().prepare(&provider());
        let advert = key.open_qr(&sighting.service_data).unwrap();
        let target = Target::Connect {
            domain: advert.domain,
            routing_id: advert.routing_id,
            tunnel_id: secret.tunnel_id(&provider()).unwrap(),
        };
        let connected = meddler.connector().connect(target).await;
        let connected = connected.unwrap_or_else(|failure| panic!("{failure}"));
        tokio::time::pause();
        connected
    };
    let (failed, connected) = tokio::join!(phone.scan(&code), joining);
    timed_out(&failed.unwrap_err(), Step::Message1);
    tokio::time::resume();
    drop((connected, scan));
    room.released(&meddler).await;
}

/// A computer that has more patience than any phone.
fn patient() -> InitiatorConfig {
    let mut config = InitiatorConfig::default();
    let day = Duration::from_secs(86_400);
    config.idle_timeout = day;
    config.response_timeout = day;
    config
}

#[tokio::test]
async fn a_computer_that_connects_and_asks_for_nothing() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let mut phone = room.phone(meddler.connector());
    let (radio, connector) = (Arc::new(room.air.radio()), meddler.connector());
    let (computer, _events) =
        ComputerSession::start(patient(), &provider(), Hint::GetAssertion, radio, connector)
            .unwrap();
    let code = computer.qr_uri().unwrap();
    let pausing = async {
        computer.get_info().await.unwrap();
        tokio::time::pause();
    };
    let (failed, ()) = tokio::join!(phone.scan(&code), pausing);
    timed_out(&failed.unwrap_err(), Step::Request);
    tokio::time::resume();
    // The computer learns that the phone has gone.
    drop(computer);
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_computer_that_was_served_and_never_says_goodbye() {
    let (meddler, room) = (harmless().await, Room { air: Air::new() });
    let mut phone = room.phone(meddler.connector());
    let (radio, connector) = (Arc::new(room.air.radio()), meddler.connector());
    let (computer, _events) =
        ComputerSession::start(patient(), &provider(), Hint::GetAssertion, radio, connector)
            .unwrap();
    let code = computer.qr_uri().unwrap();
    let pausing = async {
        assert_eq!(computer.transact(vec![4]).await.unwrap()[0], 0);
        tokio::time::pause();
    };
    let (served, ()) = tokio::join!(phone.scan(&code), pausing);
    assert_eq!(served.unwrap().requests, 1);
    tokio::time::resume();
    drop(computer);
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_person_who_never_unlocks_the_phone() {
    let world = World::new().await;
    let mut phone = world.phone();
    let asked = ignores(phone.person(), verifying());
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let pausing = async {
        asked.comes().await;
        tokio::time::pause();
    };
    // Not `in_time`: that would be in a time of its own.
    let scanning = async {
        let code = camera.scan().await.unwrap();
        phone.scan(&code).await
    };
    let (failed, on_phone, ()) = tokio::join!(ceremony, scanning, pausing);
    tokio::time::resume();
    let failed = failed.unwrap_err().client();
    assert_eq!(failed, ClientError::Refused(Status::UserActionTimeout));
    assert_eq!(failed.name(), "NotAllowedError");
    assert_eq!(on_phone.unwrap().requests, 1);
    world.released().await;
    // The phone works as before.
    register(&world, &mut phone, "alice", "Phone").await.0.unwrap();
}
