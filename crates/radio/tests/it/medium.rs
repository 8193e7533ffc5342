//! The in-process air: what is heard, what is not, and that dropping releases everything.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use towline_radio::air::{ADVERT_INTERVAL, Air, AirRadio, Fate, Room};
use towline_radio::{Advertiser, FIDO_UUID16, LEGACY_UUID16, RadioError, Scan, Scanner};

const LONG: Duration = Duration::from_secs(60);

async fn pair(air: &Air) -> (AirRadio, AirRadio, Box<dyn Scan>) {
    let (phone, computer) = (air.radio(), air.radio());
    let scan = computer.scan().await.unwrap();
    (phone, computer, scan)
}

async fn silent(scan: &mut Box<dyn Scan>) -> bool {
    timeout(LONG, scan.next()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn an_advert_is_heard_again_and_again() {
    let (phone, _, mut scan) = pair(&Air::new()).await;
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    let start = Instant::now();
    for _ in 0..5 {
        let sighting = scan.next().await.unwrap();
        assert_eq!(sighting.service_uuid16, FIDO_UUID16);
        assert_eq!(sighting.service_data, [1; 20]);
    }
    assert_eq!(start.elapsed(), ADVERT_INTERVAL * 4);
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_starts_later_still_hears_the_advert() {
    let air = Air::new();
    let _advert = air.radio().advertise(&[1; 20]).await.unwrap();
    tokio::time::sleep(LONG).await;
    assert_eq!(air.radio().scan().await.unwrap().next().await.unwrap().service_data, [1; 20]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_advert_falls_silent() {
    let air = Air::new();
    let (phone, _, mut scan) = pair(&air).await;
    let advert = phone.advertise(&[1; 20]).await.unwrap();
    assert_eq!(air.adverts(), 1);
    scan.next().await.unwrap();
    drop(advert);
    assert_eq!(air.adverts(), 0);
    assert!(silent(&mut scan).await);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_scan_is_forgotten() {
    let air = Air::new();
    let (_, _, scan) = pair(&air).await;
    assert_eq!(air.scans(), 1);
    drop(scan);
    assert_eq!(air.scans(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_before_it_ran_leaves_nothing_on_the_air() {
    let air = Air::new();
    let radio = air.radio();
    drop(radio.advertise(&[1; 20]));
    drop(radio.scan());
    assert_eq!((air.adverts(), air.scans()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn radios_in_different_rooms_do_not_hear_each_other() {
    let (phone, computer, mut scan) = pair(&Air::new()).await;
    phone.move_to(Room(1));
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    assert!(silent(&mut scan).await);
    computer.move_to(Room(1));
    assert!(!silent(&mut scan).await);
}

#[tokio::test(start_paused = true)]
async fn a_radio_does_not_hear_itself() {
    let radio = Air::new().radio();
    let mut scan = radio.scan().await.unwrap();
    let _advert = radio.advertise(&[1; 20]).await.unwrap();
    assert!(silent(&mut scan).await);
}

#[tokio::test(start_paused = true)]
async fn every_scanner_in_range_hears_every_advert() {
    let air = Air::new();
    let mut scans = [air.radio().scan().await.unwrap(), air.radio().scan().await.unwrap()];
    let _first = air.radio().advertise(&[1; 20]).await.unwrap();
    let _second = air.radio().advertise(&[2; 20]).await.unwrap();
    for scan in &mut scans {
        let heard = [
            scan.next().await.unwrap().service_data[0],
            scan.next().await.unwrap().service_data[0],
        ];
        assert!(heard == [1, 2] || heard == [2, 1], "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_delayed_and_doubled_receptions_follow_the_script() {
    let script = [Fate::Lose, Fate::Delay(ADVERT_INTERVAL * 5 / 2), Fate::Duplicate];
    let air = Air::with_fates(move |number| {
        script.get(usize::try_from(number).unwrap()).copied().unwrap_or(Fate::Lose)
    });
    let (phone, _, mut scan) = pair(&air).await;
    let start = Instant::now();
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..3 {
        scan.next().await.unwrap();
        heard.push(start.elapsed());
    }
    assert_eq!(heard, [ADVERT_INTERVAL * 2, ADVERT_INTERVAL * 2, ADVERT_INTERVAL * 7 / 2]);
    assert!(silent(&mut scan).await);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_next_loses_no_sighting() {
    let air =
        Air::with_fates(
            |number| if number == 0 { Fate::Delay(ADVERT_INTERVAL * 10) } else { Fate::Lose },
        );
    let (phone, _, mut scan) = pair(&air).await;
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    for _ in 0..9 {
        assert!(timeout(ADVERT_INTERVAL, scan.next()).await.is_err());
    }
    assert!(scan.next().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_slow_scanner_misses_receptions_and_memory_stays_bounded() {
    let (phone, _, mut scan) = pair(&Air::new()).await;
    let advert = phone.advertise(&[1; 20]).await.unwrap();
    tokio::time::sleep(ADVERT_INTERVAL * 1000).await;
    drop(advert);
    let mut heard = 0;
    while timeout(LONG, scan.next()).await.is_ok() {
        heard += 1;
    }
    assert!(heard <= 64, "{heard}");
}

#[tokio::test(start_paused = true)]
async fn legacy_adverts_are_heard_and_foreign_ones_are_not() {
    let air = Air::new();
    let mut scan = air.radio().scan().await.unwrap();
    let foreign = air.radio().with_service_uuid16(0x180F).advertise(&[1; 20]).await.unwrap();
    assert!(silent(&mut scan).await);
    drop(foreign);
    let _legacy = air.radio().with_service_uuid16(LEGACY_UUID16).advertise(&[2; 20]).await.unwrap();
    assert_eq!(scan.next().await.unwrap().service_uuid16, LEGACY_UUID16);
}

#[tokio::test(start_paused = true)]
async fn more_than_255_bytes_are_refused() {
    let radio = Air::new().radio();
    assert_eq!(radio.advertise(&[0; 256]).await.err(), Some(RadioError::TooLong { length: 256 }));
    assert!(radio.advertise(&[0; 255]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_broken_radio_ends_scans_and_adverts_and_refuses_new_ones() {
    let (phone, computer, mut scan) = pair(&Air::new()).await;
    let mut advert = phone.advertise(&[1; 20]).await.unwrap();
    phone.set_fault(Some(RadioError::Off));
    computer.set_fault(Some(RadioError::NoPermission));
    assert_eq!(advert.stopped().await, RadioError::Off);
    assert_eq!(scan.next().await, Err(RadioError::NoPermission));
    assert_eq!(phone.advertise(&[1; 20]).await.err(), Some(RadioError::Off));
    assert_eq!(computer.scan().await.err(), Some(RadioError::NoPermission));
    phone.set_fault(None);
    assert!(phone.advertise(&[1; 20]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_healthy_advert_is_never_reported_as_stopped() {
    let air = Air::new();
    let radio = air.radio();
    let mut advert = radio.advertise(&[1; 20]).await.unwrap();
    drop(radio);
    assert!(timeout(LONG, advert.stopped()).await.is_err());
}

#[test]
fn every_radio_names_itself_simulated() {
    assert!(Advertiser::description(&Air::new().radio()).contains("simulated"));
    assert!(Scanner::description(&Air::new().radio()).contains("simulated"));
}
