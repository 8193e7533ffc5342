//! Prints what the durable store costs with one credential and with 100 000: opening it after a
//! clean stop and after a crash, finding a credential, and changes beside a bare write that is
//! synced.
//!
//!     cargo bench -p towline-benches --bench store
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

use std::{
    fs,
    io::{Seek as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use towline_authenticator::{
    Authenticator, Change, Config, Counter, Credential, CredentialStore as _, KeyHandle, Replaces,
    SoftwareKeys, StoreError, Work,
};
use towline_benches::{authenticator::answer, provider};
use towline_crypto::Secret;
use towline_ctap::{
    ClientDataHash, CredentialId, GetAssertionRequest, PublicKeyCredentialDescriptor, Request,
    RpId, User, UserHandle,
};
use towline_store::{Backup, Conflicts, KeySource, Store};
use zeroize::Zeroizing;

/// The aim of getAssertion with all of them, as a multiple of the same with one.
const ASSERTION: f64 = 1.3;

/// As many as one change holds.
const BATCH: u32 = 1000;

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look at each is enough.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (many, rounds) = if measured { (100_000, 301) } else { (2000, 3) };
    let directory =
        std::env::temp_dir().join(format!("towline-bench-store-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let before = resident();
    let mut one = filled(&directory.join("one"), 1);
    let mut full = filled(&directory.join("many"), many);
    println!("{many} credentials take {} MiB on the disk", megabytes(&directory.join("many")));
    crashed(&directory, &directory.join("many"), rounds);
    drop(full);
    let opened = median(rounds.min(21), || drop(open(&directory.join("many"))));
    println!("opened after a clean stop: {opened:?} (aim: 50 ms)");
    full = open(&directory.join("many"));

    let mut number = 0;
    let mut find = |store: &mut Store, count: u32| {
        number = (number * 31 + 7) % count;
        let started = Instant::now();
        let found = done(store.find(&rp_id(number), &[id(number)]));
        assert_eq!(found.len(), 1);
        started.elapsed()
    };
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..rounds * 20 {
        of_one.push(find(&mut one, 1));
        of_many.push(find(&mut full, many));
    }
    let (of_one, of_many) = (middle(of_one), middle(of_many));
    println!("found among one: {of_one:?}, among {many}: {of_many:?}");
    if let (Some(before), Some(now)) = (before, resident()) {
        println!("memory of both stores after that: {} KiB", now.saturating_sub(before));
    }

    let mut bare = fs::File::create(directory.join("bare")).unwrap();
    let synced = median(rounds, || {
        bare.rewind().unwrap();
        bare.write_all(&[7; 4096]).unwrap();
        bare.sync_data().unwrap();
    });
    let counted = median(rounds, || {
        done(full.count(Counter::Of(id(3))));
    });
    let counted_one = median(rounds, || {
        done(one.count(Counter::Of(id(0))));
    });
    let (mut with_one, mut with_many) = (key(one.clone()), key(full.clone()));
    let signed = |key: &mut Authenticator, number| {
        let request = assertion(number);
        let started = Instant::now();
        answer(key, &request);
        started.elapsed()
    };
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        of_one.push(signed(&mut with_one, 0));
        of_many.push(signed(&mut with_many, (round * 31 + 7) % many));
    }
    let (of_one, of_many) = (middle(of_one), middle(of_many));
    let ratio = of_many.as_secs_f64() / of_one.as_secs_f64();
    let met = if ratio <= ASSERTION { "met" } else { "MISSED" };
    println!(
        "getAssertion, its counter on the disk, with one credential: {of_one:?}, with {many}: {of_many:?}: {ratio:.2} (aim {ASSERTION}, {met})"
    );
    drop((with_one, with_many));
    let mut next = many;
    let saved = median(rounds, || {
        next += 1;
        done(full.commit(vec![save(next)]));
    });
    println!("4 KiB written and synced, bare: {synced:?}");
    println!(
        "a counter counted: {counted:?} (one credential: {counted_one:?}); a credential saved: {saved:?}"
    );
    copied(&full, &directory);
    drop((one, full));
    fs::remove_dir_all(&directory).unwrap();
}

/// A backup of all, and all of it in a new store; and how much memory these took beyond what was
/// there.
fn copied(store: &Store, directory: &Path) {
    let (path, before) = (directory.join("backup"), resident());
    let started = Instant::now();
    let made = store.backup_file(&path, &source()).unwrap();
    let backed_up = started.elapsed();
    let new = Store::create(&directory.join("restored"), &source(), &provider()).unwrap();
    let started = Instant::now();
    let file = fs::File::open(&path).unwrap();
    let mut backup = Backup::open(file, &source(), &provider()).unwrap();
    let restored = new.restore(&mut backup, Conflicts::Keep).unwrap();
    assert_eq!(restored.added, made.credentials + made.records);
    println!(
        "a backup of {} MiB made in {backed_up:?}; verified and restored in {:?}",
        megabytes(&path),
        started.elapsed()
    );
    if let (Some(before), Some(peak)) = (before, status("VmHWM:")) {
        println!("memory at the highest, beyond that before: {} KiB", peak.saturating_sub(before));
    }
}

/// The file as it is while it is open is what a crash leaves.
fn crashed(directory: &Path, path: &Path, rounds: u32) {
    let mut times = Vec::new();
    for _ in 0..rounds.min(5) {
        let copy = directory.join("crashed");
        fs::copy(path, &copy).unwrap();
        let started = Instant::now();
        let store = open(&copy);
        times.push(started.elapsed());
        drop(store);
    }
    println!("opened after a crash: {:?} (aim: 500 ms)", middle(times));
}

fn source() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

fn open(path: &Path) -> Store {
    Store::open(path, &source(), &provider()).unwrap()
}

fn filled(path: &Path, count: u32) -> Store {
    let mut store = Store::create(path, &source(), &provider()).unwrap();
    let mut number = 0;
    while number < count {
        let end = count.min(number + BATCH);
        done(store.commit((number..end).map(save).collect()));
        number = end;
    }
    store
}

fn id(number: u32) -> CredentialId {
    CredentialId::new(&[&[5; 28][..], &number.to_be_bytes()].concat()).unwrap()
}

fn rp_id(number: u32) -> RpId {
    RpId::new(&format!("login.site-{number}.example")).unwrap()
}

fn key(store: Store) -> Authenticator {
    let keys = SoftwareKeys::new(provider());
    Authenticator::new(Config::security_key(), provider(), store, keys).unwrap()
}

/// A request for the credential of this number.
fn assertion(number: u32) -> Vec<u8> {
    let mut request = GetAssertionRequest::new(rp_id(number), ClientDataHash::new([2; 32]));
    let credential = PublicKeyCredentialDescriptor { id: id(number), transports: Vec::new() };
    request.allow_list = Some(vec![credential]);
    Request::GetAssertion(Box::new(request)).encode()
}

fn save(number: u32) -> Change {
    let user = User {
        id: UserHandle::new(&[9; 32]).unwrap(),
        name: Some("alice.lastname@example.org".to_owned()),
        display_name: Some("Alice Lastname".to_owned()),
    };
    let key = KeyHandle::new(-7, Zeroizing::new([3; 32].into()));
    let credential = Credential {
        rp_name: Some("An institution".to_owned()),
        discoverable: true,
        ..Credential::new(id(number), rp_id(number), user, key)
    };
    Change::Save { credential: Box::new(credential), replaces: Replaces::Account }
}

fn done<T>(work: Work<T, StoreError>) -> T {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
    .unwrap()
}

fn median(rounds: u32, mut run: impl FnMut()) -> Duration {
    let times = (0..rounds).map(|_| {
        let started = Instant::now();
        run();
        started.elapsed()
    });
    middle(times.collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn megabytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len() >> 20
}

/// What is resident of this process, in KiB, where the system says it.
fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// A line of what the system says of this process, in KiB.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
