//! Power that goes, and connections that break, at each step of each operation: no acknowledged key
//! is lost, nothing stays in the TPM, and no try of a PIN is won back.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use towline_authenticator::{KeyHandle, KeyStore, PinComparison, PinHash, PinVerifier, Work};
use towline_crypto::Secret;
use towline_testkit::swtpm::Swtpm;
use towline_tpm::{
    Handle, PATIENCE, TpmBinding, TpmCommand, TpmKeys, TpmPin, TpmPlace, TpmTransport, Worker,
};

/// How many there are, unless `TOWLINE_CRASHES` says otherwise.
const FEW: u32 = 40;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// The power goes before the command is there.
    PowerBefore,
    /// The power goes when the command was executed, before the response is here.
    PowerAfter,
    /// The program ends; the TPM stays.
    Cut,
}

/// What is to happen, and at how many commands from now.
type Doom = Arc<Mutex<Option<(u32, Fate)>>>;

struct Doomed {
    transport: Box<dyn TpmTransport>,
    swtpm: Arc<Mutex<Swtpm>>,
    doom: Doom,
    is_over: bool,
    /// How many connections there are.
    open: Arc<AtomicUsize>,
}

impl Drop for Doomed {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TpmTransport for Doomed {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        let over = || Err(io::ErrorKind::ConnectionReset.into());
        if self.is_over {
            return over();
        }
        let mut doom = self.doom.lock().unwrap();
        let Some((left, fate)) = doom.as_mut() else {
            return self.transport.exchange(command, response);
        };
        if *left > 0 {
            *left -= 1;
            return self.transport.exchange(command, response);
        }
        let fate = *fate;
        *doom = None;
        self.is_over = true;
        if fate != Fate::PowerBefore {
            self.transport.exchange(command, response)?;
        }
        if fate != Fate::Cut {
            self.swtpm.lock().unwrap().kill();
        }
        over()
    }

    fn is_managed(&self) -> bool {
        false
    }
}

fn done<T, E>(work: Work<T, E>) -> Result<T, E> {
    match work {
        Work::Done(result) => result,
        Work::Later(run) => run(),
    }
}

fn pin(text: &str) -> PinHash {
    let provider = towline_crypto::rustcrypto::provider();
    let hash = provider.sha256.hash(&[text.as_bytes()]);
    PinHash::new(Secret::from_slice(&hash[..16]).unwrap())
}

#[test]
fn whatever_breaks_nothing_is_lost_and_nothing_is_won() {
    let Some(swtpm) = Swtpm::new() else { return };
    let crashes = std::env::var("TOWLINE_CRASHES").ok().and_then(|it| it.parse().ok());
    let provider = towline_crypto::rustcrypto::provider();
    let place = TpmPlace::Unix(swtpm.socket());
    let (swtpm, doom) = (Arc::new(Mutex::new(swtpm)), Doom::default());
    let open = Arc::<AtomicUsize>::default();
    let connect = || {
        let (place, swtpm, doom) = (place.clone(), Arc::clone(&swtpm), Arc::clone(&doom));
        let open = Arc::clone(&open);
        Worker::new(provider.clone(), move || {
            let transport = place.open(Duration::from_secs(60))?;
            let (swtpm, doom, open) = (Arc::clone(&swtpm), Arc::clone(&doom), Arc::clone(&open));
            open.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Doomed { transport, swtpm, doom, is_over: false, open }))
        })
    };

    let mut worker = connect();
    let binding = TpmBinding::new(&worker, &provider).unwrap();
    let first = || TpmPin::new(worker.clone(), provider.clone(), &binding, 8);
    let mut kept = done(first().set(&pin("1234"), None)).unwrap();
    let mut right = "1234";
    let mut acknowledged: Vec<KeyHandle> = Vec::new();
    let (mut happened, crashes) = (0_u32, crashes.unwrap_or(FEW));
    // At which command of an operation each of its fates comes: one later each time, and at the
    // first again when the operation was done before that.
    let mut steps = [[0_u32; 3]; 4];
    for round in 0_u32.. {
        if happened == crashes {
            break;
        }
        assert!(round < 4 * (crashes + 12), "hardly anything breaks");
        let operation = (round / 3 % 4) as usize;
        let fate = [Fate::PowerBefore, Fate::PowerAfter, Fate::Cut][(round % 3) as usize];
        let step = &mut steps[operation][(round % 3) as usize];
        let mut keys = TpmKeys::open(worker.clone(), provider.clone(), binding.clone()).unwrap();
        let mut verifier = TpmPin::new(worker.clone(), provider.clone(), &binding, 8);
        let before = done(verifier.tries_left(&kept)).unwrap().unwrap();
        assert!(before > 0, "it is never blocked here");
        *doom.lock().unwrap() = Some((*step, fate));
        let mut compared = None;
        match operation {
            0 => acknowledged.extend(done(keys.generate(-7)).ok().map(|new| new.handle)),
            1 => {
                if let Some(key) = acknowledged.last() {
                    let _may_fail = done(keys.sign(key, &[b"message"]));
                }
            }
            2 => compared = Some(done(verifier.compare(&kept, &pin("0000")))),
            _ => {
                let other = if right == "1234" { "5678" } else { "1234" };
                if let Ok(new) = done(verifier.set(&pin(other), None)) {
                    let old = std::mem::replace(&mut kept, new);
                    let _later = done(verifier.discard(&old));
                    right = other;
                }
            }
        }
        let has_happened = doom.lock().unwrap().take().is_none();
        happened += u32::from(has_happened);
        *step = if has_happened { *step + 1 } else { 0 };
        // The program and the machine start again.
        drop((keys, verifier, worker));
        while open.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        if fate != Fate::Cut {
            swtpm.lock().unwrap().restart();
        }
        worker = connect();
        let handles = |from: u32| {
            let listed =
                worker.run(PATIENCE, move |tpm| tpm.run(TpmCommand::handles(Handle(from))));
            let ours = |handle: &&Handle| handle.0 >> 24 == from >> 24;
            let listed = listed.unwrap_or_else(|error| panic!("{round}, {fate:?}: {error}"));
            listed.values.iter().filter(ours).count()
        };
        assert_eq!(handles(0x8000_0000), 0, "round {round}: {fate:?} left an object");
        assert_eq!(handles(0x0200_0000), 0, "round {round}: {fate:?} left a session");
        let indexes = worker.run(PATIENCE, |tpm| tpm.run(TpmCommand::handles(Handle(0x0100_0000))));
        assert!(indexes.unwrap().values.len() <= 2, "round {round}: {fate:?} left an index");

        let mut keys = TpmKeys::open(worker.clone(), provider.clone(), binding.clone()).unwrap();
        if let Some(key) = acknowledged.get((round as usize * 7) % acknowledged.len().max(1)) {
            done(keys.sign(key, &[b"message"])).expect("an acknowledged key signs");
        }
        let mut verifier = TpmPin::new(worker.clone(), provider.clone(), &binding, 8);
        let after = done(verifier.tries_left(&kept)).unwrap().unwrap();
        match compared {
            // What is told is what is so.
            Some(Ok(PinComparison::Mismatch { left })) => assert_eq!(left, Some(after)),
            Some(Ok(PinComparison::Match { .. })) => panic!("it is not the PIN"),
            Some(Err(_)) => assert!(after <= before, "round {round}: a try was won back"),
            None => {}
        }
        let matched = done(verifier.compare(&kept, &pin(right))).unwrap();
        assert!(matches!(matched, PinComparison::Match { .. }), "round {round}: {operation}");
    }
}
