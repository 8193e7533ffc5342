//! Stores that go back, withhold, fork or invent: noticed, told once, and answered by one snapshot.

use super::{super::rows::Row, *};

fn told(device: &Device) -> &[SyncNotice] {
    &device.notices
}

/// R13: both what the store is noticed by and that it is said and answered once.
#[test]
fn a_store_that_goes_back_is_noticed_once_and_nothing_is_lost() {
    let mut world = World::new(20);
    let mut devices = world.circle(3);
    world.make(&mut devices[0], 1);
    world.settle(&mut devices);
    let old = world.store.clone();
    world.make(&mut devices[0], 2);
    world.sync(&mut devices[1]);
    world.store = old;
    let (lost, number) = (devices[0].id(), devices[0].circle.own.as_ref().unwrap().seen.number);
    // The device that wrote it is not there to write it again.
    let sent = devices[1].sent.len();
    for _ in 0..5 {
        world.sync(&mut devices[1]);
        world.sync(&mut devices[2]);
    }
    assert_eq!(told(&devices[1]), [SyncNotice::WentBack { device: lost, number }]);
    assert_eq!(devices[1].sent.len() - sent, 2, "one snapshot, not one at each look");
    assert!(devices[2].has(2));
    // It is remembered over a restart.
    let now = world.moment(&devices[1]);
    devices[1].crash(now);
    world.sync(&mut devices[1]);
    assert_eq!(told(&devices[1]).len(), 1);
}

/// R13: what a head of another names has to be there.
#[test]
fn a_store_that_withholds_is_noticed_by_what_others_have_seen() {
    let mut world = World::new(21);
    let mut devices = world.circle(3);
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[1]);
    world.make(&mut devices[1], 2);
    // The third is shown what the second says, and not what the first does.
    world.store.hidden.extend(world.store.heads(devices[0].id()));
    let number = devices[0].circle.own.as_ref().unwrap().seen.number;
    world.sync(&mut devices[2]);
    world.sync(&mut devices[2]);
    let withheld = [SyncNotice::Withheld { device: devices[0].id(), number }];
    // It had seen an earlier head of the first, which is gone as well.
    let went_back = [SyncNotice::WentBack { device: devices[0].id(), number: number - 1 }];
    assert!(told(&devices[2]) == withheld || told(&devices[2]) == went_back);
}

#[test]
fn a_store_that_forks_is_noticed_where_the_halves_meet() {
    let mut world = World::new(22);
    let mut devices = world.circle(3);
    let fork = world.store.clone();
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[1]);
    world.make(&mut devices[1], 2);
    let first_half = std::mem::replace(&mut world.store, fork);
    world.sync(&mut devices[2]);
    assert_eq!(told(&devices[2]), [], "an old and consistent world can't be told from a new one");
    // What one of them wrote in the one half is shown in the other.
    let of_second = devices[1].id();
    for (name, bytes) in first_half.objects {
        if matches!(name, StoreName::Segment(by, _) | StoreName::Head(by, ..) if by == of_second) {
            world.store.objects.insert(name, bytes);
        }
    }
    world.sync(&mut devices[2]);
    let number = devices[0].circle.own.as_ref().unwrap().seen.number;
    assert_eq!(told(&devices[2]), [SyncNotice::Withheld { device: devices[0].id(), number }]);
    // Both go on in one half: nothing is lost.
    world.settle(&mut devices);
    assert!(devices.iter().all(|device| device.has(1) && device.has(2)));
}

/// R13: own segments, too. A head alone is worth nothing.
#[test]
fn a_segment_of_its_own_that_is_lost_is_written_again() {
    let mut world = World::new(23);
    let mut devices = world.circle(1);
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[0]);
    let lost = *world.store.segments(devices[0].id()).first().unwrap();
    world.store.objects.remove(&lost);
    world.sync(&mut devices[0]);
    let mut joined = world.join(&mut devices[0]);
    joined.circle.state = State::default();
    world.sync(&mut joined);
    assert!(joined.has(1));
    let [SyncNotice::WentBack { device, .. }] = devices[0].notices[..] else {
        panic!("{:?}", devices[0].notices)
    };
    assert_eq!(device, devices[0].id());
}

