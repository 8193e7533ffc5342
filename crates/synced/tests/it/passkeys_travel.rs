//! What is made, changed and deleted on one device is so on the other.

use towline_authenticator::{Change, Counter, CredentialStore as _, FEED_LENGTH, Replaces};
use towline_store::{Error, Store};
use towline_sync::{Circle, CircleConfig, Content, DeviceKeys, MemberKind, Register, SyncNotice};
use towline_synced::{SyncedError, SyncedStore};

use crate::support::*;

#[test]
fn a_passkey_is_made_renamed_written_to_and_deleted_on_both() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    first.make(passkey(1));
    world.settle([&mut first, &mut second]);
    let there = second.get(1).unwrap();
    assert_eq!(there.key, passkey(1).key);
    assert_eq!(there.user, passkey(1).user);
    assert!(there.never_counts && there.backup_eligible && there.discoverable);

    second.rename(1, "Alice at work");
    first.write_blob(1, b"what the site keeps");
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert_eq!(device.name(1).as_deref(), Some("Alice at work"));
        assert_eq!(device.blob(1).unwrap(), b"what the site keeps");
    }

    second.commit(vec![Change::Remove(id(1))]);
    world.settle([&mut first, &mut second]);
    assert_eq!((first.get(1), second.get(1)), (None, None));
    assert!(first.notices.is_empty() && second.notices.is_empty());
}

/// So that an import does not bring it back by mistake.
#[test]
fn what_was_deleted_is_known_on_both_until_it_is_back() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    (1..=2).for_each(|number| first.make(passkey(number)));
    world.settle([&mut first, &mut second]);
    first.commit(vec![Change::Remove(id(1))]);
    assert_eq!(first.store.deleted_lately(), Ok([id(1)].into()));
    assert_eq!(second.store.deleted_lately(), Ok([].into()), "it has not heard yet");
    world.settle([&mut first, &mut second]);
    assert_eq!(second.store.deleted_lately(), Ok([id(1)].into()));
    second.make(passkey(1));
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert_eq!(device.store.deleted_lately(), Ok([].into()));
        device.commit(vec![Change::Remove(id(1))]);
        // As far as the feed reaches back.
        for _ in 0..FEED_LENGTH / 2 {
            device.rename(2, "one");
            device.rename(2, "other");
        }
        assert_eq!(device.store.deleted_lately(), Ok([].into()));
    }
}

#[test]
fn a_store_in_no_circle_asks_for_nothing_that_was_deleted() {
    let mut store = Store::create_on(disk(), &key(), &crypto()).unwrap();
    let save = |number| Change::Save {
        credential: Box::new(passkey(number)),
        replaces: Replaces::Nothing,
    };
    done(store.commit(vec![save(1)])).unwrap();
    done(store.commit(vec![Change::Remove(id(1))])).unwrap();
    assert_eq!(store.deleted_lately(), Ok([].into()));
}

/// BS is true at every moment.
#[test]
fn a_passkey_is_backed_up_once_it_is_in_the_circles_store_and_where_it_came_from_there() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    first.make(passkey(1));
    world.sync_with(&mut first, &world.cut(1)).unwrap();
    assert!(!first.get(1).unwrap().backed_up, "nothing was written yet");
    assert_eq!(first.synced.only_here(), 1);
    world.sync(&mut first);
    assert!(first.get(1).unwrap().backed_up);
    assert_eq!(first.get(1).unwrap().revision, 0);
    assert_eq!(first.synced.only_here(), 0);
    world.sync(&mut second);
    assert!(second.get(1).unwrap().backed_up);
}

#[test]
fn what_was_made_for_one_device_or_counts_stays_there() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    let mut bound = passkey(1);
    bound.backup_eligible = false;
    first.make(bound);
    first.make(passkey(2));
    done(first.store.count(Counter::Of(id(2)))).unwrap();
    world.settle([&mut first, &mut second]);
    assert_eq!((second.get(1), second.get(2)), (None, None));
    assert!(!first.get(1).unwrap().backed_up && !first.get(2).unwrap().backed_up);
}

