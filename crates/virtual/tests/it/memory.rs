//! What a virtual authenticator takes from the heap.

use allocation_counter::measure;
use towline_virtual::VirtualAuthenticator;

use crate::options::{ORIGIN, create, get};

/// 40 MiB for ten thousand of them.
const EACH: i64 = 40 * 1024 * 1024 / 10_000;

#[test]
fn ten_thousand_authenticators_fit_in_40_mib() {
    // What all of them share is there after the first.
    let first = VirtualAuthenticator::security_key();
    for preset in [
        VirtualAuthenticator::security_key,
        VirtualAuthenticator::fingerprint_key,
        VirtualAuthenticator::platform,
        VirtualAuthenticator::synced_passkey,
        VirtualAuthenticator::phone,
        VirtualAuthenticator::u2f_key,
    ] {
        let mut all = Vec::with_capacity(100);
        let info = measure(|| all.extend((0..100).map(|_| preset())));
        let each = info.bytes_current / 100;
        println!("{:?}: {each} bytes", all[0]);
        assert!(each <= EACH, "{:?}: {each} bytes", all[0]);
    }
    drop(first);
}

#[test]
fn thousands_of_rounds_leave_nothing_behind() {
    let device = VirtualAuthenticator::security_key();
    let round = || {
        device.create(ORIGIN, &create("alice")).unwrap();
        device.get(ORIGIN, &get()).unwrap();
    };
    // A store remembers a number of changes.
    (0..300).for_each(|_| round());
    let info = measure(|| (0..200).for_each(|_| round()));
    assert!(info.bytes_current.abs() < 16 * 1024, "{} bytes more", info.bytes_current);
    assert_eq!(device.passkeys().len(), 1);
}
