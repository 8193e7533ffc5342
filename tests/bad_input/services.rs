//! Tunnel services that answer something else.

use std::sync::Arc;

use towline::{
    Computer, ComputerError,
    hybrid::{self, CodeSource, Party, Step, tunnel::ConnectFailure},
    radio::air::Air,
    transport::TransportError,
};

use crate::{
    meddler::{Answer, Meddler, Meddling},
    messages::{OPTIONS, ORIGIN, Room, is_sentence},
    support::*,
};

const REDIRECT: &str =
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";

/// Whether an error is the one that is expected.
type Expected = fn(&hybrid::Error) -> bool;

fn answers() -> [(Answer, Expected); 11] {
    use ConnectFailure::{Network, NotATunnelService, Redirected, Status};
    use hybrid::Error::Tunnel;
    [
        (Answer::Bytes("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), |error| {
            *error == Tunnel(Status(400))
        }),
        (Answer::Bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), |error| {
            *error == Tunnel(Status(404))
        }),
        (Answer::Bytes("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"), |error| {
            *error == Tunnel(Status(409))
        }),
        (Answer::Bytes("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), |error| {
            *error == Tunnel(Status(410))
        }),
        (Answer::Bytes("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), |error| {
            *error == Tunnel(Status(503))
        }),
        (Answer::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), |error| {
            *error == Tunnel(Status(200))
        }),
        (Answer::Bytes(REDIRECT), |error| *error == Tunnel(Redirected)),
        (Answer::Bytes("SSH-2.0-OpenSSH_9.9\r\n\r\n"), |error| *error == Tunnel(NotATunnelService)),
        (
            Answer::Bytes(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: fido.cable\r\n\r\n",
            ),
            |error| *error == Tunnel(NotATunnelService),
        ),
        (Answer::Bytes("HTTP/1.1 101 Swi"), |error| {
            matches!(error, Tunnel(Network(_) | NotATunnelService))
        }),
        (Answer::Bytes(""), |error| matches!(error, Tunnel(Network(_)))),
    ]
}

#[tokio::test]
async fn the_phone_says_what_its_tunnel_service_answered_and_never_advertises() {
    for (answer, expected) in answers() {
        let meddler = Meddler::start(Meddling::Answer(Party::Phone, answer.clone())).await;
        let room = Room { air: Air::new() };
        let (mut phone, steps) = Steps::of(room.phone(meddler.connector()));
        let code = room.code_of_a_computer_that_waits();
        let refused = in_time(phone.scan(&code)).await.unwrap_err();
        assert!(expected(hybrid_error(&refused)), "{answer:?}: {refused:?}");
        is_sentence(&refused);
        assert!(steps.see(|went| went.radios.is_empty()), "{answer:?}");
        meddler.until_empty().await;
        assert_eq!(room.air.adverts(), 0);
    }
}

#[tokio::test]
async fn the_computer_says_what_its_tunnel_service_answered() {
    let runs = answers().map(|(answer, expected)| {
        Box::pin(async move {
            let meddler = Meddler::start(Meddling::Answer(Party::Computer, answer.clone())).await;
            let room = Room { air: Air::new() };
            let mut phone = room.phone(meddler.connector());
            let (failed, on_phone) = room.register(&mut phone, meddler.connector()).await;
            let ComputerError::Transport(error) = failed.unwrap_err() else { panic!("{answer:?}") };
            assert!(expected(hybrid_error(&error)), "{answer:?}: {error:?}");
            is_sentence(&error);
            // Nobody came to the phone; its person gave up when the computer had.
            assert_eq!(
                on_phone,
                Err(TransportError::Hybrid(hybrid::Error::Cancelled)),
                "{answer:?}"
            );
            room.released(&meddler).await;
        })
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn the_computer_does_not_wait_for_a_service_that_stalls() {
    let meddler = Meddler::start(Meddling::Answer(Party::Computer, Answer::Stall)).await;
    let room = Room { air: Air::new() };
    let mut phone = room.phone(meddler.connector());
    let (failed, _) = room.register(&mut phone, meddler.connector()).await;
    let ComputerError::Transport(error) = failed.unwrap_err() else { panic!() };
    assert!(
        matches!(hybrid_error(&error), hybrid::Error::TimedOut { step: Step::Tunnel, .. }),
        "{error:?}"
    );
    is_sentence(&error);
    room.released(&meddler).await;
}

#[tokio::test]
async fn the_phone_does_not_wait_for_a_service_that_stalls() {
    let meddler = Meddler::start(Meddling::Answer(Party::Phone, Answer::Stall)).await;
    let room = Room { air: Air::new() };
    let mut phone = room.phone(meddler.connector());
    let code = room.code_of_a_computer_that_waits();
    let pausing = async {
        meddler.reached().await;
        tokio::time::pause();
    };
    let (refused, ()) = tokio::join!(phone.scan(&code), pausing);
    tokio::time::resume();
    let refused = refused.unwrap_err();
    assert!(
        matches!(hybrid_error(&refused), hybrid::Error::TimedOut { step: Step::Tunnel, .. }),
        "{refused:?}"
    );
    is_sentence(&refused);
    room.released(&meddler).await;
}

#[tokio::test]
async fn a_phone_that_led_nowhere_does_not_keep_the_next_one_from_the_same_code() {
    // The first phone waits at another service than the one where the computer looks for it.
    let (elsewhere, relay) = (LoopbackRelay::plain().await, LoopbackRelay::plain().await);
    let room = Room { air: Air::new() };
    let mut lost = room.phone(elsewhere.connector());
    let mut phone = room.phone(relay.connector());
    let radio = Arc::new(room.air.radio());
    let computer = Computer::new(provider(), radio, relay.connector());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = async move { computer.create(&display, ORIGIN, OPTIONS).await };
    let scanning = async {
        let code = camera.scan().await.unwrap();
        let failed = "That phone did not work: no connection: the tunnel service answered 404; \
                      check the network and try again.";
        let stop = remote.until_said(failed);
        let first = lost.phone().answer_code_until(&code, CodeSource::Camera, stop).await;
        // The code is on the screen again.
        assert_eq!(camera.scan().await.as_ref(), Some(&code));
        (first, phone.scan(&code).await)
    };
    let (made, (first, second)) = in_time(async { tokio::join!(ceremony, scanning) }).await;
    made.unwrap();
    assert_eq!(first, Err(TransportError::Hybrid(hybrid::Error::Cancelled)));
    assert_eq!(second.unwrap().requests, 1);
    assert!(questions(lost.person()).is_empty());
    tokio::join!(elsewhere.until_empty(), relay.until_empty());
    assert_eq!((room.air.adverts(), room.air.scans()), (0, 0));
}
