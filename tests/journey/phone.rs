//! Steps 4, 8, 10, 13 and 14 with a phone that scans a code, and what must never happen.

use std::{sync::Arc, time::Duration};

use towline::{
    Computer, ComputerError, PhoneTransport,
    authenticator::{Event, Purpose, Question},
    client::Error,
    device::{Found, Wants},
    hybrid::{self, CodeSource, InitiatorConfig, ResponderProgress},
    radio::air::{Room, UdpAir, UdpHub},
    transport::TransportError,
};
use towline_ctap::Status;
use towline_rp::{ErrorCode, RpConfig};
use towline_virtual::{Builder, SyncedSet, person::*};
use towline_virtual_phone::FakePhone;

use crate::support::*;

#[tokio::test]
async fn step_4_a_code_of_pixels_leads_to_a_passkey_on_the_phone() {
    let world = World::new().await;
    let (mut phone, steps) = Steps::of(world.phone());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let (made, on_phone) = tow(
        &mut phone,
        &mut camera,
        register_at(&world, world.computer(), display, "alice", "Alice's phone"),
    )
    .await;
    let made = made.unwrap();
    assert_eq!((made.account.as_str(), made.key.name.as_str()), ("alice", "Alice's phone"));
    assert_eq!(made.key.attestation, "none");
    assert_eq!(on_phone.unwrap().unwrap().requests, 1);

    // The phone's person was asked before anything was sent, then for the screen lock.
    let (connects, questions) = (visitors(phone.person()), questions(phone.person()));
    let (radios, progress) = steps.see(|went| (went.radios.clone(), went.progress.clone()));
    assert_eq!(connects.len(), 1);
    assert_eq!((connects[0].wants, connects[0].found), (Wants::Passkey, Found::Camera));
    let first = &connects[0].sentence;
    let scanned = "Connect to the computer whose code you scanned? It wants to make a passkey.";
    assert!(first.starts_with(scanned) && first.ends_with(" ago."), "{first}");
    assert!(
        matches!(&questions[..], [Question::VerifyUser { purpose: Purpose::Create { rp, .. }, .. }] if rp.id.as_str() == "localhost"),
        "{questions:?}"
    );
    assert!(radios[0].contains("simulated"), "{radios:?}");
    assert_eq!(
        progress,
        [
            ResponderProgress::Connecting,
            ResponderProgress::Advertising,
            ResponderProgress::Connected,
            ResponderProgress::Request,
            ResponderProgress::Answered,
        ]
    );
    // The computer's person saw every step, and the code is off the screen.
    remote.see(|shown| {
        assert!(!shown.code);
        assert!(shown.sentences.iter().any(|said| said.contains("simulated")));
        let mut said = shown.sentences.iter();
        for sentence in [
            "Scan the code with your phone.",
            "Waiting for a phone.",
            "The code is no longer needed.",
            "A phone is near.",
            "Connecting.",
            "Securing the connection.",
            "Connected to the phone.",
            "Continue on your phone.",
            "Closing the connection.",
        ] {
            assert!(said.any(|said| said == sentence), "{sentence:?} in {:?}", shown.sentences);
        }
    });
    world.released().await;
}

#[tokio::test]
async fn step_4_the_same_over_an_air_of_udp_between_processes() {
    let world = World::new().await;
    let hub = UdpHub::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = hub.local_addr();
    let hub = tokio::spawn(hub.run());
    let (near, also_near) =
        (UdpAir::connect(address).await.unwrap(), UdpAir::connect(address).await.unwrap());
    let transport = PhoneTransport { advertiser: Arc::new(near), ..world.phone_transport() };
    let mut phone = FakePhone::over(Builder::phone(), transport).unwrap();
    let computer = Computer::new(provider(), Arc::new(also_near), world.relay.connector());
    let (display, mut camera) = Display::new();
    let (made, _) = tow(
        &mut phone,
        &mut camera,
        register_at(&world, computer, display, "alice", "Alice's phone"),
    )
    .await;
    made.unwrap();
    assert_eq!(phone.passkeys().len(), 1);
    hub.abort();
    world.released().await;
}

