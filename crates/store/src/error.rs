//! What can go wrong with a store, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use towline_authenticator::StoreError;

/// Why a store can't be made, opened, read or written. Nothing that was stored before is lost by
/// any of these.
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
    /// The store is opened by something of another kind: a passphrase where it has a key file, or
    /// the other way round.
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
    /// A key file lies there already, and is not of whoever makes the store.
    #[error(
        "the key file {} is there already and is not yours alone, so that others may know what is in it; \
         remove it, or name another with --key-file",
        .0.display()
    )]
    KeyFileOfOthers(PathBuf),
    /// The key file is not one, or others can read it.
    #[error("the key file {} can't be used: it has to be yours, to hold 32 bytes, and only its owner may read it (chmod 600)", .0.display())]
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
    /// What has sealed the store's key does not open it.
    #[error("the store's key can't be unsealed: {0}; restore a backup if it stays so")]
    Sealed(String),
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
    /// The path is a link that leads nowhere.
    #[error("{} is a link to {}, where nothing is; remove the link, or name that place itself", link.display(), to.display())]
    DanglingLink {
        /// The link that was named.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// Opening it takes more than this version's own files take: nothing of it is known to be true
    /// before that is spent.
    #[error(
        "the file asks for {mebibytes} MiB of memory and {passes} passes before its passphrase can be tried, \
         more than this program ever writes; allow it only if you know where the file is from"
    )]
    Costly {
        /// How much memory.
        mebibytes: u32,
        /// How often it is gone through.
        passes: u32,
    },
    /// There is no room for another credential.
    #[error("the store is full; remove a passkey first")]
    Full,
    /// The file is no store, or it is not what was written. Nothing that it was asked for is known,
    /// and nothing was changed.
    #[error("the passkey store is damaged, or is none ({0})")]
    Damaged(String),
    /// A part of the store is not what was written; the others can be used.
    #[error("a part of the passkey store is damaged: {0}")]
    DamagedPart(String),
    /// The store is older than what was last seen of it.
    #[error(
        "the passkey store is an older copy: it ends with change {found}, and change {seen} was seen. What was made or used \
         since is not in it; to use it all the same, remove {}",
        witness.display()
    )]
    Older {
        /// The number of the last change in it.
        found: u64,
        /// The number of the last change that was seen.
        seen: u64,
        /// The file that remembers that.
        witness: PathBuf,
    },
    /// The store belongs to no circle of devices any more: it was reset.
    #[error("this device belongs to no circle any more, since its store was reset")]
    NoCircle,
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

impl Error {
    /// With the name of the file, where the sentence has none.
    pub(crate) fn at(self, path: Option<&Path>) -> Self {
        match (self, path) {
            (Self::Damaged(what), Some(path)) => Self::Damaged(named(path, &what)),
            (Self::DamagedPart(what), Some(path)) => Self::DamagedPart(named(path, &what)),
            (error, _) => error,
        }
    }

    /// Whether something is not what was written: the file, or a part of it.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::DamagedPart(_) | Self::Older { .. })
    }
}

fn named(path: &Path, what: &str) -> String {
    let path = path.display().to_string();
    if what.starts_with(&path) { what.to_owned() } else { format!("{path}: {what}") }
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
            // What the storage says of a block that is not what was written, or is cut off.
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
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
            // Only what was not written by this program has other tables than it.
            other => Self::Damaged(other.to_string()),
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
