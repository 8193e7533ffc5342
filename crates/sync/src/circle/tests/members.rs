//! Who belongs to the circle, who reads what, and what a stolen device still has.

use super::*;

fn remove(world: &mut World, by: &mut Device, who: &[DeviceId]) {
    let now = world.moment(by);
    by.circle.remove(&who.iter().copied().collect(), now).unwrap();
    world.pump(by, usize::MAX);
}

/// R2: what a removed device writes is not read, however good its signature is.
#[test]
fn what_a_removed_device_writes_is_not_read() {
    let mut world = World::new(40);
    let mut devices = world.circle(3);
    let thief = devices[2].id();
    remove(&mut world, &mut devices[0], &[thief]);
    // The thief does not look at what is new.
    world.make(&mut devices[2], 9);
    assert!(!world.store.heads(thief).is_empty());
    world.sync(&mut devices[0]);
    world.sync(&mut devices[1]);
    assert!(!devices[0].has(9) && !devices[1].has(9));
    // Told that it is out, it neither reads nor writes.
    let (sent, requests) = (devices[2].sent.len(), world.store.requests);
    world.sync(&mut devices[2]);
    world.make(&mut devices[2], 10);
    assert_eq!(devices[2].notices, [SyncNotice::Removed]);
    assert_eq!(devices[2].sent.len(), sent);
    assert!(world.store.requests - requests <= 3, "a listing, and the record that says so");
}

/// R3, R9, R15: from the moment in which a device knows of a removal, nothing of it can be read by
/// whoever was removed.
#[test]
fn nothing_that_is_written_after_a_removal_can_be_read_by_the_removed() {
    let mut world = World::new(41);
    let mut devices = world.circle(3);
    world.make(&mut devices[0], 1);
    world.settle(&mut devices);
    let before = world.store.objects.clone();
    let thief = devices[2].id();
    // A key was sealed and not sent when the removal came.
    let now = world.moment(&devices[0]);
    devices[0].make(2, now);
    let Some(output) = devices[0].circle.poll_output() else { panic!("nothing to keep") };
    assert!(devices[0].circle.outbox.iter().any(Outgoing::is_sealed));
    devices[0].answer(output, &mut world.store, now);
    remove(&mut world, &mut devices[0], &[thief]);
    world.sync(&mut devices[1]);
    world.make(&mut devices[1], 3);
    let (members, removed) = devices.split_at_mut(2);
    let mut opened = 0;
    for (name, bytes) in &world.store.objects {
        if matches!(name, StoreName::Segment(..)) {
            let old = before.contains_key(name);
            assert_eq!(removed[0].could_open(&world.store, &members[0], bytes), old, "{name}");
            assert!(members[1].could_open(&world.store, &members[0], bytes));
            opened += 1;
        }
    }
    assert!(opened >= 2);
    world.settle(members);
    assert!(members.iter().all(|device| (1..=3).all(|record| device.has(record))));
    // R15: a snapshot of all, so that what came from the removed is with somebody.
    assert!(devices[1].circle.own.as_ref().unwrap().segments.len() <= 2);
}

/// R3: that an epoch was made for members alone is not enough. A third may have wrapped it for the
/// removed one, and that is not known here yet.
#[test]
fn an_epoch_by_somebody_who_had_not_heard_of_a_removal_is_not_written_under() {
    let mut world = World::new(54);
    let mut devices = world.circle(4);
    let other = devices[3].id();
    let thief = world.join(&mut devices[0]);
    world.sync(&mut devices[0]);
    world.sync(&mut devices[2]);
    // The second makes an epoch, and has not heard of the thief at all.
    remove(&mut world, &mut devices[1], &[other]);
    let before = world.store.names(|_| true);
    world.sync(&mut devices[2]);
    let wraps = world.store.names(|name| matches!(name, StoreName::Wrap(_)));
    world.store.hidden.extend(wraps.into_iter().filter(|name| !before.contains(name)));
    assert_eq!(world.store.hidden.len(), 1, "wrapped for the thief");
    remove(&mut world, &mut devices[0], &[thief.id()]);
    world.sync(&mut devices[0]);
    world.make(&mut devices[0], 1);
    let could_open = |by: &Device| {
        let newest = by.sent.iter().rev().find(|name| matches!(name, StoreName::Segment(..)));
        thief.could_open(&world.store, &devices[0], &world.store.objects[newest.unwrap()])
    };
    assert!(could_open(&devices[2]), "what was written before the removal was heard of");
    assert!(!could_open(&devices[0]));
}