/// It was known here, by the circle. That it takes no part does not mean that it is gone.
#[test]
fn one_that_counts_by_now_is_changed_here_alone_and_deleted_nowhere() {
    let world = World::new();
    let mut first = world.first(disk());
    first.make(passkey(1));
    world.sync(&mut first);
    let mut second = world.join_with(&mut first, &[passkey(1)], |store| {
        done(store.count(Counter::Of(id(1)))).unwrap();
    });
    second.rename(1, "Here");
    second.write_blob(1, b"here");
    world.settle([&mut first, &mut second]);
    assert_eq!(first.name(1).as_deref(), Some("user 1"));
    assert_eq!(second.name(1).as_deref(), Some("Here"));
    second.commit(vec![Change::Remove(id(1))]);
    world.settle([&mut first, &mut second]);
    assert_eq!(first.get(1), None);
}

/// The site knows both.
#[test]
fn two_devices_that_register_at_one_account_both_keep_theirs() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    let mut other = passkey(2);
    other.user.id = passkey(1).user.id;
    first.make(passkey(1));
    second.make(other.clone());
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert!(device.get(1).is_some() && device.get(2).is_some());
    }
    // One that takes the place of both here does so on the other device.
    let mut third = passkey(3);
    third.user.id = passkey(1).user.id;
    first.make(third);
    world.settle([&mut first, &mut second]);
    assert_eq!((second.get(1), second.get(2)), (None, None));
    assert!(second.get(3).is_some());
}

#[test]
fn a_store_that_joins_keeps_what_it_has_and_gets_what_there_is() {
    let world = World::new();
    let mut first = world.first(disk());
    first.make(passkey(1));
    first.make(passkey(2));
    first.rename(2, "Newer");
    world.sync(&mut first);
    let mut second = world.join_with(&mut first, &[passkey(2), passkey(3)], |_| {});
    assert!(second.get(1).is_some(), "before the folder was looked at");
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert!((1..=3).all(|number| device.get(number).is_some()));
        assert_eq!(device.name(2).as_deref(), Some("Newer"));
    }
}

/// The circle knows of no blob: what the site keeps here goes there.
#[test]
fn a_store_that_joins_keeps_the_large_blob_that_the_circle_does_not_have() {
    let world = World::new();
    let mut first = world.first(disk());
    first.make(passkey(1));
    world.sync(&mut first);
    let mut second = world.join_with(&mut first, &[with_blob(1, b"what the site keeps")], |_| {});
    assert_eq!(second.blob(1).unwrap(), b"what the site keeps");
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert_eq!(device.blob(1).unwrap(), b"what the site keeps");
    }
}

/// From the moment of joining it is known what was deleted afterwards, though nothing was asked of
/// the folder yet.
#[test]
fn what_is_deleted_or_renamed_right_after_joining_stays_so() {
    let world = World::new();
    let mut first = world.first(disk());
    (1..=2).for_each(|number| first.make(passkey(number)));
    world.sync(&mut first);
    let mut second = world.join_with(&mut first, &[passkey(2)], |_| {});
    world.sync_with(&mut second, &world.cut(0)).unwrap();
    second.commit(vec![Change::Remove(id(1))]);
    second.rename(2, "Newer");
    let mut second = second.restart(&world);
    assert_eq!(second.get(1), None);
    assert_eq!(second.name(2).as_deref(), Some("Newer"));
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        assert_eq!(device.get(1), None);
        assert_eq!(device.name(2).as_deref(), Some("Newer"));
    }
}

/// BS, and no counts, on all of the devices that have it.
#[test]
fn a_passkey_that_both_had_or_that_a_backup_brings_again_is_backed_up() {
    let world = World::new();
    let mut first = world.first(disk());
    first.make(passkey(1));
    world.sync(&mut first);
    let mut second = world.join_with(&mut first, &[passkey(1)], |_| {});
    for _ in 0..2 {
        world.sync(&mut second);
        let there = second.get(1).unwrap();
        assert!(there.backed_up && there.never_counts);
        assert_eq!(second.synced.only_here(), 0);
        let (credential, replaces) = (Box::new(passkey(1)), Replaces::Nothing);
        second.commit(vec![Change::Save { credential, replaces }]);
        assert!(!second.get(1).unwrap().backed_up);
    }
}

#[test]
fn what_was_done_while_no_program_synced_is_told_however_much_it_is() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    (1..=3).for_each(|number| first.make(passkey(number)));
    world.settle([&mut first, &mut second]);
    let Device { mut store, synced, disk, notices } = first;
    drop(synced);
    done(store.commit(vec![Change::Remove(id(1))])).unwrap();
    // More than the feed of changes reaches back.
    for _ in 0..=FEED_LENGTH / 2 {
        for name in ["one", "other"] {
            let user = towline_ctap::User { name: Some(name.into()), ..passkey(2).user };
            done(store.commit(vec![Change::Rename { id: id(2), user, at: None }])).unwrap();
        }
    }
    let config = CircleConfig::default();
    let synced = SyncedStore::open(store.clone(), crypto(), config, world.now());
    let mut first = Device { store, synced: synced.unwrap().unwrap(), disk, notices };
    world.settle([&mut first, &mut second]);
    assert_eq!(second.get(1), None);
    assert_eq!(second.name(2).as_deref(), Some("other"));
    assert!(second.get(3).is_some() && first.get(3).is_some());
}

