//! What all handles of an open store share, and how it is asked and changed.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use towline_crypto::CryptoProvider;

use crate::{
    Error,
    connection::{Connection, guarded},
    notes::Notes,
    read::{Gone, Reading, View},
    ring::{Ring, Secrets},
    seal::Keys,
    tables::ROOT,
    vet::Vetting,
    write::{Refused, Writing},
};

pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) ring: Ring,
    pub(crate) provider: CryptoProvider,
    pub(crate) path: Option<PathBuf>,
    pub(crate) vetting: Arc<Vetting>,
    /// One change at a time, with the secrets that are the store's when it begins.
    pub(crate) changing: Mutex<()>,
    pub(crate) gone: Gone,
    pub(crate) limit: AtomicU64,
    pub(crate) notes: Notes,
}

impl Shared {
    /// Asks the store. When the database itself turns out to be damaged it is opened again, all of
    /// it is compared, and it is asked once more: what it says then is so.
    pub(crate) fn read<T>(
        &self,
        ask: impl Fn(&Reading<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answer = match self.asked(&ask) {
            Err(Error::Damaged(why)) => {
                tracing::error!(why, "the store is looked at once more");
                self.connection.doubt();
                self.asked(&ask)
            }
            answer => answer,
        };
        answer.map_err(|error| self.named(error))
    }

    /// The same for what can't be asked twice.
    pub(crate) fn read_once<T>(
        &self,
        ask: impl FnOnce(&Reading<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.asked(ask).map_err(|error| {
            if matches!(error, Error::Damaged(_)) {
                self.connection.doubt();
            }
            self.named(error)
        })
    }

    fn asked<T>(&self, ask: impl FnOnce(&Reading<'_>) -> Result<T, Error>) -> Result<T, Error> {
        guarded(|| {
            let (view, keys) = loop {
                let secrets = self.ring.hold();
                let view = self.connection.begin_read()?;
                let keys = Arc::clone(&secrets.keys);
                drop(secrets);
                match self.vetting.instead() {
                    Some(instead) => *self.ring.change() = instead,
                    None => break (view, keys),
                }
            };
            let limit = self.limit.load(Ordering::Relaxed);
            ask(&Reading { view, keys: &keys, gone: &self.gone, limit })
        })
    }

    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&Writing<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(change)
    }

    /// With `changing` locked.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&Writing<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.vetting.may_write()?;
        let changed = guarded(|| {
            let limit = self.limit.load(Ordering::Relaxed);
            let begun = self.connection.begin_write()?;
            if let Some(instead) = self.vetting.instead() {
                *self.ring.change() = instead;
            }
            let keys = Arc::clone(&self.ring.hold().keys);
            let writing = Writing::begin(begun, &keys, &self.gone, limit)?;
            let result = change(&writing)?;
            let generation = writing.commit()?;
            Ok((result, generation, keys))
        });
        let (result, generation, keys) = changed.map_err(|refused| self.judged(refused))?;
        self.vetting.committed(&keys, generation);
        Ok(result)
    }

    /// Finds out what the store is sealed with, if a change of that failed.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        self.read(|_| Ok(()))
    }

    /// Everything under other secrets.
    pub(crate) fn renew(
        &self,
        renewed: Secrets,
        change: impl for<'k> FnOnce(Writing<'k>, &View, &'k Keys) -> Result<Writing<'k>, Error>,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.vetting.may_write()?;
        // Whoever begins to read meanwhile waits, since what is read is opened by the one or by the
        // other.
        let mut secrets = self.ring.change();
        let done = guarded(|| {
            let begun = self.connection.begin_write()?;
            if let Some(instead) = self.vetting.instead() {
                *secrets = instead;
            }
            let old = Arc::clone(&secrets.keys);
            let before = self.connection.begin_read()?;
            let writing = Writing::begin(begun, &old, &self.gone, u64::MAX)?;
            let writing = change(writing, &before, &renewed.keys)?;
            writing.write_meta(ROOT, &renewed.locked.encode())?;
            self.vetting.perhaps(renewed.clone());
            writing.commit()
        });
        let generation = done.map_err(|error| {
            // Whoever needs it next finds out which of the two it is.
            self.connection.doubt();
            self.named(error)
        })?;
        self.vetting.committed(&renewed.keys, generation);
        *secrets = renewed;
        Ok(())
    }

    pub(crate) fn named(&self, error: Error) -> Error {
        error.at(self.path.as_deref())
    }

    fn judged(&self, refused: Refused) -> Refused {
        match refused {
            Refused::Failed(error) => {
                if matches!(error, Error::Damaged(_)) {
                    self.connection.doubt();
                }
                Refused::Failed(error.at(self.path.as_deref()))
            }
            refused => refused,
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let notes = self.notes.take();
        if notes.is_empty() {
            return;
        }
        if let Err(error) = self.write(|writing| writing.note(&notes)) {
            let error = error.into_error();
            tracing::warn!(%error, "when passkeys were used last was not written");
        }
    }
}