#[tokio::test]
async fn step_8_the_phone_is_excluded_where_it_is_registered() {
    let world = World::new().await;
    let mut phone = world.phone();
    register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();
    let (refused, on_phone) = register(&world, &mut phone, "alice", "again").await;
    let refused = refused.unwrap_err().client();
    assert_eq!(refused, Error::AlreadyRegistered);
    assert_eq!(refused.name(), "InvalidStateError");
    // The phone has served; its person was told why nothing was made.
    on_phone.unwrap().unwrap();
    let noticed = phone.person().noticed();
    assert!(
        noticed.iter().any(|event| matches!(event, Event::AlreadyRegistered { .. })),
        "{noticed:?}"
    );
    assert_eq!(phone.passkeys().len(), 1);
    assert_eq!(world.site.rp.keys("alice").await.unwrap().len(), 1);
    world.released().await;
}

#[tokio::test]
async fn step_8_a_passkey_made_on_the_phone_itself_is_excluded_over_the_air_and_the_other_way() {
    let world = World::new().await;
    let passkeys = SyncedSet::new();
    let (mut itself, ..) = device(Builder::phone().synced_with(&passkeys));
    let mut phone = world.phone_of(Builder::phone().synced_with(&passkeys));
    register_here(&world.site, &mut itself, "alice", "Alice's phone").await.unwrap();
    let refused = register(&world, &mut phone, "alice", "again").await.0.unwrap_err();
    assert_eq!(refused.client(), Error::AlreadyRegistered);

    register(&world, &mut phone, "bob", "Bob's phone").await.0.unwrap();
    let refused = register_here(&world.site, &mut itself, "bob", "again").await.unwrap_err();
    assert_eq!(refused.client(), Error::AlreadyRegistered);
    assert_eq!(passkeys.len(), 2);

    // Either way in signs in with what the other made.
    assert_eq!(sign_in(&world, &mut phone, Some("alice")).await.0.unwrap().account, "alice");
    assert_eq!(sign_in_here(&world.site, &mut itself, Some("bob")).await.unwrap().account, "bob");
    world.released().await;
}

#[tokio::test]
async fn step_10_the_phone_signs_in_with_and_without_an_allow_list() {
    let world = World::new().await;
    let mut phone = world.phone();
    let made = register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();
    for account in [Some("alice"), None] {
        let (used, on_phone) = sign_in(&world, &mut phone, account).await;
        let used = used.unwrap();
        assert_eq!((used.account.as_str(), &used.key.id), ("alice", &made.key.id));
        assert!(used.user_verified);
        assert_eq!(on_phone.unwrap().unwrap().requests, 1);
    }
    // A code each time, and each time the person was asked whether to connect.
    let wants: Vec<_> = visitors(phone.person()).iter().map(|visitor| visitor.wants).collect();
    assert_eq!(wants, [Wants::Passkey, Wants::SignIn, Wants::SignIn]);
    let log = world.site.rp.status().await.unwrap().sign_ins;
    assert_eq!(log.iter().filter(|entry| entry.refused.is_none()).count(), 2);
    world.released().await;
}

#[tokio::test]
async fn step_10_a_phone_without_a_passkey_for_the_site_says_so() {
    let world = World::new().await;
    let mut phone = world.phone();
    register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();
    let mut other = world.phone();
    for account in [Some("alice"), None] {
        let (refused, on_phone) = sign_in(&world, &mut other, account).await;
        assert_eq!(refused.unwrap_err().client(), Error::NoCredentials);
        on_phone.unwrap().unwrap();
    }
    world.released().await;
}

#[tokio::test]
async fn step_13_the_person_picks_one_of_several_accounts_on_the_phone() {
    let world = World::new().await;
    let mut phone = world.phone();
    for account in ["alice", "bob", "carol"] {
        register(&world, &mut phone, account, "phone").await.0.unwrap();
    }
    // Newest first: carol, bob, alice.
    phone.person().when(choosing()).picks_the_account("alice").once().expect(1);
    assert_eq!(sign_in(&world, &mut phone, None).await.0.unwrap().account, "alice");
    // A site that says who it wants is not answered with anybody else.
    assert_eq!(sign_in(&world, &mut phone, Some("bob")).await.0.unwrap().account, "bob");
    world.released().await;
}

#[tokio::test]
async fn step_14_a_key_removed_at_the_site_no_longer_signs_in() {
    let world = World::new().await;
    let (mut phone, mut lost_phone) = (world.phone(), world.phone());
    register(&world, &mut phone, "alice", "Phone").await.0.unwrap();
    let removed = register(&world, &mut lost_phone, "alice", "Lost phone").await.0.unwrap().key;
    world.site.rp.remove_key("alice", &removed.id).await.unwrap();

    let refused = sign_in(&world, &mut lost_phone, None).await.0.unwrap_err();
    assert_eq!(refused.site(), ErrorCode::UnknownKey);
    let refused = sign_in(&world, &mut lost_phone, Some("alice")).await.0.unwrap_err();
    assert_eq!(refused.client(), Error::NoCredentials);
    assert_eq!(sign_in(&world, &mut phone, None).await.0.unwrap().key.name, "Phone");
    world.released().await;
}

