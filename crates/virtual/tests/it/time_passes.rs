//! Time is moved, never waited for.

use std::time::{Duration, Instant};

use towline_virtual::{
    Builder, Clock, VirtualAuthenticator,
    person::{anything, creating},
};

use crate::options::{ORIGIN, create, get};

#[test]
fn a_time_out_of_half_a_minute_takes_no_time() {
    let key = Builder::security_key().patience(Duration::from_secs(30)).build().unwrap();
    key.person().when(anything()).ignores_it();
    let (started, before) = (Instant::now(), key.clock().elapsed());
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let lap = Instant::now();
        let error = key.create(ORIGIN, &create("alice")).unwrap_err();
        assert_eq!(error.name(), "NotAllowedError");
        fastest = fastest.min(lap.elapsed());
    }
    let passed = key.clock().elapsed() - before;
    assert_eq!(passed, 5 * Duration::from_secs(30));
    assert!(started.elapsed() < passed / 10, "{:?}", started.elapsed());
    println!("a time-out of 30 s took {fastest:?}");
}

#[test]
fn a_site_gives_up_before_the_person_does_anything() {
    let device = Builder::platform().patience(Duration::from_secs(3600)).build().unwrap();
    device.person().when(anything()).waits(Duration::from_secs(3000)).consents();
    let options = create("alice").replacen('{', r#"{"timeout": 400000, "#, 1);
    let error = device.create(ORIGIN, &options).unwrap_err();
    assert_eq!(error, towline_virtual::Error::TimedOut(Duration::from_secs(400)));
    assert_eq!(device.clock().elapsed(), Duration::from_secs(400));
    assert!(device.passkeys().is_empty());
}

#[test]
fn a_person_who_takes_their_time_is_waited_for() {
    let device = VirtualAuthenticator::platform();
    device.person().when(creating()).waits(Duration::from_secs(50)).consents();
    device.create(ORIGIN, &create("alice")).unwrap();
    assert_eq!(device.clock().elapsed(), Duration::from_secs(50));
}

#[test]
fn the_clock_is_moved_by_hand_to_the_last_moment() {
    let clock = Clock::new();
    let patience = Duration::from_secs(30);
    let device = Builder::platform().clock(&clock).patience(patience).build().unwrap();
    device.create(ORIGIN, &create("alice")).unwrap();
    device.person().when(anything()).ignores_it();
    let mut ceremony = device.begin_get(ORIGIN, &get()).unwrap();
    assert_eq!(ceremony.poll(), None);
    clock.advance(patience - Duration::from_millis(1));
    assert_eq!(ceremony.poll(), None);
    clock.advance(Duration::from_millis(1));
    assert_eq!(ceremony.poll().unwrap().unwrap_err().name(), "NotAllowedError");
}

#[test]
fn a_reset_is_possible_for_ten_seconds_after_it_was_plugged_in() {
    let key = VirtualAuthenticator::security_key();
    key.create(ORIGIN, &create("alice")).unwrap();
    key.clock().advance(Duration::from_secs(10));
    assert_eq!(key.transact(&[0x07]), [0x30], "CTAP2_ERR_NOT_ALLOWED");
    assert_eq!(key.passkeys().len(), 1);
    key.replug();
    assert_eq!(key.transact(&[0x07]), [0x00]);
    assert!(key.passkeys().is_empty());
}
