//! Whether a store is whole, before it is used.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use redb::ReadableDatabase as _;

use crate::{
    Error,
    connection::{Guarded, Opened, guarded},
    format::{self, NEWEST},
    head::{self, Head},
    ring::Secrets,
    seal::Keys,
    storage::Storage,
    tables::{META, ROOT},
    witness::Witness,
};

/// What is asked of a store that is opened.
pub(crate) struct Vetting {
    witness: Option<Arc<Witness>>,
    /// The number of the last change that was acknowledged; raised by what is found.
    generation: AtomicU64,
    /// Whether anything is to be written at all.
    writable: bool,
    /// Not asked of the secrets themselves, since whoever changes those may have to open the store
    /// again meanwhile.
    sealed: Mutex<Sealed>,
}

/// What the store is sealed with.
#[derive(Default)]
struct Sealed {
    keys: Option<Arc<Keys>>,
    /// Others, if a change to them failed and may be on the disk all the same.
    perhaps: Option<Secrets>,
    /// These others, when it was seen that they are on the disk.
    instead: Option<Secrets>,
}

impl Vetting {
    pub(crate) fn of(witness: Option<Arc<Witness>>, writable: bool) -> Self {
        Self { witness, generation: AtomicU64::new(0), writable, sealed: Mutex::default() }
    }

    /// # Errors
    /// [`Error::ReadOnly`].
    pub(crate) fn may_write(&self) -> Result<(), Error> {
        if self.writable {
            return Ok(());
        }
        Err(Error::ReadOnly("it was opened to be read only".to_owned()))
    }

    /// Of a store that was open already.
    pub(crate) fn vet_again(&self, opened: Opened) -> Result<Guarded, Error> {
        let (keys, perhaps) = {
            let sealed = self.lock();
            (sealed.keys.clone(), sealed.perhaps.clone())
        };
        let keys = keys.ok_or_else(|| Error::Io("it was never open".to_owned()))?;
        let Some(perhaps) = perhaps else { return self.vet(opened, &keys) };
        let root = guarded(|| {
            let root = opened.database.begin_read()?.open_table(META)?.get(ROOT)?;
            Ok::<_, Error>(root.map(|root| root.value().to_vec()))
        })?;
        if root != Some(perhaps.locked.encode()) {
            return self.vet(opened, &keys);
        }
        let database = self.vet(opened, &perhaps.keys)?;
        let mut sealed = self.lock();
        (sealed.perhaps, sealed.instead) = (None, Some(perhaps));
        Ok(database)
    }

    /// A change to these secrets failed, and it is not known whether it is on the disk.
    pub(crate) fn perhaps(&self, secrets: Secrets) {
        self.lock().perhaps = Some(secrets);
    }

    /// The secrets that turned out to be the store's.
    pub(crate) fn instead(&self) -> Option<Secrets> {
        self.lock().instead.take()
    }

    fn lock(&self) -> MutexGuard<'_, Sealed> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store that was just made.
    pub(crate) fn begin(&self, storage: &Storage, keys: &Arc<Keys>, generation: u64) {
        self.lock().keys = Some(Arc::clone(keys));
        self.generation.store(generation, Ordering::Relaxed);
        if let Some(witness) = &self.witness {
            witness.begin(keys, generation);
            let witness = Arc::clone(witness);
            storage.when_closed(move |digests| witness.closed(digests));
        }
    }

    /// A change is on the disk.
    pub(crate) fn committed(&self, keys: &Arc<Keys>, generation: u64) {
        let mut sealed = self.lock();
        (sealed.keys, sealed.perhaps) = (Some(Arc::clone(keys)), None);
        drop(sealed);
        self.generation.fetch_max(generation, Ordering::Relaxed);
        if let Some(witness) = &self.witness {
            witness.committed(keys, generation);
        }
    }

    /// Gives the database when all that it holds is known to be what was written, and lets it be
    /// written to.
    ///
    /// After a clean stop the witness tells what each block was, and each is compared when it is
    /// read. Without that, all of it is read: the database compares it with its checksums, and then
    /// what is in the tables is compared with the head.
    pub(crate) fn vet(&self, mut opened: Opened, keys: &Arc<Keys>) -> Result<Guarded, Error> {
        let form = guarded(|| format::of(&opened.database))?;
        let seen = self.witness.as_ref().and_then(|witness| witness.read(keys));
        let digests = seen.as_ref().and_then(|seen| seen.digests.as_deref());
        let vouched = form == NEWEST
            && !opened.repaired
            && digests.is_some_and(|digests| opened.storage.vouched(digests));
        if !vouched {
            opened.check_integrity()?;
        }
        let known = self.generation.load(Ordering::Relaxed);
        let known = seen.as_ref().map_or(known, |seen| seen.generation.max(known));
        if (format::SEALED_HEAD..NEWEST).contains(&form) {
            // To bring it up is a change more.
            let head =
                guarded(|| Head::read(&opened.database.begin_read()?.open_table(META)?, keys))?;
            self.not_older(head.generation, known)?;
        }
        if form < NEWEST {
            if self.writable {
                // It is whole; the new form of it need not fit into memory.
                opened.storage.release()?;
            }
            guarded(|| format::bring_up(&opened.database, form, keys))?;
        }
        let head = guarded(|| {
            let view = opened.database.begin_read()?;
            if vouched {
                Head::read(&view.open_table(META)?, keys)
            } else {
                head::verify(&view, keys)
            }
        })?;
        if head.format != NEWEST {
            return Err(Error::Damaged("its format is not that of its head".to_owned()));
        }
        self.not_older(head.generation, known)?;
        if self.writable {
            self.begin(&opened.storage, keys, head.generation);
            if vouched {
                // Most of it has not been read yet.
                opened.storage.release_with_the_next();
            } else {
                opened.storage.release()?;
            }
        } else {
            self.lock().keys = Some(Arc::clone(keys));
        }
        Ok(opened.database)
    }

    /// What was found must not be older than what is known.
    fn not_older(&self, found: u64, known: u64) -> Result<(), Error> {
        match &self.witness {
            _ if found >= known => Ok(()),
            Some(witness) => Err(witness.older(found, known)),
            None => Err(Error::Damaged("a change that was made is lost".to_owned())),
        }
    }
}
