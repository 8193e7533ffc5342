//! Prints what an import of 10 000 passkeys costs besides the signatures by which each key shows
//! that it can sign: reading the document, judging it, and one change of the store. And an export
//! of as many.
//!
//!     cargo bench -p towline-benches --bench exchange
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![allow(clippy::indexing_slicing)]

use std::{
    convert::Infallible,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use towline_authenticator::{
    Credential, CredentialStore as _, Custody, KeyHandle, StoreError, UnixTime, Work,
};
use towline_crypto::{CryptoProvider, zeroize::Zeroizing};
use towline_ctap::{CredentialId, RpId, User, UserHandle, algorithm};
use towline_exchange::{Candidate, Export, Exporter, Import, ImportLimits, Importer};
use towline_store::{KeySource, Store};

/// The aim of an import of 10 000 besides the signatures.
const AIM: Duration = Duration::from_secs(1);

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look is enough.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (many, rounds) = if measured { (10_000, 5) } else { (200, 1) };
    let provider = towline_crypto_fastest::provider();
    let directory =
        std::env::temp_dir().join(format!("towline-bench-exchange-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let (mut besides, mut signing, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let started = Instant::now();
        let document = export(many, &provider);
        written.push(started.elapsed());
        let checks = signatures(many, &provider);
        let all = import(&document, &directory.join(round.to_string()), many, &provider);
        ratios.push(all.as_secs_f64() / checks.as_secs_f64());
        signing.push(checks);
        besides.push(all.saturating_sub(checks));
    }
    fs::remove_dir_all(&directory).unwrap();
    println!("{many} passkeys written as a document: {:?}", middle(written));
    println!("{many} check signatures, each made and verified: {:?}", middle(signing));
    println!("{many} passkeys imported, besides: {:?} (aim: {AIM:?})", middle(besides));
    ratios.sort_by(f64::total_cmp);
    // By this, other work on the machine counts on both sides.
    println!("an import takes {:.2} times its check signatures", ratios[ratios.len() / 2]);
}

/// Each has a key of its own.
fn scalar(number: u32) -> [u8; 32] {
    let mut scalar = [7; 32];
    scalar[28..].copy_from_slice(&number.to_be_bytes());
    scalar
}

fn export(many: u32, provider: &CryptoProvider) -> Zeroizing<Vec<u8>> {
    let candidate = |number: u32| {
        let user = User {
            id: UserHandle::new(&number.to_be_bytes()).unwrap(),
            name: Some(format!("user {number}")),
            display_name: None,
        };
        let id = CredentialId::new(&[&[1; 12][..], &number.to_be_bytes()].concat()).unwrap();
        let rp_id = RpId::new(&format!("site{}.example", number % 1000)).unwrap();
        let key = KeyHandle::new(algorithm::ES256, Zeroizing::new(scalar(number).into()));
        let mut credential = Credential::new(id, rp_id, user, key);
        credential.discoverable = true;
        credential.backup_eligible = true;
        Candidate { credential, counter: 0, custody: Custody::Handle }
    };
    let exporter = Exporter {
        rp_id: "bench.example".into(),
        display_name: "bench".into(),
        account_id: [1; 16],
        at: UnixTime(1_790_000_000),
        provider: provider.clone(),
    };
    Export::new((0..many).map(candidate), None, &exporter).document()
}

/// What the check of each key takes at the least.
fn signatures(many: u32, provider: &CryptoProvider) -> Duration {
    let algorithm = provider.signature(algorithm::ES256).unwrap();
    let started = Instant::now();
    for number in 0..many {
        let key = algorithm.load(&scalar(number)).unwrap();
        let signature = key.sign(&[b"a trial"]).unwrap();
        algorithm.verify(key.public_key(), b"a trial", &signature).unwrap();
    }
    started.elapsed()
}

fn import(document: &[u8], path: &Path, many: u32, provider: &CryptoProvider) -> Duration {
    let source = KeySource::Key(towline_crypto::Secret::new([7; 32]));
    let mut store = Store::create(path, &source, provider).unwrap();
    let started = Instant::now();
    let import = Import::read(document, &ImportLimits::default()).unwrap();
    let existing = |id: &CredentialId| Ok::<_, Infallible>(done(store.clone().lookup(id)));
    let Ok(plan) = import.plan(existing, &Importer::new(provider.clone()));
    assert_eq!(plan.credentials().len(), usize::try_from(many).unwrap());
    done(store.commit(plan.changes()));
    started.elapsed()
}

fn done<T>(work: Work<T, StoreError>) -> T {
    match work {
        Work::Done(result) => result.unwrap(),
        Work::Later(run) => run().unwrap(),
    }
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
