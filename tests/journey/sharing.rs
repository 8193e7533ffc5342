//! Several phones, several computers, several codes.

use towline::{hybrid, transport::TransportError};

use crate::support::*;

#[tokio::test]
async fn of_two_phones_that_scan_one_code_one_is_used_and_the_other_is_told() {
    let world = World::new().await;
    let (mut first, mut second) = (world.phone(), world.phone());
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let scanning = async {
        let code = camera.scan().await.unwrap();
        tokio::join!(first.scan(&code), second.scan(&code))
    };
    let (made, (one, other)) = in_time(async { tokio::join!(ceremony, scanning) }).await;
    made.unwrap();
    let (served, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(served.unwrap().requests, 1);
    let refused = refused.unwrap_err();
    assert!(
        matches!(
            hybrid_error(&refused),
            hybrid::Error::Tunnel(hybrid::tunnel::ConnectFailure::Status(409))
        ),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("show a new one"), "{refused}");
    assert_eq!(first.passkeys().len() + second.passkeys().len(), 1);
    world.released().await;
}

#[tokio::test]
async fn a_phone_serves_one_code_after_the_other() {
    let world = World::new().await;
    let mut phone = world.phone();
    for account in ["alice", "bob"] {
        let (made, on_phone) = register(&world, &mut phone, account, "Phone").await;
        made.unwrap();
        on_phone.unwrap().unwrap();
        world.released().await;
    }
    assert_eq!(phone.passkeys().len(), 2);
    assert_eq!(sign_in(&world, &mut phone, Some("alice")).await.0.unwrap().account, "alice");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::new().await;
    let mut phone = world.phone();
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Phone");
    let scanning = async {
        let code = camera.scan().await.unwrap();
        let first = phone.scan(&code).await;
        (first, phone.scan(&code).await)
    };
    let (made, (first, again)) = in_time(async { tokio::join!(ceremony, scanning) }).await;
    made.unwrap();
    first.unwrap();
    // The relay remembers the tunnel of that code; no second one is opened under it.
    assert_eq!(
        again,
        Err(TransportError::Hybrid(hybrid::Error::Tunnel(hybrid::tunnel::ConnectFailure::Status(
            409
        ))))
    );
    world.released().await;
}

#[tokio::test]
async fn two_pairs_in_one_room_do_not_mix() {
    let world = World::new().await;
    let (mut alices, mut bobs) = (world.phone(), world.phone());
    let (one, other) = tokio::join!(
        register(&world, &mut alices, "alice", "Alice's phone"),
        register(&world, &mut bobs, "bob", "Bob's phone"),
    );
    assert_eq!(one.0.unwrap().account, "alice");
    assert_eq!(other.0.unwrap().account, "bob");
    let (one, other) =
        tokio::join!(sign_in(&world, &mut alices, None), sign_in(&world, &mut bobs, None),);
    assert_eq!(one.0.unwrap().account, "alice");
    assert_eq!(other.0.unwrap().account, "bob");
    world.released().await;
}
