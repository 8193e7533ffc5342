//! A head of several segments: one after the other, and what is left when a look ends between two.

use super::*;

/// Asks for all outputs before it answers any; gives what is to be read.
fn asked(world: &mut World, device: &mut Device) -> Vec<(SyncToken, StoreName)> {
    let mut asked = Vec::new();
    let now = world.moment(device);
    while let Some(output) = device.circle.poll_output() {
        match output {
            SyncOutput::Get { token, name } => asked.push((token, name)),
            output => device.answer(output, &mut world.store, now),
        }
    }
    asked
}

fn answer(world: &mut World, device: &mut Device, asked: &[(SyncToken, StoreName)]) {
    for (token, name) in asked {
        let (now, bytes) = (world.moment(device), world.store.objects.get(name).cloned());
        device.circle.handle_object(*token, bytes, now);
    }
}

/// Begins a look; gives the first segment that it asks for.
fn first_segment(world: &mut World, device: &mut Device) -> (SyncToken, StoreName) {
    let now = world.moment(device);
    device.circle.look_now(now);
    device.circle.handle_timeout(now);
    loop {
        match asked(world, device)[..] {
            [] => panic!("no segment is asked for"),
            [first @ (_, StoreName::Segment(..)), ..] => return first,
            ref all => answer(world, device, all),
        }
    }
}

/// Each may have 64 MiB, and a head may name sixteen.
#[test]
fn no_more_than_one_segment_is_in_memory_at_a_time() {
    let mut world = World::new(80);
    let (mut first, paper) = world.begin();
    (1..=4).for_each(|record| world.make(&mut first, record));
    let segments = first.circle.own.as_ref().unwrap().segments.len();
    assert!(segments >= 4);
    let (crypto, now) = (world.crypto.clone(), world.moment_now());
    let circle = Circle::recover(crypto, world.config, paper, first.circle.id(), now);
    let mut reader = world.device(circle, Zeroizing::new([0; 64]));
    let mut next = vec![first_segment(&mut world, &mut reader)];
    let mut merged = 0;
    while let [(_, StoreName::Segment(..))] = next[..] {
        answer(&mut world, &mut reader, &next);
        merged += 1;
        let Phase::Reading(reading) = &reader.circle.phase else { break };
        assert!(reading.got.is_empty(), "what is merged is let go");
        next = asked(&mut world, &mut reader);
    }
    assert_eq!(merged, segments);
    assert!((1..=4).all(|record| reader.has(record)));
}

/// R14: what came before a look was cut off may be nowhere else soon, as with a head that has lost
/// a segment.
#[test]
fn a_part_that_was_merged_before_a_failure_or_a_crash_is_written_again() {
    for crashes in [false, true] {
        let mut world = World::new(81);
        let mut devices = world.circle(3);
        let before = world.store.clone();
        world.make(&mut devices[0], 1);
        world.make(&mut devices[0], 2);
        let segment = first_segment(&mut world, &mut devices[1]);
        answer(&mut world, &mut devices[1], &[segment]);
        let rest = asked(&mut world, &mut devices[1]);
        let [(token, StoreName::Segment(..))] = rest[..] else { panic!("{rest:?}") };
        assert!(devices[1].has(1) && !devices[1].has(2));
        let now = world.moment(&devices[1]);
        if crashes {
            devices[1].crash(now);
            assert!(devices[1].has(1), "it was kept with the request for the next");
        } else {
            devices[1].circle.handle_failed(token, now);
        }
        // The first is gone, and the store has never had what it wrote.
        world.store = before;
        world.sync(&mut devices[1]);
        world.sync(&mut devices[2]);
        assert!(devices[2].has(1), "crashes: {crashes}");
        assert!(devices[1].notices.is_empty(), "{:?}", devices[1].notices);
        // Whole after all, nothing more is written.
        let sent = devices[1].sent.len();
        world.sync(&mut devices[1]);
        assert_eq!(devices[1].sent.len(), sent);
    }
}

#[test]
fn a_head_that_is_read_whole_is_not_written_again() {
    let mut world = World::new(82);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    world.make(&mut devices[0], 2);
    let mut next = vec![first_segment(&mut world, &mut devices[1])];
    let sent = devices[1].sent.len();
    while !next.is_empty() {
        answer(&mut world, &mut devices[1], &next);
        next = asked(&mut world, &mut devices[1]);
    }
    assert!(devices[1].has(1) && devices[1].has(2) && !devices[1].circle.needs_snapshot);
    assert_eq!(devices[1].sent.len(), sent);
}
