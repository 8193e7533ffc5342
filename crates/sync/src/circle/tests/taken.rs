//! Stores that show half of an object, and those that do not take one.

use super::*;

const PATIENCE: Duration = Duration::from_secs(3600);

/// A store that takes no more than so many bytes in one object.
fn sync_with_limit(world: &mut World, device: &mut Device, limit: usize) {
    let now = world.moment(device);
    device.circle.look_now(now);
    device.circle.handle_timeout(now);
    for _ in 0..1000 {
        let now = world.moment(device);
        match device.circle.poll_output() {
            None => return,
            Some(SyncOutput::Put { token, bytes, .. }) if bytes.len() > limit => {
                world.store.requests += 1;
                device.circle.handle_not_taken(token, now);
            }
            Some(output) => device.answer(output, &mut world.store, now),
        }
    }
    panic!("it asks for ever");
}

/// Half of it is there so far: that is no lie, and it is read once it is whole.
#[test]
fn half_an_object_is_not_there_yet_and_told_of_only_if_it_stays_so() {
    for of_segment in [false, true] {
        let mut world = World::new(70);
        world.config.patience = PATIENCE;
        let mut devices = world.circle(2);
        world.make(&mut devices[0], 1);
        let by = devices[0].id();
        let names = if of_segment { world.store.segments(by) } else { world.store.heads(by) };
        let whole = world.store.objects.clone();
        for name in &names {
            let bytes = world.store.objects.get_mut(name).unwrap();
            bytes.truncate(bytes.len() / 2);
        }
        for _ in 0..2 {
            world.sync(&mut devices[1]);
            assert!(!devices[1].has(1) && devices[1].notices.is_empty());
        }
        let torn = world.store.objects.clone();
        world.store.objects = whole.clone();
        world.sync(&mut devices[1]);
        assert!(devices[1].has(1) && devices[1].notices.is_empty(), "{:?}", devices[1].notices);

        // One that stays so.
        let now = world.moment(&devices[1]);
        let mut late = devices[1].copy(now);
        world.store.objects = torn;
        late.circle.merged.clear();
        late.circle.merged_segments.clear();
        world.sync(&mut late);
        assert_eq!(late.notices, []);
        world.passed += PATIENCE;
        for _ in 0..2 {
            world.sync(&mut late);
        }
        let torn: BTreeSet<_> = names.into_iter().map(SyncNotice::Invented).collect();
        let told: BTreeSet<_> = late.notices.iter().copied().collect();
        assert_eq!((&told, late.notices.len()), (&torn, torn.len()), "once");
        // Where it takes longer than that to come, it comes all the same.
        world.sync(&mut late);
        assert_eq!(late.circle.refused.len(), torn.len(), "asked for seldom");
        world.passed += PATIENCE;
        world.sync(&mut late);
        assert_eq!(late.circle.torn.len(), torn.len());
        world.store.objects = whole;
        world.passed += PATIENCE;
        world.sync(&mut late);
        assert!(late.circle.torn.is_empty() && late.circle.refused.is_empty());
        assert_eq!(late.notices.len(), torn.len(), "{:?}", late.notices);
    }
}

#[test]
fn what_is_too_large_for_a_store_goes_there_in_parts() {
    let mut world = World::new(71);
    let mut devices = world.circle(2);
    for record in 1..=40 {
        let now = world.moment(&devices[0]);
        devices[0].make(record, now);
    }
    let now = world.moment(&devices[0]);
    assert!(devices[0].circle.bury([40; 16], now));
    for _ in 0..2 {
        sync_with_limit(&mut world, &mut devices[0], 8 << 10);
    }
    assert!(world.store.segments(devices[0].id()).len() > 1);
    assert!(world.store.objects.values().all(|bytes| bytes.len() <= 8 << 10));
    // With a passkey more, that alone is sent.
    let sent = devices[0].sent.len();
    let now = world.moment(&devices[0]);
    devices[0].make(41, now);
    sync_with_limit(&mut world, &mut devices[0], 8 << 10);
    let put: Vec<_> = devices[0].sent.split_off(sent);
    assert_eq!(put.len(), 2, "a segment and a head: {put:?}");
    for _ in 0..2 {
        sync_with_limit(&mut world, &mut devices[1], 8 << 10);
        sync_with_limit(&mut world, &mut devices[0], 8 << 10);
    }
    assert!((1..=41).all(|record| devices[1].has(record) == (record != 40)));
    for device in &devices {
        assert!(device.notices.is_empty() && !device.circle.is_on_this_device_only());
    }
    // And on after a restart, which knows what the store takes.
    let now = world.moment(&devices[0]);
    devices[0].crash(now);
    devices[0].make(42, now);
    let sent = devices[0].sent.len();
    sync_with_limit(&mut world, &mut devices[0], 8 << 10);
    let put: Vec<_> = devices[0].sent.split_off(sent);
    assert_eq!(put.len(), 2, "a segment and a head: {put:?}");
    for _ in 0..2 {
        sync_with_limit(&mut world, &mut devices[0], 8 << 10);
        sync_with_limit(&mut world, &mut devices[1], 8 << 10);
    }
    assert!(devices[1].has(42) && devices[0].notices.is_empty());
}

