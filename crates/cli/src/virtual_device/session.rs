//! A virtual authenticator, and the file that keeps its passkeys.

use std::time::Duration;

use towline_virtual::{Builder, Fault, Injected, VirtualAuthenticator, person::Rules};

use super::file::{PasskeyFile, State};
use crate::{
    args::{VirtualDevice, VirtualKind},
    exit::Failure,
};

/// What the seed is moved by for each millisecond that has passed: 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

pub(super) struct Session {
    args: VirtualDevice,
    file: Option<PasskeyFile>,
    /// Whether the file may be made.
    makes: bool,
    running: Option<Running>,
}

/// The authenticator, once it is needed.
struct Running {
    device: VirtualAuthenticator,
    faults: Vec<(Fault, Injected)>,
    /// What the file says of it, as far as is known here.
    state: State,
}

impl Session {
    pub(super) fn new(args: VirtualDevice, makes: bool) -> Self {
        let file = args.passkeys.as_deref().map(PasskeyFile::new);
        Self { args, file, makes, running: None }
    }

    /// Does something with the authenticator, and keeps what came of it. Meanwhile no other process
    /// has the file; what others have changed before is known.
    pub(super) fn with<T>(
        &mut self,
        work: impl FnOnce(&VirtualAuthenticator) -> T,
    ) -> Result<T, Failure> {
        let _lock = self.file.as_ref().map(PasskeyFile::lock).transpose()?;
        let there = match &self.file {
            Some(file) => file.read()?,
            None => None,
        };
        if let (None, Some(file), false) = (&there, &self.file, self.makes) {
            return Err(file.missing());
        }
        let mut running = match self.running.take() {
            Some(running) => running,
            None => Running::start(&self.args, there.as_ref())?,
        };
        if let (Some(there), Some(file)) = (there, &self.file) {
            running.follow(there, file)?;
        }
        let running = self.running.insert(running);
        let done = work(&running.device);
        let now = running.now();
        if now != running.state {
            // The file is what counts: what could not be written is not there later.
            if let Some(file) = &self.file {
                file.write(&now)?;
            }
            running.state = now;
        }
        Ok(done)
    }

    /// The person does this from now on, and nothing that they were told before.
    pub(super) fn script(&mut self, rules: Rules) {
        if let Some(running) = &self.running {
            let person = running.device.person();
            person.forget();
            rules.teach(person);
        }
        self.args.person = vec![rules];
    }

    /// This goes wrong from now on, and nothing else.
    pub(super) fn inject(&mut self, faults: Vec<Fault>) {
        if let Some(running) = &mut self.running {
            running.inject(&faults);
        }
        self.args.fault = faults;
    }

    /// The faults that nothing has come of yet.
    pub(super) fn idle_faults(&self) -> Vec<Fault> {
        let faults = self.running.iter().flat_map(|running| &running.faults);
        faults.filter(|(_, injected)| injected.count() == 0).map(|(fault, _)| *fault).collect()
    }
}

impl Running {
    fn start(args: &VirtualDevice, there: Option<&State>) -> Result<Self, Failure> {
        let kept = there.map(|state| state.kind);
        let kind = args.kind.or(kept).unwrap_or(VirtualKind::SyncedPasskey);
        // Each call takes its time, so that none draws what another has drawn.
        let passed = there.map_or(0, |state| state.elapsed_ms);
        let mut builder = match kind {
            VirtualKind::SecurityKey => Builder::security_key(),
            VirtualKind::FingerprintKey => Builder::fingerprint_key(),
            VirtualKind::Platform => Builder::platform(),
            VirtualKind::SyncedPasskey => Builder::synced_passkey(),
            VirtualKind::Phone => Builder::phone(),
        };
        if let Some(seed) = args.seed {
            builder = builder.seed(seed.wrapping_add(passed.wrapping_mul(STEP)));
        }
        if let Some(pin) = &args.pin {
            builder = builder.pin(pin);
        }
        let device =
            builder.build().map_err(|error| Failure::usage("settings", error.to_string()))?;
        device.person().leaves_it_to_verify();
        args.person.iter().for_each(|rules| rules.teach(device.person()));
        let state = State { kind, elapsed_ms: 0, kept: device.snapshot() };
        let mut new = Self { device, faults: Vec::new(), state };
        new.inject(&args.fault);
        Ok(new)
    }

    fn inject(&mut self, faults: &[Fault]) {
        let here = self.device.faults();
        here.clear();
        self.faults = faults.iter().map(|fault| (*fault, here.inject(*fault))).collect();
    }

    /// Becomes what the file says.
    fn follow(&mut self, there: State, file: &PasskeyFile) -> Result<(), Failure> {
        if there.kind != self.state.kind {
            return Err(file.of_other_kind(there.kind));
        }
        if there.kept != self.state.kept {
            let restored = self.device.restore(&there.kept);
            restored.map_err(|error| Failure::environment("passkeys", error.to_string()))?;
        }
        let clock = self.device.clock();
        let ahead = Duration::from_millis(there.elapsed_ms).saturating_sub(clock.elapsed());
        clock.advance(ahead);
        self.state = there;
        Ok(())
    }

    /// What is to be kept now, after a call that may have changed something.
    fn now(&self) -> State {
        let elapsed = self.device.clock().elapsed().as_millis();
        let elapsed_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        State { kind: self.state.kind, elapsed_ms, kept: self.device.snapshot() }
    }
}
