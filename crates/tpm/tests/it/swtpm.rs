//! A real TPM, which is software, and ways to it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use towline_tpm::{TpmPlace, TpmTransport, Worker};

pub(crate) use towline_testkit::swtpm::Swtpm;

use crate::vectors::provider;

pub(crate) fn worker(swtpm: &Swtpm) -> Worker {
    Worker::at(provider(), TpmPlace::Unix(swtpm.socket()))
}

/// All bytes that went by.
pub(crate) type Tap = Arc<Mutex<Vec<u8>>>;

/// A way to a TPM, and somebody who listens there.
struct Tapped(Box<dyn TpmTransport>, Tap, Arc<Mutex<Vec<u32>>>);

impl TpmTransport for Tapped {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> std::io::Result<()> {
        self.1.lock().unwrap().extend_from_slice(command);
        let code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        self.2.lock().unwrap().push(code);
        self.0.exchange(command, response)?;
        self.1.lock().unwrap().extend_from_slice(response);
        Ok(())
    }

    fn is_managed(&self) -> bool {
        self.0.is_managed()
    }
}

/// A worker whose every byte is recorded, and which commands there were.
pub(crate) fn tapped(swtpm: &Swtpm) -> (Tap, Arc<Mutex<Vec<u32>>>, Worker) {
    let (tap, commands) = (Tap::default(), Arc::<Mutex<Vec<u32>>>::default());
    let (place, recorder) = (TpmPlace::Unix(swtpm.socket()), Arc::clone(&tap));
    let counted = Arc::clone(&commands);
    let worker = Worker::new(provider(), move || {
        let transport = place.open(Duration::from_secs(60))?;
        Ok(Box::new(Tapped(transport, Arc::clone(&recorder), Arc::clone(&counted))))
    });
    (tap, commands, worker)
}
