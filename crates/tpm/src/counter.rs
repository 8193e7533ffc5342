//! A counter of the TPM's own, which only goes up, and what a store shows of it: the store's file
//! says the next number before the TPM does, so that an older copy of it is known by a lower one.

use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    command::{NvIndex, NvPublic, TpmCommand},
    error::Error,
    handle::Handle,
    pin::{FIRST_INDEX, INDEXES, define, undefine},
    session::{Authorization, Encryption},
    tpm::Tpm,
    wire::{Reader, Unreadable, Writer},
    worker::{PATIENCE, Worker},
};

const VERSION: u8 = 1;
/// How many places are tried for one that is free.
const TRIED: u32 = 8;

/// A counter in a TPM, as a store keeps it, with the number that the store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TpmCounter {
    index: Handle,
    /// What it takes to read it and to count up.
    auth: Secret<32>,
    /// The number; 0 where the counter is not known to be in the TPM yet.
    pub(crate) value: u64,
}

impl TpmCounter {
    /// One with a place that is free in this TPM. It is not there yet, so that the store is the
    /// first to know it: [`Self::begin`].
    pub(crate) fn new(worker: &Worker, provider: &CryptoProvider) -> Result<Self, Error> {
        let auth = provider.random.secret()?;
        let index = worker.run(PATIENCE, |tpm| {
            for _ in 0..TRIED {
                let place = u32::from_be_bytes(tpm.provider().random.bytes()?);
                let place = place.checked_rem(INDEXES).unwrap_or_default();
                let place = Handle(FIRST_INDEX.saturating_add(place));
                match tpm.run(TpmCommand::nv_read_public(place)) {
                    Err(Error::Response(code)) if code.is_gone() => return Ok(place),
                    there => there.map(drop)?,
                }
            }
            Err(Error::Missing("a free place for a counter"))
        })?;
        Ok(Self { index, auth, value: 0 })
    }

    /// Makes the counter, as far as it is not there, and gives the number that it begins with: the
    /// TPM begins above all counters that it ever had.
    pub(crate) fn begin(&self, worker: &Worker) -> Result<Self, Error> {
        let counter = self.clone();
        let value = worker.run(PATIENCE, move |tpm| {
            tpm.with_parent(|tpm, _| {
                let value = match counter.read(tpm)? {
                    Some(value) => value,
                    None => {
                        define(tpm, &counter.auth, &NvPublic::counter(counter.index))?;
                        0
                    }
                };
                if value == 0 { counter.count_up(tpm) } else { Ok(value) }
            })
        })?;
        Ok(Self { value, ..self.clone() })
    }

    /// The number that the TPM has; none where the counter is not there.
    pub(crate) fn shown(&self, worker: &Worker) -> Result<Option<u64>, Error> {
        let counter = self.clone();
        worker.run(PATIENCE, move |tpm| tpm.with_parent(|tpm, _| counter.read(tpm)))
    }

    /// Has the TPM count up to the number that the store has, by one at most.
    pub(crate) fn catch_up(&self, worker: &Worker) -> Result<(), Error> {
        let counter = self.clone();
        worker.run(PATIENCE, move |tpm| {
            tpm.with_parent(|tpm, _| match counter.read(tpm)? {
                Some(value) if value == counter.value => Ok(()),
                Some(value) if value.checked_add(1) == Some(counter.value) => {
                    counter.count_up(tpm).map(drop)
                }
                _ => Err(Error::Missing("the counter of this store any more")),
            })
        })
    }

    /// The TPM forgets it. It is no error that it is gone already.
    pub(crate) fn remove(&self, worker: &Worker) -> Result<(), Error> {
        let counter = self.clone();
        worker.run(PATIENCE, move |tpm| match counter.index(tpm)? {
            Some((_, index)) => undefine(tpm, &index),
            None => Ok(()),
        })
    }

    /// The index, and whether it was written. None where there is none, or it is somebody else's.
    fn index(&self, tpm: &mut Tpm) -> Result<Option<(bool, NvIndex)>, Error> {
        let (there, name) = match tpm.run(TpmCommand::nv_read_public(self.index)) {
            Err(Error::Response(code)) if code.is_gone() => return Ok(None),
            there => there?,
        };
        let ours = NvPublic::counter(self.index);
        let ours = if there.is_written() { ours.written() } else { ours };
        let index = ours.named(tpm.provider());
        Ok((index.name == name).then(|| (there.is_written(), index)))
    }

    fn read(&self, tpm: &mut Tpm) -> Result<Option<u64>, Error> {
        let Some((written, index)) = self.index(tpm)? else { return Ok(None) };
        if !written {
            return Ok(Some(0));
        }
        let read = TpmCommand::nv_read(None, &index, 0, 8);
        let value = [Authorization::Value(self.auth.expose())];
        let number = match tpm.execute(read, &value, Encryption::default()) {
            // Whoever has defined this one knows another secret.
            Err(Error::Response(code)) if code.is_wrong_auth() => return Ok(None),
            number => number?,
        };
        let number = number.as_slice().try_into().map_err(|_| Unreadable("counter"))?;
        Ok(Some(u64::from_be_bytes(number)))
    }

    fn count_up(&self, tpm: &mut Tpm) -> Result<u64, Error> {
        let Some((_, index)) = self.index(tpm)? else {
            return Err(Error::Missing("the counter of this store any more"));
        };
        let value = [Authorization::Value(self.auth.expose())];
        tpm.execute(TpmCommand::nv_increment(&index), &value, Encryption::default())?;
        self.read(tpm)?.ok_or(Error::Missing("the counter of this store any more"))
    }

    /// What is to be kept: a secret.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new().u8(VERSION).u32(self.index.0).raw(self.auth.expose());
        writer.raw(&self.value.to_be_bytes()).finish()
    }

    /// Reads what was kept.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes, "counter of a store");
        if reader.u8()? != VERSION {
            return Err(reader.malformed());
        }
        let index = Handle(reader.u32()?);
        let auth = Secret::from_slice(reader.bytes(32)?).map_err(|_| reader.malformed())?;
        let value = u64::from_be_bytes(reader.array()?);
        reader.end()?;
        Ok(Self { index, auth, value })
    }
}