/// So much is new at once that it is too large for one object.
#[test]
fn what_is_new_and_too_large_goes_in_the_parts_of_a_snapshot() {
    let mut world = World::new(73);
    let mut devices = world.circle(2);
    let limit = 9 << 10;
    for records in [1..=195, 196..=255] {
        let now = world.moment(&devices[0]);
        records.for_each(|record| devices[0].make(record, now));
        for _ in 0..3 {
            sync_with_limit(&mut world, &mut devices[0], limit);
            sync_with_limit(&mut world, &mut devices[1], limit);
        }
        assert_eq!(devices[0].circle.parts, 8);
    }
    assert!((1..=255).all(|record| devices[1].has(record)));
    for device in &devices {
        assert!(device.notices.is_empty() && !device.circle.is_on_this_device_only());
    }
}

/// One passkey is larger than anything that the store takes: that one alone stays here.
#[test]
fn what_a_store_never_takes_is_told_once_and_the_rest_goes_on() {
    let mut world = World::new(72);
    let mut devices = world.circle(3);
    let limit = 8 << 10;
    let now = world.moment(&devices[0]);
    let (large, names) = (content(&[7; 20_000]), content(b"Alice"));
    devices[0].circle.make([7; 16], &large, &names, now).unwrap();
    devices[0].make(1, now);
    sync_with_limit(&mut world, &mut devices[0], limit);
    // Others come later, and a device that was stolen goes.
    let now = world.moment(&devices[0]);
    devices[0].make(2, now);
    let stolen = devices[2].id();
    devices[0].circle.remove(&BTreeSet::from([stolen]), now).unwrap();
    for _ in 0..3 {
        sync_with_limit(&mut world, &mut devices[0], limit);
        sync_with_limit(&mut world, &mut devices[1], limit);
    }
    assert_eq!(devices[0].notices, [SyncNotice::NotTaken], "once");
    assert!(devices[0].circle.is_on_this_device_only(), "and shown until then");
    assert_eq!(devices[1].circle.removed().collect::<Vec<_>>(), [stolen]);
    assert!(devices[1].has(1) && devices[1].has(2), "the rest is there");
    assert!(devices[1].circle.state().fixed([7; 16]).is_none() && devices[1].notices.is_empty());
    let id = devices[0].id();
    let heard = devices[1].circle.last_news(id).unwrap();
    // It is there, though not all that it has is.
    let now = world.moment(&devices[0]);
    devices[0].make(3, now);
    sync_with_limit(&mut world, &mut devices[0], limit);
    sync_with_limit(&mut world, &mut devices[1], limit);
    assert!(devices[1].circle.last_news(id).unwrap() > heard);
    let puts = devices[0].sent.len();
    sync_with_limit(&mut world, &mut devices[0], limit);
    assert_eq!(devices[0].sent.len(), puts, "it comes to rest");

    // The store takes more by now, and the program is started again.
    let now = world.moment(&devices[0]);
    devices[0].crash(now);
    world.settle(&mut devices[..2]);
    assert_eq!(devices[1].circle.state().fixed([7; 16]), Some(&large));
    assert!(!devices[0].circle.is_on_this_device_only());
}

/// Nobody reads a segment above 64 MiB.
#[test]
fn a_snapshot_that_nobody_would_read_goes_in_parts() {
    let mut world = World::new(74);
    let mut devices = world.circle(2);
    for record in 1..=35 {
        let now = world.moment(&devices[0]);
        let names = content(&vec![record; 1 << 20]);
        devices[0].circle.make([record; 16], &secret(record), &names, now).unwrap();
    }
    world.settle(&mut devices);
    assert!((1..=35).all(|record| devices[1].has(record)));
    let segments = world.store.segments(devices[0].id());
    let lengths = segments.iter().map(|name| world.store.objects.get(name).unwrap().len());
    let lengths: Vec<_> = lengths.collect();
    assert!(lengths.len() > 1 && lengths.iter().all(|length| *length <= 32 << 20), "{lengths:?}");
}
