//! Keys in a real TPM, which is software.

use towline_authenticator::{Custody, KeyError, KeyHandle, KeyStore, SoftwareKeys, Work};
use towline_tpm::{Error, Handle, KeyState, PATIENCE, TpmBinding, TpmCommand, TpmKeys};
use zeroize::Zeroizing;

use crate::{
    swtpm::{Swtpm, tapped, worker},
    vectors::provider,
};

pub(crate) fn done<T, E>(work: Work<T, E>) -> Result<T, E> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

fn keys(swtpm: &Swtpm) -> (TpmKeys, TpmBinding) {
    let worker = worker(swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    (TpmKeys::open(worker, provider(), binding.clone()).unwrap(), binding)
}

#[test]
fn keys_of_each_algorithm_sign() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (mut keys, binding) = keys(&swtpm);
    assert_eq!(keys.algorithms(), [-7, -257, -35]);
    assert_eq!(TpmBinding::decode(&binding.encode()).unwrap(), binding);
    for (algorithm, length) in [(-7, 199), (-35, 247), (-257, 487)] {
        let new = done(keys.generate(algorithm)).unwrap();
        assert_eq!(new.handle.expose().len(), length);
        assert_eq!(keys.custody(&new.handle), Custody::Wrapped);
        assert_eq!(keys.state(&new.handle), KeyState::Here);
        assert_eq!(done(keys.public_key(&new.handle)).unwrap(), new.public_key);
        let signature = done(keys.sign(&new.handle, &[b"authenticator data", b"hash"])).unwrap();
        let provider = towline_crypto_aws_lc::provider();
        let verifier = provider.signature(algorithm).unwrap();
        let public = new.public_key.to_plain().unwrap();
        verifier.verify(&public, b"authenticator datahash", &signature).unwrap();
    }
    let unknown = done(keys.generate(-8)).unwrap_err();
    assert_eq!(unknown, KeyError::Unsupported(-8));
}

#[test]
fn a_store_keeps_the_keys_in_software_that_it_has() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (mut keys, _) = keys(&swtpm);
    let before = done(SoftwareKeys::new(provider()).generate(-7)).unwrap();
    assert_eq!(keys.state(&before.handle), KeyState::Software);
    assert_eq!(keys.custody(&before.handle), Custody::Handle);
    let signature = done(keys.sign(&before.handle, &[b"message"])).unwrap();
    let public = before.public_key.to_plain().unwrap();
    provider().signature(-7).unwrap().verify(&public, b"message", &signature).unwrap();
}

#[test]
fn a_restart_of_the_tpm_is_not_noticed() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let (mut keys, _) = keys(&swtpm);
    let new = done(keys.generate(-7)).unwrap();
    for _ in 0..3 {
        swtpm.restart();
        done(keys.sign(&new.handle, &[b"message"])).unwrap();
    }
}

#[test]
fn another_tpm_and_a_damaged_key_are_told_apart() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let (mut keys, binding) = keys(&swtpm);
    let new = done(keys.generate(-7)).unwrap();

    let refused = TpmKeys::open(worker(&other), provider(), binding.clone()).unwrap_err();
    assert!(matches!(refused, Error::AnotherTpm), "{refused}");
    let moved = binding.moved(&worker(&other)).unwrap();
    let mut elsewhere = TpmKeys::open(worker(&other), provider(), moved.clone()).unwrap();
    assert_eq!(elsewhere.state(&new.handle), KeyState::AnotherTpm);
    assert_eq!(KeyState::of(&new.handle, None), KeyState::AnotherTpm);
    let refused = done(elsewhere.sign(&new.handle, &[b"message"])).unwrap_err();
    assert!(refused.to_string().contains("another TPM"), "{refused}");
    // The other one goes on with keys of its own.
    let own = done(elsewhere.generate(-7)).unwrap();
    done(elsewhere.sign(&own.handle, &[b"message"])).unwrap();

    let whole = new.handle.expose();
    for place in [9, 40, 60, 100, 134, 136, 190, 198] {
        let mut bytes = whole.to_vec();
        bytes[place] ^= 1;
        let damaged = KeyHandle::new(-7, Zeroizing::new(bytes.into()));
        let refused = done(keys.sign(&damaged, &[b"message"])).unwrap_err();
        assert_eq!(refused, KeyError::InvalidKey, "byte {place}");
    }
    done(keys.sign(&new.handle, &[b"message"])).unwrap();
}

/// TPM2_Clear by the lockout hierarchy, whose password is empty, as its owner would.
const CLEAR: [u8; 27] =
    *b"\x80\x02\0\0\0\x1b\0\0\x01\x26\x40\0\0\x0a\0\0\0\x09\x40\0\0\x09\0\0\0\0\0";

pub(crate) fn clear(swtpm: &Swtpm) {
    let place = towline_tpm::TpmPlace::Unix(swtpm.socket());
    let mut response = Vec::new();
    place.open(PATIENCE).unwrap().exchange(&CLEAR, &mut response).unwrap();
    assert_eq!(response[6..10], [0; 4], "{response:02x?}");
}

