//! Where private keys live: in the store, or in this machine's TPM, to which a store is bound.

use std::sync::Arc;

use towline::{
    authenticator::{
        AttestationFormat, Change, Config, CredentialStore, KeyStore, PinVerifier, Record,
        SoftwareKeys, SoftwarePin, certified_aaguid,
    },
    crypto::{CryptoProvider, Secret},
};
use towline_store::{KeySealer, Store};
use towline_tpm::{
    CertifiedKey, CountedStore, CountedStoreError, Error, TpmBinding, TpmKeys, TpmPin, TpmPlace,
    Worker,
};

use crate::{
    args::{self, KeysIn},
    event::{self, Event},
    exit::Failure,
    keys::{done, kept::Kept},
    report::Report,
};

/// How often a PIN may be tried (CTAP 2.3 section 6.5.2.2).
const PIN_TRIES: u8 = 8;
/// The format of what a TPM says of a key (WebAuthn L3 section 8.3).
const TPM: &str = "tpm";

/// What has the passkeys and their private keys, and what compares the PIN.
pub(crate) struct Custody {
    pub(crate) store: Box<dyn CredentialStore>,
    pub(crate) keys: Box<dyn KeyStore>,
    pub(crate) pin: Box<dyn PinVerifier>,
    /// The certificate by which the TPM attests, in DER.
    certificate: Option<Vec<u8>>,
}

/// When a TPM attests that a new passkey is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attested {
    /// Wherever a statement is wanted, and nothing else is named.
    First,
    /// Wherever its format is named.
    IfNamed,
    /// As for `First`, and it has to be able to.
    Always,
    Never,
}

impl Custody {
    /// Where the arguments say, for the passkeys that are kept there.
    pub(crate) fn open(
        args: &args::Custody,
        kept: &Kept,
        provider: &CryptoProvider,
        report: &Report,
    ) -> Result<Self, Failure> {
        match args.keys {
            KeysIn::Software if args.tpm_counter || args.older_store => {
                let message = "--tpm-counter and --older-store go with --keys tpm";
                Err(Failure::usage("settings", message))
            }
            KeysIn::Software => {
                if let Kept::File(store) = kept
                    && bound(store)?.is_some()
                {
                    report.event(&Event::Keys { keys: event::Keys::Software, message: LEFT_OUT });
                }
                Ok(Self {
                    store: kept.clone().credentials(),
                    keys: Box::new(SoftwareKeys::new(provider.clone())),
                    pin: Box::new(SoftwarePin),
                    certificate: None,
                })
            }
            KeysIn::Tpm => {
                let custody = in_tpm(args, kept, provider)?;
                report.event(&Event::Keys { keys: event::Keys::Tpm, message: IN_TPM });
                Ok(custody)
            }
        }
    }

    /// Has the TPM attest to new passkeys, if it can: after an enrolment.
    pub(crate) fn attest(&self, config: &mut Config, when: Attested) -> Result<(), Failure> {
        let Some(certificate) = &self.certificate else {
            let message = "there is no certificate for this TPM, or the keys are not in it: start with --keys tpm, after \
                           `towline tpm enroll`";
            return match when {
                Attested::Always => Err(Failure::usage("attestation", message)),
                _ => Ok(()),
            };
        };
        let formats = &mut config.attestation.formats;
        let place = match when {
            Attested::Never => return Ok(()),
            Attested::First | Attested::Always => 0,
            Attested::IfNamed => formats.len().min(1),
        };
        formats.insert(place, AttestationFormat::OfKeyStore(TPM));
        // Sites refuse a certificate of another model.
        config.identity.aaguid = certified_aaguid(certificate).unwrap_or(config.identity.aaguid);
        Ok(())
    }
}

const IN_TPM: &str = "the private keys of new passkeys are in this machine's TPM: they can't be copied, and a backup can't bring \
                      them back";
const LEFT_OUT: &str = "the passkeys of this store that are in a TPM can't sign in now; start with --keys tpm for them";

fn in_tpm(
    args: &args::Custody,
    kept: &Kept,
    provider: &CryptoProvider,
) -> Result<Custody, Failure> {
    let worker = Worker::at(provider.clone(), args.tpm.clone());
    let binding = binding(&worker, args, kept, provider)?;
    let keys = TpmKeys::open(worker.clone(), provider.clone(), binding.clone());
    let mut keys = keys.map_err(|error| failure(&args.tpm, &error))?;
    let mut certificate = None;
    if let Kept::File(store) = kept {
        if let Some(certified) = attestation(store)?
            && certified.is_good_for(binding.parent())
        {
            certificate = certified.certificates.first().cloned();
            keys = keys.attested_by(certified);
        }
        let store = Arc::new(std::sync::Mutex::new(store.clone()));
        keys = keys.keeping(move |binding| {
            let store = store.lock().map_err(|_| "the store is gone".to_owned())?;
            save(&store, binding)
        });
    }
    let store = counted(args, kept, &worker, provider)?;
    let pin = TpmPin::new(worker, provider.clone(), &binding, PIN_TRIES);
    Ok(Custody { store, keys: Box::new(keys), pin: Box::new(pin), certificate })
}

