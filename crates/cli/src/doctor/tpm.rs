//! Whether there is a TPM that can keep passkeys.

use std::{fs, path::Path};

use towline::crypto::CryptoProvider;
use towline_tpm::{
    Error, PATIENCE, TpmBinding, TpmHealth, TpmKeys, TpmOpenError, TpmPlace, Worker,
};

use super::Finding;
use crate::event::Outcome;

/// Looks at the place, and below `sys`, which is `/sys` but for tests. A TPM is not needed unless
/// somebody asks for it, so that the lack of one is no more than a note; what is wrong with one
/// that is there is told as such.
pub(super) fn check(place: &TpmPlace, sys: &Path, provider: &CryptoProvider) -> Vec<Finding> {
    let is_default = *place == TpmPlace::default();
    let finding = |outcome, message: String| vec![Finding::new("tpm", outcome, message)];
    if is_default && version(sys).is_some_and(|version| version == "1") {
        let message = "the TPM of this machine is of version 1.2, which is too old: passkeys need 2.0; some machines have a \
                       2.0 to turn on in the firmware settings (\"fTPM\", \"PTT\")";
        return finding(Outcome::Note, message.into());
    }
    let worker = Worker::at(provider.clone(), place.clone());
    let health = match worker.run(PATIENCE, TpmHealth::of) {
        Ok(health) => health,
        Err(Error::Open(TpmOpenError::NoDevice(_))) if is_default => {
            let known = version(sys).is_some();
            return finding(Outcome::Note, no_device(known).into());
        }
        Err(error) => return finding(Outcome::Bad, error.to_string()),
    };
    let mut findings = Vec::new();
    let mut say = |outcome, message: String| findings.push(Finding::new("tpm", outcome, message));
    if !health.is_enabled {
        let message = format!(
            "{health}: its storage is turned off; turn the TPM on (\"enable\", \"activate\") in the firmware settings"
        );
        say(Outcome::Bad, message);
        return findings;
    }
    match keys(&worker, provider) {
        Ok(algorithms) => say(Outcome::Good, format!("{health}, can keep passkeys ({algorithms})")),
        Err(error) => say(Outcome::Bad, format!("{health}, can't keep passkeys: {error}")),
    }
    if !health.counts_pins() {
        let message = "the TPM is too old to count PINs (before revision 1.38): a key with --keys tpm can have no PIN";
        say(Outcome::Note, message.into());
    }
    let lockout = health.lockout;
    let message = if lockout.is_locked {
        format!(
            "the TPM is locked out for what counts on it, such as disk encryption, for at most {} s yet ({lockout}); passkeys \
             and their PIN don't",
            lockout.falls_after.as_secs()
        )
    } else {
        format!(
            "the TPM is not locked out ({lockout}); passkeys and their PIN have no part in that"
        )
    };
    say(Outcome::Note, message);
    findings
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

#[cfg(test)]
mod tests {
    use super::*;

    fn only(place: &TpmPlace, sys: &Path) -> Finding {
        let mut findings = check(place, sys, &towline::crypto::rustcrypto::provider());
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let sys = std::env::temp_dir().join(format!("towline-doctor-tpm-{}", std::process::id()));
        fs::create_dir_all(sys.join("class/tpm/tpm0")).unwrap();
        let socket = TpmPlace::Unix(sys.join("nobody"));
        let none = only(&socket, &sys);
        assert_eq!(none.outcome, Outcome::Bad, "somebody has asked for it");
        assert!(none.message.contains("firmware settings"), "{none:?}");

        fs::write(sys.join("class/tpm/tpm0/tpm_version_major"), "1\n").unwrap();
        let old = only(&TpmPlace::default(), &sys);
        assert!(old.outcome == Outcome::Note && old.message.contains("too old"), "{old:?}");
        fs::remove_dir_all(&sys).unwrap();
    }
}
