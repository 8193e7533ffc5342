//! PINs that something else than this program keeps and compares, slowly, with a counter of its
//! own, and with failures.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::rig::{commands::PIN, platform::*, *};
use towline_authenticator::{
    Authenticator, Config, CredentialStore, Custody, KeyError, KeyHandle, KeyStore, MemoryStore,
    NewKey, PinComparison, PinHash, PinVerifier, PinVerifierError, Record, ResetTime, SoftwareKeys,
    SoftwarePin, Work,
};
use towline_crypto::Secret;
use towline_ctap::{ClientPinRequest, CosePublicKey, Permissions, Request, Status};
use zeroize::Zeroizing;

/// As a TPM does it: what is kept is the number of an index, which holds the PIN, a count and a
/// secret.
#[derive(Clone, Default)]
struct Chip(Arc<Mutex<Vec<Option<Index>>>>, Arc<AtomicBool>, Arc<AtomicBool>);

struct Index {
    pin: [u8; 16],
    left: u8,
    secret: [u8; 32],
}

/// How many tries an index allows.
const LIMIT: u8 = 5;

impl Chip {
    fn failing(&self, fails: bool) {
        self.1.store(fails, Relaxed);
    }

    fn slow(&self, is_slow: bool) {
        self.2.store(is_slow, Relaxed);
    }

    /// The indexes that there are.
    fn indexes(&self) -> usize {
        self.0.lock().unwrap().iter().flatten().count()
    }

    fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Option<Index>>) -> Result<T, PinVerifierError> + Send + 'static,
    ) -> Work<T, PinVerifierError> {
        let (indexes, fails) = (self.0.clone(), self.1.load(Relaxed));
        let run = move || {
            if fails {
                return Err(PinVerifierError::Unavailable("told to".into()));
            }
            work(&mut indexes.lock().unwrap())
        };
        if self.2.load(Relaxed) { Work::later(run) } else { run().into() }
    }

    fn at<T: Send + 'static>(
        &self,
        kept: &[u8],
        work: impl FnOnce(&mut Option<Index>) -> Result<T, PinVerifierError> + Send + 'static,
    ) -> Work<T, PinVerifierError> {
        let place = kept.first().map(|place| usize::from(*place));
        self.work(move |indexes| {
            work(
                place
                    .and_then(|place| indexes.get_mut(place))
                    .ok_or(PinVerifierError::Unreadable)?,
            )
        })
    }
}

impl PinVerifier for Chip {
    fn set(
        &mut self,
        pin: &PinHash,
        secret: Option<&Secret<32>>,
    ) -> Work<Zeroizing<Vec<u8>>, PinVerifierError> {
        let (pin, secret) = (*pin.expose(), secret.map_or([9; 32], |secret| *secret.expose()));
        self.work(move |indexes| {
            indexes.push(Some(Index { pin, left: LIMIT, secret }));
            Ok(Zeroizing::new(vec![u8::try_from(indexes.len() - 1).unwrap()]))
        })
    }

    fn compare(&mut self, kept: &[u8], pin: &PinHash) -> Work<PinComparison, PinVerifierError> {
        let pin = *pin.expose();
        self.at(kept, move |index| {
            let index = index.as_mut().ok_or(PinVerifierError::Unreadable)?;
            if index.left > 0 && index.pin == pin {
                index.left = LIMIT;
                return Ok(PinComparison::Match { secret: Some(Secret::new(index.secret)) });
            }
            index.left = index.left.saturating_sub(1);
            Ok(PinComparison::Mismatch { left: Some(index.left) })
        })
    }

    fn tries_left(&mut self, kept: &[u8]) -> Work<Option<u8>, PinVerifierError> {
        self.at(kept, |index| Ok(Some(index.as_ref().ok_or(PinVerifierError::Unreadable)?.left)))
    }

    fn discard(&mut self, kept: &[u8]) -> Work<(), PinVerifierError> {
        self.at(kept, |index| {
            *index = None;
            Ok(())
        })
    }

    fn clear(&mut self) -> Work<(), PinVerifierError> {
        self.work(|indexes| {
            indexes.clear();
            Ok(())
        })
    }
}

/// Keys that are told what the PIN opens.
#[derive(Clone)]
struct Guarded(Arc<Mutex<SoftwareKeys>>, Arc<Mutex<Option<[u8; 32]>>>);

impl Guarded {
    fn opened_by(&self) -> Option<[u8; 32]> {
        *self.1.lock().unwrap()
    }
}

impl KeyStore for Guarded {
    fn algorithms(&self) -> Vec<i64> {
        self.0.lock().unwrap().algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        self.0.lock().unwrap().generate(algorithm)
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.0.lock().unwrap().sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.0.lock().unwrap().public_key(key)
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.0.lock().unwrap().custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.0.lock().unwrap().forget(key)
    }

    fn unlock(&mut self, secret: &Secret<32>) -> Work<(), KeyError> {
        *self.1.lock().unwrap() = Some(*secret.expose());
        Work::ready(())
    }