/// R9 and numbers: given out once, sent or not.
#[test]
fn a_number_is_not_given_out_again_for_what_was_thrown_away() {
    let mut world = World::new(42);
    let mut devices = world.circle(3);
    let thief = devices[2].id();
    let now = world.moment(&devices[0]);
    devices[0].make(2, now);
    drop(devices[0].circle.poll_output());
    let thrown = devices[0].circle.own.as_ref().unwrap().seen;
    remove(&mut world, &mut devices[0], &[thief]);
    world.sync(&mut devices[0]);
    assert!(devices[0].circle.own.as_ref().unwrap().seen.number > thrown.number);
    assert!(!devices[0].sent.iter().any(|name| name.hash() == thrown.hash));
}

/// R15: what came from a device that is removed may be nowhere but with those who merged it.
#[test]
fn what_only_the_removed_device_said_is_kept_by_those_who_read_it() {
    let mut world = World::new(43);
    let mut devices = world.circle(3);
    world.make(&mut devices[2], 1);
    world.sync(&mut devices[0]);
    let thief = devices[2].id();
    remove(&mut world, &mut devices[0], &[thief]);
    world.sync(&mut devices[1]);
    assert!(devices[1].has(1), "by the snapshot of the first");
    assert!(devices[0].sent.iter().any(|name| matches!(name, StoreName::Epoch(_))));
}

/// R4: an epoch waits for the membership that it stands on, and is not used before.
#[test]
fn an_epoch_waits_for_its_membership() {
    let mut world = World::new(44);
    let mut devices = world.circle(3);
    let before = world.store.names(|_| true);
    let thief = devices[2].id();
    remove(&mut world, &mut devices[0], &[thief]);
    let records = world.store.names(|name| matches!(name, StoreName::Membership(_)));
    let record = records.into_iter().find(|name| !before.contains(name)).unwrap();
    let epochs = world.store.names(|name| matches!(name, StoreName::Epoch(_)));
    let epoch = epochs.into_iter().find(|name| !before.contains(name)).unwrap();
    world.store.hidden.insert(record);
    world.sync(&mut devices[1]);
    assert!(!devices[1].circle.epochs.has(epoch));
    assert!(devices[1].notices.is_empty(), "it is no lie, only late");
    world.store.hidden.clear();
    world.sync(&mut devices[1]);
    assert!(devices[1].circle.epochs.has(epoch));
}

/// R5: a device that has not heard of a removal does not merge what was written knowing it, or it
/// would write it again for the removed one.
#[test]
fn what_was_written_knowing_a_removal_is_not_read_by_those_who_do_not() {
    let mut world = World::new(45);
    let mut devices = world.circle(3);
    let thief = devices[2].id();
    let before = world.store.names(|_| true);
    remove(&mut world, &mut devices[0], &[thief]);
    world.make(&mut devices[0], 1);
    // Only the record is late; the epoch would be there, and the reader has its key.
    let record = world.store.names(|name| matches!(name, StoreName::Membership(_)));
    let record = record.into_iter().find(|name| !before.contains(name)).unwrap();
    let (first, rest) = two(&mut devices);
    let stolen: Vec<_> =
        first.circle.epochs.keys().map(|(epoch, key)| (epoch, key.clone())).collect();
    world.store.hidden.insert(record);
    world.sync(rest);
    assert!(!rest.has(1));
    // Even with all keys: the membership of the head itself is asked for.
    let newest = *world.store.heads(first.id()).last().unwrap();
    let bytes = world.store.objects[&newest].clone();
    let signed = crate::object::Signed::read(&bytes).unwrap();
    assert!(!rest.circle.may_read(&Sealed::read(signed.body).unwrap()));
    assert!(stolen.len() >= 2);
    world.store.hidden.clear();
    world.sync(rest);
    assert!(rest.has(1));
}

