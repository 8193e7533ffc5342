//! `Bluetooth` against a pretend `org.bluez`, on a private bus: `DBUS_SYSTEM_BUS_ADDRESS` has to
//! name one. Started by `.ci/run bluetooth`, one test at a time, since there is one name
//! `org.bluez`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    unreachable_pub
)]

mod pretend;

use std::time::Duration;

use pretend::Pretend;
use tokio::time::timeout;
use towline_radio::{
    Advertiser, Bluetooth, FIDO_UUID16, LEGACY_UUID16, RadioError, Scan, Scanner, Sighting,
};

const FIDO: &str = "0000fff9-0000-1000-8000-00805f9b34fb";
const LEGACY: &str = "0000fde2-0000-1000-8000-00805f9b34fb";
const HEART_RATE: &str = "0000180d-0000-1000-8000-00805f9b34fb";
/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn next(scan: &mut Box<dyn Scan>) -> Result<Sighting, RadioError> {
    timeout(PATIENCE, scan.next()).await.expect("something is heard")
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it becomes so");
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn what_is_broadcast_is_heard_again_and_again_and_goes_when_it_is_dropped() {
    let bluez = Pretend::start().await;
    let (phone, computer) = (Bluetooth::new(), Bluetooth::with_adapter("hci0"));
    let mut scan = computer.scan().await.unwrap();
    let advert = phone.advertise(&[0x5a; 20]).await.unwrap();
    for _ in 0..3 {
        let sighting = next(&mut scan).await.unwrap();
        assert_eq!(sighting.service_uuid16, FIDO_UUID16);
        assert_eq!(sighting.service_data, [0x5a; 20]);
        assert_eq!(sighting.rssi, Some(-50));
        assert_eq!(sighting.address, Some([0x00, 0x11, 0x22, 0x33, 0x44, 0x55]));
    }
    drop(advert);
    until(|| bluez.on_air().is_empty()).await;
    // It was taken down by a word, and not found out by its owner's leaving.
    assert_eq!(bluez.unregistered(), 1);
    assert_eq!(bluez.scans(), 1);
    drop(scan);
    until(|| bluez.scans() == 0).await;
    bluez.stop().await;
}

/// A password manager that waits for two sites at once.
#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn two_scans_hear_the_same_and_neither_ends_the_other() {
    let bluez = Pretend::start().await;
    let bluetooth = Bluetooth::new();
    let mut one = bluetooth.scan().await.unwrap();
    let mut other = bluetooth.scan().await.unwrap();
    assert_eq!(bluez.scans(), 2);
    let _advert = bluetooth.advertise(&[4; 20]).await.unwrap();
    assert_eq!(next(&mut one).await.unwrap().service_data, [4; 20]);
    assert_eq!(next(&mut other).await.unwrap().service_data, [4; 20]);
    drop(one);
    until(|| bluez.scans() == 1).await;
    for _ in 0..3 {
        assert_eq!(next(&mut other).await.unwrap().service_data, [4; 20]);
    }
    bluez.stop().await;
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn both_uuids_are_passed_on_and_nothing_else() {
    let bluez = Pretend::start().await;
    let mut scan = Bluetooth::new().scan().await.unwrap();
    bluez.hear("AA:00:00:00:00:01", HEART_RATE, &[1; 4]);
    bluez.hear("AA:00:00:00:00:02", LEGACY, &[2; 20]);
    bluez.hear("AA:00:00:00:00:01", HEART_RATE, &[1; 5]);
    bluez.hear("AA:00:00:00:00:03", FIDO, &[3; 22]);
    let heard = next(&mut scan).await.unwrap();
    assert_eq!((heard.service_uuid16, heard.service_data), (LEGACY_UUID16, vec![2; 20]));
    let heard = next(&mut scan).await.unwrap();
    assert_eq!((heard.service_uuid16, heard.service_data), (FIDO_UUID16, vec![3; 22]));
    bluez.stop().await;
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn without_a_service_an_adapter_or_power_the_reason_is_told_and_nothing_is_switched_on() {
    let bluetooth = Bluetooth::new();
    let preflight = bluetooth.preflight().await;
    assert!(matches!(preflight.scan, Err(RadioError::NoService { .. })), "{preflight}");
    assert!(matches!(bluetooth.scan().await.err(), Some(RadioError::NoService { .. })));

    let bluez = Pretend::without_adapter().await;
    let preflight = bluetooth.preflight().await;
    assert_eq!(preflight.advertise, Err(RadioError::NoAdapter));
    assert_eq!(bluetooth.advertise(&[0; 20]).await.err(), Some(RadioError::NoAdapter));
    bluez.stop().await;

    let bluez = Pretend::start().await;
    bluez.power(false);
    let preflight = bluetooth.preflight().await;
    assert_eq!(
        (&preflight.scan, &preflight.advertise),
        (&Err(RadioError::Off), &Err(RadioError::Off))
    );
    assert_eq!(bluetooth.scan().await.err(), Some(RadioError::Off));
    assert_eq!(bluetooth.advertise(&[0; 20]).await.err(), Some(RadioError::Off));
    let other = Bluetooth::with_adapter("hci7").scan().await.err();
    let unknown = RadioError::UnknownAdapter { name: "hci7".into(), known: "hci0".into() };
    assert_eq!(other, Some(unknown));

    bluez.power(true);
    let preflight = bluetooth.preflight().await;
    assert_eq!((preflight.scan, preflight.advertise), (Ok(()), Ok(())));
    assert_eq!(preflight.adapter.as_deref(), Some("hci0"));
    bluez.stop().await;
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn an_adapter_without_room_or_with_too_short_adverts_says_so() {
    let bluez = Pretend::start().await;
    let bluetooth = Bluetooth::new();
    let long = bluetooth.advertise(&[0; 100]).await.err();
    assert_eq!(long, Some(RadioError::CannotAdvertise));
    let longer = bluetooth.advertise(&[0; 256]).await.err();
    assert_eq!(longer, Some(RadioError::TooLong { length: 256 }));
    bluez.occupy();
    assert_eq!(bluetooth.preflight().await.advertise, Err(RadioError::Busy));
    assert_eq!(bluetooth.advertise(&[0; 20]).await.err(), Some(RadioError::Busy));
    assert!(bluez.on_air().is_empty());
    bluez.stop().await;
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn switching_off_ends_adverts_and_scans_with_the_reason() {
    let bluez = Pretend::start().await;
    let bluetooth = Bluetooth::new();
    let mut scan = bluetooth.scan().await.unwrap();
    let mut advert = bluetooth.advertise(&[7; 20]).await.unwrap();
    next(&mut scan).await.unwrap();
    bluez.power(false);
    let end = loop {
        if let Err(error) = next(&mut scan).await {
            break error;
        }
    };
    assert_eq!(end, RadioError::Off);
    assert_eq!(timeout(PATIENCE, advert.stopped()).await.unwrap(), RadioError::Off);
    bluez.stop().await;
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn a_service_that_dies_ends_both_and_one_that_is_back_serves_again() {
    let bluez = Pretend::start().await;
    let bluetooth = Bluetooth::new();
    let mut scan = bluetooth.scan().await.unwrap();
    let mut advert = bluetooth.advertise(&[7; 20]).await.unwrap();
    next(&mut scan).await.unwrap();
    bluez.stop().await;
    let end = loop {
        if let Err(error) = next(&mut scan).await {
            break error;
        }
    };
    assert!(matches!(end, RadioError::NoService { .. } | RadioError::Lost { .. }), "{end:?}");
    let end = timeout(PATIENCE, advert.stopped()).await.unwrap();
    assert!(matches!(end, RadioError::NoService { .. } | RadioError::Lost { .. }), "{end:?}");
    drop((scan, advert));

    let bluez = Pretend::start().await;
    let mut scan = bluetooth.scan().await.unwrap();
    let _advert = bluetooth.advertise(&[8; 20]).await.unwrap();
    assert_eq!(next(&mut scan).await.unwrap().service_data, [8; 20]);
    assert_eq!(bluez.on_air(), [vec![8; 20]]);
    bluez.stop().await;
}

/// Neither a scan nor an advert outlives its daemon, however soon the next one is there, and
/// whatever its adapter is like.
#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn a_service_that_is_started_again_at_once_ends_both_and_is_the_reason() {
    for powered in [true, false] {
        let bluez = Pretend::start().await;
        let bluetooth = Bluetooth::new();
        let mut scan = bluetooth.scan().await.unwrap();
        let mut advert = bluetooth.advertise(&[7; 20]).await.unwrap();
        next(&mut scan).await.unwrap();
        bluez.stop().await;
        let bluez = Pretend::start().await;
        bluez.power(powered);
        let other = Bluetooth::new();
        let _others = if powered { Some(other.advertise(&[8; 20]).await.unwrap()) } else { None };
        let end = loop {
            if let Err(error) = next(&mut scan).await {
                break error;
            }
        };
        let again = RadioError::Lost { detail: "the Bluetooth service was started again".into() };
        assert_eq!(end, again);
        assert_eq!(timeout(PATIENCE, advert.stopped()).await.unwrap(), again);
        bluez.stop().await;
    }
}

#[tokio::test]
#[ignore = "needs a private bus: .ci/run bluetooth"]
async fn an_advert_that_nobody_waits_for_any_more_does_not_stay_on_the_air() {
    let bluez = Pretend::start().await;
    let bluetooth = Bluetooth::new();
    for wait in 0..40 {
        let advert = bluetooth.advertise(&[9; 20]);
        drop(timeout(Duration::from_millis(wait), advert).await);
    }
    until(|| bluez.on_air().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(bluez.on_air().is_empty());
    bluez.stop().await;
}
