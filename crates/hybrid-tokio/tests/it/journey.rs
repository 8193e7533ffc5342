//! Both roles over a real relay and a simulated air.

use std::time::Duration;

use towline_hybrid::{
    InitiatorConfig, InitiatorProgress, Misuse, ResponderAnswer, ResponderProgress,
};
use towline_hybrid_tokio::{
    ComputerEvent, ComputerSession, PhoneEvent, PhoneSession, TransportError,
};
use towline_radio::RadioError;
use towline_radio::air::{Air, Room};

use crate::support::*;

fn released(air: &Air) {
    assert_eq!((air.adverts(), air.scans()), (0, 0));
}

#[tokio::test]
async fn requests_go_round_over_tls_and_everything_is_released() {
    let relay = LoopbackRelay::tls(&domain().host(&provider())).await;
    let air = Air::new();
    let (computer, events) = computer(&air, relay.connector());
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, relay.connector())));
    assert_eq!(in_time(computer.get_info()).await.unwrap(), GET_INFO);
    released(&air);
    for length in [1, 100, 100_000, 1_000_000] {
        let request = vec![0x01; length];
        assert!(in_time(computer.transact(request.clone())).await.unwrap() == request, "{length}");
    }
    let summary = in_time(computer.shutdown()).await.unwrap();
    assert_eq!(summary.requests, 4);
    let (result, phone_events) = in_time(phone).await.unwrap();
    assert_eq!(result.unwrap().requests, 4);
    relay.until_empty().await;

    let (result, computer_events) = finish(events).await;
    assert_eq!(result.unwrap(), summary);
    let mut steps = computer_events.iter().filter_map(|event| match event {
        ComputerEvent::Progress(step) => Some(step.clone()),
        _ => None,
    });
    for step in [
        InitiatorProgress::WaitingForScan,
        InitiatorProgress::Near,
        InitiatorProgress::Connecting,
        InitiatorProgress::Handshaking,
        InitiatorProgress::Authenticated,
        InitiatorProgress::WaitingForPhone,
    ] {
        assert_eq!(steps.next(), Some(step));
    }
    let simulated = |event: &&ComputerEvent| matches!(event, ComputerEvent::Listening { radio } if radio.contains("simulated"));
    assert!(computer_events.iter().any(|event| simulated(&event)));
    let steps: Vec<_> =
        phone_events.iter().filter(|event| matches!(event, PhoneEvent::Progress(_))).collect();
    let advertising = PhoneEvent::Progress(ResponderProgress::Advertising);
    assert!(steps.contains(&&advertising));
    let simulated = |event: &PhoneEvent| matches!(event, PhoneEvent::Advertising { radio } if radio.contains("simulated"));
    assert!(phone_events.iter().any(simulated));
}

#[tokio::test]
async fn the_code_is_kept_until_a_phone_has_authenticated_or_all_is_over() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _events) = computer(&air, relay.connector());
    let shown = computer.qr_uri().unwrap();
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, relay.connector())));
    assert_eq!(computer.qr_uri().as_ref(), Some(&shown));
    in_time(computer.get_info()).await.unwrap();
    assert_eq!(computer.qr_uri(), None);
    in_time(computer.shutdown()).await.unwrap();
    in_time(phone).await.unwrap().0.unwrap();

    let mut impatient = InitiatorConfig::default();
    impatient.scan_timeout = Duration::from_millis(20);
    let (computer, events) = computer_with(impatient, &air, relay.connector());
    assert!(computer.qr_uri().is_some());
    finish(events).await.0.unwrap_err();
    assert_eq!(computer.qr_uri(), None);
}

#[tokio::test]
async fn two_pairs_share_the_air_and_the_relay() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let mut work = Vec::new();
    for number in 0..4_u8 {
        let (computer, _) = computer(&air, relay.connector());
        let phone = tokio::spawn(serve(phone(scan(&computer), &air, relay.connector())));
        work.push(tokio::spawn(async move {
            assert_eq!(computer.transact(vec![number]).await.unwrap(), [number]);
            computer.shutdown().await.unwrap();
            phone.await.unwrap().0.unwrap();
        }));
    }
    for work in work {
        in_time(work).await.unwrap();
    }
    relay.until_empty().await;
    released(&air);
}