/// R19: the writer of an epoch may be gone; whoever has its key wraps it for who has not.
#[test]
fn an_epoch_whose_writer_is_lost_is_wrapped_by_others() {
    let mut world = World::new(46);
    let mut devices = world.circle(2);
    // A third joins at a sponsor that does not know of the newest epoch.
    let mut gone = world.join(&mut devices[0]);
    world.sync(&mut gone);
    world.settle(&mut devices);
    let extra = world.join(&mut devices[0]).id();
    world.sync(&mut devices[0]);
    world.sync(&mut gone);
    let sponsor = devices.remove(1);
    let mut devices = vec![devices.remove(0), sponsor];
    // `gone` removes the extra one, and so makes an epoch; the first learns it, the second does not
    // and adds a newcomer; then `gone` is lost.
    remove(&mut world, &mut gone, &[extra]);
    let epoch = gone.circle.epochs.choose(&gone.circle.roster).unwrap();
    let newcomer = world.join(&mut devices[1]);
    assert!(newcomer.circle.epochs.key(epoch).is_none());
    drop(gone);
    devices.push(newcomer);
    world.settle(&mut devices);
    assert!(devices.iter().all(|device| device.circle.epochs.key(epoch).is_some()));
}

/// R17: a sponsor may be lost before it writes again.
#[test]
fn the_first_thing_that_a_new_device_writes_is_all_that_it_was_given() {
    let mut world = World::new(47);
    let mut devices = world.circle(2);
    // What the sponsor has is on no other device, and nowhere in the store.
    let now = world.moment(&devices[0]);
    devices[0].make(1, now);
    let mut joined = world.join(&mut devices[0]);
    let sponsor = devices.remove(0);
    let (circle, outbox) = (sponsor.circle.roster, sponsor.circle.outbox);
    assert!(circle.members().contains(&joined.id()) && !outbox.is_empty());
    world.make(&mut joined, 2);
    world.sync(&mut joined);
    let first = joined.sent.iter().find(|name| matches!(name, StoreName::Segment(..))).unwrap();
    assert_eq!(kind(&world.store.objects[first]), SealedKind::Snapshot);
    world.sync(&mut devices[0]);
    assert!(devices[0].has(1) && devices[0].has(2));
}

/// What a sponsor has not sent yet is nothing that the store withholds.
#[test]
fn a_newcomer_does_not_expect_what_its_sponsor_has_not_sent() {
    let mut world = World::new(53);
    let mut devices = world.circle(2);
    let now = world.moment(&devices[0]);
    devices[0].make(1, now);
    drop(devices[0].circle.poll_output());
    let mut joined = world.join(&mut devices[0]);
    world.sync(&mut joined);
    world.sync(&mut devices[1]);
    world.sync(&mut joined);
    assert!(joined.notices.is_empty() && devices[1].notices.is_empty());
}

/// R16: whoever finds them missing puts signed things back, whoever wrote them.
#[test]
fn membership_epochs_and_wraps_are_put_back_by_others() {
    let mut world = World::new(48);
    let mut devices = world.circle(3);
    let signed = |name: &StoreName| {
        matches!(name, StoreName::Membership(_) | StoreName::Epoch(_) | StoreName::Wrap(_))
    };
    let before = world.store.names(signed);
    assert!(before.len() >= 4);
    world.store.objects.retain(|name, _| !signed(name));
    world.sync(&mut devices[2]);
    assert_eq!(world.store.names(signed), before);
}

