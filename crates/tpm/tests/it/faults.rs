//! A TPM that refuses with whatever code, at whatever step; that answers garbage; that answers late
//! or never.

use std::{
    io,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use towline_authenticator::KeyStore;
use towline_tpm::{
    Code, Error, Handle, PATIENCE, TpmBinding, TpmCommand, TpmKeys, TpmPlace, TpmTransport, Worker,
};

use crate::{keys_in_swtpm::done, swtpm::Swtpm, vectors::provider};

/// What is answered in the TPM's place, after so many commands.
type Fault = Arc<Mutex<Option<(u32, Vec<u8>)>>>;

struct Faulty(Box<dyn TpmTransport>, Fault);

impl TpmTransport for Faulty {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        let mut fault = self.1.lock().unwrap();
        match fault.as_mut() {
            Some((0, answer)) => {
                *response = std::mem::take(answer);
                *fault = None;
                Ok(())
            }
            Some((left, _)) => {
                *left -= 1;
                self.0.exchange(command, response)
            }
            None => self.0.exchange(command, response),
        }
    }

    fn pause(&mut self, _: Duration) {}

    fn is_managed(&self) -> bool {
        self.0.is_managed()
    }
}

fn faulty(swtpm: &Swtpm) -> (Fault, Worker) {
    let (place, fault) = (TpmPlace::Unix(swtpm.socket()), Fault::default());
    let put = Arc::clone(&fault);
    let worker = Worker::new(provider(), move || {
        Ok(Box::new(Faulty(place.open(Duration::from_secs(60))?, Arc::clone(&put))))
    });
    (fault, worker)
}

fn refusal(code: u32) -> Vec<u8> {
    [&[0x80, 0x01, 0, 0, 0, 10][..], &code.to_be_bytes()].concat()
}

fn objects(worker: &Worker) -> usize {
    let listed = worker.run(PATIENCE, |tpm| {
        tpm.tidy();
        tpm.run(TpmCommand::handles(Handle(0x8000_0000)))
    });
    listed.unwrap().values.len()
}

#[test]
fn whatever_code_comes_at_whatever_step_the_next_signature_is_made() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (fault, worker) = faulty(&swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut keys = TpmKeys::open(worker.clone(), provider(), binding).unwrap();
    let key = done(keys.generate(-7)).unwrap().handle;
    for (number, code) in Code::ALL {
        for step in 0..3 {
            // What the signature before has left to do is done.
            worker.run(PATIENCE, |_| Ok(())).unwrap();
            *fault.lock().unwrap() = Some((step, refusal(*number)));
            // It may be sent again, or done again with a new parent.
            let tried = done(keys.sign(&key, &[b"message"]));
            worker.run(PATIENCE, |_| Ok(())).unwrap();
            assert!(fault.lock().unwrap().take().is_none(), "{code:?} at {step} did not come");
            if step == 2 {
                tried.expect("the flush is nobody's business");
            }
            done(keys.sign(&key, &[b"message"])).unwrap_or_else(|error| {
                panic!("{code:?} at {step}: {error}");
            });
        }
    }
    assert_eq!(objects(&worker), 1, "the parent");
}

#[test]
fn garbage_is_told_as_such_and_forgotten() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (fault, worker) = faulty(&swtpm);
    let binding = TpmBinding::new(&worker, &provider()).unwrap();
    let mut keys = TpmKeys::open(worker.clone(), provider(), binding).unwrap();
    let key = done(keys.generate(-7)).unwrap().handle;
    let mut seed = 1_u32;
    for length in [0, 1, 6, 9, 10, 11, 60, 155, 4096] {
        for step in 0..2 {
            let mut next = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            };
            let garbage = (0..length).map(|_| next()).collect();
            worker.run(PATIENCE, |_| Ok(())).unwrap();
            *fault.lock().unwrap() = Some((step, garbage));
            done(keys.sign(&key, &[b"message"])).expect_err("garbage");
            done(keys.sign(&key, &[b"message"])).unwrap();
        }
    }
    assert_eq!(objects(&worker), 1, "the parent");
}

/// Answers when it is told to.
struct Slow(mpsc::Receiver<Vec<u8>>);

impl TpmTransport for Slow {
    fn exchange(&mut self, _: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        *response = self.0.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }

    fn is_managed(&self) -> bool {
        true
    }
}

#[test]
fn who_waits_for_a_tpm_that_hangs_is_told() {
    let (answer, answers) = mpsc::channel();
    let mut answers = Some(answers);
    let worker = Worker::new(provider(), move || Ok(Box::new(Slow(answers.take().unwrap()))));
    let ask = |tpm: &mut towline_tpm::Tpm| tpm.run(TpmCommand::flush(Handle(0x8000_0000)));
    let late = worker.run(Duration::from_millis(1), ask).unwrap_err();
    assert!(matches!(late, Error::Late(_)), "{late}");
    assert!(late.to_string().contains("try again later"), "{late}");
    // It was at work all the while; what comes next waits in turn.
    answer.send(refusal(0)).unwrap();
    answer.send(refusal(0)).unwrap();
    worker.run(PATIENCE, ask).unwrap();
}
