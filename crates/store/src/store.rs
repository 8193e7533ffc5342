//! The file: made, opened by one process at a time, and used.

use std::{
    fmt, fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Database, ReadableDatabase as _, StorageBackend, backends::FileBackend};
use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Page, Query, Record, RelyingParties,
    StoreError, Work,
};
use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

use crate::{
    Error, KeySource,
    connection::{Connection, database},
    directory::{Which, beside, whole_file},
    format,
    key_source::LockedRoot,
    read::Reading,
    seal::Keys,
    tables::{META, ROOT},
    write::{Refused, Writing},
};

/// A store in a file. A clone is a handle to the same store; the file is free for other processes when the last one is dropped.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) keys: Keys,
    root: Secret<32>,
    pub(crate) provider: CryptoProvider,
    damaged: AtomicBool,
}

impl Store {
    /// Makes a store in a new file that only its owner can read and write, and, with [`KeySource::KeyFile`], its key file.
    /// Whoever loses what opens it has lost what is in it.
    ///
    /// # Errors
    /// [`Error::Exists`], or why the file can't be written. There is no half-made store afterwards.
    pub fn create(
        path: &Path,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        if path.exists() {
            return Err(Error::Exists(path.to_owned()));
        }
        // Made under another name, so that whatever has the right name is whole.
        let (database, root, which) = whole_file(path, provider, |file| {
            let which = Which::file(&file)?;
            let (database, root) = Self::make(FileBackend::new(file)?, source, provider)?;
            Ok((database, root, which))
        })?;
        note_owner(path);
        Self::ready(Connection::new(database, reopen(path, which)), root, provider)
    }

