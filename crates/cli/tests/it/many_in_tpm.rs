//! A store with thousands of passkeys whose private keys are in a TPM opens as fast as one with
//! keys of its own: nothing is asked of the TPM for any of them.

use std::{fs, time::Duration};

use towline::{
    authenticator::{
        Change, Credential, CredentialStore, KeyHandle, Query, Record, Replaces, Work,
    },
    crypto::Secret,
};
use towline_ctap::{CredentialId, RpId, User, UserHandle};
use towline_store::{KeySource, Store};
use towline_tpm::KeyState;
use zeroize::Zeroizing;

use crate::program::Directory;

const PASSKEYS: u32 = 10_000;
const ROUNDS: usize = 31;

/// What is kept of a private key on P-256: the form, the parent, the wrapped part, the point.
fn in_tpm() -> KeyHandle {
    let private = [&[0, 32][..], &[9; 124]].concat();
    let bytes = [&[1][..], &[3; 8], &private, &[5; 64]].concat();
    KeyHandle::new(-7, Zeroizing::new(bytes.into()))
}

fn done<T, E: std::fmt::Debug>(work: Work<T, E>) -> T {
    match work {
        Work::Done(result) => result.unwrap(),
        Work::Later(run) => run().unwrap(),
    }
}

fn source() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

fn filled(path: &str, key: &KeyHandle) {
    let provider = towline::fastest::provider();
    let mut store = Store::create(path.as_ref(), &source(), &provider).unwrap();
    let changes = (0..PASSKEYS).map(|number| {
        let id = number.to_be_bytes();
        let rp_id = RpId::new(&format!("site-{}.example", number % 100)).unwrap();
        let user = User { id: UserHandle::new(&id).unwrap(), name: None, display_name: None };
        let id = CredentialId::new(&[&id[..], &[0; 12]].concat()).unwrap();
        let credential =
            Credential { discoverable: true, ..Credential::new(id, rp_id, user, key.clone()) };
        Change::Save { credential: Box::new(credential), replaces: Replaces::Nothing }
    });
    done(store.commit(changes.collect()));
}

/// What opening has taken of this thread, whoever else uses the machine.
#[derive(Clone, Copy)]
struct Cost {
    /// For how long a processor has worked.
    time: Duration,
    /// How many bytes were read from files.
    read: u64,
}

impl Cost {
    fn so_far() -> Self {
        let worked = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let time = worked.split_whitespace().next().unwrap().parse().unwrap();
        let io = fs::read_to_string("/proc/thread-self/io").unwrap();
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        Self { time: Duration::from_nanos(time), read: read.unwrap().parse().unwrap() }
    }
}

/// Until the first passkey is found.
fn opened(path: &str) -> Cost {
    let provider = towline::fastest::provider();
    let begun = Cost::so_far();
    let mut store = Store::open(path.as_ref(), &source(), &provider).unwrap();
    assert_eq!(done(store.record(Record::KeyStore)), None);
    let rp_id = RpId::new("site-42.example").unwrap();
    let found = done(store.discoverable(&Query { rp_id, verified: true, after: None, limit: 1 }));
    let now = Cost::so_far();
    assert_eq!((found.total, found.credentials.len()), (100, 1));
    Cost { time: now.time.saturating_sub(begun.time), read: now.read - begun.read }
}

/// The one in the middle, so that one moment in which a machine was disturbed does not count.
fn typical(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.time);
    costs[costs.len() / 2]
}

#[test]
fn a_store_with_ten_thousand_passkeys_in_a_tpm_opens_as_fast_as_another() {
    let directory = Directory::new();
    let (tpm, software) = (directory.path("tpm"), directory.path("software"));
    assert_eq!(KeyState::of(&in_tpm(), None), KeyState::AnotherTpm, "it is one in a TPM");
    filled(&tpm, &in_tpm());
    filled(&software, &KeyHandle::new(-7, Zeroizing::new([7; 32].into())));
    let length = |path: &str| fs::metadata(path).unwrap().len();
    let (ours, others) = (0..ROUNDS).map(|_| (opened(&tpm), opened(&software))).unzip();
    let (ours, others) = (typical(ours), typical(others));
    let told = format!(
        "in a TPM {:?} and {} of {} bytes, in software {:?} and {} of {} bytes",
        ours.time,
        ours.read,
        length(&tpm),
        others.time,
        others.read,
        length(&software),
    );
    println!("{told}");
    assert!(ours.time * 100 <= others.time * 115, "{told}");
    assert!(ours.read * 100 <= others.read * 115, "{told}");
    assert!(ours.read * 8 <= length(&tpm), "most of the passkeys are left alone: {told}");
}
