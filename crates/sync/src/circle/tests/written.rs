//! What is written, in which order, and what a crash leaves.

use super::*;

/// R8: after a crash at any step the same bytes go out again, and nothing is lost or given twice.
#[test]
fn a_crash_after_any_step_loses_nothing_that_was_kept() {
    for step in 0..12 {
        let mut world = World::new(60);
        let mut devices = world.circle(2);
        let now = world.moment(&devices[0]);
        devices[0].make(1, now);
        let done = world.pump(&mut devices[0], step);
        let was_kept = step > 0;
        let now = world.moment(&devices[0]);
        let outbox = devices[0].circle.outbox.clone();
        devices[0].crash(now);
        if !done && step == 1 {
            assert_eq!(devices[0].circle.outbox.len(), 2, "sealed and kept in one");
            let bytes = |outbox: &VecDeque<Outgoing>| {
                outbox.iter().map(|it| it.bytes.clone()).collect::<Vec<_>>()
            };
            assert_eq!(bytes(&devices[0].circle.outbox), bytes(&outbox));
        }
        world.settle(&mut devices);
        assert_eq!(devices[1].has(1), was_kept, "after {step}");
        assert_eq!(devices[0].has(1), was_kept);
        assert!(devices.iter().all(|device| device.notices.is_empty()), "after {step}");
        // Its own head is known again: nobody takes it for that of a copy.
        let numbers: Vec<_> = world.store.heads(devices[0].id());
        assert_eq!(numbers.len(), 1);
    }
}

/// R8: a head that is there before its segments would be worth nothing.
#[test]
fn segments_are_sent_before_the_head_that_names_them() {
    let mut world = World::new(61);
    let mut devices = world.circle(1);
    world.make(&mut devices[0], 1);
    let sent = &devices[0].sent;
    let (mut heads, mut first_epoch, mut first_segment) = (0, None, None);
    for (place, name) in sent.iter().enumerate() {
        match name {
            StoreName::Head(..) => {
                heads += 1;
                assert!(matches!(sent[place - 1], StoreName::Segment(..)), "{sent:?}");
            }
            StoreName::Epoch(_) => first_epoch = first_epoch.or(Some(place)),
            StoreName::Segment(..) => first_segment = first_segment.or(Some(place)),
            _ => {}
        }
    }
    assert!(heads >= 2 && first_epoch < first_segment);
}

/// R6: after the new head is there, and never before; of others nothing.
#[test]
fn a_device_deletes_its_own_and_only_what_newer_ones_have_replaced() {
    let mut world = World::new(62);
    let mut devices = world.circle(2);
    for record in 1..=9 {
        world.make(&mut devices[0], record);
        let own = devices[0].circle.own.clone().unwrap();
        let id = devices[0].id();
        // What the newest head names is there at any time.
        for part in &own.segments {
            assert!(world.store.objects.contains_key(&StoreName::Segment(id, part.hash)));
        }
        assert!(own.segments.len() <= 5);
        let of_other = (world.store.heads(devices[1].id()), world.store.segments(devices[1].id()));
        world.sync(&mut devices[0]);
        assert_eq!(world.store.heads(id).len(), 1);
        assert_eq!(world.store.segments(id).len(), own.segments.len());
        let after = (world.store.heads(devices[1].id()), world.store.segments(devices[1].id()));
        assert_eq!(of_other, after);
    }
    // While the newest is not listed, nothing is deleted.
    world.make(&mut devices[0], 10);
    let heads = world.store.heads(devices[0].id());
    assert_eq!(heads.len(), 2);
    let newest = *heads.iter().max().unwrap();
    world.store.hidden.insert(newest);
    let older = world.store.heads(devices[0].id());
    world.sync(&mut devices[0]);
    assert!(older.iter().all(|name| world.store.objects.contains_key(name)));
}