/// A tool that carries a folder shows older listings for a while: the snapshot does not wait.
#[test]
fn the_notice_waits_and_the_snapshot_does_not() {
    let mut world = World::new(24);
    world.config.patience = Duration::from_secs(3600);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[0]);
    let own = world.store.heads(devices[0].id());
    own.iter().for_each(|name| drop(world.store.objects.remove(name)));
    let sent = devices[0].sent.len();
    world.sync(&mut devices[0]);
    assert!(devices[0].sent.len() > sent && devices[0].notices.is_empty());
    // What is missing for longer is told.
    let hidden = world.store.heads(devices[0].id());
    world.sync(&mut devices[1]);
    world.store.hidden.extend(hidden);
    world.sync(&mut devices[1]);
    assert!(devices[1].notices.is_empty());
    world.passed += Duration::from_secs(3700);
    world.sync(&mut devices[1]);
    assert_eq!(devices[1].notices.len(), 1, "{:?}", devices[1].notices);
}

#[test]
fn what_a_store_invents_is_told_once_and_not_read() {
    let mut world = World::new(25);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    let (by, stranger) = (devices[0].id(), DeviceId([9; 16]));
    // Of each kind of object one whose bytes were changed, and one under a name that fits them.
    let objects: Vec<_> = world.store.objects.clone().into_iter().collect();
    let mut invented = BTreeSet::new();
    for (name, bytes) in objects {
        let mut changed = bytes;
        let last = changed.len() - 1;
        changed[last] ^= 1;
        let hash = ObjectHash::of(&world.crypto, &changed);
        let fitting = match name {
            StoreName::Membership(_) => StoreName::Membership(hash),
            StoreName::Epoch(_) => StoreName::Epoch(hash),
            StoreName::Wrap(_) => StoreName::Wrap(hash),
            StoreName::Segment(..) => continue,
            StoreName::Head(device, number, _) => StoreName::Head(device, number, hash),
        };
        invented.insert(fitting);
        world.store.objects.insert(fitting, changed);
    }
    let torn = StoreName::Head(by, 99, ObjectHash([3; 16]));
    invented.insert(torn);
    world.store.objects.insert(torn, b"torn".to_vec());
    // Of strangers nothing is asked for at all.
    world.store.objects.insert(StoreName::Head(stranger, 1, ObjectHash([4; 16])), vec![0]);
    for _ in 0..3 {
        world.sync(&mut devices[1]);
    }
    // An epoch that is known already is not looked at again.
    let told: BTreeSet<_> = devices[1].notices.iter().copied().collect();
    assert_eq!(told.len(), devices[1].notices.len(), "once");
    for name in &invented {
        let known = matches!(name, StoreName::Epoch(_));
        assert_eq!(told.contains(&SyncNotice::Invented(*name)), !known, "{name}");
    }
    assert!(devices[1].has(1));
}

/// It is judged a few objects at a time, and not all that waits for something is kept.
#[test]
fn a_store_full_of_what_it_invents_does_not_fill_the_memory() {
    let mut world = World::new(32);
    let mut devices = world.circle(2);
    let known: BTreeSet<_> = world.store.objects.keys().copied().collect();
    // Two more, of which the second is added by a record that stands on that of the first.
    let mut added = Vec::new();
    for _ in 0..2 {
        world.join(&mut devices[0]);
        world.sync(&mut devices[0]);
        let names = world.store.names(|name| matches!(name, StoreName::Membership(_)));
        let new = names.into_iter().find(|name| !known.contains(name) && !added.contains(name));
        added.push(new.unwrap());
    }
    world.store.hidden.insert(added[0]);
    let honest = world.store.clone();
    let (by, waits) = (devices[0].id(), world.store.objects[&added[1]].clone());
    for number in 0..1100_u16 {
        let mut changed = waits.clone();
        let end = changed.len() - 2;
        changed[end..].copy_from_slice(&number.to_be_bytes());
        let hash = ObjectHash::of(&world.crypto, &changed);
        world.store.objects.insert(StoreName::Membership(hash), changed);
    }
    for number in 0..100_u8 {
        let hash = ObjectHash::of(&world.crypto, &[number]);
        world.store.objects.insert(StoreName::Head(by, 99, hash), vec![number]);
    }
    let now = world.moment(&devices[1]);
    devices[1].circle.look_now(now);
    devices[1].circle.handle_timeout(now);
    let mut most = [0, 0];
    loop {
        if let Phase::Reading(reading) = &devices[1].circle.phase {
            let here = [reading.got.len(), reading.waiting.len()];
            most = [0, 1].map(|place| most[place].max(here[place]));
        }
        if world.pump(&mut devices[1], 1) {
            break;
        }
    }
    assert!(most[0] <= 16 && most[1] == 1024, "{most:?}");
    assert_eq!(devices[1].circle.members().count(), 3);
    // What was let go is asked for again.
    world.store = honest;
    world.store.hidden.clear();
    world.sync(&mut devices[1]);
    assert_eq!(devices[1].circle.members().count(), 5);
}

