//! The database, and how to come by it again: after a write that failed it refuses all others until it is opened anew.

use std::sync::{PoisonError, RwLock};

use redb::{
    Database, ReadTransaction, ReadableDatabase as _, StorageBackend, StorageError,
    TransactionError, WriteTransaction,
};

use crate::Error;

/// How much of the file is kept in memory, in bytes, whatever the number of credentials.
const CACHE: usize = 4 << 20;

/// Opens the database once more.
type Reopen = Box<dyn Fn() -> Result<Database, Error> + Send + Sync>;

pub(crate) struct Connection {
    /// None after it failed and could not be opened again; the next who needs it tries.
    database: RwLock<Option<Database>>,
    reopen: Reopen,
}

/// Opens the database in this storage; an empty one begins a new database.
pub(crate) fn database(storage: impl StorageBackend) -> Result<Database, Error> {
    Ok(Database::builder().set_cache_size(CACHE).create_with_backend(storage)?)
}

impl Connection {
    pub(crate) fn new(
        database: Database,
        reopen: impl Fn() -> Result<Database, Error> + Send + Sync + 'static,
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

    fn begin<T>(
        &self,
        transaction: impl Fn(&Database) -> Result<T, TransactionError>,
    ) -> Result<T, Error> {
        if let Some(begun) = begun(
            self.database.read().unwrap_or_else(PoisonError::into_inner).as_ref(),
            &transaction,
        ) {
            return begun;
        }
        let mut kept = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been here first.
        if let Some(begun) = begun(kept.as_ref(), &transaction) {
            return begun;
        }
        tracing::warn!("an earlier write failed; the store is opened again");
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