#[tokio::test]
async fn nothing_is_sent_before_the_person_agrees_and_nothing_after_a_no() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _events) = computer(&air, relay.connector());
    let (phone, mut events) = phone(scan(&computer), &air, relay.connector());
    let Some(PhoneEvent::Ask { token, .. }) = events.next().await else { panic!() };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((relay.handle.stats().waiting, air.adverts()), (0, 0));
    phone.answer(token, ResponderAnswer::Decline).await.unwrap();
    let declined = Err(towline_hybrid::Error::Declined);
    assert_eq!(events.next().await, Some(PhoneEvent::Finished(declined)));
    assert_eq!(events.next().await, None);
    assert_eq!(relay.handle.stats().tunnels, 0);
}

#[tokio::test]
async fn a_computer_out_of_range_does_not_complete() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let far = std::sync::Arc::new(air.radio());
    far.move_to(Room(1));
    let hint = towline_hybrid::qr::Hint::GetAssertion;
    let config = InitiatorConfig::default();
    let (computer, _) =
        ComputerSession::start(config, &provider(), hint, far.clone(), relay.connector()).unwrap();
    let phone = tokio::spawn(serve(phone(scan(&computer), &air, relay.connector())));
    assert!(tokio::time::timeout(Duration::from_millis(500), computer.get_info()).await.is_err());
    assert_eq!(relay.handle.stats().tunnels, 0);
    // Carried into the room, it does.
    far.move_to(Room(0));
    assert_eq!(in_time(computer.get_info()).await.unwrap(), GET_INFO);
    computer.shutdown().await.unwrap();
    in_time(phone).await.unwrap().0.unwrap();
}

#[tokio::test]
async fn dropping_either_side_releases_radio_and_socket_and_tells_the_other() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    // The computer, before and after the phone is there.
    let (computer1, _) = computer(&air, relay.connector());
    drop(computer1);
    let (computer2, _) = computer(&air, relay.connector());
    let serving = tokio::spawn(serve(phone(scan(&computer2), &air, relay.connector())));
    in_time(computer2.get_info()).await.unwrap();
    drop(computer2);
    let (result, _) = in_time(serving).await.unwrap();
    assert!(
        matches!(result, Err(TransportError::Hybrid(towline_hybrid::Error::Closed { .. }))),
        "{result:?}"
    );
    relay.until_empty().await;
    released(&air);

    // The phone, while it advertises and while it serves.
    let (computer, _events) = computer(&air, relay.connector());
    let (phone, mut events) = phone(scan(&computer), &air, relay.connector());
    let Some(PhoneEvent::Ask { token, .. }) = events.next().await else { panic!() };
    phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
    in_time(computer.get_info()).await.unwrap();
    let pending = tokio::spawn(async move { (computer.transact(vec![4]).await, computer) });
    while events.next().await != Some(PhoneEvent::Request(vec![4])) {}
    drop(phone);
    let (result, _computer) = in_time(pending).await.unwrap();
    assert!(
        matches!(result, Err(TransportError::Hybrid(towline_hybrid::Error::Closed { .. }))),
        "{result:?}"
    );
    relay.until_empty().await;
    released(&air);
}

#[tokio::test]
async fn dropping_a_phone_that_advertises_falls_silent() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _) = computer(&Air::new(), relay.connector());
    let (phone, mut events) = phone(scan(&computer), &air, relay.connector());
    let Some(PhoneEvent::Ask { token, .. }) = events.next().await else { panic!() };
    phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
    while !matches!(events.next().await.unwrap(), PhoneEvent::Advertising { .. }) {}
    assert_eq!((air.adverts(), relay.handle.stats().waiting), (1, 1));
    drop(phone);
    relay.until_empty().await;
    released(&air);
}

