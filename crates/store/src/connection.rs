//! The database, and how to come by it again: after a write that failed it refuses all others until
//! it is opened anew.

use std::{
    cell::Cell,
    io,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Once, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase as _, StorageError,
    TransactionError, WriteTransaction,
};

use crate::{Error, storage::Storage};

/// How much of the file is kept in memory, in bytes, whatever the number of credentials.
const CACHE: usize = 4 << 20;

/// Does what asks the database. It panics over some of what a damaged file can hold; this is the
/// one place where that becomes an error, so everything that touches it goes through here.
pub(crate) fn guarded<T, E: From<Error>>(ask: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if GUARDED.with(Cell::get) == 0 {
                told(panic);
            } else {
                tracing::debug!(%panic, "the database gave up");
            }
        }));
    });
    let count = |by: fn(u32, u32) -> u32| GUARDED.with(|deep| deep.set(by(deep.get(), 1)));
    count(u32::saturating_add);
    let asked = catch_unwind(AssertUnwindSafe(ask));
    count(u32::saturating_sub);
    asked.unwrap_or_else(|_| Err(Error::Damaged("the database gave up on it".to_owned()).into()))
}

thread_local! {
    /// How many of these a thread is in: what is caught is an error, and not told as a panic too.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// A database whose end is guarded, too: it looks at what it holds when it is closed, and writes.
pub(crate) struct Guarded(Option<Database>);

#[allow(clippy::expect_used, reason = "it is taken when it is dropped, and nobody has it then")]
impl Deref for Guarded {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("a database that is there")
    }
}

#[allow(clippy::expect_used, reason = "it is taken when it is dropped, and nobody has it then")]
impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut Database {
        self.0.as_mut().expect("a database that is there")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let database = self.0.take();
        let _gave_up = guarded(|| {
            drop(database);
            Ok::<(), Error>(())
        });
    }
}

/// A database that was opened, and its storage.
pub(crate) struct Opened {
    pub(crate) database: Guarded,
    pub(crate) storage: Storage,
    /// It was not closed by the last who had it: the database has compared all that it holds with
    /// its checksums.
    pub(crate) repaired: bool,
}

/// Opens the database in this storage; an empty one begins a new database.
pub(crate) fn database(storage: Storage) -> Result<Opened, Error> {
    let repaired = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&repaired);
    let database = guarded(|| {
        redb::Builder::new()
            .set_cache_size(CACHE)
            .set_repair_callback(move |_| note.store(true, Ordering::Relaxed))
            .create_with_backend(storage.clone())
            .map_err(not_opened)
    })?;
    let database = Guarded(Some(database));
    Ok(Opened { database, storage, repaired: repaired.load(Ordering::Relaxed) })
}

impl Opened {
    /// Compares all that the database holds with its checksums.
    pub(crate) fn check_integrity(&mut self) -> Result<(), Error> {
        if self.repaired || guarded(|| self.database.check_integrity().map_err(not_opened))? {
            return Ok(());
        }
        Err(Error::Damaged("a checksum".to_owned()))
    }
}

/// Why there is no database, in words about a store.
fn not_opened(error: DatabaseError) -> Error {
    match error {
        DatabaseError::Storage(StorageError::Io(error))
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            error.into()
        }
        DatabaseError::DatabaseAlreadyOpen => Error::InUse { by: None },
        DatabaseError::Storage(StorageError::PreviousIo) => {
            redb::Error::from(StorageError::PreviousIo).into()
        }
        DatabaseError::Storage(StorageError::Corrupted(what)) => Error::Damaged(what),
        _ => Error::Damaged(
            "it is no passkey store, or its beginning is not what was written".to_owned(),
        ),
    }
}

/// Opens the database once more.
type Reopen = Box<dyn Fn() -> Result<Guarded, Error> + Send + Sync>;

pub(crate) struct Connection {
    /// None after it failed and could not be opened again; the next who needs it tries.
    database: RwLock<Option<Guarded>>,
    reopen: Reopen,
}

impl Connection {
    pub(crate) fn new(
        database: Guarded,
        reopen: impl Fn() -> Result<Guarded, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { database: RwLock::new(Some(database)), reopen: Box::new(reopen) }
    }

    /// A consistent view.
    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, Error> {
        self.begin(Database::begin_read)
    }

    /// A change. There is one at a time; others wait.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, Error> {
        self.begin(Database::begin_write)
    }

    /// Compares all that the database holds with its checksums, while nobody else uses it.
    pub(crate) fn check_integrity(&self) -> Result<(), Error> {
        // Opened, if it is not.
        drop(self.begin_read()?);
        let mut kept = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = kept.as_mut() else { return Ok(()) };
        let checked = guarded(|| match database.check_integrity() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Damaged("a checksum".to_owned())),
            Err(DatabaseError::TransactionInProgress) => {
                Err(Error::Io("it is in use; try again".to_owned()))
            }
            Err(error) => Err(not_opened(error)),
        });
        if checked.is_err() {
            *kept = None;
        }
        checked
    }

    /// It found damage, or gave up: whoever needs it next opens it again, and has all of it
    /// compared.
    pub(crate) fn doubt(&self) {
        let mut kept = self.database.write().unwrap_or_else(PoisonError::into_inner);
        *kept = None;
    }

    fn begin<T>(
        &self,
        transaction: impl Fn(&Database) -> Result<T, TransactionError>,
    ) -> Result<T, Error> {
        if let Some(begun) = begun(
            self.database.read().unwrap_or_else(PoisonError::into_inner).as_deref(),
            &transaction,
        ) {
            return begun;
        }
        let mut kept = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been here first.
        if let Some(begun) = begun(kept.as_deref(), &transaction) {
            return begun;
        }
        tracing::warn!("the store is opened again, after a failure");
        // Before it is let go, the file is locked.
        *kept = None;
        let database = kept.insert((self.reopen)()?);
        Ok(transaction(database)?)
    }
}

/// None if the database has to be opened again first.
fn begun<T>(
    database: Option<&Database>,
    transaction: impl Fn(&Database) -> Result<T, TransactionError>,
) -> Option<Result<T, Error>> {
    match transaction(database?) {
        Err(TransactionError::Storage(StorageError::PreviousIo)) => None,
        begun => Some(begun.map_err(Error::from)),
    }
}
