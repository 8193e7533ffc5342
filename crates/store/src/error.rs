//! What can go wrong with a store, and what to do about it.

use std::{io, path::PathBuf};

use towline_authenticator::StoreError;

/// Why a store can't be made, opened, read or written. Nothing that was stored before is lost by any of these.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no store at this path.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// There is a file at this path already.
    #[error("{} exists already; open it, or choose another path", .0.display())]
    Exists(PathBuf),
    /// Another process has the store open.
    #[error("the store is in use by {}; end that one first, or use another store", process(*.by))]
    InUse {
        /// Its process id, where it is known.
        by: Option<u32>,
    },
    /// The passphrase or the key is not that of this store.
    #[error("the passphrase or key does not open this file")]
    WrongKey,
    /// The store is opened by something of another kind: a passphrase where it has a key file, or the other way round.
    #[error("this file is opened by {0}")]
    OtherKind(
        /// Of which kind.
        &'static str,
    ),
    /// The store's key file is not there.
    #[error(
        "the key file {} is missing; without it the store can't be read: put it back, or restore a backup",
        .0.display()
    )]
    KeyFileMissing(PathBuf),
    /// The key file is not one, or others can read it.
    #[error("the key file {} can't be used: it has to hold 32 bytes, and only its owner may read it (chmod 600)", .0.display())]
    KeyFileUnusable(PathBuf),
    /// The system's keyring has no entry of this name for the store.
    #[error(
        "the system's keyring has lost the key of this store (entry {0:?} of towline); without it the store can't be read: \
         bring that keyring back, or restore a backup"
    )]
    KeyringEntryMissing(String),
    /// The system's keyring can't be asked.
    #[error("the system's keyring can't be used ({0}); unlock it, or see to it that it runs")]
    Keyring(String),
    /// The file is no backup.
    #[error("the file is no backup of a passkey store")]
    NoBackup,
    /// A later version of towline has written the backup.
    #[error("the backup was written by a newer version of this program (version {0}); update it")]
    NewerBackup(u8),
    /// The backup is not whole.
    #[error("the backup is damaged ({0}); nothing of it was used: try another copy of it")]
    BackupDamaged(&'static str),
    /// A later version of towline has written the store.
    #[error("the store was written by a newer version of this program (format {0}); update it")]
    NewerVersion(u32),
    /// The file is no store, or what tells how to open it is damaged.
    #[error("the file is no passkey store, or it is damaged beyond use ({0}); restore a backup")]
    Damaged(String),
    /// No room on the disk.
    #[error("the disk is full; nothing was changed: make room and try again")]
    DiskFull,
    /// The file or its directory can't be written.
    #[error(
        "the store can't be written ({0}); check who owns it and whether the disk is read-only"
    )]
    ReadOnly(String),
    /// Reading or writing failed in another way.
    #[error("the store can't be read or written ({0})")]
    Io(String),
    /// The cryptography failed, which means that there was no randomness.
    #[error("the cryptography failed: {0}")]
    Crypto(#[from] towline_crypto::Error),
}

fn process(by: Option<u32>) -> String {
    by.map_or_else(|| "another program".to_owned(), |by| format!("another program (process {by})"))
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                Self::ReadOnly(error.to_string())
            }
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse { by: None },
            redb::Error::Io(error) => error.into(),
            redb::Error::PreviousIo => {
                Self::Io("an earlier write failed; open the store again".to_owned())
            }
            redb::Error::Corrupted(what) => Self::Damaged(what),
            other => Self::Io(other.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Error {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}
from_redb!(CommitError, DatabaseError, StorageError, TableError, TransactionError);

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
