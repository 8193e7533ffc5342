//! Whether there is a TPM that can keep passkeys, and whether it is the one that a store knows.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use towline::crypto::CryptoProvider;
use towline_store::Store;
use towline_tpm::{
    CountedStore, CountedStoreError, Error, Lockout, PATIENCE, TpmBinding, TpmHealth, TpmKeys,
    TpmOpenError, TpmPlace, Worker,
};

use super::Finding;
use crate::{args, custody, event::Outcome, keys::kept};

/// What is looked at, and when.
struct Look<'a> {
    worker: Worker,
    /// Whether nobody has named a place. A TPM is not needed then, so that the lack of one is no
    /// more than a note; what is wrong with one that is there is told as such.
    is_default: bool,
    /// `/sys`, but for tests.
    sys: &'a Path,
    /// What ties the store that was named to a TPM.
    binding: Option<TpmBinding>,
    now: SystemTime,
}

/// Looks at the TPM in this place, and at the store, if one is named.
pub(super) fn check(args: &args::Doctor, provider: &CryptoProvider) -> Vec<Finding> {
    let worker = Worker::at(provider.clone(), args.tpm.clone());
    let (mut findings, mut store) = (Vec::new(), None);
    if args.store.store.is_some() {
        match kept::open_for(&args.store, false, provider) {
            Ok(opened) => store = Some(opened),
            Err(failure) => findings.push(Finding::new("store", Outcome::Bad, failure.message)),
        }
    }
    let mut binding = None;
    match store.as_ref().map(custody::bound) {
        Some(Ok(bound)) => binding = bound,
        Some(Err(failure)) => findings.push(Finding::new("store", Outcome::Bad, failure.message)),
        None => {}
    }
    let look = Look {
        worker: worker.clone(),
        is_default: args.tpm == TpmPlace::default(),
        sys: Path::new("/sys"),
        binding,
        now: SystemTime::now(),
    };
    findings.extend(look.findings(provider));
    findings.extend(store.and_then(|store| counted(store, &worker)));
    findings
}

/// Whether the store is the one that the TPM has seen last, where it counts.
fn counted(mut store: Store, worker: &Worker) -> Option<Finding> {
    if matches!(CountedStore::is_counted(&mut store), Ok(false)) {
        return None;
    }
    Some(match CountedStore::look(&mut store, worker) {
        Ok(()) => {
            let message = "it is the one that the TPM has seen last, no older copy";
            Finding::new("store", Outcome::Good, message)
        }
        Err(error @ CountedStoreError::Tpm(_)) => {
            Finding::new("store", Outcome::NotChecked, error.to_string())
        }
        Err(error) => Finding::new("store", Outcome::Bad, error.to_string()),
    })
}

impl Look<'_> {
    fn findings(&self, provider: &CryptoProvider) -> Vec<Finding> {
        let finding = |outcome, message: String| vec![Finding::new("tpm", outcome, message)];
        let known = version(self.sys);
        if self.is_default && known.as_deref() == Some("1") {
            let message = "the TPM of this machine is of version 1.2, which is too old: passkeys need 2.0; some machines have a \
                           2.0 to turn on in the firmware settings (\"fTPM\", \"PTT\")";
            return finding(self.lacking(), message.into());
        }
        let health = match self.worker.run(PATIENCE, TpmHealth::of) {
            Ok(health) => health,
            Err(Error::Open(TpmOpenError::NoDevice(_))) if self.is_default => {
                return finding(self.lacking(), no_device(known.is_some()).into());
            }
            Err(error) => return finding(Outcome::Bad, error.to_string()),
        };
        if !health.is_enabled {
            let message = format!(
                "{health}: its storage is turned off; turn the TPM on (\"enable\", \"activate\") in the firmware settings"
            );
            return finding(Outcome::Bad, message);
        }
        let mut findings = Vec::new();
        let mut say = |outcome, message| findings.push(Finding::new("tpm", outcome, message));
        match keys(&self.worker, provider) {
            Ok(algorithms) => {
                say(Outcome::Good, format!("{health}, can keep passkeys ({algorithms})"));
            }
            Err(error) => say(Outcome::Bad, format!("{health}, can't keep passkeys: {error}")),
        }
        if let Some(binding) = &self.binding {
            match binding.check(&self.worker) {
                Ok(()) => say(Outcome::Good, "it is the TPM that the store knows".into()),
                Err(error) => say(Outcome::Bad, format!("the passkeys of the store: {error}")),
            }
        }
        if !health.counts_pins() {
            let message = "the TPM is too old to count PINs (before revision 1.38): a key with --keys tpm can have no PIN";
            say(Outcome::Note, message.into());
        }
        say(Outcome::Note, lockout(&health.lockout, self.now));
        findings
    }

    /// How bad it is that there is none: for a store with keys in one it is.
    fn lacking(&self) -> Outcome {
        if self.binding.is_some() { Outcome::Bad } else { Outcome::Note }
    }
}

fn lockout(lockout: &Lockout, now: SystemTime) -> String {
    if !lockout.is_locked {
        return format!(
            "the TPM is not locked out ({lockout}); passkeys and their PIN have no part in that"
        );
    }
    let until =
        now.checked_add(lockout.falls_after).filter(|_| lockout.falls_after > Duration::ZERO);
    let until = match until {
        Some(until) => format!(
            "until {} at the latest, in {} s",
            httpdate::fmt_http_date(until),
            lockout.falls_after.as_secs()
        ),
        None => "until its owner resets that".into(),
    };
    format!(
        "the TPM is locked out for what counts on it, such as disk encryption, {until} ({lockout}); passkeys and their PIN \
         don't"
    )
}

const fn no_device(known: bool) -> &'static str {
    if known {
        "there is a TPM, but not behind the kernel's resource manager (/dev/tpmrm0): Linux 4.12 or newer has it"
    } else {
        "there is no TPM; if the machine has one, turn it on in the firmware settings (\"TPM\", \"PTT\", \"fTPM\")"
    }
}

/// Makes the parent of all keys, as the first passkey would.
fn keys(worker: &Worker, provider: &CryptoProvider) -> Result<String, Error> {
    use towline::authenticator::KeyStore as _;
    let binding = TpmBinding::new(worker, provider)?;
    let keys = TpmKeys::open(worker.clone(), provider.clone(), binding)?;
    let names = keys.algorithms().into_iter().map(|algorithm| match algorithm {
        -7 => "ES256",
        -35 => "ES384",
        -257 => "RS256",
        _ => "another algorithm",
    });
    Ok(names.collect::<Vec<_>>().join(", "))
}

/// The version of the TPM that the kernel has found, if it has found one.
fn version(sys: &Path) -> Option<String> {
    let read = fs::read_to_string(sys.join("class/tpm/tpm0/tpm_version_major")).ok()?;
    Some(read.trim().to_owned())
}
