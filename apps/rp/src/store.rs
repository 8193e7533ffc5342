//! What lasts: one SQLite database, in a file or in memory.
//!
//! Everything here is a plain function of a connection; [`Store::run`] brings it to a thread that
//! may wait for the disk.

pub(crate) mod accounts;
pub(crate) mod keys;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod sign_ins;

use std::{
    fs::OpenOptions,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode as Sqlite, ffi};

use crate::{ApiError, ErrorCode};

/// How long a change waits while another process holds the database.
const BUSY: Duration = Duration::from_secs(2);

/// Says in the file whose it is: "towl".
const APPLICATION: i32 = 0x746f_776c;

/// The form of the tables below.
const VERSION: i32 = 2;

const TABLES: &str = "
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        display TEXT,
        handle BLOB NOT NULL UNIQUE,
        password TEXT,
        second_factor INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE keys (
        id INTEGER PRIMARY KEY,
        account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        credential TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        record BLOB NOT NULL,
        added INTEGER NOT NULL,
        last_used INTEGER,
        last_browser TEXT,
        last_source TEXT,
        backup_eligible INTEGER NOT NULL,
        backed_up INTEGER NOT NULL,
        attestation TEXT NOT NULL,
        attestation_asked INTEGER NOT NULL DEFAULT 0,
        attestation_trusted INTEGER NOT NULL DEFAULT 0,
        aaguid TEXT,
        transports TEXT NOT NULL DEFAULT '',
        attachment TEXT
    ) STRICT;
    CREATE INDEX keys_of_account ON keys (account);
    CREATE TABLE sign_ins (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        account TEXT,
        key TEXT,
        how TEXT NOT NULL,
        browser TEXT,
        source TEXT,
        refused TEXT
    ) STRICT;
    CREATE INDEX sign_ins_of_account ON sign_ins (account, id);
    CREATE TABLE sessions (
        token BLOB PRIMARY KEY,
        account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        created INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        verified INTEGER NOT NULL,
        how TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_of_account ON sessions (account);
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// What makes tables of form 1 those of form 2.
const FROM_1: &str = "ALTER TABLE keys ADD COLUMN attestation_trusted INTEGER NOT NULL DEFAULT 0;";

/// The database. Clones share it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens the database in a file, which is made if need be, for nobody else to read; or one in
    /// memory.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, String> {
        let say = |error: rusqlite::Error| error.to_string();
        let connection = match file {
            Some(file) => {
                make_private(file).map_err(|error| error.to_string())?;
                Connection::open(file)
            }
            None => Connection::open_in_memory(),
        };
        let mut connection = connection.map_err(say)?;
        prepare(&mut connection)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Works on the database, away from the threads that serve.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(&self.0);
        let work = move || {
            // Each change is one transaction, which ends with its guard: a poisoned lock still
            // guards a sound connection.
            work(&mut store.lock().unwrap_or_else(PoisonError::into_inner))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ApiError::new(ErrorCode::Internal, "The database was not reached.")),
        }
    }
}

/// New files are for this user alone: they have hashes of passwords and a signing key in them.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn prepare(connection: &mut Connection) -> Result<(), String> {
    let say = |error: rusqlite::Error| error.to_string();
    connection.busy_timeout(BUSY).map_err(say)?;
    let number = |connection: &Connection, name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(say)?;
    let application = number(connection, "application_id").map_err(say)?;
    let version = number(connection, "user_version").map_err(say)?;
    match (tables, application, version) {
        (0, _, _) => {
            // What was acknowledged is on the disk; readers and the writer don't wait for each
            // other.
            connection.pragma_update(None, "journal_mode", "wal").map_err(say)?;
            let change = connection.transaction().map_err(say)?;
            change.execute_batch(TABLES).map_err(say)?;
            change.pragma_update(None, "application_id", APPLICATION).map_err(say)?;
            change.pragma_update(None, "user_version", VERSION).map_err(say)?;
            change.commit().map_err(say)?;
        }
        (_, APPLICATION, VERSION) => {}
        (_, APPLICATION, 1) => {
            let change = connection.transaction().map_err(say)?;
            change.execute_batch(FROM_1).map_err(say)?;
            change.pragma_update(None, "user_version", VERSION).map_err(say)?;
            change.commit().map_err(say)?;
        }
        (_, APPLICATION, newer) => {
            return Err(format!("it is of form {newer}, this program knows {VERSION}"));
        }
        _ => return Err("it is another program's database".into()),
    }
    connection.pragma_update(None, "synchronous", "full").map_err(say)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(say)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(say)
}

/// What is told of the database's trouble: what to do, and nothing of what was asked of it.
impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        tracing::warn!(%error, "the database failed");
        let code = match &error {
            // A disk that is full shows in several ways, this one among them.
            rusqlite::Error::SqliteFailure(failure, _)
                if failure.extended_code == ffi::SQLITE_IOERR_WRITE =>
            {
                ErrorCode::StorageFull
            }
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                Sqlite::DiskFull => ErrorCode::StorageFull,
                Sqlite::DatabaseBusy | Sqlite::DatabaseLocked => ErrorCode::StorageBusy,
                Sqlite::ReadOnly | Sqlite::PermissionDenied | Sqlite::CannotOpen => {
                    ErrorCode::StorageReadOnly
                }
                _ => ErrorCode::Internal,
            },
            _ => ErrorCode::Internal,
        };
        ApiError::new(
            code,
            match code {
                ErrorCode::StorageFull => {
                    "Nothing was saved: the site's disk is full. Make room, then try again."
                }
                ErrorCode::StorageBusy => {
                    "Nothing was saved: another program holds the site's database. Try again."
                }
                ErrorCode::StorageReadOnly => {
                    "Nothing was saved: the site may not write its database. Whoever runs it has \
                     to mend that."
                }
                _ => "Nothing was saved: the site's database failed. Try again.",
            },
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
