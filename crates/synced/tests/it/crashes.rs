//! Whatever fails, and whenever the program ends: what was acknowledged on a device is there, and
//! reaches the other one.

use towline_authenticator::Change;

use crate::support::*;

/// Both have done something that the other does not know.
fn before(world: &World) -> [Device; 2] {
    let [mut first, mut second] = world.two();
    (1..=3).for_each(|number| first.make(passkey(number)));
    world.settle([&mut first, &mut second]);
    second.make(passkey(4));
    second.rename(2, "of the second");
    second.commit(vec![Change::Remove(id(3))]);
    world.sync(&mut second);
    first.make(passkey(5));
    first.rename(1, "of the first");
    [first, second]
}

fn after(world: &World, first: Device, mut second: Device, at: usize) {
    let mut first = first.restart(world);
    assert!(first.get(5).is_some(), "acknowledged and lost, after {at}");
    assert_eq!(first.name(1).as_deref(), Some("of the first"), "after {at}");
    world.settle([&mut first, &mut second]);
    for device in [&mut first, &mut second] {
        let there = (1..=5).filter(|number| device.get(*number).is_some()).collect::<Vec<_>>();
        assert_eq!(there, [1, 2, 4, 5], "after {at}");
        assert_eq!(device.name(1).as_deref(), Some("of the first"), "after {at}");
        assert_eq!(device.name(2).as_deref(), Some("of the second"), "after {at}");
        let flags = (1..=5).filter_map(|number| device.get(number)).map(|it| it.backed_up);
        assert!(flags.into_iter().all(|backed_up| backed_up), "after {at}");
        assert!(device.notices.is_empty(), "{:?}, after {at}", device.notices);
    }
}

/// At each request to the circle's store in turn.
#[test]
fn whenever_it_ends_between_two_requests_nothing_is_lost() {
    for requests in 0.. {
        let world = World::new();
        let [mut first, second] = before(&world);
        let cut = world.cut(requests);
        world.sync_with(&mut first, &cut).unwrap();
        let through = cut.left.get() > 0;
        after(&world, first, second, requests);
        if through {
            assert!(requests > 5, "{requests}");
            return;
        }
    }
}

/// At each write of the device's own disk in turn, whole or torn.
#[test]
fn whenever_the_disk_fails_nothing_is_lost() {
    let mut failures = 0;
    for operations in 0.. {
        let world = World::new();
        let [mut first, second] = before(&world);
        first.disk.fails_after(operations);
        let failed = world.sync_with(&mut first, &world.cut(usize::MAX)).is_err();
        after(&world, first, second, operations as usize);
        failures += i64::from(failed);
        if !failed {
            assert!(failures > 10, "{failures}");
            return;
        }
    }
}
