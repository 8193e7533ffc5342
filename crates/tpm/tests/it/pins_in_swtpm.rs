//! A PIN that a real TPM counts, which is software.

use towline_authenticator::{PinComparison, PinHash, PinVerifier, PinVerifierError, SoftwarePin};
use towline_crypto::Secret;
use towline_tpm::{Handle, PATIENCE, TpmBinding, TpmCommand, TpmPin, Worker};

use crate::{
    keys_in_swtpm::done,
    swtpm::{Swtpm, tapped, worker},
    vectors::provider,
};

fn pin(text: &str) -> PinHash {
    let hash = provider().sha256.hash(&[text.as_bytes()]);
    PinHash::new(Secret::from_slice(&hash[..16]).unwrap())
}

struct Rig {
    worker: Worker,
    pin: TpmPin,
    binding: TpmBinding,
}

impl Rig {
    fn new(swtpm: &Swtpm) -> Self {
        let worker = worker(swtpm);
        let binding = TpmBinding::new(&worker, &provider()).unwrap();
        Self { pin: TpmPin::new(worker.clone(), provider(), &binding, 8), worker, binding }
    }

    /// As the program after a new start.
    fn again(&self) -> TpmPin {
        TpmPin::new(self.worker.clone(), provider(), &self.binding, 8)
    }

    fn indexes(&self) -> usize {
        let listed =
            self.worker.run(PATIENCE, |tpm| tpm.run(TpmCommand::handles(Handle(0x0100_0000))));
        let ours = |handle: &&Handle| handle.0 >> 22 == 0x0180_0000 >> 22;
        listed.unwrap().values.iter().filter(ours).count()
    }

    fn lockout(&self) -> u32 {
        let counter = self.worker.run(PATIENCE, |tpm| tpm.run(TpmCommand::properties(0x20e, 1)));
        counter.unwrap().values[0].1
    }
}

#[test]
fn the_tpm_counts_to_eight_and_stays_there() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let mut rig = Rig::new(&swtpm);
    let kept = done(rig.pin.set(&pin("1234"), None)).unwrap();
    let opened = done(rig.pin.compare(&kept, &pin("1234"))).unwrap();
    assert!(matches!(opened, PinComparison::Match { secret: Some(_) }));
    assert_eq!(done(rig.pin.tries_left(&kept)).unwrap(), Some(8));

    let wrong = done(rig.pin.compare(&kept, &pin("0000"))).unwrap();
    assert_eq!(wrong, PinComparison::Mismatch { left: Some(7) });
    assert_eq!(done(rig.pin.compare(&kept, &pin("1234"))).unwrap(), opened, "the same secret");
    assert_eq!(done(rig.pin.tries_left(&kept)).unwrap(), Some(8), "a match gives all back");

    for left in (0..8).rev() {
        // Power cuts give no try back, and take none.
        swtpm.restart();
        let mut pin_again = rig.again();
        assert_eq!(done(pin_again.tries_left(&kept)).unwrap(), Some(left + 1));
        let wrong = done(pin_again.compare(&kept, &pin("0000"))).unwrap();
        assert_eq!(wrong, PinComparison::Mismatch { left: Some(left) });
    }
    let blocked = done(rig.pin.compare(&kept, &pin("1234"))).unwrap();
    assert_eq!(blocked, PinComparison::Mismatch { left: Some(0) }, "the right one comes too late");
    assert_eq!(rig.lockout(), 0, "the lockout of the whole TPM was not touched");

    done(rig.pin.clear()).unwrap();
    assert_eq!(rig.indexes(), 0);
    assert_eq!(done(rig.pin.tries_left(&kept)).unwrap(), Some(0), "it is gone for good");
}

#[test]
fn a_new_pin_gives_the_same_secret_and_the_old_one_none() {
    let Some(swtpm) = Swtpm::new() else { return };
    let mut rig = Rig::new(&swtpm);
    let first = done(rig.pin.set(&pin("1234"), None)).unwrap();
    let PinComparison::Match { secret } = done(rig.pin.compare(&first, &pin("1234"))).unwrap()
    else {
        panic!("it is the PIN")
    };
    let second = done(rig.pin.set(&pin("5678"), secret.as_ref())).unwrap();
    // The store has the new one only now; until then the one before counts.
    assert!(matches!(
        done(rig.pin.compare(&first, &pin("1234"))).unwrap(),
        PinComparison::Match { .. }
    ));
    done(rig.pin.discard(&first)).unwrap();
    let opened = done(rig.pin.compare(&second, &pin("5678"))).unwrap();
    assert_eq!(opened, PinComparison::Match { secret });
    let gone = done(rig.pin.compare(&first, &pin("1234"))).unwrap();
    assert_eq!(gone, PinComparison::Mismatch { left: Some(0) });
    assert_eq!(rig.indexes(), 1);
}

#[test]
fn a_change_that_stops_halfway_leaves_nothing_that_adds_up() {
    let Some(swtpm) = Swtpm::new() else { return };
    let mut rig = Rig::new(&swtpm);
    let first = done(rig.pin.set(&pin("1234"), None)).unwrap();
    for attempt in 0..5 {
        // The program ends before the new PIN is stored, or before the old one is discarded.
        let mut pin_again = rig.again();
        assert_eq!(done(pin_again.tries_left(&first)).unwrap(), Some(8));
        let _never_stored = done(pin_again.set(&pin("5678"), None)).unwrap();
        assert_eq!(rig.indexes(), 2, "attempt {attempt}");
    }
    let opened = done(rig.again().compare(&first, &pin("1234"))).unwrap();
    assert!(matches!(opened, PinComparison::Match { .. }));
}

#[test]
fn what_is_no_pin_of_this_tpm_is_said_to_be_so() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let mut rig = Rig::new(&swtpm);
    let kept = done(rig.pin.set(&pin("1234"), None)).unwrap();
    let mut elsewhere = Rig::new(&other).pin;
    let refused = done(elsewhere.compare(&kept, &pin("1234"))).unwrap_err();
    assert!(refused.to_string().contains("another TPM"), "{refused}");
    for bytes in [&b""[..], &[0; 17], &kept[..kept.len() - 1]] {
        let refused = done(rig.pin.tries_left(bytes)).unwrap_err();
        assert_eq!(refused, PinVerifierError::Unreadable);
    }
    // A PIN from before is compared where it is.
    let before = done(SoftwarePin.set(&pin("1234"), None)).unwrap();
    let matched = done(rig.pin.compare(&before, &pin("1234"))).unwrap();
    assert_eq!(matched, PinComparison::Match { secret: None });
}

#[test]
fn nothing_that_is_secret_shows_on_the_way() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (tap, _, worker) = tapped(&swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut verifier = TpmPin::new(worker, provider(), &binding, 8);
    let secret = Secret::new([0x5a; 32]);
    let kept = done(verifier.set(&pin("1234"), Some(&secret))).unwrap();
    let opened = done(verifier.compare(&kept, &pin("1234"))).unwrap();
    assert_eq!(opened, PinComparison::Match { secret: Some(secret) });
    let seen = tap.lock().unwrap();
    assert!(seen.len() > 1000, "the tap works");
    assert!(!seen.windows(32).any(|window| window == [0x5a; 32]), "the secret was in clear");
    assert!(!seen.windows(16).any(|window| window == pin("1234").expose()));
}