/// Every byte of every object, changed one after the other under a name that fits.
#[test]
fn no_byte_of_an_object_can_be_changed() {
    let mut world = World::new(26);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    world.sync(&mut devices[0]);
    let crypto = world.crypto.clone();
    let reader = &mut devices[1].circle;
    let (mut none, mut unwrapped) = (Epochs::new(reader.circle), Epochs::new(reader.circle));
    for (name, bytes) in reader.epochs.objects() {
        if matches!(name, StoreName::Epoch(_)) {
            unwrapped.take(&crypto, &reader.roster, &reader.keys, bytes);
        }
    }
    for (name, bytes) in &world.store.objects {
        // All of the short ones; of a snapshot a byte here and there.
        for place in (0..bytes.len()).step_by(1 + bytes.len() / 400) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let (roster, keys) = (&reader.roster, &reader.keys);
            let taken = match *name {
                StoreName::Membership(_) => reader.roster.take(&crypto, &changed) == Verdict::Taken,
                StoreName::Epoch(_) => none.take(&crypto, roster, keys, &changed) == Verdict::Taken,
                StoreName::Wrap(_) => {
                    unwrapped.take_wrap(&crypto, roster, keys, &changed) == Verdict::Taken
                }
                StoreName::Segment(..) => reader.open_segment(*name, &changed).is_some(),
                StoreName::Head(by, number, _) => {
                    let hash = ObjectHash::of(&crypto, &changed);
                    reader.open(StoreName::Head(by, number, hash), &changed).is_some()
                }
            };
            assert!(!taken, "{name}: byte {place}");
        }
    }
}

/// R7: nothing is used twice, and the two do not write in turn for ever.
#[test]
fn two_copies_of_one_device_lose_nothing_and_come_to_rest() {
    let mut world = World::new(27);
    let mut devices = world.circle(2);
    let now = world.moment_now();
    let mut copy = devices[0].copy(now);
    copy.crypto = world.crypto.clone();
    // Both write under the same number.
    world.sync(&mut copy);
    world.make(&mut devices[0], 1);
    world.make(&mut copy, 2);
    devices.push(copy);
    world.settle(&mut devices);
    for device in &devices {
        assert!(device.has(1) && device.has(2), "{:?}", device.circle);
    }
    let two = |device: &Device| {
        device.notices.iter().any(|notice| matches!(notice, SyncNotice::TwoOf { .. }))
    };
    assert!(devices.iter().any(two));
}

/// R7, R14: a restored device goes on after the number that it finds, and what it wrote under a
/// number that others have passed is merged all the same.
#[test]
fn a_device_that_was_restored_goes_on() {
    let mut world = World::new(28);
    let mut devices = world.circle(2);
    let image = devices[0].kept.clone();
    for record in 1..=3 {
        world.make(&mut devices[0], record);
    }
    world.settle(&mut devices);
    let now = world.moment_now();
    devices[0].restore(&image, now);
    let sent = devices[0].sent.len();
    world.sync(&mut devices[0]);
    assert!((1..=3).all(|record| devices[0].has(record)));
    assert_eq!(devices[0].sent.len(), sent, "it has nothing that is not in its own head");
    world.make(&mut devices[0], 4);
    world.settle(&mut devices);
    assert!(devices[1].has(4));
    // Under a number that is long past: the store is the one that it was.
    let (writer, reader) = two(&mut devices);
    writer.restore(&image, now);
    writer.circle.look_first = false;
    let now = world.moment(writer);
    writer.make(5, now);
    world.pump(writer, usize::MAX);
    world.sync(reader);
    assert!(reader.has(5));
}

/// A member whose heads name devices that are none does not fill the others' records with them.
#[test]
fn devices_that_a_member_invents_are_not_remembered() {
    let mut world = World::new(30);
    let mut devices = world.circle(2);
    let invented = |number: u16| {
        let id = DeviceId(std::array::from_fn(|place| number.to_be_bytes()[place % 2]));
        (id, Seen { number: 1, hash: ObjectHash([0; 16]) })
    };
    let (liar, reader) = two(&mut devices);
    for first in [0, 256] {
        liar.circle.seen.extend((first..first + 250).map(invented));
        world.make(liar, 1);
        liar.circle.seen.retain(|id, _| *id == reader.id());
        world.sync(reader);
    }
    let now = world.moment(reader);
    assert!(reader.has(1));
    assert!(reader.circle.named.keys().all(|id| [liar.id(), reader.id()].contains(id)));
    reader.crash(now);
    // A record with many, which earlier versions wrote, is read.
    reader.circle.named.extend((0..300).map(invented));
    reader.kept = reader.circle.all_rows();
    reader.crash(now);
}

