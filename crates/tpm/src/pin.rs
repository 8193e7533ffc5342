//! A PIN that the TPM counts.
//!
//! An NV index of the type `PIN_FAIL` has the PIN as its authorisation value, and a count that
//! nobody can write: the policy that allowed its first write was the secret of an object that is
//! gone. A sealed secret, the guard, opens to who has just authorised with the index. So the TPM
//! compares, and at the limit it is over until the index goes; its own lockout has no part in it.

use std::fmt;

use towline_authenticator::{
    PinComparison, PinHash, PinVerifier, PinVerifierError, SoftwarePin, Work,
};
use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    binding::TpmBinding,
    code::{Code, CodeSubject},
    command::{Loaded, NvIndex, NvPublic, Private, TpmCommand, policy_secret},
    error::Error,
    handle::{Handle, ObjectName},
    key_handle::{ParentMark, mark},
    public::PublicArea,
    session::{Authorization, Encryption},
    template,
    tpm::Tpm,
    wire::{Reader, Unreadable, Writer},
    worker::{PATIENCE, Worker},
};

/// What a kept PIN begins with. One that is kept in software is 16 bytes, and no longer.
const VERSION: u8 = 1;
const IN_SOFTWARE: usize = 16;

/// Where owners put indexes (TCG Registry of Reserved TPM 2.0 Handles §2.2).
pub(crate) const FIRST_INDEX: u32 = 0x0180_0000;
pub(crate) const INDEXES: u32 = 0x0040_0000;

/// Keeps the PIN of a store in a TPM, which compares it and counts.
///
/// A store has two places for indexes, which follow from its [`TpmBinding`]: a new PIN takes the
/// one that the PIN before has not, so that a change that stops halfway leaves nothing behind that
/// the next one does not use. A PIN that was set before, in software, is compared there until it is
/// changed.
pub struct TpmPin {
    worker: Worker,
    provider: CryptoProvider,
    parent: ObjectName,
    places: [Handle; 2],
    /// The index of the PIN that counts.
    current: Option<Handle>,
    limit: u8,
}

impl fmt::Debug for TpmPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TpmPin(limit {})", self.limit)
    }
}

/// What is kept of a PIN: a secret only in that it is of no use to others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeptPin {
    parent: ParentMark,
    index: Handle,
    /// The policy that wrote the index once.
    policy: [u8; 32],
    salt: [u8; 16],
    guard: Private,
    public: PublicArea,
}

impl KeptPin {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new().u8(VERSION).raw(&self.parent).u32(self.index.0);
        let writer = writer.raw(&self.policy).raw(&self.salt).sized(&self.guard.0);
        writer.sized(&self.public.encode()).finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "PIN in a TPM");
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let kept = Self {
            parent: reader.array()?,
            index: Handle(reader.u32()?),
            policy: reader.array()?,
            salt: reader.array()?,
            guard: Private(reader.sized(1024)?.into()),
            public: PublicArea::decode(reader.sized(1024)?)?,
        };
        reader.end()?;
        Ok(kept)
    }

    fn index(&self, provider: &CryptoProvider) -> NvIndex {
        NvPublic::pin_fail(self.index, self.policy.into()).written().named(provider)
    }

    /// The authorisation value that a PIN gives.
    fn value(&self, provider: &CryptoProvider, pin: &PinHash) -> Result<Secret<32>, Error> {
        pin_value(provider, &self.salt, pin)
    }
}

fn pin_value(
    provider: &CryptoProvider,
    salt: &[u8; 16],
    pin: &PinHash,
) -> Result<Secret<32>, Error> {
    Ok(Secret::try_init(|value: &mut [u8; 32]| {
        provider.hkdf.derive(salt, pin.expose(), b"towline tpm pin", value)
    })?)
}

impl TpmPin {
    /// The PIN of a store, which may be tried so often.
    #[must_use]
    pub fn new(worker: Worker, provider: CryptoProvider, binding: &TpmBinding, limit: u8) -> Self {
        let hash = binding.derive(&provider, b"towline tpm pin index");
        let [a, b, c, d, ..] = *hash.expose();
        let first = u32::from_be_bytes([a, b, c, d]).checked_rem(INDEXES).unwrap_or_default() & !1;
        let place = FIRST_INDEX.saturating_add(first);
        let places = [Handle(place), Handle(place | 1)];
        let parent = binding.parent().clone();
        Self { worker, provider, parent, places, current: None, limit }
    }

