//! A process that changes a store is killed again and again, at any moment. `TOWLINE_CRASHES` says
//! how often, 40 times if it is not set.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use towline_authenticator::{
    Authenticator, Change, Config, Counter, Credential, CredentialStore, KeyHandle, Record,
    Replaces, SoftwareKeys, StoreError, Work,
};
use towline_ctap::{CredentialId, RpId, User, UserHandle};
use towline_store::{KeySource, Store};
use zeroize::Zeroizing;

const CHILD: &str = "TOWLINE_CRASHES_STORE";

fn main() {
    if let Some(path) = env::var_os(CHILD) {
        return change_until_killed(Path::new(&path));
    }
    let times: u64 =
        env::var("TOWLINE_CRASHES").map_or(40, |times| times.parse().expect("a number"));
    let directory = env::temp_dir().join(format!("towline-crashes-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let path = directory.join("passkeys.towline");
    let provider = towline_crypto::rustcrypto::provider();
    drop(Store::create(&path, &source(&path), &provider).unwrap());
    let mut acknowledged = Acknowledged::default();
    for time in 0..times {
        acknowledged.kill(&path, time);
        acknowledged.hold(&path, time % 50 == 0 || time + 1 == times);
    }
    fs::remove_dir_all(&directory).unwrap();
    assert!(acknowledged.credentials > times / 2, "too little was done: {acknowledged:?}");
    let Acknowledged { credentials, counter, .. } = acknowledged;
    println!(
        "killed {times} times; all of {credentials} credentials were there, and the counter was at {counter}"
    );
    println!("\n1 passed, 0 failed");
}

fn source(path: &Path) -> KeySource {
    KeySource::KeyFile(path.with_extension("key"))
}

fn done<T>(work: Work<T, StoreError>) -> T {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
    .unwrap()
}

fn id(number: u64) -> CredentialId {
    CredentialId::new(&[[0x7e; 24].as_slice(), &number.to_be_bytes()].concat()).unwrap()
}

fn retries(store: &mut Store) -> u64 {
    let kept = done(store.record(Record::PinRetries));
    kept.map_or(u64::MAX, |kept| u64::from_be_bytes(kept.as_slice().try_into().unwrap()))
}

/// Makes credentials, counts signatures, and takes retries away, and says so when each is done.
fn change_until_killed(path: &Path) {
    let provider = towline_crypto::rustcrypto::provider();
    let mut store = Store::open(path, &source(path), &provider).unwrap();
    let algorithm = provider.signature(-7).unwrap();
    let mut out = std::io::stdout();
    let mut number: u64 = done(store.count(Counter::Global)).into();
    loop {
        let key = algorithm.generate(&*provider.random).unwrap();
        let material = Zeroizing::new(key.private_bytes().unwrap().to_vec().into_boxed_slice());
        let user = User {
            id: UserHandle::new(&number.to_be_bytes()).unwrap(),
            name: Some("alice".to_owned()),
            display_name: None,
        };
        let rp_id = RpId::new(&format!("site-{}.example", number % 50)).unwrap();
        let key = KeyHandle::new(-7, material);
        let credential =
            Credential { discoverable: true, ..Credential::new(id(number), rp_id, user, key) };
        let save = Change::Save { credential: Box::new(credential), replaces: Replaces::Account };
        done(store.commit(vec![save]));
        writeln!(out, "credential {number}").unwrap();
        let left = retries(&mut store).saturating_sub(1);
        let value = Some(Zeroizing::new(left.to_be_bytes().to_vec()));
        done(store.commit(vec![Change::Record { record: Record::PinRetries, value }]));
        writeln!(out, "retries {left}").unwrap();
        let counted = done(store.count(Counter::Of(id(number))));
        assert_eq!(counted, 1);
        number = done(store.count(Counter::Global)).into();
        writeln!(out, "counter {number}").unwrap();
    }
}

/// What the processes said that they had done.
#[derive(Debug, Default)]
struct Acknowledged {
    credentials: u64,
    counter: u64,
    retries: Option<u64>,
    /// Those that nobody has looked for yet.
    unchecked: Vec<u64>,
}

impl Acknowledged {
    fn kill(&mut self, path: &Path, time: u64) {
        let program: PathBuf = env::current_exe().unwrap();
        let mut child =
            Command::new(program).env(CHILD, path).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let killer = thread::spawn(move || {
            // At any moment from the opening on, and never at the same one twice in a row.
            thread::sleep(Duration::from_micros(5000 + time * 7919 % 45_000));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        // A line that was cut off was not said.
        while let Some(Ok(line)) = lines.next() {
            let (what, number) = line.split_once(' ').unwrap();
            let Ok(number) = number.parse() else { continue };
            match what {
                "credential" => {
                    self.credentials += 1;
                    self.unchecked.push(number);
                }
                "retries" => self.retries = Some(number),
                "counter" => self.counter = number,
                other => panic!("{other}"),
            }
        }
        killer.join().unwrap();
    }

    /// All of it is there, opens, and signs; what only goes down went down.
    fn hold(&mut self, path: &Path, thoroughly: bool) {
        let provider = towline_crypto::rustcrypto::provider();
        let mut store = Store::open(path, &source(path), &provider).expect("it opens");
        for number in &self.unchecked {
            let credential = done(store.lookup(&id(*number)));
            let credential = credential.unwrap_or_else(|| panic!("credential {number} is lost"));
            let key = provider.signature(-7).unwrap().load(credential.key.expose()).unwrap();
            key.sign(&[b"it signs"]).unwrap();
        }
        // Those that were found once are counted from now on.
        let there = done(store.capacity()).discoverable as u64;
        assert!(there >= self.credentials, "{there} of {}", self.credentials);
        self.unchecked.clear();
        let left = retries(&mut store);
        assert!(self.retries.is_none_or(|said| left <= said), "retries went up to {left}");
        if thoroughly {
            assert_eq!(store.check().unwrap().damaged, [""; 0]);
        }
        assert!(
            u64::from(done(store.count(Counter::Global))) > self.counter,
            "the counter went back"
        );
        let keys = SoftwareKeys::new(provider.clone());
        Authenticator::new(Config::security_key(), provider, store, keys).expect("it is usable");
    }
}