/// What a member says of another's numbers does not use them up.
#[test]
fn the_numbers_of_a_device_can_not_be_used_up_by_another() {
    let mut world = World::new(29);
    let mut devices = world.circle(2);
    let (id, before) = (devices[0].id(), devices[0].circle.next_number);
    let named = |number| Seen { number, hash: ObjectHash([0; 16]) };
    for number in [u64::MAX, u64::MAX - 1] {
        devices[0].circle.compare(id, named(number));
    }
    assert_eq!(devices[0].circle.next_number, before);
    devices[0].circle.compare(id, named(before + 6));
    assert_eq!(devices[0].circle.next_number, before + 7);
}

/// What a copy of this device says is in nobody else's segments: it stays in the store until it is
/// in one of this device's.
#[test]
fn what_a_copy_has_written_outlasts_a_look_that_ends_early_and_a_crash() {
    for seed in 80..88 {
        let mut world = World::new(seed);
        let mut devices = world.circle(2);
        world.make(&mut devices[0], 1);
        world.settle(&mut devices);
        let now = world.moment(&devices[0]);
        let mut copy = devices[0].copy(now);
        let (before, now) = (world.store.segments(devices[0].id()), world.moment(&copy));
        copy.make(2, now);
        world.sync(&mut copy);
        assert_ne!(world.store.segments(devices[0].id()), before);
        world.make(&mut devices[1], 3);
        let other = devices[1].id();
        let now = world.moment(&devices[0]);
        devices[0].circle.look_now(now);
        devices[0].circle.handle_timeout(now);
        while let Some(output) = devices[0].circle.poll_output() {
            let now = world.moment(&devices[0]);
            match output {
                SyncOutput::Get { token, name: StoreName::Segment(by, _) } if by == other => {
                    devices[0].circle.handle_failed(token, now);
                }
                output => devices[0].answer(output, &mut world.store, now),
            }
        }
        let now = world.moment(&devices[0]);
        devices[0].crash(now);
        world.settle(&mut devices);
        for record in 1..=3 {
            for (at, device) in devices.iter().enumerate() {
                assert!(device.has(record), "seed {seed}: {record} is not on device {at}");
            }
        }
    }
}

/// Nobody reads a state in which something lives that is buried, nor does this device after a
/// start.
#[test]
fn a_tag_on_two_records_makes_nobody_unreadable() {
    let mut world = World::new(88);
    let mut devices = world.circle(2);
    world.make(&mut devices[0], 1);
    world.settle(&mut devices);
    let (first, liar) = two(&mut devices);
    let ((_, tag), one) = liar.circle.state.tags([1; 16]).next().unwrap();
    let (tag, one) = (*tag, one.clone());
    liar.circle.state.records.insert(([2; 16], tag), one);
    liar.circle.mark(Row::Record([2; 16]));
    liar.circle.needs_snapshot = true;
    world.sync(liar);
    world.sync(first);
    let now = world.moment(first);
    assert!(first.rename(2, "Bob", now) && first.circle.bury([1; 16], now));
    world.pump(first, usize::MAX);
    assert_eq!(first.changed.last(), Some(&[2; 16]));
    let now = world.moment(first);
    first.crash(now);
    world.settle(&mut devices);
    for device in &devices {
        assert!(device.notices.is_empty(), "{:?}", device.notices);
        assert!(device.circle.state.buried.contains(&tag) && device.name(2).is_none());
    }
}

/// What a copy of this device has made and deleted again is nothing that is seen here. Its burial
/// is handed on all the same, or an older copy would bring it back.
#[test]
fn the_burial_of_what_never_was_here_is_handed_on() {
    let mut world = World::new(90);
    let mut devices = world.circle(1);
    world.make(&mut devices[0], 1);
    let now = world.moment(&devices[0]);
    let mut copy = devices[0].copy(now);
    copy.make(2, now);
    let ((_, tag), _) = copy.circle.state.tags([2; 16]).next().unwrap();
    let tag = *tag;
    assert!(copy.circle.bury([2; 16], now));
    let before = world.store.clone();
    world.sync(&mut copy);
    // Which is shown here only when there is more than that.
    let of_copy = world.store.names(|name| !before.objects.contains_key(name));
    world.store.hidden.extend(of_copy);
    (3..=5).for_each(|record| world.make(&mut devices[0], record));
    world.store.hidden.clear();
    world.settle(&mut devices);
    assert!(devices[0].circle.state.buried.contains(&tag));
    let mut joined = world.join(&mut devices[0]);
    joined.circle.state = State::default();
    world.sync(&mut devices[0]);
    world.sync(&mut joined);
    assert!(joined.has(5) && joined.circle.state.buried.contains(&tag));
}