    /// What was kept, which is of this TPM.
    fn read(&mut self, kept: &[u8]) -> Result<KeptPin, PinVerifierError> {
        let kept = KeptPin::decode(kept).map_err(|_| PinVerifierError::Unreadable)?;
        if kept.parent != mark(&self.parent) {
            return Err(unavailable(Error::AnotherTpm));
        }
        self.current = Some(kept.index);
        Ok(kept)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn unavailable(error: Error) -> PinVerifierError {
    PinVerifierError::Unavailable(error.to_string())
}

/// Makes the index and the guard of a new PIN.
fn make(
    tpm: &mut Tpm,
    parent: &Loaded,
    place: Handle,
    limit: u8,
    pin: &PinHash,
    secret: &Secret<32>,
) -> Result<KeptPin, Error> {
    let provider = tpm.provider().clone();
    let plain = Encryption::default();

    // Whoever writes the index has to know what nobody knows in a moment.
    let forgotten: Secret<32> = provider.random.secret()?;
    let template = template::sealed(Vec::new());
    let create = TpmCommand::create(parent, forgotten.expose(), &[0; 16], &template);
    let once = tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND)?;
    let load = TpmCommand::load(parent, &once.private, &once.public);
    let once = tpm.execute(load, &[Authorization::Empty], plain)?;
    let policy = policy_secret(&provider, &once.name);

    let salt = provider.random.bytes()?;
    let value = pin_value(&provider, &salt, pin)?;
    let public = NvPublic::pin_fail(place, policy.into());
    define(tpm, &value, &public)?;
    let index = public.named(&provider);
    let session = tpm.run(TpmCommand::start_policy(&provider.random.bytes()?))?.handle;
    let meet = TpmCommand::policy_secret(once.handle, &once.name, session);
    tpm.execute(meet, &[Authorization::Value(forgotten.expose())], plain)?;
    let counts = [[0; 4], u32::from(limit).to_be_bytes()].concat();
    let write = TpmCommand::nv_write(&index, &counts);
    tpm.execute(write, &[Authorization::Policy(session)], plain)?;
    tpm.flush(session);
    tpm.flush(once.handle);

    let index = public.written().named(&provider);
    let guard = template::sealed(policy_secret(&provider, &index.name).into());
    let create = TpmCommand::create(parent, &[], secret.expose(), &guard);
    let guard = tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND)?;
    let (parent, guard, public) = (mark(&parent.name), guard.private, guard.public);
    Ok(KeptPin { parent, index: place, policy, salt, guard, public })
}

/// Defines an index. What a change that stopped halfway has left there goes; anything else stays.
pub(crate) fn define(tpm: &mut Tpm, value: &Secret<32>, public: &NvPublic) -> Result<(), Error> {
    let mut again = || {
        let define = TpmCommand::nv_define(value.expose(), public);
        tpm.execute(define, &[Authorization::Value(&[])], Encryption::COMMAND)
    };
    match again() {
        Err(Error::Response(code)) if code.code() == Some(Code::NvDefined) => {}
        Err(Error::Response(code)) if code.is_wrong_auth() => return Err(Error::OwnerPassword),
        defined => return defined,
    }
    let (there, name) = tpm.run(TpmCommand::nv_read_public(public.index))?;
    let bits = there.written().attributes;
    if bits != public.written().attributes || there.size != public.size {
        return Err(Error::Missing("a free place for what it is to count"));
    }
    undefine(tpm, &NvIndex { handle: public.index, name })?;
    let define = TpmCommand::nv_define(value.expose(), public);
    tpm.execute(define, &[Authorization::Value(&[])], Encryption::COMMAND)
}

pub(crate) fn undefine(tpm: &mut Tpm, index: &NvIndex) -> Result<(), Error> {
    let undefine = TpmCommand::nv_undefine(index);
    tpm.execute(undefine, &[Authorization::Empty], Encryption::default())
}

/// What is at a place of ours goes, if anything is.
fn remove(tpm: &mut Tpm, place: Handle) -> Result<(), Error> {
    match tpm.run(TpmCommand::nv_read_public(place)) {
        Ok((public, name)) => {
            let ours = NvPublic::pin_fail(place, Vec::new()).written().attributes;
            if public.written().attributes != ours {
                return Ok(());
            }
            undefine(tpm, &NvIndex { handle: place, name })
        }
        Err(Error::Response(code)) if code.is_gone() => Ok(()),
        Err(error) => Err(error),
    }
}

/// How many tries are left; none where the count is gone.
fn left(tpm: &mut Tpm, index: &NvIndex) -> Result<u8, Error> {
    let read = TpmCommand::nv_read(Some(Handle::OWNER), index, 0, 8);
    let counts = match tpm.execute(read, &[Authorization::Empty], Encryption::default()) {
        Err(Error::Response(code)) if code.is_gone() => return Ok(0),
        counts => counts?,
    };
    let mut reader = Reader::new(&counts, "count of PINs");
    let (count, limit) = (reader.u32()?, reader.u32()?);
    reader.end()?;
    Ok(u8::try_from(limit.saturating_sub(count)).unwrap_or(u8::MAX))
}