#[tokio::test]
async fn another_site_never_reaches_the_phone_with_this_sites_rp_id() {
    let world = World::new().await;
    let mut phone = world.phone();
    register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();
    let begun = world.site.rp.begin_sign_in(Some("alice")).await.unwrap();
    let registration = world.site.rp.begin_registration("alice", "x").await.unwrap();
    for origin in ["https://evil.example", "https://localhost.evil.example"] {
        let (display, mut camera) = Display::new();
        let (refused, on_phone) = tow(&mut phone, &mut camera, async {
            let (computer, display) = (world.computer(), display);
            let get = computer.get(&display, origin, &begun.public_key.to_string()).await;
            let create =
                computer.create(&display, origin, &registration.public_key.to_string()).await;
            [get.unwrap_err(), create.unwrap_err()]
        })
        .await;
        assert!(refused.iter().all(|error| error.name() == "SecurityError"), "{refused:?}");
        assert!(on_phone.is_none());
    }
    // No code was shown, no tunnel opened: only the one of the registration ever was.
    assert_eq!(world.relay.handle.stats().tunnels, 1);
    assert_eq!(visitors(phone.person()).len(), 1);
    world.released().await;
}

#[tokio::test]
async fn each_site_gets_the_passkeys_of_its_own_rp_id_only() {
    let world = World::new().await;
    let config = RpConfig {
        rp_id: "example.org".into(),
        origin: Some("https://login.example.org".into()),
        ..RpConfig::default()
    };
    let other_site = Site::with(config).await;
    let mut phone = world.phone();
    register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();

    let begun = other_site.rp.begin_sign_in(None).await.unwrap();
    let options = begun.public_key.to_string();
    let get = |display: Display| {
        let (computer, options) = (world.computer(), options.clone());
        async move { computer.get(&display, "https://login.example.org", &options).await }
    };
    let (display, mut camera) = Display::new();
    let (refused, _) = tow(&mut phone, &mut camera, get(display)).await;
    assert_eq!(refused, Err(ComputerError::Client(Error::NoCredentials)));

    // With one of its own it gets that one.
    let registration = other_site.rp.begin_registration("bob", "Phone").await.unwrap();
    let (display, mut camera) = Display::new();
    let (made, _) = tow(&mut phone, &mut camera, async {
        let (computer, display) = (world.computer(), display);
        let options = registration.public_key.to_string();
        computer.create(&display, "https://login.example.org", &options).await
    })
    .await;
    let made = serde_json::from_str(&made.unwrap()).unwrap();
    other_site.rp.finish_registration(&registration.ceremony, made).await.unwrap();
    let (display, mut camera) = Display::new();
    let (used, _) = tow(&mut phone, &mut camera, get(display)).await;
    let used = serde_json::from_str(&used.unwrap()).unwrap();
    let used = other_site.rp.finish_sign_in(&begun.ceremony, used).await.unwrap();
    assert_eq!(used.account, "bob");
    world.released().await;
}

#[tokio::test]
async fn a_computer_out_of_bluetooth_range_does_not_complete() {
    let world = World::new().await;
    let (mut phone, steps) = Steps::of(world.phone());
    let far = world.air.radio();
    far.move_to(Room(1));
    let mut config = InitiatorConfig::default();
    config.scan_timeout = Duration::from_secs(2);
    let computer = world.computer_with(&far, config);
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, computer, display, "alice", "Alice's phone");
    let scanning = async {
        let code = camera.scan().await.unwrap();
        // The phone advertises for two minutes; its person gives up when the computer has.
        let stop = async { while camera.scan().await.is_some() {} };
        phone.phone().answer_code_until(&code, CodeSource::Camera, stop).await
    };
    let (refused, on_phone) = in_time(async { tokio::join!(ceremony, scanning) }).await;
    let refused = refused.unwrap_err().transport();
    let hybrid::Error::TimedOut { step: hybrid::Step::Advert, .. } = hybrid_error(&refused) else {
        panic!("{refused:?}")
    };
    assert!(refused.to_string().contains("check that Bluetooth is on"), "{refused}");
    assert_eq!(on_phone, Err(TransportError::Hybrid(hybrid::Error::Cancelled)));
    // The phone was advertising all the time.
    assert!(steps.see(|went| went.progress.contains(&ResponderProgress::Advertising)));
    assert!(world.site.rp.status().await.unwrap().accounts.is_empty());
    world.released().await;
}

