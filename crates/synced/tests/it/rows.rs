//! What is kept of a circle is kept in rows, also where it was kept as one.

use towline_store::Store;
use towline_sync::CircleConfig;
use towline_synced::SyncedStore;
use towline_testkit::Disk;

use crate::support::*;

/// A store that the last version wrote which kept a circle as one: passkeys 1, 2, 4 and 5, a third
/// one that was deleted, another device that was removed, and a change that was not sent.
const FORMAT_5: &[u8] = include_bytes!("../../../store/tests/data/format-5.towline");

#[test]
fn a_circle_that_was_kept_as_one_goes_on_in_rows() {
    let world = World::new();
    let old = Disk::with(FORMAT_5);
    let store = Store::open_on(old.clone(), &key(), &crypto()).unwrap();
    assert_eq!(store.circle().unwrap().unwrap().rows.len(), 1);
    let config = CircleConfig::default();
    let synced = SyncedStore::open(store.clone(), crypto(), config, world.now()).unwrap().unwrap();
    let mut first = Device { store, synced, disk: old, notices: Vec::new() };
    let before = first.synced.circle().state().clone();
    assert_eq!((before.records().count(), before.buried()), (4, 1));
    let removed: Vec<_> = first.synced.circle().removed().collect();
    assert_eq!(first.synced.exposed(removed[0]).len(), 3);
    assert!(first.synced.circle().is_on_this_device_only());
    for look in 0..3 {
        world.sync(&mut first);
        // It was on a device that is out, and in a folder that is gone: all of it is written again.
        assert!(!first.synced.circle().is_on_this_device_only(), "look {look}");
        let rows = first.store.circle().unwrap().unwrap().rows;
        assert!(rows.len() > 12 && rows.iter().all(|(_, row)| row.len() < 3000), "{}", rows.len());
        first = first.restart(&world);
        assert_eq!(*first.synced.circle().state(), before);
        assert_eq!(first.synced.exposed(removed[0]).len(), 3);
        assert_eq!(first.synced.circle().removed().collect::<Vec<_>>(), removed);
    }
    let other = disk();
    let store = Store::create_on(other.clone(), &key(), &crypto()).unwrap();
    let mut second = world.join(&mut first, store, other);
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        let there = (1..=5).filter(|number| device.get(*number).is_some()).collect::<Vec<_>>();
        assert_eq!(there, [1, 2, 4, 5]);
        assert_eq!(device.name(2).as_deref(), Some("of the second"));
        assert_eq!(device.blob(4).as_deref(), Some(&b"a blob"[..]));
    }
}

/// All that a passkey which is made here costs on this device's disk, from when it is made until it
/// is in the circle's store.
#[test]
fn what_a_change_writes_does_not_grow_with_the_circle() {
    let written = |count: u8| {
        let world = World::new();
        let mut device = world.first(disk());
        (0..count).for_each(|number| device.make(passkey(number)));
        world.settle([&mut device]);
        let before = device.disk.written();
        device.make(passkey(u8::MAX));
        world.sync(&mut device);
        assert!(!device.synced.circle().is_on_this_device_only());
        device.disk.written() - before
    };
    let (few, many) = (written(2), written(250));
    println!("{few} bytes with 2 passkeys, {many} with 250");
    assert!(many < 2 * few + (64 << 10), "{few} bytes with 2 passkeys, {many} with 250");
}
