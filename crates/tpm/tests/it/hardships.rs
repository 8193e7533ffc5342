//! A machine that is suspended, memory that others have filled, somebody on the wires who puts a
//! key of his own in the place of the TPM's, and a TPM at a port.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use towline_authenticator::{KeyStore, PinComparison, PinHash, PinVerifier};
use towline_crypto::Secret;
use towline_tpm::{
    Authorization, Encryption, Error, Handle, PATIENCE, TpmBinding, TpmCommand, TpmKeys, TpmPin,
    TpmPlace, TpmTransport, Worker, template,
};

use crate::{
    keys_in_swtpm::done,
    swtpm::{Swtpm, worker},
    vectors::provider,
};

/// In how many commands from now the machine is suspended.
type Due = Arc<Mutex<Option<u32>>>;

/// A way to a TPM that stays open while the machine sleeps, as a device does.
struct Suspending {
    transport: Box<dyn TpmTransport>,
    swtpm: Arc<Swtpm>,
    due: Due,
    managed: bool,
}

impl TpmTransport for Suspending {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        const SHUTDOWN_STATE: &[u8] = b"\x80\x01\0\0\0\x0c\0\0\x01\x45\0\x01";
        const STARTUP_STATE: &[u8] = b"\x80\x01\0\0\0\x0c\0\0\x01\x44\0\x01";
        let mut due = self.due.lock().unwrap();
        match due.as_mut() {
            Some(0) => {
                *due = None;
                // What the kernel says before, and the firmware after it.
                self.transport.exchange(SHUTDOWN_STATE, response)?;
                self.swtpm.reset();
                self.transport.exchange(STARTUP_STATE, response)?;
                assert_eq!(response[6..], [0; 4]);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.transport.exchange(command, response)
    }

    fn is_managed(&self) -> bool {
        self.managed
    }
}

fn pin(text: &str) -> PinHash {
    let hash = provider().sha256.hash(&[text.as_bytes()]);
    PinHash::new(Secret::from_slice(&hash[..16]).unwrap())
}

#[test]
fn a_machine_that_was_suspended_goes_on() {
    for managed in [false, true] {
        let Some(swtpm) = Swtpm::new() else { return };
        let (place, swtpm, due) = (TpmPlace::Unix(swtpm.socket()), Arc::new(swtpm), Due::default());
        let when = Arc::clone(&due);
        let worker = Worker::new(provider(), move || {
            let transport = place.open(Duration::from_secs(60))?;
            let (swtpm, due) = (Arc::clone(&swtpm), Arc::clone(&when));
            Ok(Box::new(Suspending { transport, swtpm, due, managed }))
        });
        let suspend_in = |commands| {
            // What is left to do of the operation before is done.
            worker.run(PATIENCE, |_| Ok(())).unwrap();
            *due.lock().unwrap() = Some(commands);
        };
        let has_slept = || due.lock().unwrap().take().is_none();
        let binding = TpmBinding::new(&worker, &provider()).unwrap();
        let mut keys = TpmKeys::open(worker.clone(), provider(), binding.clone()).unwrap();
        let key = done(keys.generate(-7)).unwrap().handle;
        // Before it is loaded, before it signs, and before it is flushed.
        for commands in 0..3 {
            suspend_in(commands);
            done(keys.sign(&key, &[b"message"])).unwrap();
            worker.run(PATIENCE, |_| Ok(())).unwrap();
            assert!(has_slept(), "{commands}");
        }
        suspend_in(0);
        done(keys.generate(-7)).unwrap();

        let mut verifier = TpmPin::new(worker.clone(), provider(), &binding, 8);
        let kept = done(verifier.set(&pin("1234"), None)).unwrap();
        let left = |verifier: &mut TpmPin| done(verifier.tries_left(&kept)).unwrap();
        let wrong = done(verifier.compare(&kept, &pin("0000"))).unwrap();
        assert_eq!(wrong, PinComparison::Mismatch { left: Some(7) });
        suspend_in(0);
        assert_eq!(left(&mut verifier), Some(7), "sleep gives no try back, and takes none");
        assert!(has_slept());
        let mut before = 7;
        for commands in 0.. {
            suspend_in(commands);
            let tried = done(verifier.compare(&kept, &pin("0000")));
            if !has_slept() {
                break;
            }
            let after = left(&mut verifier).unwrap();
            match tried {
                Ok(wrong) => assert_eq!(wrong, PinComparison::Mismatch { left: Some(after) }),
                Err(_) => assert!(after <= before, "{commands}: a try was won back"),
            }
            before = after;
            if before < 3 {
                let right = done(verifier.compare(&kept, &pin("1234"))).unwrap();
                assert!(matches!(right, PinComparison::Match { .. }), "{commands}");
                before = 8;
            }
        }
        let right = done(verifier.compare(&kept, &pin("1234"))).unwrap();
        assert!(matches!(right, PinComparison::Match { .. }));
    }
}

/// Others have left as many objects and sessions in the TPM as it has room for.
fn fill(swtpm: &Swtpm) -> Box<dyn TpmTransport> {
    struct Managed(Box<dyn TpmTransport>);
    impl TpmTransport for Managed {
        fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
            self.0.exchange(command, response)
        }
        fn is_managed(&self) -> bool {
            true
        }
    }
    let open = || TpmPlace::Unix(swtpm.socket()).open(PATIENCE).unwrap();
    let mut tpm = towline_tpm::Tpm::new(provider(), Box::new(Managed(open()))).unwrap();
    for room in [true, true, true, false] {
        let create = TpmCommand::create_primary(Handle::OWNER, &template::parent());
        let made = tpm.execute(create, &[Authorization::Empty], Encryption::default());
        assert_eq!(made.is_ok(), room);
        assert_eq!(tpm.run(TpmCommand::start_policy(&[7; 32])).is_ok(), room);
    }
    // It does not flush what it has loaded when it goes: somebody managed would.
    drop(tpm);
    Box::new(Managed(open()))
}

