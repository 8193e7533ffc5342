//! An honest store: what one device has all have, at what cost.

use super::*;

#[test]
fn what_one_device_has_all_have() {
    let mut world = World::new(1);
    let mut devices = world.circle(3);
    for record in 1..=6 {
        world.make(&mut devices[usize::from(record) % 3], record);
    }
    world.settle(&mut devices);
    for device in &devices {
        assert!((1..=6).all(|record| device.has(record)), "{:?}", device.circle);
        assert!(device.notices.is_empty(), "{:?}", device.notices);
        assert!(!device.circle.is_on_this_device_only());
    }
    // The machine says what has changed.
    assert!(devices[0].changed.contains(&[1; 16]));
}

#[test]
fn a_deletion_and_a_name_reach_all() {
    let mut world = World::new(2);
    let mut devices = world.circle(2);
    (1..=2).for_each(|record| world.make(&mut devices[0], record));
    world.settle(&mut devices);
    let now = world.moment(&devices[1]);
    assert!(devices[1].circle.bury([1; 16], now));
    assert!(devices[1].rename(2, "Alice at work", now));
    assert!(!devices[1].circle.bury([1; 16], now) && !devices[1].rename(1, "nobody", now));
    world.pump(&mut devices[1], usize::MAX);
    world.settle(&mut devices);
    for device in &devices {
        assert!(!device.has(1));
        assert_eq!(device.name(2).as_deref(), Some("Alice at work"));
    }
}

/// The aims: two requests and 2 KiB for a new key, and one listing where nothing is new.
#[test]
fn a_new_key_costs_two_requests_and_a_look_with_nothing_new_one() {
    for count in [2, 8] {
        let mut world = World::new(3);
        let mut devices = world.circle(count);
        (world.store.requests, world.store.bytes) = (0, 0);
        world.make(&mut devices[0], 1);
        assert_eq!(world.store.requests, 2);
        assert!(world.store.bytes <= 2048, "{} bytes for {count}", world.store.bytes);
        world.settle(&mut devices);
        (world.store.requests, devices[1].saves) = (0, 0);
        world.sync(&mut devices[1]);
        assert_eq!((world.store.requests, devices[1].saves), (1, 0));
    }
}

/// Years wrong, either way: the name that was written knowing the other is the later one (R12).
#[test]
fn clocks_that_are_years_wrong_make_no_older_name_win() {
    const YEARS: i64 = 9 * 365 * 24 * 3600 * 1000;
    for (first, second) in [(YEARS, -YEARS), (-YEARS, YEARS)] {
        let mut world = World::new(4);
        let mut devices = world.circle(2);
        (devices[0].wrong_by, devices[1].wrong_by) = (first, second);
        world.make(&mut devices[0], 1);
        world.settle(&mut devices);
        for (who, name) in [(1, "second"), (0, "third"), (1, "fourth")] {
            let now = world.moment(&devices[who]);
            devices[who].rename(1, name, now);
            world.pump(&mut devices[who], usize::MAX);
            world.settle(&mut devices);
            assert!(devices.iter().all(|device| device.name(1).as_deref() == Some(name)), "{name}");
        }
    }
}

#[test]
fn a_device_that_has_nothing_to_say_says_each_week_that_it_is_there() {
    let mut world = World::new(5);
    let mut devices = world.circle(2);
    let before = devices[1].circle.last_news(devices[0].id()).unwrap();
    let sent = devices[0].sent.len();
    world.passed += Duration::from_secs(6 * 24 * 3600);
    world.sync(&mut devices[0]);
    assert_eq!(devices[0].sent.len(), sent);
    world.passed += Duration::from_secs(2 * 24 * 3600);
    world.settle(&mut devices);
    // A head, and no segment: there is nothing new.
    assert_eq!(devices[0].sent.len(), sent + 1);
    let after = devices[1].circle.last_news(devices[0].id()).unwrap();
    assert!(after - before > 7 * 24 * 3600 * 1000, "{before} {after}");
    assert!(devices[1].notices.is_empty());
}

#[test]
fn what_was_not_kept_is_given_out_again_and_nothing_of_it_is_sent_before() {
    let mut world = World::new(6);
    let mut devices = world.circle(2);
    let now = world.moment(&devices[0]);
    devices[0].make(1, now);
    let Some(SyncOutput::Save { .. }) = devices[0].circle.poll_output() else {
        panic!("a change is kept first")
    };
    assert_eq!(devices[0].circle.poll_output(), None, "R8: nothing is sent before it is kept");
    devices[0].circle.handle_unsaved(now);
    assert_eq!(devices[0].circle.poll_output(), None);
    world.sync(&mut devices[0]);
    world.settle(&mut devices);
    assert!(devices[1].has(1));
}

#[test]
fn after_a_failure_all_is_tried_again_at_the_next_look() {
    for step in 0..6 {
        let mut world = World::new(7);
        let mut devices = world.circle(2);
        let now = world.moment(&devices[0]);
        devices[0].make(1, now);
        world.pump(&mut devices[0], step);
        // The store is gone: whatever is asked for now fails.
        for _ in 0..20 {
            let now = world.moment(&devices[0]);
            match devices[0].circle.poll_output() {
                Some(
                    SyncOutput::List { token }
                    | SyncOutput::Get { token, .. }
                    | SyncOutput::Put { token, .. }
                    | SyncOutput::Delete { token, .. },
                ) => devices[0].circle.handle_failed(token, now),
                Some(other) => devices[0].answer(other, &mut world.store, now),
                None => {}
            }
        }
        world.settle(&mut devices);
        assert!(devices[1].has(1), "{step}");
        assert!(devices.iter().all(|device| device.notices.is_empty()), "{step}");
    }
}
