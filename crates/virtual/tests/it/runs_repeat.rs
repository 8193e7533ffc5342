//! One seed, one run.

use towline_virtual::Builder;

use crate::options::{ORIGIN, create, get_with, list};

/// A registration and a sign-in, to the last byte.
fn run(seed: u64, builder: fn() -> Builder) -> (String, String) {
    let device = builder().seed(seed).build().unwrap();
    let registration = device.create(ORIGIN, &create("alice")).unwrap();
    let allowed = get_with(&list("allowCredentials", device.passkeys()[0].id()));
    (registration, device.get(ORIGIN, &allowed).unwrap())
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_those_of_two_are_not() {
    let presets = [
        Builder::security_key,
        Builder::fingerprint_key,
        Builder::platform,
        Builder::synced_passkey,
        Builder::phone,
        || Builder::security_key().pin("2580"),
    ];
    for preset in presets {
        assert_eq!(run(7, preset), run(7, preset));
        assert_ne!(run(7, preset), run(8, preset));
    }
}

#[test]
fn ten_thousand_seeds_each_give_one_run() {
    // Ed25519 keys are the cheapest to make.
    let register = |seed| {
        let device = Builder::synced_passkey().algorithms(&[-8]).seed(seed).build().unwrap();
        device.create(ORIGIN, &create("alice")).unwrap()
    };
    let mut runs = std::collections::HashSet::new();
    for seed in 0..10_000 {
        let once = register(seed);
        assert_eq!(once, register(seed), "seed {seed}");
        assert!(runs.insert(once), "seed {seed} gives what another gave");
    }
}