#[tokio::test]
async fn a_radio_that_does_not_work_is_told_on_both_sides() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let broken = std::sync::Arc::new(air.radio());
    let hint = towline_hybrid::qr::Hint::GetAssertion;
    for fault in [RadioError::NoAdapter, RadioError::Off, RadioError::NoPermission] {
        broken.set_fault(Some(fault.clone()));
        let config = InitiatorConfig::default();
        let (computer, _events) =
            ComputerSession::start(config, &provider(), hint, broken.clone(), relay.connector())
                .unwrap();
        let error = TransportError::Radio(fault);
        assert_eq!(in_time(computer.transact(vec![4])).await, Err(error.clone()));
        assert_eq!(in_time(computer.shutdown()).await, Err(error));
    }
    let (computer, _) = computer(&air, relay.connector());
    broken.set_fault(Some(RadioError::CannotAdvertise));
    let config = towline_hybrid::ResponderConfig::new(GET_INFO.to_vec(), domain());
    let source = towline_hybrid::CodeSource::Camera;
    let phone = PhoneSession::start(
        config,
        &provider(),
        scan(&computer),
        source,
        broken,
        relay.connector(),
    );
    let (result, _) = in_time(serve(phone.unwrap())).await;
    assert_eq!(result, Err(TransportError::Radio(RadioError::CannotAdvertise)));
    relay.until_empty().await;
}

#[tokio::test]
async fn bluetooth_switched_off_meanwhile_ends_the_session() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let radio = std::sync::Arc::new(air.radio());
    let config = InitiatorConfig::default();
    let hint = towline_hybrid::qr::Hint::GetAssertion;
    let (_computer, mut events) =
        ComputerSession::start(config, &provider(), hint, radio.clone(), relay.connector())
            .unwrap();
    while !matches!(events.next().await.unwrap(), ComputerEvent::Listening { .. }) {}
    radio.set_fault(Some(RadioError::Off));
    let (result, _) = in_time(finish(events)).await;
    assert_eq!(result, Err(TransportError::Radio(RadioError::Off)));
    released(&air);
}

#[tokio::test]
async fn calls_at_the_wrong_time_are_refused_and_harm_nothing() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _events) = computer(&air, relay.connector());
    let (phone, mut events) = phone(scan(&computer), &air, relay.connector());
    let not_now = Err(TransportError::Misuse(Misuse::NotNow));
    assert_eq!(phone.respond(vec![0]).await, not_now);
    let Some(PhoneEvent::Ask { token, .. }) = events.next().await else { panic!() };
    phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
    let unknown = Err(TransportError::Misuse(Misuse::UnknownToken));
    assert_eq!(phone.answer(token, ResponderAnswer::Decline).await, unknown);
    in_time(computer.get_info()).await.unwrap();
    let long = Err(TransportError::Misuse(Misuse::TooLong));
    assert_eq!(computer.transact(vec![0; 2 << 20]).await, long);
    let busy = Err(TransportError::Misuse(Misuse::Busy));
    let (first, second) = tokio::join!(computer.transact(vec![4]), async {
        while events.next().await != Some(PhoneEvent::Request(vec![4])) {}
        let second = computer.transact(vec![5]).await;
        phone.respond(vec![0]).await.unwrap();
        second
    });
    assert_eq!((first, second), (Ok(vec![0]), busy));
    assert_eq!(phone.respond(vec![0]).await, not_now);
    in_time(phone.shutdown()).await.unwrap();
    // The computer sees an orderly close.
    let ended = in_time(async {
        loop {
            if let Err(error) = computer.transact(vec![6]).await {
                break error;
            }
        }
    })
    .await;
    assert!(matches!(ended, TransportError::Over | TransportError::Hybrid(_)), "{ended:?}");
    relay.until_empty().await;
}

#[tokio::test]
async fn cancelling_withdraws_the_prompt_at_the_other_end() {
    let relay = LoopbackRelay::plain().await;
    let air = Air::new();
    let (computer, _events) = computer(&air, relay.connector());
    let (phone, mut events) = phone(scan(&computer), &air, relay.connector());
    let Some(PhoneEvent::Ask { token, .. }) = events.next().await else { panic!() };
    phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
    // The caller gives up waiting, and then the session.
    let waiting = async {
        let _pending = computer.transact(vec![4]).await;
    };
    tokio::select! {
        () = waiting => panic!("nobody answered"),
        () = async { while in_time(events.next()).await != Some(PhoneEvent::Request(vec![4])) {} } => {}
    }
    let cancelled = in_time(computer.cancel()).await;
    assert_eq!(cancelled, Err(TransportError::Hybrid(towline_hybrid::Error::Cancelled)));
    while in_time(events.next()).await != Some(PhoneEvent::CancelRequest) {}
    relay.until_empty().await;
}