/// R18: a friend that a thief has brought is shown, and goes with it in one record.
#[test]
fn a_thief_and_its_friends_go_in_one_record() {
    let mut world = World::new(49);
    let mut devices = world.circle(3);
    let friend = world.join(&mut devices[2]);
    world.sync(&mut devices[2]);
    devices.push(friend);
    world.settle(&mut devices);
    let (thief, friend) = (devices[2].id(), devices[3].id());
    assert_eq!(devices[0].circle.added_by(thief), BTreeSet::from([friend]));
    let records =
        |world: &World| world.store.names(|name| matches!(name, StoreName::Membership(_))).len();
    let before = records(&world);
    remove(&mut world, &mut devices[0], &[thief, friend]);
    assert_eq!(records(&world), before + 1);
    world.sync(&mut devices[1]);
    let members: Vec<_> = devices[1].circle.members().map(|(id, _)| id).collect();
    assert!(!members.contains(&thief) && !members.contains(&friend));
}

/// What the person is shown: what the thief still has, and who has not heard yet.
#[test]
fn what_a_thief_still_has_is_a_list_to_tick_off() {
    let mut world = World::new(50);
    let mut devices = world.circle(3);
    (1..=2).for_each(|record| world.make(&mut devices[0], record));
    world.settle(&mut devices);
    let (second, thief) = (devices[1].id(), devices[2].id());
    remove(&mut world, &mut devices[0], &[thief]);
    let exposed = |device: &Device| device.circle.exposed(thief);
    assert_eq!(exposed(&devices[0]), BTreeSet::from([[1; 16], [2; 16]]));
    assert_eq!(devices[0].circle.not_told().collect::<Vec<_>>(), [second]);
    // Made knowing of the removal: not on the list.
    world.make(&mut devices[0], 3);
    // Made by one that has not heard: the thief can read it.
    world.make(&mut devices[1], 4);
    world.sync(&mut devices[0]);
    assert_eq!(exposed(&devices[0]), BTreeSet::from([[1; 16], [2; 16], [4; 16]]));
    world.settle(&mut devices[..2]);
    assert_eq!(devices[0].circle.not_told().count(), 0);
    assert!(devices[1].has(3));
    devices[0].circle.tick_off([1; 16]);
    world.pump(&mut devices[0], usize::MAX);
    let now = world.moment_now();
    devices[0].crash(now);
    assert_eq!(exposed(&devices[0]), BTreeSet::from([[2; 16], [4; 16]]));
}

/// From the words that a person types to the device that is the only one.
#[test]
fn words_bring_a_circle_back_and_say_how_old_it_is() {
    let mut world = World::new(52);
    let crypto = world.crypto.clone();
    let words = PaperKey::generate(&crypto).unwrap();
    let keys = DeviceKeys::generate(&crypto).unwrap();
    let paper = words.keys(&crypto).unwrap();
    let introduced = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
    let (bytes, now) = (keys.to_bytes().unwrap(), world.moment_now());
    let circle = Circle::begin(crypto.clone(), world.config, keys, introduced, now).unwrap();
    let mut first = world.device(circle, bytes);
    world.make(&mut first, 1);
    world.sync(&mut first);
    let mut second = world.join(&mut first);
    world.sync(&mut second);
    world.make(&mut second, 2);
    world.sync(&mut second);

    let paper = PaperKey::read(&words.words().to_uppercase()).unwrap().keys(&crypto).unwrap();
    let id = first.circle.id();
    let circle = Circle::recover(crypto.clone(), world.config, paper, id, now);
    let mut paper = world.device(circle, Zeroizing::new([0; 64]));
    assert_eq!(paper.circle.newest_change(), None);
    world.sync(&mut paper);
    assert!(paper.circle.is_member() && paper.has(1) && paper.has(2));
    let (by, time) = paper.circle.newest_change().unwrap();
    assert!(by == second.id() && time > NOW, "{by:?} {time}");

    let keys = DeviceKeys::generate(&crypto).unwrap();
    let introduced = keys.introduce(Some(id), paper.id(), MemberKind::Device).unwrap();
    let now = world.moment_now();
    let removed = paper.circle.take_over(introduced, now).unwrap();
    assert_eq!(removed, BTreeSet::from([first.id(), second.id()]));
    let (bytes, welcome) = (keys.to_bytes().unwrap(), paper.circle.welcome());
    let mut circle = Circle::join(crypto, world.config, keys, &welcome, now).unwrap();
    circle.expose_all(removed.clone());
    let mut new = world.device(circle, bytes);
    world.sync(&mut new);
    world.make(&mut new, 3);
    new.crash(now);
    for lost in removed {
        assert_eq!(new.circle.exposed(lost), BTreeSet::from([[1; 16], [2; 16]]));
    }
    for old in [&mut first, &mut second] {
        world.sync(old);
        assert!(old.notices.contains(&SyncNotice::Removed) && !old.has(3));
    }
    assert_eq!(new.circle.devices().collect::<Vec<_>>(), [new.id()]);
    assert!(new.has(1) && new.has(2) && new.has(3));
}

