//! Where private keys live: in the store, or in this machine's TPM, to which a store is bound.

use std::sync::Arc;

use towline::{
    authenticator::{
        Change, CredentialStore, KeyStore, PinVerifier, Record, SoftwareKeys, SoftwarePin,
    },
    crypto::CryptoProvider,
};
use towline_store::Store;
use towline_tpm::{Error, TpmBinding, TpmKeys, TpmPin, TpmPlace, Worker};

use crate::{
    args::{self, KeysIn},
    event::{self, Event},
    exit::Failure,
    keys::{done, kept::Kept},
    report::Report,
};

/// How often a PIN may be tried (CTAP 2.3 section 6.5.2.2).
const PIN_TRIES: u8 = 8;

/// What has the private keys, and what compares the PIN.
pub(crate) struct Custody {
    pub(crate) keys: Box<dyn KeyStore>,
    pub(crate) pin: Box<dyn PinVerifier>,
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
            KeysIn::Software => {
                if let Kept::File(store) = kept
                    && bound(store)?.is_some()
                {
                    report.event(&Event::Keys { keys: event::Keys::Software, message: LEFT_OUT });
                }
                let keys = Box::new(SoftwareKeys::new(provider.clone()));
                Ok(Self { keys, pin: Box::new(SoftwarePin) })
            }
            KeysIn::Tpm => {
                let (custody, binding) = in_tpm(args, kept, provider)?;
                drop(binding);
                report.event(&Event::Keys { keys: event::Keys::Tpm, message: IN_TPM });
                Ok(custody)
            }
        }
    }
}

const IN_TPM: &str = "the private keys of new passkeys are in this machine's TPM: they can't be copied, and a backup can't bring \
                      them back";
const LEFT_OUT: &str = "the passkeys of this store that are in a TPM can't sign in now; start with --keys tpm for them";

fn in_tpm(
    args: &args::Custody,
    kept: &Kept,
    provider: &CryptoProvider,
) -> Result<(Custody, TpmBinding), Failure> {
    let worker = Worker::at(provider.clone(), args.tpm.clone());
    let failed = |error: &Error| failure(&args.tpm, error);
    let mut binding = match kept {
        Kept::File(store) => bound(store)?,
        Kept::Memory => None,
    };
    if binding.is_none() {
        let new = TpmBinding::new(&worker, provider).map_err(|error| failed(&error))?;
        if let Kept::File(store) = kept {
            let (record, value) = (Record::KeyStore, new.encode());
            done(store.clone().commit(vec![Change::NewRecord { record, value }]))?;
        }
        binding = Some(new);
    }
    let mut binding = binding.ok_or_else(|| failed(&Error::AnotherTpm))?;
    let open =
        |binding: &TpmBinding| TpmKeys::open(worker.clone(), provider.clone(), binding.clone());
    let keys = match open(&binding) {
        Err(Error::AnotherTpm) if args.new_tpm => {
            binding = binding.moved(&worker).map_err(|error| failed(&error))?;
            if let Kept::File(store) = kept {
                save(store, &binding).map_err(|error| Failure::environment("store", error))?;
            }
            open(&binding)
        }
        opened => opened,
    };
    let keys = keys.map_err(|error| failed(&error))?;
    let keys = match kept {
        Kept::Memory => keys,
        Kept::File(store) => {
            let store = Arc::new(std::sync::Mutex::new(store.clone()));
            keys.keeping(move |binding| {
                let store = store.lock().map_err(|_| "the store is gone".to_owned())?;
                save(&store, binding)
            })
        }
    };
    let pin = TpmPin::new(worker, provider.clone(), &binding, PIN_TRIES);
    Ok((Custody { keys: Box::new(keys), pin: Box::new(pin) }, binding))
}

/// What ties a store to a TPM, if it is tied to one.
pub(crate) fn bound(store: &Store) -> Result<Option<TpmBinding>, Failure> {
    let Some(record) = done(store.clone().record(Record::KeyStore))? else { return Ok(None) };
    let damaged = |_| Failure::environment("store", "what ties the store to a TPM is damaged");
    TpmBinding::decode(&record).map(Some).map_err(damaged)
}

fn save(store: &Store, binding: &TpmBinding) -> Result<(), String> {
    let change = Change::Record { record: Record::KeyStore, value: Some(binding.encode()) };
    done(store.clone().commit(vec![change])).map_err(|failure| failure.message)
}

/// What went wrong with the TPM.
fn failure(place: &TpmPlace, error: &Error) -> Failure {
    let reason = match error {
        Error::AnotherTpm => "another_tpm",
        Error::Open(_) => "no_tpm",
        _ => "tpm",
    };
    let message = error.to_string();
    let message = match error {
        Error::AnotherTpm => format!(
            "{message}; `towline keys list` says which passkeys these are, and --new-tpm goes on without them"
        ),
        _ if message.contains(&place.to_string()) => message,
        _ => format!("the TPM at {place}: {message}"),
    };
    Failure::environment(reason, message)
}
