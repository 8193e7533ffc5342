//! Whether a store is whole, before it is used.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use redb::{Database, ReadableDatabase as _};

use crate::{
    Error,
    connection::{Opened, guarded},
    format::{self, NEWEST},
    head::{self, Head},
    seal::Keys,
    storage::Storage,
    tables::META,
    witness::Witness,
};

/// What is asked of a store that is opened.
pub(crate) struct Vetting {
    witness: Option<Arc<Witness>>,
    /// The number of the last change that was acknowledged; raised by what is found.
    generation: AtomicU64,
    /// Whether anything is to be written at all.
    writable: bool,
    /// What the store is sealed with now. Not asked of the secrets themselves, since whoever changes those may have to open the
    /// store again meanwhile.
    keys: Mutex<Option<Arc<Keys>>>,
}

impl Vetting {
    pub(crate) fn of(witness: Option<Arc<Witness>>, writable: bool) -> Self {
        Self { witness, generation: AtomicU64::new(0), writable, keys: Mutex::new(None) }
    }

    /// # Errors
    /// [`Error::ReadOnly`].
    pub(crate) fn may_write(&self) -> Result<(), Error> {
        if self.writable {
            return Ok(());
        }
        Err(Error::ReadOnly("it was opened to be read only".to_owned()))
    }

    /// What it was sealed with when it was last opened or changed.
    pub(crate) fn vet_again(&self, opened: Opened) -> Result<Database, Error> {
        let keys = self.lock().clone();
        self.vet(opened, &keys.ok_or_else(|| Error::Io("it was never open".to_owned()))?)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Keys>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store that was just made.
    pub(crate) fn begin(&self, storage: &Storage, keys: &Arc<Keys>, generation: u64) {
        *self.lock() = Some(Arc::clone(keys));
        self.generation.store(generation, Ordering::Relaxed);
        if let Some(witness) = &self.witness {
            witness.begin(keys, generation);
            let witness = Arc::clone(witness);
            storage.when_closed(move |digests| witness.closed(digests));
        }
    }

    /// A change is on the disk.
    pub(crate) fn committed(&self, keys: &Arc<Keys>, generation: u64) {
        *self.lock() = Some(Arc::clone(keys));
        self.generation.fetch_max(generation, Ordering::Relaxed);
        if let Some(witness) = &self.witness {
            witness.committed(keys, generation);
        }
    }

    /// Gives the database when all that it holds is known to be what was written, and lets it be written to.
    ///
    /// After a clean stop the witness tells what each block was, and each is compared when it is read. Without that, all of it is
    /// read: the database compares it with its checksums, and then what is in the tables is compared with the head.
    pub(crate) fn vet(&self, mut opened: Opened, keys: &Arc<Keys>) -> Result<Database, Error> {
        let form = guarded(|| format::of(&opened.database))?;
        let seen = self.witness.as_ref().and_then(|witness| witness.read(keys));
        let digests = seen.as_ref().and_then(|seen| seen.digests.as_deref());
        let vouched = form == NEWEST
            && !opened.repaired
            && digests.is_some_and(|digests| opened.storage.vouched(digests));
        if !vouched {
            opened.check_integrity()?;
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
        let known = self.generation.load(Ordering::Relaxed);
        let known = seen.map_or(known, |seen| seen.generation.max(known));
        if let Some(witness) = self.witness.as_ref().filter(|_| head.generation < known) {
            return Err(witness.older(head.generation, known));
        } else if head.generation < known {
            return Err(Error::Damaged("a change that was made is lost".to_owned()));
        }
        if self.writable {
            self.begin(&opened.storage, keys, head.generation);
            opened.storage.release()?;
        } else {
            *self.lock() = Some(Arc::clone(keys));
        }
        Ok(opened.database)
    }
}