/// With the words on paper alone: all is read, the new device belongs, the others are out.
#[test]
fn paper_reads_all_adds_a_device_and_writes_nothing() {
    let mut world = World::new(51);
    let (mut first, paper) = world.begin();
    world.make(&mut first, 1);
    world.sync(&mut first);
    let id = first.circle.id();
    let (crypto, now) = (world.crypto.clone(), world.moment_now());
    let circle = Circle::recover(crypto, world.config, paper, id, now);
    let mut paper = world.device(circle, Zeroizing::new([0; 64]));
    world.sync(&mut paper);
    assert!(paper.has(1));
    let mut joined = world.join(&mut paper);
    remove(&mut world, &mut paper, &[first.id()]);
    // What it was told before does not name the removal.
    let keys = DeviceKeys::from_bytes(&world.crypto, &joined.keys).unwrap();
    let (crypto, welcome) = (world.crypto.clone(), paper.circle.welcome());
    joined.circle = Circle::join(crypto, world.config, keys, &welcome, now).unwrap();
    assert!(paper.sent.is_empty());
    world.sync(&mut joined);
    world.make(&mut joined, 2);
    world.sync(&mut first);
    assert_eq!(first.notices, [SyncNotice::Removed]);
    assert!(joined.has(1) && !first.has(2));
    // Another's paper does not open it.
    let stranger = DeviceKeys::generate(&world.crypto).unwrap();
    let circle = Circle::recover(world.crypto.clone(), world.config, stranger, id, now);
    let mut stranger = world.device(circle, Zeroizing::new([0; 64]));
    world.sync(&mut stranger);
    assert!(!stranger.has(1) && stranger.notices == [SyncNotice::Removed]);
}

#[test]
fn nobody_is_added_who_did_not_agree_to_it() {
    let mut world = World::new(52);
    let mut devices = world.circle(2);
    let keys = DeviceKeys::generate(&world.crypto).unwrap();
    let (circle, first, second) = (devices[0].circle.id(), devices[0].id(), devices[1].id());
    let now = world.moment_now();
    for (circle, sponsor) in
        [(Some(circle), second), (Some(ObjectHash([1; 16])), first), (None, first)]
    {
        let introduced = keys.introduce(circle, sponsor, MemberKind::Device).unwrap();
        assert_eq!(devices[0].circle.add(introduced, now), Err(CircleError::NoConsent));
    }
    // Nor as something else.
    let mut introduced = keys.introduce(Some(circle), first, MemberKind::Device).unwrap();
    introduced.kind = MemberKind::Paper;
    assert_eq!(devices[0].circle.add(introduced, now), Err(CircleError::NoConsent));
    assert_eq!(devices[0].circle.members().count(), 3);
}