#[test]
fn memory_that_others_have_filled_is_made_free_or_told() {
    let Some(swtpm) = Swtpm::new() else { return };
    drop(fill(&swtpm));
    let here = worker(&swtpm);
    let binding = TpmBinding::new(&here, &provider()).unwrap();
    let mut keys = TpmKeys::open(here.clone(), provider(), binding.clone()).unwrap();
    let key = done(keys.generate(-7)).unwrap().handle;
    done(keys.sign(&key, &[b"message"])).unwrap();
    drop((keys, here));

    // Behind a resource manager it is not ours to free.
    let mut full = Some(fill(&swtpm));
    let worker = Worker::new(provider(), move || Ok(full.take().unwrap()));
    let refused = TpmKeys::open(worker.clone(), provider(), binding.clone()).unwrap_err();
    assert!(refused.to_string().contains("no room for another key"), "{refused}");
    for kind in [0x8000_0000, 0x0300_0000] {
        let emptied = worker.run(PATIENCE, move |tpm| {
            (0..3).try_for_each(|number| tpm.run(TpmCommand::flush(Handle(kind + number))))
        });
        emptied.unwrap();
    }
    let mut keys = TpmKeys::open(worker, provider(), binding).unwrap();
    done(keys.sign(&key, &[b"message"])).unwrap();
}

/// Somebody on the wires who gives the TPM's primary key a public half of his own, and a name that
/// fits it or does not.
struct Impostor {
    transport: Box<dyn TpmTransport>,
    fits: bool,
    salted: Arc<AtomicBool>,
}

impl TpmTransport for Impostor {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        let code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        // TPM2_StartAuthSession
        self.salted.fetch_or(code == 0x176, Ordering::SeqCst);
        self.transport.exchange(command, response)?;
        // TPM2_CreatePrimary
        if code == 0x131 {
            let end = 20 + usize::from(u16::from_be_bytes([response[18], response[19]]));
            let name = |public: &[u8]| provider().sha256.hash(&[public]);
            let old = name(&response[20..end]);
            let own = provider().ecdh.generate(&*provider().random).unwrap();
            let own = own.public_key();
            response[end - 66..end - 34].copy_from_slice(own.x());
            response[end - 32..end].copy_from_slice(own.y());
            if self.fits {
                let new = name(&response[20..end]);
                let at = response.windows(32).position(|it| it == old).expect("the name");
                response[at..at + 32].copy_from_slice(&new);
            }
        }
        Ok(())
    }

    fn is_managed(&self) -> bool {
        true
    }
}

#[test]
fn a_key_in_the_place_of_the_tpms_own_is_noticed_before_anything_is_encrypted_for_it() {
    let Some(swtpm) = Swtpm::new() else { return };
    let here = worker(&swtpm);
    let binding = TpmBinding::new(&here, &provider()).unwrap();
    drop(here);
    for fits in [false, true] {
        let (place, salted) = (TpmPlace::Unix(swtpm.socket()), Arc::<AtomicBool>::default());
        let seen = Arc::clone(&salted);
        let worker = Worker::new(provider(), move || {
            let (transport, salted) = (place.open(PATIENCE)?, Arc::clone(&seen));
            Ok(Box::new(Impostor { transport, fits, salted }))
        });
        let refused = TpmKeys::open(worker, provider(), binding.clone()).unwrap_err();
        match refused {
            Error::AnotherTpm => assert!(fits),
            Error::Tampered => assert!(!fits),
            other => panic!("{other}"),
        }
        assert!(!salted.load(Ordering::SeqCst), "a salt was encrypted for it");
    }
}

#[test]
fn a_tpm_at_a_port_is_one_as_well() {
    let Some((mut swtpm, address)) = Swtpm::over_tcp() else { return };
    let worker = Worker::at(provider(), TpmPlace::Tcp(address));
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut keys = TpmKeys::open(worker, provider(), binding).unwrap();
    let key = done(keys.generate(-7)).unwrap().handle;
    done(keys.sign(&key, &[b"message"])).unwrap();
    swtpm.restart();
    done(keys.sign(&key, &[b"message"])).unwrap();
}