/// R11, R10: the secret goes with the next snapshot, which comes at once.
#[test]
fn a_deletion_leaves_no_segment_with_the_secret() {
    let mut world = World::new(63);
    let mut devices = world.circle(2);
    (1..=3).for_each(|record| world.make(&mut devices[0], record));
    world.settle(&mut devices);
    let now = world.moment(&devices[0]);
    devices[0].circle.bury([2; 16], now);
    world.pump(&mut devices[0], usize::MAX);
    world.sync(&mut devices[0]);
    let segments = world.store.segments(devices[0].id());
    assert_eq!(segments.len(), 1);
    let bytes = &world.store.objects[&segments[0]];
    assert_eq!(kind(bytes), SealedKind::Snapshot);
    let sealed = Sealed::read(bytes).unwrap();
    let circle = &devices[0].circle;
    let key = circle.epochs.key(sealed.header.epoch).unwrap();
    let plain = sealed.open(&world.crypto, circle.circle, key).unwrap();
    let contains = |secret: &Content| {
        plain.windows(secret.expose().len()).any(|window| window == secret.expose())
    };
    assert!(!contains(&secret(2)) && contains(&secret(1)));
    // The tag stays, in snapshots as well.
    assert_eq!(State::from_bytes(&plain).unwrap().buried(), 1);
}

/// R10: nor what waits here when the burial comes from elsewhere.
#[test]
fn what_waits_of_a_passkey_that_another_has_deleted_is_not_sent() {
    let mut world = World::new(66);
    let mut devices = world.circle(2);
    (1..=2).for_each(|record| world.make(&mut devices[0], record));
    world.settle(&mut devices);
    let now = world.moment(&devices[1]);
    devices[1].circle.bury([1; 16], now);
    world.pump(&mut devices[1], usize::MAX);
    assert!(devices[0].rename(1, "late", now) && devices[0].rename(2, "Bob", now));
    // It looks at the store before it writes.
    let before = devices[0].sent.len();
    world.sync(&mut devices[0]);
    let sent = devices[0].sent[before..].to_vec();
    let [name @ StoreName::Segment(..), StoreName::Head(..)] = sent[..] else { panic!("{sent:?}") };
    let bytes = &world.store.objects[&name];
    assert_eq!(kind(bytes), SealedKind::Delta);
    let (_, said) = devices[1].circle.open_segment(name, bytes).unwrap();
    assert_eq!(said.records().collect::<Vec<_>>(), [[2; 16]]);
}

/// A replacement: the new one and the burial in one segment.
#[test]
fn a_key_that_takes_the_place_of_another_comes_in_one_step_with_its_burial() {
    let mut world = World::new(64);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    world.settle(&mut devices);
    let before = devices[0].sent.len();
    let now = world.moment(&devices[0]);
    devices[0].circle.bury([1; 16], now);
    devices[0].make(2, now);
    world.pump(&mut devices[0], usize::MAX);
    assert_eq!(devices[0].sent.len(), before + 2, "one segment, one head");
    world.sync(&mut devices[1]);
    assert!(!devices[1].has(1) && devices[1].has(2));
}

/// R14: a part of what a device says is merged, and written again, since the rest may never come.
#[test]
fn a_part_of_what_a_device_says_is_merged_and_written_again() {
    let mut world = World::new(65);
    let mut devices = world.circle(3);
    world.make(&mut devices[0], 1);
    world.make(&mut devices[0], 2);
    let own = devices[0].circle.own.clone().unwrap();
    let id = devices[0].id();
    assert!(own.segments.len() >= 3);
    // The first key's delta is lost for good, and the writer is gone.
    let lost = StoreName::Segment(id, own.segments[own.segments.len() - 2].hash);
    world.store.objects.remove(&lost);
    let sent = devices[1].sent.len();
    world.sync(&mut devices[1]);
    assert!(devices[1].has(2) && !devices[1].has(1));
    assert_eq!(devices[1].sent.len(), sent + 2, "written again");
    assert_ne!(devices[1].circle.seen.get(&id), Some(&own.seen), "not as if it were whole");
    // Once: the part is known the next time.
    let sent = devices[1].sent.len();
    world.sync(&mut devices[1]);
    assert_eq!(devices[1].sent.len(), sent);
    // Then the whole log goes, and the third has it from the second.
    world.store.objects.retain(
        |name, _| !matches!(name, StoreName::Head(by, ..) | StoreName::Segment(by, _) if *by == id),
    );
    world.sync(&mut devices[2]);
    assert!(devices[2].has(2));
}

#[test]
fn sizes_tell_no_more_than_to_within_the_padding() {
    let mut world = World::new(66);
    let mut devices = world.circle(1);
    let mut lengths = BTreeSet::new();
    for length in [1, 20, 40] {
        let now = world.moment(&devices[0]);
        let record = [u8::try_from(length).unwrap(); 16];
        let content = content(&vec![7; length]);
        devices[0].circle.make(record, &content, &content, now).unwrap();
        world.pump(&mut devices[0], usize::MAX);
        let newest = devices[0].sent.iter().rev().find(|it| matches!(it, StoreName::Segment(..)));
        lengths.insert(world.store.objects[newest.unwrap()].len());
    }
    assert_eq!(lengths.len(), 1);
}