#[test]
fn a_cleared_tpm_is_told_from_another_one() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let (mut keys, binding) = keys(&swtpm);
    let new = done(keys.generate(-7)).unwrap();
    drop(keys);
    binding.check(&worker(&swtpm)).unwrap();
    clear(&swtpm);
    let cleared = binding.check(&worker(&swtpm)).unwrap_err();
    assert!(matches!(cleared, Error::Cleared), "{cleared}");
    let refused = TpmKeys::open(worker(&swtpm), provider(), binding.clone()).unwrap_err();
    assert!(matches!(refused, Error::Cleared), "{refused}");
    let elsewhere = binding.check(&worker(&other)).unwrap_err();
    assert!(matches!(elsewhere, Error::AnotherTpm), "{elsewhere}");

    let moved = binding.moved(&worker(&swtpm)).unwrap();
    let mut after = TpmKeys::open(worker(&swtpm), provider(), moved).unwrap();
    assert_eq!(after.state(&new.handle), KeyState::AnotherTpm);
    done(after.sign(&new.handle, &[b"message"])).unwrap_err();
    done(after.generate(-7)).unwrap();
    drop(after);

    // One that was kept before this could be told.
    let old = binding.encode();
    let before = TpmBinding::decode(&old[..old.len() - 8]).unwrap();
    let unknown = before.check(&worker(&swtpm)).unwrap_err();
    assert!(matches!(unknown, Error::AnotherTpm), "{unknown}");
}

#[test]
fn a_store_that_was_copied_without_its_secret_signs_nothing() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (mut keys, _) = keys(&swtpm);
    let new = done(keys.generate(-7)).unwrap();
    drop(keys);
    let (mut thief, _) = self::keys(&swtpm);
    let refused = done(thief.sign(&new.handle, &[b"message"])).unwrap_err();
    assert!(refused.to_string().contains("authorisation is wrong"), "{refused}");
}

#[test]
fn nothing_stays_in_the_tpm() {
    let Some(swtpm) = Swtpm::new() else { return };
    let worker = worker(&swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut keys = TpmKeys::open(worker.clone(), provider(), binding).unwrap();
    let new = done(keys.generate(-7)).unwrap();
    let mut damaged = new.handle.expose().to_vec();
    damaged[50] ^= 1;
    let damaged = KeyHandle::new(-7, Zeroizing::new(damaged.into()));
    for _ in 0..8 {
        done(keys.sign(&new.handle, &[b"message"])).unwrap();
        done(keys.sign(&damaged, &[b"message"])).unwrap_err();
    }
    let count = |from| {
        let listed = worker.run(PATIENCE, move |tpm| tpm.run(TpmCommand::handles(Handle(from))));
        let kind = |handle: &&Handle| handle.0 >> 24 == from >> 24;
        listed.unwrap().values.iter().filter(kind).count()
    };
    assert_eq!(count(0x8000_0000), 1, "the parent");
    assert!(count(0x0200_0000) <= 1, "a session");
}

#[test]
fn a_signature_takes_two_round_trips_before_it_is_there() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (_, commands, worker) = tapped(&swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut keys = TpmKeys::open(worker.clone(), provider(), binding).unwrap();
    let new = done(keys.generate(-7)).unwrap();
    done(keys.sign(&new.handle, &[b"message"])).unwrap();
    // Whatever comes after a signature is done when the worker takes the next job.
    worker.run(PATIENCE, |_| Ok(())).unwrap();
    commands.lock().unwrap().clear();
    done(keys.sign(&new.handle, &[b"message"])).unwrap();
    worker.run(PATIENCE, |_| Ok(())).unwrap();
    const LOAD: u32 = 0x157;
    const SIGN: u32 = 0x15d;
    const FLUSH: u32 = 0x165;
    assert_eq!(*commands.lock().unwrap(), [LOAD, SIGN, FLUSH], "the flush is for nobody to wait");
}

#[test]
fn a_reset_makes_every_key_from_before_useless() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (keys, _) = keys(&swtpm);
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let place = std::sync::Arc::clone(&kept);
    let mut keys = keys.keeping(move |binding: &TpmBinding| {
        *place.lock().unwrap() = Some(binding.clone());
        Ok(())
    });
    let before = done(keys.generate(-7)).unwrap();
    done(keys.clear()).unwrap();
    done(keys.sign(&before.handle, &[b"message"])).unwrap_err();
    let after = done(keys.generate(-7)).unwrap();
    drop(keys);
    let binding = kept.lock().unwrap().clone().unwrap();
    let mut again = TpmKeys::open(worker(&swtpm), provider(), binding).unwrap();
    done(again.sign(&after.handle, &[b"message"])).unwrap();
    done(again.sign(&before.handle, &[b"message"])).unwrap_err();
}

#[test]
fn a_reset_that_could_not_be_kept_makes_no_keys() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (keys, _) = keys(&swtpm);
    let mut keys = keys.keeping(|_: &TpmBinding| Err("the disk is full".into()));
    let refused = done(keys.clear()).unwrap_err();
    assert!(refused.to_string().contains("the disk is full"), "{refused}");
    let refused = done(keys.generate(-7)).unwrap_err();
    assert!(refused.to_string().contains("reset once more"), "{refused}");
}

#[test]
fn a_key_behind_the_pin_signs_as_long_as_the_pin_is_good() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (keys, _) = keys(&swtpm);
    let mut keys = keys.behind_the_pin();
    let opened = towline_crypto::Secret::new([9; 32]);
    done(keys.unlock(&opened)).unwrap();
    let new = done(keys.generate(-7)).unwrap();
    assert_eq!(new.handle.expose().len(), 199, "it fits into an id as well");
    done(keys.sign(&new.handle, &[b"message"])).unwrap();
    keys.lock();
    let refused = done(keys.sign(&new.handle, &[b"message"])).unwrap_err();
    assert!(refused.to_string().contains("with the PIN only"), "{refused}");
    done(keys.unlock(&towline_crypto::Secret::new([8; 32]))).unwrap();
    done(keys.sign(&new.handle, &[b"message"])).unwrap_err();
    done(keys.unlock(&opened)).unwrap();
    done(keys.sign(&new.handle, &[b"message"])).unwrap();
}