#[test]
fn keys_of_an_earlier_try_are_used_again_unless_they_can_not_be_read() {
    let store = Store::create_on(disk(), &key(), &crypto()).unwrap();
    store.prepare_circle(b"damaged").unwrap();
    let keys = || SyncedStore::keys_to_join(&store, &crypto(), false).unwrap().id();
    let first = keys();
    assert_eq!(keys(), first);
}

/// A reset is of one device: the others keep their passkeys.
#[test]
fn a_reset_ends_it_for_this_device_and_deletes_nothing_elsewhere() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    first.make(passkey(1));
    world.settle([&mut first, &mut second]);
    done(first.store.clear()).unwrap();
    let ended = world.sync_with(&mut first, &world.cut(usize::MAX));
    assert_eq!(ended, Err(SyncedError::Kept(Error::NoCircle)));
    world.sync(&mut second);
    assert!(second.get(1).is_some());
}

#[test]
fn a_removed_device_keeps_what_it_has_and_the_others_are_told_what_it_can_have() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    first.make(passkey(1));
    world.settle([&mut first, &mut second]);
    let thief = second.synced.circle().device();
    let now = world.now();
    first.synced.circle_mut().remove(&[thief].into(), now).unwrap();
    first.make(passkey(2));
    world.settle([&mut first, &mut second]);
    assert_eq!(second.notices, [SyncNotice::Removed]);
    assert!(second.get(1).is_some() && second.get(2).is_none());
    let exposed = first.synced.exposed(thief);
    let of: Vec<_> = exposed.iter().map(|(_, it)| it.as_ref().unwrap().id.clone()).collect();
    assert_eq!(of, [id(1)]);
    first.synced.circle_mut().tick_off(exposed[0].0);
    world.sync(&mut first);
    assert_eq!(first.restart(&world).synced.exposed(thief).len(), 0);
}

/// What a later version wrote is not in this store, which does not mean that somebody deleted it.
#[test]
fn what_can_not_be_read_here_is_deleted_nowhere() {
    let world = World::new();
    let [mut first, mut second] = world.two();
    first.make(passkey(1));
    first.make(passkey(2));
    world.sync(&mut first);
    let circle = first.synced.circle_mut();
    let later = Content::new(vec![0; 17 << 10]);
    let mut passkeys = circle.passkeys();
    let of_one = passkeys.find(|record| {
        let names = circle.state().written(*record, Register::Names).unwrap();
        names.expose().windows(6).any(|part| part == b"user 1")
    });
    drop(passkeys);
    assert!(circle.write(of_one.unwrap(), Register::Names, &later, world.now()));
    world.settle([&mut first, &mut second]);
    assert_eq!((second.synced.unreadable(), second.get(1)), (1, None));
    for _ in 0..=FEED_LENGTH / 2 {
        second.rename(2, "one");
        second.rename(2, "other");
    }
    world.settle([&mut first, &mut second]);
    assert_eq!(first.name(2).as_deref(), Some("other"));
    assert!(first.get(1).is_some() && first.synced.unreadable() == 1);
}

/// It could not be read at the next start.
#[test]
fn an_address_that_is_too_long_is_refused_before_anything_is_kept() {
    let world = World::new();
    let (crypto, keys) = (crypto(), DeviceKeys::generate(&crypto()).unwrap());
    let paper = DeviceKeys::generate(&crypto).unwrap();
    let paper = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
    let own = DeviceKeys::from_bytes(&crypto, &keys.to_bytes().unwrap()).unwrap();
    let (config, now) = (CircleConfig::default(), world.now());
    let circle = Circle::begin(crypto.clone(), config, own, paper, now).unwrap();
    let store = Store::create_on(disk(), &key(), &crypto).unwrap();
    let address = "a".repeat((16 << 10) + 1);
    let begun = SyncedStore::begin(store.clone(), crypto, &keys, circle, &address, now);
    assert_eq!(begun.map(drop), Err(SyncedError::Address));
    assert_eq!(store.circle(), Ok(None));
}