    /// Makes a store on other storage, which has to be empty. A clone of it has to be the same storage: it is used when the
    /// first has failed.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(
        storage: impl StorageBackend + Clone,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let (database, root) = Self::make(storage.clone(), source, provider)?;
        Self::ready(Connection::new(database, move || again(storage.clone())), root, provider)
    }

    fn make(
        storage: impl StorageBackend,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<(Database, Secret<32>), Error> {
        let database = database(storage)?;
        let root = provider.random.secret::<32>()?;
        let locked = LockedRoot::lock(provider, source, &root)?;
        format::lay_out(&database, &locked)?;
        Ok((database, root))
    }

    /// Opens a store that is there. After a crash it is as it was after the last change that was acknowledged, or the one
    /// after that.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::InUse`], [`Error::WrongKey`], [`Error::KeyFileMissing`] and others. What can't be opened is
    /// left as it is, and is never taken for an empty store.
    pub fn open(path: &Path, source: &KeySource, provider: &CryptoProvider) -> Result<Self, Error> {
        let (database, which) = match open_file(path) {
            Err(Error::InUse { .. }) => return Err(Error::InUse { by: owner(path) }),
            opened => opened?,
        };
        // At once, since a passphrase takes its time.
        note_owner(path);
        let root = Self::unlock(&database, source, provider)?;
        Self::ready(Connection::new(database, reopen(path, which)), root, provider)
    }

    /// Opens a store on other storage, as [`create_on`](Self::create_on) made it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        storage: impl StorageBackend + Clone,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let database = again(storage.clone())?;
        let root = Self::unlock(&database, source, provider)?;
        Self::ready(Connection::new(database, move || again(storage.clone())), root, provider)
    }

    fn unlock(
        database: &Database,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Secret<32>, Error> {
        let form = format::of(database)?;
        let root = Self::locked_root(database)?.unlock(provider, source)?;
        // Not before it is known that it is the owner who opens it.
        format::bring_up(database, form)?;
        Ok(root)
    }

    fn locked_root(database: &Database) -> Result<LockedRoot, Error> {
        let locked = database.begin_read()?.open_table(META)?.get(ROOT)?;
        let locked = locked.ok_or_else(|| Error::Damaged("its root key is gone".to_owned()))?;
        LockedRoot::decode(locked.value())
    }

    fn ready(
        connection: Connection,
        root: Secret<32>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let keys = Keys::derive(provider, &root)?;
        let (provider, damaged) = (provider.clone(), AtomicBool::new(false));
        Ok(Self(Arc::new(Shared { connection, keys, root, provider, damaged })))
    }

    /// From now on the store is opened by this. Nothing but the root key is sealed again, so that whoever has a copy of the
    /// file from before can still open that copy with what opened it then.
    ///
    /// # Errors
    /// Why it can't be written; the store is opened by what opened it before then.
    pub fn change_key(&self, source: &KeySource) -> Result<(), Error> {
        let locked = LockedRoot::lock(&self.0.provider, source, &self.0.root)?;
        let change = self.0.connection.begin_write()?;
        change.open_table(META)?.insert(ROOT, &locked.encode()[..])?;
        Ok(change.commit()?)
    }

    /// Whether this opens the store, too: a passphrase that a person types once more to show that it is them, say. As slow as
    /// opening it.
    ///
    /// # Errors
    /// Why it can't be found out. A wrong passphrase, or another kind of source, is no error.
    pub fn is_opened_by(&self, source: &KeySource) -> Result<bool, Error> {
        let locked = self.0.connection.begin_read()?.open_table(META)?.get(ROOT)?;
        let locked = locked.ok_or_else(|| Error::Damaged("its root key is gone".to_owned()))?;
        match LockedRoot::decode(locked.value())?.unlock(&self.0.provider, source) {
            Ok(_) => Ok(true),
            Err(Error::WrongKey | Error::OtherKind(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks at every credential, keeps those aside that can't be opened, makes the indexes again, and gives how many were put
    /// aside. This is done by itself with the next change after a damaged one was met.
    ///
    /// # Errors
    /// Why it can't be read or written.
    pub fn check(&self) -> Result<usize, Error> {
        let writing = self.0.writing()?;
        let aside = writing.repair()?;
        writing.change.commit()?;
        self.0.damaged.store(false, Ordering::Relaxed);
        Ok(aside)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    fn read<T>(&self, ask: impl FnOnce(&Reading<'_>) -> Result<T, Error>) -> Work<T, StoreError> {
        Work::Done(self.0.reading().and_then(|reading| ask(&reading)).map_err(StoreError::from))
    }

    /// A change waits for the disk, and so is a job.
    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Writing<'_>) -> Result<T, Refused> + Send + 'static,
    ) -> Work<T, StoreError> {
        let shared = Arc::clone(&self.0);
        Work::later(move || shared.write(change).map_err(StoreError::from))
    }
}

impl Shared {
    fn reading(&self) -> Result<Reading<'_>, Error> {
        let view = self.connection.begin_read()?;
        Ok(Reading { view, keys: &self.keys, damaged: &self.damaged })
    }

    fn writing(&self) -> Result<Writing<'_>, Error> {
        Ok(Writing { change: self.connection.begin_write()?, keys: &self.keys })
    }

    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&Writing<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let writing = self.writing()?;
        let damaged = self.damaged.load(Ordering::Relaxed);
        if damaged {
            let aside = writing.repair()?;
            tracing::error!(aside, "damaged credentials are kept aside");
        }
        let result = change(&writing)?;
        writing.commit()?;
        if damaged {
            self.damaged.store(false, Ordering::Relaxed);
        }
        Ok(result)
    }
}

impl CredentialStore for Store {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        self.read(|reading| reading.find(rp_id, ids))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        self.read(|reading| reading.page(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        self.read(|reading| reading.lookup(id))
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.read(|reading| reading.relying_parties(after, limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Option<Credential>, StoreError> {
        self.read(|reading| reading.account(rp_id, user))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.write(|writing| changes.into_iter().try_for_each(|change| writing.apply(change)))
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.write(move |writing| writing.count(&counter))
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.read(|reading| reading.record(record))
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.read(|reading| reading.capacity())
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        self.write(|writing| writing.clear())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn open_file(path: &Path) -> Result<(Database, Which), Error> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing(path.to_owned()));
        }
        opened => opened?,
    };
    let which = Which::file(&file)?;
    Ok((again(FileBackend::new(file)?)?, which))
}

/// Opens the same file once more. Another one that has its name by now is not ours to write to.
fn reopen(path: &Path, which: Which) -> impl Fn() -> Result<Database, Error> + 'static {
    let path = path.to_owned();
    move || match open_file(&path)? {
        (database, found) if found == which => Ok(database),
        _ => Err(Error::Io("another file has taken its place; start the program again".to_owned())),
    }
}

/// Opens a database that is there.
fn again(storage: impl StorageBackend) -> Result<Database, Error> {
    if storage.len()? == 0 {
        return Err(Error::Damaged("it is empty".to_owned()));
    }
    database(storage)
}

/// For the message to another process that finds the store in use; what keeps it out is the lock on the file itself.
fn note_owner(path: &Path) {
    if let Err(error) = fs::write(beside(path, "pid"), std::process::id().to_string()) {
        tracing::debug!(%error, "who uses the store was not noted");
    }
}

fn owner(path: &Path) -> Option<u32> {
    fs::read_to_string(beside(path, "pid")).ok()?.trim().parse().ok()
}