    fn lock(&mut self) {
        *self.1.lock().unwrap() = None;
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.0.lock().unwrap().clear()
    }
}

fn over(store: &MemoryStore, verifier: impl PinVerifier + 'static) -> (Rig, Guarded) {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let provider = towline_crypto::rustcrypto::provider();
    let keys = Guarded(Arc::new(Mutex::new(SoftwareKeys::new(provider.clone()))), Arc::default());
    let mut rig =
        Rig::with(config.clone(), provider.clone(), store.clone(), store.clone(), keys.clone());
    rig.authenticator = Authenticator::new(config, provider, store.clone(), keys.clone())
        .unwrap()
        .with_pin_verifier(verifier);
    (rig, keys)
}

fn with_pin(chip: &Chip) -> (Rig, Guarded) {
    let (mut rig, keys) = over(&MemoryStore::new(), chip.clone());
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    (rig, keys)
}

fn try_pin(rig: &mut Rig, pin: &str) -> Result<PlatformToken, Status> {
    Platform::agree(rig, 2).pin_token(rig, pin, Permissions::GA, Some("example.org"))
}

fn change_pin_request(rig: &mut Rig) -> Request {
    let platform = Platform::agree(rig, 2);
    let (new_pin_enc, pin_hash_enc) = (platform.padded("another"), platform.pin_hash(PIN));
    ClientPinRequest::ChangePin {
        protocol: 2,
        key_agreement: platform.key,
        param: platform.mac(&[new_pin_enc.clone(), pin_hash_enc.clone()].concat()),
        new_pin_enc,
        pin_hash_enc,
    }
    .into()
}

fn record(rig: &Rig) -> Vec<u8> {
    let Work::Done(Ok(Some(record))) = rig.store.clone().record(Record::Pin) else { panic!() };
    record.to_vec()
}

#[test]
fn a_pin_is_compared_where_it_is_kept_and_the_store_has_nothing_to_search() {
    for is_slow in [false, true] {
        let chip = Chip::default();
        chip.slow(is_slow);
        let (mut rig, _) = with_pin(&chip);
        assert_eq!(record(&rig), [0, 9], "an index, and the length");
        try_pin(&mut rig, PIN).unwrap();
        assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
        Platform::agree(&mut rig, 2).change_pin(&mut rig, PIN, "another").unwrap();
        assert_eq!((record(&rig), chip.indexes()), (vec![1, 7], 1), "the old one is gone");
        assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinInvalid));
        try_pin(&mut rig, "another").unwrap();
        rig.call(&Request::Reset).unwrap();
        assert_eq!(chip.indexes(), 0);
        assert_eq!(rig.info().options.client_pin, Some(false));
    }
}

#[test]
fn a_verifier_that_counts_may_have_fewer_tries_left_than_were_counted() {
    for is_slow in [false, true] {
        let chip = Chip::default();
        chip.slow(is_slow);
        let (mut rig, _) = with_pin(&chip);
        try_pin(&mut rig, PIN).unwrap();
        assert_eq!(pin_retries(&mut rig), (LIMIT.into(), None));
        for left in [4, 3] {
            assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
            assert_eq!(pin_retries(&mut rig), (left, None));
        }
        assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinAuthBlocked), "three in a row");
        assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinAuthBlocked));
        // A restart, or a copy of the store from before, gives none back.
        let (mut rig, _) = over(&rig.store, chip.clone());
        assert_eq!(pin_retries(&mut rig), (2, None));
        assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
        assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinBlocked));
        assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinBlocked));
        let (mut rig, _) = over(&rig.store, chip.clone());
        assert_eq!(pin_retries(&mut rig), (0, None));
        assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinBlocked));
    }
}

#[test]
fn a_comparison_that_fails_costs_a_try_and_is_no_mismatch() {
    for is_slow in [false, true] {
        let chip = Chip::default();
        let (mut rig, _) = with_pin(&chip);
        chip.slow(is_slow);
        assert_eq!(pin_retries(&mut rig), (8, None));
        for left in [7, 6, 5, 4] {
            let platform = Platform::agree(&mut rig, 2);
            chip.failing(true);
            let failed = platform.pin_token(&mut rig, PIN, Permissions::GA, Some("example.org"));
            assert_eq!(failed, Err(Status::Other));
            chip.failing(false);
            assert_eq!(pin_retries(&mut rig), (left, None), "not one in a row");
        }
        try_pin(&mut rig, PIN).unwrap();
        assert_eq!(pin_retries(&mut rig), (LIMIT.into(), None));
    }
}