#[test]
fn rows_are_read_as_they_were_written_and_nothing_else_is_one() {
    let mut world = World::new(67);
    let mut devices = world.circle(3);
    let thief = devices[2].id();
    (1..=2).for_each(|record| world.make(&mut devices[0], record));
    let now = world.moment(&devices[0]);
    devices[0].circle.bury([1; 16], now);
    devices[0].circle.remove(&BTreeSet::from([thief]), now).unwrap();
    drop(devices[0].circle.poll_output());
    devices[0].make(3, now);
    let written = devices[0].circle.all_rows();
    let kinds: BTreeSet<_> = written.keys().map(|key| key.first().copied()).collect();
    assert_eq!(kinds.len(), 10, "the head and one of each kind: {kinds:?}");
    devices[0].restore(&written, now);
    assert_eq!(devices[0].circle.all_rows(), written);
    let restore = |keys: &DeviceKeys, rows: &Rows| {
        let keys = DeviceKeys::from_bytes(&world.crypto, &keys.to_bytes().unwrap()).unwrap();
        Circle::restore(world.crypto.clone(), world.config, keys, rows, now).map(drop)
    };
    let own = &devices[0].circle.keys;
    assert_eq!(restore(own, &written), Ok(()));
    let malformed = Err(CircleError::Malformed(crate::MalformedObject));
    assert_eq!(restore(&devices[1].circle.keys, &written), malformed, "a member, too");
    let head = |bytes: &[u8]| Rows::from([(Vec::new(), Zeroizing::new(bytes.to_vec()))]);
    assert_eq!(restore(own, &head(&devices[0].circle.welcome())), malformed);
    assert_eq!(restore(own, &head(&written[&[][..]])), malformed, "the rows are lost");
    let stranger = DeviceKeys::generate(&world.crypto).unwrap();
    assert_eq!(restore(&stranger, &written), malformed);
    for (key, value) in &written {
        let mut other = written.clone();
        match value.split_last() {
            Some((_, shorter)) => other.insert(key.clone(), Zeroizing::new(shorter.to_vec())),
            None => other.insert(key.clone(), Zeroizing::new(vec![0])),
        };
        assert_eq!(restore(own, &other), malformed, "{key:?}");
        other.remove(key);
        other.insert([key.as_slice(), &[0]].concat(), value.clone());
        assert_eq!(restore(own, &other), malformed, "{key:?}");
    }
    assert!(format!("{:?}", devices[0].circle).len() < 200);
}

/// Without randomness nothing is sealed: it is told, nothing is lost, and it is tried again.
#[test]
fn where_there_is_no_randomness_nothing_is_sealed() {
    let mut world = World::new(68);
    let mut devices = world.circle(2);
    let good = devices[0].circle.crypto.clone();
    world.make(&mut devices[0], 1);
    let now = world.moment(&devices[0]);
    devices[0].make(2, now);
    devices[0].circle.crypto.random = Arc::new(towline_crypto_test::FailingRandom);
    world.pump(&mut devices[0], usize::MAX);
    assert_eq!(devices[0].notices, [SyncNotice::NotSealed]);
    assert!(devices[0].circle.is_on_this_device_only());
    devices[0].circle.crypto = good;
    world.settle(&mut devices);
    assert!(devices[1].has(2));
}

/// R6: a store that says that it has the new head, and has lost it, does not lose the old one too.
#[test]
fn what_is_replaced_stays_until_the_new_head_is_listed() {
    let mut world = World::new(69);
    let mut devices = world.circle(1);
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[0]);
    let before = world.store.heads(devices[0].id());
    let now = world.moment(&devices[0]);
    devices[0].make(2, now);
    let Some(kept) = devices[0].circle.poll_output() else { panic!("nothing to keep") };
    devices[0].answer(kept, &mut world.store, now);
    // It begins again with the new head in its outbox.
    devices[0].crash(now);
    devices[0].circle.handle_timeout(now);
    let mut lost = 0;
    while let Some(output) = devices[0].circle.poll_output() {
        if let SyncOutput::Put { token, .. } = output {
            lost += 1;
            devices[0].circle.handle_stored(token, now);
        } else {
            devices[0].answer(output, &mut world.store, now);
        }
    }
    assert_eq!((lost, world.store.heads(devices[0].id())), (2, before));
}
