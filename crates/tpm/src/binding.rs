//! What ties a credential store to a TPM, and what that says of a key.

use towline_authenticator::KeyHandle;
use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    command::TpmCommand,
    error::Error,
    handle::{Handle, ObjectName},
    key_handle::{ParentMark, TpmKey, mark},
    keys,
    session::{Authorization, Encryption},
    template,
    tpm::Tpm,
    wire::{Reader, Unreadable, Writer},
    worker::{PATIENCE, Worker},
};

/// What ties a credential store to a TPM. It belongs into the store: who has both the store and the
/// TPM can sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmBinding {
    /// What the authorisation values of keys are made from.
    pub(crate) secret: Secret<32>,
    /// The name of the parent of all keys.
    pub(crate) parent: ObjectName,
    /// The mark of a key that outlives a clearing of the TPM; none where the endorsement hierarchy
    /// has a password, or the binding is from before.
    chip: Option<ParentMark>,
}

impl TpmBinding {
    /// A new one, for the TPM that is there.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(worker: &Worker, provider: &CryptoProvider) -> Result<Self, Error> {
        let secret = provider.random.secret()?;
        let (parent, chip) = worker.run(PATIENCE, |tpm| {
            // What it lacks is said better by this than by the refusal of the first command.
            keys::kinds(tpm)?;
            Ok((tpm.with_parent(|_, it| Ok(it.name.clone()))?, chip(tpm)?))
        })?;
        Ok(Self { secret, parent, chip })
    }

    /// The same secret for another TPM, or for this one after it was cleared. The keys that were
    /// made before stay what they are, and can't be used here.
    ///
    /// # Errors
    /// [`Error`].
    pub fn moved(&self, worker: &Worker) -> Result<Self, Error> {
        let (parent, chip) = worker.run(PATIENCE, |tpm| {
            tpm.expect_any();
            Ok((tpm.with_parent(|_, it| Ok(it.name.clone()))?, chip(tpm)?))
        })?;
        Ok(Self { secret: self.secret.clone(), parent, chip })
    }

    /// Whether it is this TPM that the store is bound to.
    ///
    /// # Errors
    /// [`Error::AnotherTpm`]; [`Error::Cleared`] where it is the same chip, with other keys since.
    pub fn check(&self, worker: &Worker) -> Result<(), Error> {
        let (parent, known) = (self.parent.clone(), self.chip);
        worker.run(PATIENCE, move |tpm| {
            tpm.expect(&parent);
            match tpm.parent() {
                Err(Error::AnotherTpm) if known.is_some() && chip(tpm)? == known => {
                    Err(Error::Cleared)
                }
                found => found.map(drop),
            }
        })
    }

    /// The name of the parent.
    #[must_use]
    pub const fn parent(&self) -> &ObjectName {
        &self.parent
    }

    /// What is to be kept: a secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new().u8(VERSION).raw(self.secret.expose());
        let writer = writer.sized(self.parent.as_bytes());
        self.chip.iter().fold(writer, |writer, mark| writer.raw(mark)).finish()
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "binding to a TPM");
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let secret = Secret::from_slice(reader.bytes(32)?).map_err(|_| reader.malformed())?;
        let parent = ObjectName::take(&mut reader)?;
        let chip = if reader.is_empty() { None } else { Some(reader.array()?) };
        reader.end()?;
        Ok(Self { secret, parent, chip })
    }

    /// A secret of its own for a purpose.
    pub(crate) fn derive(&self, provider: &CryptoProvider, purpose: &[u8]) -> Secret<32> {
        Secret::new(provider.hmac.key(self.secret.expose()).sign(&[purpose]))
    }
}

const VERSION: u8 = 1;

/// What stays when a TPM is cleared: the mark of a primary key in its endorsement hierarchy. None
/// where making it takes a password.
fn chip(tpm: &mut Tpm) -> Result<Option<ParentMark>, Error> {
    let create = TpmCommand::create_primary(Handle::ENDORSEMENT, &template::parent());
    match tpm.execute(create, &[Authorization::Empty], Encryption::default()) {
        Ok(made) => {
            tpm.flush(made.handle);
            Ok(Some(mark(&made.name)))
        }
        Err(Error::Response(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is in software: wherever the store is.
    Software,
    /// It is in this TPM.
    Here,
    /// It is in another TPM, or was in this one before it was cleared.
    AnotherTpm,
}

/// Where the key of a handle can be used, in a store with this binding.
fn state(key: &KeyHandle, binding: &TpmBinding) -> KeyState {
    match TpmKey::of(key) {
        None => KeyState::Software,
        Some(key) if key.parent == mark(&binding.parent) => KeyState::Here,
        Some(_) => KeyState::AnotherTpm,
    }
}

impl KeyState {
    /// Where the key of a handle can be used, in a store with this binding, or with none.
    #[must_use]
    pub fn of(key: &KeyHandle, binding: Option<&TpmBinding>) -> Self {
        match binding {
            Some(binding) => state(key, binding),
            None if TpmKey::of(key).is_some() => Self::AnotherTpm,
            None => Self::Software,
        }
    }
}