#[tokio::test]
async fn a_person_who_declines_to_connect_sends_nothing() {
    let world = World::new().await;
    let (mut phone, steps) = Steps::of(world.phone());
    phone.person().when(connecting()).refuses().once().expect(1);
    let mut config = InitiatorConfig::default();
    config.scan_timeout = Duration::from_millis(500);
    let computer = world.computer_with(&world.air.radio(), config);
    let (display, mut camera) = Display::new();
    let ceremony = register_at(&world, computer, display, "alice", "Alice's phone");
    let (refused, on_phone) = tow(&mut phone, &mut camera, ceremony).await;
    assert_eq!(on_phone, Some(Err(TransportError::Hybrid(hybrid::Error::Declined))));
    let refused = refused.unwrap_err().transport();
    assert!(
        matches!(
            hybrid_error(&refused),
            hybrid::Error::TimedOut { step: hybrid::Step::Advert, .. }
        ),
        "{refused:?}"
    );
    assert_eq!(world.relay.handle.stats().tunnels, 0);
    assert!(steps.see(|went| went.radios.is_empty()) && questions(phone.person()).is_empty());
    world.released().await;
}

#[tokio::test]
async fn a_person_who_declines_at_the_screen_lock_makes_and_uses_nothing() {
    let world = World::new().await;
    let mut phone = world.phone();
    phone.person().when(creating()).refuses().once().expect(1);
    let (refused, on_phone) = register(&world, &mut phone, "alice", "Alice's phone").await;
    let refused = refused.unwrap_err().client();
    assert_eq!(refused, Error::Refused(Status::OperationDenied));
    assert_eq!(refused.name(), "NotAllowedError");
    assert_eq!(on_phone.unwrap().unwrap().requests, 1);
    assert!(phone.passkeys().is_empty());

    register(&world, &mut phone, "alice", "Alice's phone").await.0.unwrap();
    phone.person().when(signing_in()).refuses().once().expect(1);
    let refused = sign_in(&world, &mut phone, None).await.0.unwrap_err().client();
    assert_eq!(refused, Error::Refused(Status::OperationDenied));
    phone.person().when(verifying()).fails_the_lock().once().expect(1);
    sign_in(&world, &mut phone, None).await.0.unwrap();
    world.released().await;
}

#[tokio::test]
async fn a_link_that_another_program_opened_does_nothing_on_the_phone() {
    let world = World::new().await;
    let (mut phone, steps) = Steps::of(world.phone());
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let ceremony = register_at(&world, world.computer(), display, "alice", "Alice's phone");
    let following = async {
        let link = camera.scan().await.unwrap();
        let refused = phone.answer(&link, CodeSource::Link).await;
        remote.cancel();
        refused
    };
    let (failed, refused) = in_time(async { tokio::join!(ceremony, following) }).await;
    let refused = refused.unwrap_err();
    assert_eq!(*hybrid_error(&refused), hybrid::Error::LinkNotAllowed);
    assert!(refused.to_string().contains("scan"), "{refused}");
    assert_eq!(failed.unwrap_err().computer().name(), "NotAllowedError");
    // Its person was not even asked.
    assert!(phone.person().heard().is_empty() && steps.see(|went| went.radios.is_empty()));
    assert_eq!(world.relay.handle.stats().tunnels, 0);
    world.released().await;
}

#[tokio::test]
async fn a_phone_that_scans_something_else_says_what_to_scan() {
    let world = World::new().await;
    let mut phone = world.phone();
    for text in ["", "FIDO:/", "https://example.org", "FIDO:/12345", "WIFI:S:x;;", "fido:/0"] {
        let text = if text.is_empty() { text.to_owned() } else { read(&draw(text)) };
        let refused = phone.scan(&text).await.unwrap_err();
        assert!(
            matches!(refused, TransportError::Hybrid(hybrid::Error::Qr(_))),
            "{text}: {refused:?}"
        );
        assert!(refused.to_string().contains("scan the code"), "{refused}");
    }
    assert!(phone.person().heard().is_empty());
    world.released().await;
}
