//! Cancelled from either side at each stage: both sides end, and the radio and the sockets are
//! released.

use towline::{
    client::Error,
    hybrid::{self, CodeSource, ResponderProgress, Step},
    radio::air::Room,
    transport::TransportError,
};
use towline_ctap::Status;
use towline_virtual::person::{connecting, verifying};

use crate::support::*;

const CANCELLED: TransportError = TransportError::Hybrid(hybrid::Error::Cancelled);

/// Where a ceremony is when somebody cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The code is on the screen, and nobody has scanned it.
    Showing,
    /// The phone asks whether to connect.
    Connecting,
    /// The phone advertises, and the computer does not hear it.
    Advertising,
    /// The phone asks for the screen lock.
    ScreenLock,
}

/// `asked` is the question that the phone's person leaves open.
async fn reached(stage: Stage, steps: &Steps, asked: &Moment, remote: &Remote) {
    match stage {
        Stage::Showing => remote.until(|shown| shown.code).await,
        Stage::Connecting | Stage::ScreenLock => asked.comes().await,
        Stage::Advertising => steps.until(|went| !went.radios.is_empty()).await,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Computer,
    Phone,
}

/// A registration that somebody cancels: what the computer and the phone say.
async fn cancelled(
    world: &World,
    stage: Stage,
    who: Who,
) -> (Failure, Option<Result<hybrid::ResponderSummary, TransportError>>) {
    let (mut phone, steps) = Steps::of(world.phone());
    let when = if stage == Stage::Connecting { connecting() } else { verifying() };
    let asked = ignores(phone.person(), when);
    let radio = world.air.radio();
    if stage == Stage::Advertising {
        radio.move_to(Room(7));
    }
    let computer = world.computer_with(&radio, hybrid::InitiatorConfig::default());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = register_at(world, computer, display, "alice", "Phone");
    let scanning = async {
        let code = camera.scan().await.unwrap();
        if stage == Stage::Showing {
            return None;
        }
        let stop = async {
            match who {
                Who::Phone => reached(stage, &steps, &asked, &remote).await,
                // The computer's person cancels; a phone that is not connected yet can't know, and
                // its person gives up.
                Who::Computer if stage != Stage::ScreenLock => {
                    while camera.scan().await.is_some() {}
                }
                Who::Computer => std::future::pending().await,
            }
        };
        Some(phone.phone().answer_code_until(&code, CodeSource::Camera, stop).await)
    };
    let cancelling = async {
        reached(stage, &steps, &asked, &remote).await;
        // A computer that the phone has not reached can't know that its person gave up.
        if who == Who::Computer || stage != Stage::ScreenLock {
            if who == Who::Phone {
                steps
                    .until(|went| {
                        stage == Stage::Connecting
                            || went.progress.contains(&ResponderProgress::Advertising)
                    })
                    .await;
            }
            remote.cancel();
        }
    };
    let (made, on_phone, ()) =
        in_time(async { tokio::join!(ceremony, scanning, cancelling) }).await;
    world.released().await;
    (made.unwrap_err(), on_phone)
}

#[tokio::test]
async fn by_the_computer_while_the_code_is_shown() {
    let world = World::new().await;
    let (failure, _) = cancelled(&world, Stage::Showing, Who::Computer).await;
    assert_eq!(failure.client(), Error::Cancelled);
    assert_eq!(world.relay.handle.stats().tunnels, 0);
}

#[tokio::test]
async fn by_the_computer_while_the_phone_asks_whether_to_connect() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::Connecting, Who::Computer).await;
    assert_eq!(failure.client(), Error::Cancelled);
    assert_eq!(on_phone, Some(Err(CANCELLED)));
    assert_eq!(world.relay.handle.stats().tunnels, 0);
}

#[tokio::test]
async fn by_the_computer_while_the_phone_advertises() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::Advertising, Who::Computer).await;
    assert_eq!(failure.client(), Error::Cancelled);
    assert_eq!(on_phone, Some(Err(CANCELLED)));
}

#[tokio::test]
async fn by_the_computer_while_the_phone_asks_for_the_screen_lock() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::ScreenLock, Who::Computer).await;
    assert_eq!(failure.client(), Error::Cancelled);
    assert_eq!(Error::Cancelled.name(), "NotAllowedError");
    // The phone's prompt went away although its person never answered.
    assert!(matches!(on_phone, Some(Ok(_) | Err(TransportError::Hybrid(_)))), "{on_phone:?}");
    assert!(world.site.rp.status().await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn by_the_phone_while_it_asks_whether_to_connect() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::Connecting, Who::Phone).await;
    assert_eq!(on_phone, Some(Err(CANCELLED)));
    assert_eq!(failure.client(), Error::Cancelled);
    assert_eq!(world.relay.handle.stats().tunnels, 0);
}

#[tokio::test]
async fn by_the_phone_while_it_advertises() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::Advertising, Who::Phone).await;
    assert_eq!(on_phone, Some(Err(CANCELLED)));
    assert_eq!(failure.client(), Error::Cancelled);
}

#[tokio::test]
async fn by_the_phone_at_the_screen_lock() {
    let world = World::new().await;
    let (failure, on_phone) = cancelled(&world, Stage::ScreenLock, Who::Phone).await;
    assert_eq!(on_phone, Some(Err(CANCELLED)));
    // The computer is told, and need not guess.
    assert_eq!(failure.client(), Error::Refused(Status::OperationDenied));
    assert!(world.site.rp.status().await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn a_phone_that_was_cancelled_serves_the_next_code() {
    let world = World::new().await;
    let mut phone = world.phone();
    let asked = ignores(phone.person(), verifying());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let cancelling = async {
        asked.comes().await;
        remote.cancel();
    };
    let ((failure, _), ()) = tokio::join!(tow(&mut phone, &mut camera, ceremony), cancelling);
    assert_eq!(failure.unwrap_err().client(), Error::Cancelled);
    register(&world, &mut phone, "alice", "Phone").await.0.unwrap();
    sign_in(&world, &mut phone, None).await.0.unwrap();
    world.released().await;
}

#[tokio::test]
async fn dropping_either_side_releases_everything_and_tells_the_other() {
    let world = World::new().await;
    // The computer's future is dropped while the phone asks for the screen lock.
    let mut phone = world.phone();
    let asked = ignores(phone.person(), verifying());
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let dropping = async {
        tokio::select! {
            _ = ceremony => panic!("nobody unlocks"),
            () = asked.comes() => {}
        }
    };
    let ((), on_phone) = tow(&mut phone, &mut camera, dropping).await;
    assert_eq!(
        on_phone,
        Some(Err(TransportError::Hybrid(hybrid::Error::Closed { step: Step::Answer })))
    );
    world.released().await;

    // The phone's.
    let mut phone = world.phone();
    let asked = ignores(phone.person(), verifying());
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let scanning = async {
        let code = camera.scan().await.unwrap();
        tokio::select! {
            _ = phone.scan(&code) => panic!("nobody unlocks"),
            () = asked.comes() => {}
        }
    };
    let (made, ()) = in_time(async { tokio::join!(ceremony, scanning) }).await;
    let closed = hybrid::Error::Closed { step: Step::Response };
    assert_eq!(made.unwrap_err().transport(), TransportError::Hybrid(closed));
    world.released().await;

    // And it serves the next code.
    register(&world, &mut phone, "alice", "Phone").await.0.unwrap();
}