/// What ties what is kept to the TPM, which it is the first time or `--new-tpm` says so.
pub(crate) fn binding(
    worker: &Worker,
    args: &args::Custody,
    kept: &Kept,
    provider: &CryptoProvider,
) -> Result<TpmBinding, Failure> {
    let failed = |error: Error| failure(&args.tpm, &error);
    let known = match kept {
        Kept::File(store) => bound(store)?,
        Kept::Memory => None,
    };
    let Some(binding) = known else {
        let new = TpmBinding::new(worker, provider).map_err(failed)?;
        if let Kept::File(store) = kept {
            let (record, value) = (Record::KeyStore, new.encode());
            done(store.clone().commit(vec![Change::NewRecord { record, value }]))?;
        }
        return Ok(new);
    };
    match binding.check(worker) {
        Ok(()) => Ok(binding),
        Err(Error::AnotherTpm | Error::Cleared) if args.new_tpm => {
            let binding = binding.moved(worker).map_err(failed)?;
            if let Kept::File(store) = kept {
                save(store, &binding).map_err(|error| Failure::environment("store", error))?;
            }
            Ok(binding)
        }
        Err(error) => Err(failed(error)),
    }
}

/// The store, vetted by its counter in the TPM, if it has one or is to have one.
fn counted(
    args: &args::Custody,
    kept: &Kept,
    worker: &Worker,
    provider: &CryptoProvider,
) -> Result<Box<dyn CredentialStore>, Failure> {
    let Kept::File(store) = kept else {
        return if args.tpm_counter || args.older_store {
            let message = "there is no older copy of what is in memory; name a file with --store";
            Err(Failure::usage("no_store", message))
        } else {
            Ok(kept.clone().credentials())
        };
    };
    let mut store = store.clone();
    let known = CountedStore::is_counted(&mut store);
    let known = known.map_err(|error| Failure::environment("store", error.to_string()))?;
    if !args.tpm_counter && !known {
        return Ok(Box::new(store));
    }
    let open = if args.older_store { CountedStore::accept } else { CountedStore::open };
    let counted = open(store, worker.clone(), provider).map_err(|error| match error {
        CountedStoreError::Tpm(error) => failure(&args.tpm, &error),
        CountedStoreError::Older { .. } => Failure::environment(
            "older_store",
            format!("{error}; --older-store goes on with this one"),
        ),
        CountedStoreError::NoCounter => Failure::environment(
            "no_counter",
            format!("{error}; --older-store goes on, with a new one"),
        ),
        error => Failure::environment("store", error.to_string()),
    });
    Ok(Box::new(counted?))
}

/// What ties a store to a TPM, if it is tied to one.
pub(crate) fn bound(store: &Store) -> Result<Option<TpmBinding>, Failure> {
    let Some(record) = done(store.clone().record(Record::KeyStore))? else { return Ok(None) };
    let damaged = |_| Failure::environment("store", "what ties the store to a TPM is damaged");
    TpmBinding::decode(&record).map(Some).map_err(damaged)
}

/// The key by which the TPM attests, with its certificates, or waiting for them.
pub(crate) fn attestation(store: &Store) -> Result<Option<CertifiedKey>, Failure> {
    let record = done(store.clone().record(Record::KeyAttestation))?;
    let read = record.map(|record| CertifiedKey::decode(&record)).transpose();
    read.map_err(|_| {
        let message =
            "the attestation key in the store is damaged; `towline tpm enroll` makes another one";
        Failure::environment("store", message)
    })
}

/// Keeps it, or forgets what is kept.
pub(crate) fn keep_attestation(store: &Store, key: Option<&CertifiedKey>) -> Result<(), Failure> {
    let value = key.map(|key| key.encode().into());
    done(store.clone().commit(vec![Change::Record { record: Record::KeyAttestation, value }]))
}

fn save(store: &Store, binding: &TpmBinding) -> Result<(), String> {
    let change = Change::Record { record: Record::KeyStore, value: Some(binding.encode()) };
    done(store.clone().commit(vec![change])).map_err(|failure| failure.message)
}

/// A TPM that seals the key of a store.
#[derive(Debug)]
pub(crate) struct InTpm(Worker);

impl InTpm {
    pub(crate) fn at(place: &TpmPlace) -> Self {
        Self(Worker::at(towline::fastest::provider(), place.clone()))
    }
}

impl KeySealer for InTpm {
    fn seal(&self, key: &Secret<32>) -> Result<Vec<u8>, String> {
        towline_tpm::seal(&self.0, key).map_err(|error| error.to_string())
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Secret<32>, String> {
        towline_tpm::unseal(&self.0, sealed).map_err(|error| error.to_string())
    }
}

/// What went wrong with the TPM.
pub(crate) fn failure(place: &TpmPlace, error: &Error) -> Failure {
    let reason = match error {
        Error::AnotherTpm | Error::Cleared => "another_tpm",
        Error::Certificates(_) => "enrollment",
        Error::Open(_) => "no_tpm",
        _ => "tpm",
    };
    let message = error.to_string();
    let message = match error {
        Error::AnotherTpm | Error::Cleared => format!(
            "{message}; `towline keys list` says which passkeys these are, and --new-tpm goes on without them"
        ),
        Error::Certificates(_) => message,
        _ if message.contains(&place.to_string()) => message,
        _ => format!("the TPM at {place}: {message}"),
    };
    Failure::environment(reason, message)
}