fn compare(
    tpm: &mut Tpm,
    parent: &Loaded,
    kept: &KeptPin,
    pin: &PinHash,
) -> Result<PinComparison, Error> {
    let provider = tpm.provider().clone();
    let (index, value) = (kept.index(&provider), kept.value(&provider, pin)?);
    let session = tpm.run(TpmCommand::start_policy(&provider.random.bytes()?))?.handle;
    let meet = TpmCommand::policy_secret(index.handle, &index.name, session);
    match tpm.execute(meet, &[Authorization::Value(value.expose())], Encryption::default()) {
        Ok(()) => {}
        Err(Error::Response(code)) if code.is_wrong_auth() => {
            return Ok(PinComparison::Mismatch { left: Some(left(tpm, &index)?) });
        }
        // The count is gone, or at its end. What else can be gone is a session, as after the
        // machine was suspended: that says nothing of the count.
        Err(Error::Response(code))
            if matches!(code.code(), Some(Code::AuthUnavailable | Code::NvAuthorization))
                || (code.is_gone() && code.subject() == CodeSubject::Handle(1)) =>
        {
            return Ok(PinComparison::Mismatch { left: Some(0) });
        }
        Err(error) => return Err(error),
    }
    let load = TpmCommand::load(parent, &kept.guard, &kept.public);
    let guard = tpm.execute(load, &[Authorization::Empty], Encryption::default())?;
    let unseal = TpmCommand::unseal(&guard);
    let secret = tpm.execute(unseal, &[Authorization::Policy(session)], Encryption::RESPONSE)?;
    let secret = Secret::from_slice(&secret).map_err(|_| Unreadable("secret behind a PIN"))?;
    Ok(PinComparison::Match { secret: Some(secret) })
}

impl PinVerifier for TpmPin {
    fn set(
        &mut self,
        pin: &PinHash,
        secret: Option<&Secret<32>>,
    ) -> Work<Zeroizing<Vec<u8>>, PinVerifierError> {
        let secret = match secret {
            Some(secret) => secret.clone(),
            None => match self.provider.random.secret() {
                Ok(secret) => secret,
                Err(error) => return Work::failed(unavailable(error.into())),
            },
        };
        let [first, second] = self.places;
        let place = if self.current == Some(first) { second } else { first };
        let (worker, parent) = (self.worker.clone(), self.parent.clone());
        let (limit, pin) = (self.limit, pin.clone());
        Work::later(move || {
            let made = worker.run(PATIENCE, move |tpm| {
                tpm.expect(&parent);
                tpm.with_parent(|tpm, parent| make(tpm, parent, place, limit, &pin, &secret))
            });
            made.map(|kept| kept.encode()).map_err(unavailable)
        })
    }

    fn compare(&mut self, kept: &[u8], pin: &PinHash) -> Work<PinComparison, PinVerifierError> {
        if kept.len() == IN_SOFTWARE {
            return SoftwarePin.compare(kept, pin);
        }
        let kept = match self.read(kept) {
            Ok(kept) => kept,
            Err(error) => return Work::failed(error),
        };
        let (worker, parent, pin) = (self.worker.clone(), self.parent.clone(), pin.clone());
        Work::later(move || {
            let compared = worker.run_once(PATIENCE, move |tpm| {
                tpm.expect(&parent);
                tpm.with_parent(|tpm, parent| compare(tpm, parent, &kept, &pin))
            });
            compared.map_err(unavailable)
        })
    }

    fn tries_left(&mut self, kept: &[u8]) -> Work<Option<u8>, PinVerifierError> {
        if kept.len() == IN_SOFTWARE {
            return SoftwarePin.tries_left(kept);
        }
        let kept = match self.read(kept) {
            Ok(kept) => kept,
            Err(error) => return Work::failed(error),
        };
        let worker = self.worker.clone();
        let index = kept.index(&self.provider);
        Work::later(move || {
            let left = worker.run(PATIENCE, move |tpm| left(tpm, &index));
            left.map(Some).map_err(unavailable)
        })
    }

    fn discard(&mut self, kept: &[u8]) -> Work<(), PinVerifierError> {
        if kept.len() == IN_SOFTWARE {
            return Work::ready(());
        }
        let place = match KeptPin::decode(kept) {
            Ok(kept) if kept.parent == mark(&self.parent) => kept.index,
            // What is in another TPM is out of reach, and in nobody's way here.
            Ok(_) => return Work::ready(()),
            Err(_) => return Work::failed(PinVerifierError::Unreadable),
        };
        if self.current == Some(place) {
            self.current = None;
        }
        let worker = self.worker.clone();
        Work::later(move || {
            worker.run(PATIENCE, move |tpm| remove(tpm, place)).map_err(unavailable)
        })
    }

    fn clear(&mut self) -> Work<(), PinVerifierError> {
        let mut places = self.places.to_vec();
        places.extend(self.current.take().filter(|current| !self.places.contains(current)));
        let worker = self.worker.clone();
        Work::later(move || {
            let cleared = worker
                .run(PATIENCE, move |tpm| places.iter().try_for_each(|place| remove(tpm, *place)));
            cleared.map_err(unavailable)
        })
    }
}