#[test]
fn a_try_is_taken_before_a_slow_comparison_begins() {
    let chip = Chip::default();
    let (mut rig, _) = with_pin(&chip);
    let platform = Platform::agree(&mut rig, 2);
    chip.slow(true);
    rig.works = false;
    let request = ClientPinRequest::GetPinToken {
        protocol: 2,
        key_agreement: platform.key,
        pin_hash_enc: platform.pin_hash(PIN),
    };
    rig.send(HOME, &Request::from(request).encode());
    let Work::Done(Ok(Some(left))) = rig.store.clone().record(Record::PinRetries) else { panic!() };
    assert_eq!((rig.jobs.len(), &left[..]), (1, &[7][..]));
    rig.cancel(HOME);
    assert!(rig.responses.is_empty(), "it is too late: the client learns the truth");
    while !rig.jobs.is_empty() {
        rig.work();
    }
    assert_eq!(rig.status(), Status::Ok);
    let Work::Done(Ok(Some(left))) = rig.store.clone().record(Record::PinRetries) else { panic!() };
    assert_eq!(*left, [8]);
}

#[test]
fn a_pin_that_cannot_be_set_changes_nothing() {
    let chip = Chip::default();
    let (mut rig, _) = over(&MemoryStore::new(), chip.clone());
    let platform = Platform::agree(&mut rig, 2);
    chip.failing(true);
    assert_eq!(platform.set_pin(&mut rig, PIN), Err(Status::Other));
    chip.failing(false);
    assert_eq!(rig.info().options.client_pin, Some(false));
    platform.set_pin(&mut rig, PIN).unwrap();
    try_pin(&mut rig, PIN).unwrap();
    assert_eq!(chip.indexes(), 1);
}

#[test]
fn what_the_pin_opens_the_key_store_has_as_long_as_the_token_lives() {
    let chip = Chip::default();
    let (mut rig, keys) = with_pin(&chip);
    assert_eq!(keys.opened_by(), None);
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
    assert_eq!(keys.opened_by(), None);
    try_pin(&mut rig, PIN).unwrap();
    assert_eq!(keys.opened_by(), Some([9; 32]));
    rig.info();
    assert_eq!(keys.opened_by(), Some([9; 32]), "the token lives on");
    rig.power_up();
    assert_eq!(keys.opened_by(), None);
    try_pin(&mut rig, PIN).unwrap();
    rig.pass(std::time::Duration::from_secs(700));
    assert_eq!(keys.opened_by(), None, "the token is over");
    // Another PIN gives the same.
    Platform::agree(&mut rig, 2).change_pin(&mut rig, PIN, "another").unwrap();
    assert_eq!(keys.opened_by(), None);
    try_pin(&mut rig, "another").unwrap();
    assert_eq!(keys.opened_by(), Some([9; 32]));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(keys.opened_by(), None);
}

#[test]
fn what_the_pin_opened_closes_with_a_change_that_nobody_waits_for() {
    let mut changed = 0;
    for jobs in 0.. {
        let (store, mut config) = (MemoryStore::new(), Config::security_key());
        config.timing.work_timeout = std::time::Duration::from_secs(1);
        let provider = towline_crypto::rustcrypto::provider();
        let keys =
            Guarded(Arc::new(Mutex::new(SoftwareKeys::new(provider.clone()))), Arc::default());
        let slow = RiggedStore::slow(store.clone());
        let mut rig =
            Rig::with(config.clone(), provider.clone(), store, slow.clone(), keys.clone());
        rig.authenticator = Authenticator::new(config, provider, slow, keys.clone())
            .unwrap()
            .with_pin_verifier(Chip::default());
        Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
        try_pin(&mut rig, PIN).unwrap();
        let (before, request) = (record(&rig), change_pin_request(&mut rig));
        rig.works = false;
        rig.send(HOME, &request.encode());
        for _ in 0..jobs {
            if !rig.jobs.is_empty() {
                rig.work();
            }
        }
        if !rig.responses.is_empty() {
            break;
        }
        rig.pass(std::time::Duration::from_secs(1));
        assert_eq!(rig.status(), Status::Other);
        assert_eq!(keys.opened_by(), Some([9; 32]));
        rig.works = true;
        rig.work();
        if record(&rig) != before {
            changed += 1;
            assert_eq!(keys.opened_by(), None);
        }
    }
    assert!(changed > 0);
}

#[test]
fn a_reset_whose_verifier_fails_is_told_as_failed_and_done_by_another() {
    let chip = Chip::default();
    let (mut rig, _) = with_pin(&chip);
    rig.info();
    chip.failing(true);
    assert_eq!(rig.call(&Request::Reset), Err(Status::Other));
    assert_eq!(rig.info().options.client_pin, Some(false));
    chip.failing(false);
    rig.call(&Request::Reset).unwrap();
    assert_eq!(chip.indexes(), 0);
}

#[test]
fn a_pin_of_another_verifier_lets_nobody_in() {
    let (mut rig, _) = over(&MemoryStore::new(), SoftwarePin);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(record(&rig).len(), 17, "as ever");
    let boxed: Box<dyn PinVerifier> = Box::new(Chip::default());
    let (mut rig, _) = over(&rig.store, boxed);
    assert_eq!(rig.call(&Request::from(creation("example.org", "alice"))), Err(Status::Other));
    rig.call(&Request::Reset).unwrap();
    rig.create(&creation("example.org", "alice")).unwrap();
}
