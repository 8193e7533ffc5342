//! The file: made, opened by one process at a time, and used.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::{Database, ReadableDatabase as _, StorageBackend, backends::FileBackend};
use towline_authenticator::{
    Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor, Page, Query,
    Record, RelyingParties, StoreError, UnixTime, Work,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{CredentialId, RpId, UserHandle};
use zeroize::Zeroizing;

use crate::{
    Error, KeySource,
    connection::{Connection, Guarded, Opened, database, guarded},
    directory::{Which, not_there, whole_file},
    file::{note_owner, open_file, open_to_write, owner},
    format,
    key_source::{Locked, LockedRoot},
    notes::Notes,
    read::{Gone, Reading},
    ring::{Ring, Secrets},
    shared::Shared,
    storage::Storage,
    tables::{META, ROOT},
    vet::Vetting,
    witness::Witness,
    write::{Refused, Writing},
};

/// How many credentials a store takes if nothing else was said.
const LIMIT: u64 = 1_000_000;

/// A store in a file. A clone is a handle to the same store; the file is free for other processes
/// when the last one is dropped.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// Makes a store in a new file that only its owner can read and write, and, with
    /// [`KeySource::KeyFile`], its key file. Whoever loses what opens it has lost what is in it.
    ///
    /// # Errors
    /// [`Error::Exists`], or why the file can't be written. There is no half-made store afterwards.
    pub fn create(
        path: &Path,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        not_there(path)?;
        // Made under another name, so that whatever has the right name is whole.
        let (made, which) = whole_file(path, provider, |file| {
            let which = Which::file(&file)?;
            Ok((Self::make(FileBackend::new(file)?, source, provider)?, which))
        })?;
        note_owner(path);
        let vetting = Vetting::of(Some(Witness::of(path)), true);
        let store = Self::made(made, vetting, provider, Some(path), |vetting| {
            Box::new(reopen(path, which, vetting, provider))
        })?;
        Ok(store)
    }

    /// Makes a store on other storage, which has to be empty. A clone of it has to be the same
    /// storage: it is used when the first has failed.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(
        storage: impl StorageBackend + Clone,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let made = Self::make(storage.clone(), source, provider)?;
        Self::made(made, Vetting::of(None, true), provider, None, |vetting| {
            Box::new(again(storage, vetting, provider))
        })
    }

    fn make(
        storage: impl StorageBackend,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<(Opened, Secrets, u64), Error> {
        let opened = database(Storage::through(storage, provider.sha256)?)?;
        let root = provider.random.secret::<32>()?;
        let Locked { root: locked, wrapping, prepared } =
            LockedRoot::lock(provider, source, &root)?;
        let secrets = Secrets::new(provider, root, locked, wrapping)?;
        let generation =
            guarded(|| format::lay_out(&opened.database, &secrets.locked, &secrets.keys))?;
        prepared.keep();
        Ok((opened, secrets, generation))
    }

    fn made(
        (opened, secrets, generation): (Opened, Secrets, u64),
        vetting: Vetting,
        provider: &CryptoProvider,
        path: Option<&Path>,
        reopen: impl FnOnce(Arc<Vetting>) -> Reopen,
    ) -> Result<Self, Error> {
        vetting.begin(&opened.storage, &secrets.keys, generation);
        let (vetting, ring) = (Arc::new(vetting), Ring::new(secrets));
        let reopen = reopen(Arc::clone(&vetting));
        let connection = Connection::new(opened.database, reopen);
        Ok(Self::ready(connection, ring, vetting, path, provider))
    }

    /// Opens a store that is there. After a crash it is as it was after the last change that was
    /// acknowledged, or the one after that.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::InUse`], [`Error::WrongKey`], [`Error::KeyFileMissing`],
    /// [`Error::Damaged`], [`Error::Older`] and others. What can't be opened is left as it is, and
    /// is never taken for an empty store.
    pub fn open(path: &Path, source: &KeySource, provider: &CryptoProvider) -> Result<Self, Error> {
        let (file, which) = open_to_write(path)?;
        let opened = held(FileBackend::new(file)?, provider);
        let opened = match opened {
            Err(Error::InUse { .. }) => return Err(Error::InUse { by: owner(path) }),
            opened => opened.map_err(|error| error.at(Some(path)))?,
        };
        // At once, since a passphrase takes its time.
        note_owner(path);
        let vetting = Vetting::of(Some(Witness::of(path)), true);
        Self::vetted(opened, vetting, source, provider, Some(path), |vetting| {
            Box::new(reopen(path, which, vetting, provider))
        })
    }

    /// Opens a store that can't be written, such as one on read-only media, to read it: changes are
    /// refused. Nothing keeps others from changing the file meanwhile, if they can.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_read_only(
        path: &Path,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let (backend, which) = open_file(path)?;
        let opened = held(backend, provider).map_err(|error| error.at(Some(path)))?;
        let vetting = Vetting::of(Some(Witness::of(path)), false);
        let (owned, sha256) = (path.to_owned(), provider.sha256);
        Self::vetted(opened, vetting, source, provider, Some(path), move |vetting| {
            Box::new(move || {
                let (backend, found) = open_file(&owned)?;
                same(found, which)?;
                vetting.vet_again(database(Storage::held(backend, sha256)?)?)
            })
        })
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
        let opened = held(storage.clone(), provider)?;
        let vetting = Vetting::of(None, true);
        Self::vetted(opened, vetting, source, provider, None, |vetting| {
            Box::new(again(storage, vetting, provider))
        })
    }

    fn vetted(
        opened: Opened,
        vetting: Vetting,
        source: &KeySource,
        provider: &CryptoProvider,
        path: Option<&Path>,
        reopen: impl FnOnce(Arc<Vetting>) -> Reopen,
    ) -> Result<Self, Error> {
        let vet = || {
            let secrets = unlock(&opened.database, source, provider)?;
            // Not before it is known that it is the owner who opens it.
            let database = vetting.vet(opened, &secrets.keys)?;
            Ok((database, secrets))
        };
        let (database, secrets) = vet().map_err(|error: Error| error.at(path))?;
        let (vetting, ring) = (Arc::new(vetting), Ring::new(secrets));
        let reopen = reopen(Arc::clone(&vetting));
        Ok(Self::ready(Connection::new(database, reopen), ring, vetting, path, provider))
    }

    fn ready(
        connection: Connection,
        ring: Ring,
        vetting: Arc<Vetting>,
        path: Option<&Path>,
        provider: &CryptoProvider,
    ) -> Self {
        Self(Arc::new(Shared {
            connection,
            ring,
            provider: provider.clone(),
            path: path.map(Path::to_owned),
            vetting,
            changing: Mutex::new(()),
            gone: Gone::default(),
            limit: AtomicU64::new(LIMIT),
            notes: Notes::default(),
        }))
    }

    /// From now on the store takes so many credentials, those that it has included; without this it
    /// is a million. Others are refused ([`StoreError::Full`]), and clients are told how many more
    /// there is room for. Nothing that is there goes.
    pub fn set_limit(&self, credentials: usize) {
        self.0.limit.store(u64::try_from(credentials).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The highest signature counter that a site may have seen of this credential: its own, or the
    /// one for all, whichever is higher. An authenticator uses one of the two, and the store does
    /// not know which.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::DamagedPart`] where it can't be read.
    pub fn counter(&self, id: &CredentialId) -> Result<u32, Error> {
        self.0.read(|reading| reading.counter(id))
    }

    /// From now on the store is opened by this. Nothing but the root key is sealed again: whoever
    /// has a copy of the file from before, and what opened it then, can open that copy, and with
    /// the root key in it also what is made in this store afterwards. [`reseal`](Self::reseal) ends
    /// that.
    ///
    /// # Errors
    /// Why it can't be written; the store is opened by what opened it before then.
    pub fn change_key(&self, source: &KeySource) -> Result<(), Error> {
        let shared = &*self.0;
        let _changing = shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        shared.settle()?;
        let root = shared.ring.hold().root.clone();
        let Locked { root: locked, wrapping, prepared } =
            LockedRoot::lock(&shared.provider, source, &root)?;
        shared
            .change(|writing| {
                writing.write_meta(ROOT, &locked.encode())?;
                // Even if the disk says no: what it did before it said so is not known.
                prepared.keep();
                Ok(())
            })
            .map_err(Refused::into_error)?;
        let mut secrets = shared.ring.change();
        (secrets.locked, secrets.wrapping) = (locked, wrapping);
        Ok(())
    }

    /// Whether this opens the store, too: a passphrase that a person types once more to show that
    /// it is them, say. As slow as opening it.
    ///
    /// # Errors
    /// Why it can't be found out. A wrong passphrase, or another kind of source, is no error.
    pub fn is_opened_by(&self, source: &KeySource) -> Result<bool, Error> {
        // Whoever changes the key meanwhile does not wait for this.
        let locked = LockedRoot::decode(&self.0.ring.hold().locked.encode())?;
        match locked.unlock(&self.0.provider, source, true) {
            Ok(_) => Ok(true),
            Err(Error::WrongKey | Error::OtherKind(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// From now on the store is opened by this, and everything in it is sealed by a new root key:
    /// what opens a copy of the file from before opens nothing that is made afterwards.
    ///
    /// # Errors
    /// As for [`change_key`](Self::change_key), and [`Error::DamagedPart`] where something can't be
    /// read, and so not be sealed again.
    pub fn reseal(&self, source: &KeySource) -> Result<(), Error> {
        let shared = &*self.0;
        let root = shared.provider.random.secret::<32>()?;
        let Locked { root: locked, wrapping, prepared } =
            LockedRoot::lock(&shared.provider, source, &root)?;
        let secrets = Secrets::new(&shared.provider, root, locked, wrapping)?;
        shared.renew(secrets, |writing, before, keys| {
            let writing = writing.reseal(before, keys)?;
            // Even if the disk says no: what it did before it said so is not known.
            prepared.keep();
            Ok(writing)
        })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    fn read<T>(&self, ask: impl Fn(&Reading<'_>) -> Result<T, Error>) -> Work<T, StoreError> {
        Work::Done(self.0.read(ask).map_err(StoreError::from))
    }

    fn page(&self, ask: impl Fn(&Reading<'_>) -> Result<Page, Error>) -> Work<Page, StoreError> {
        let page = self.0.read(ask).map(|page| {
            let credentials = self.noted(page.credentials);
            Page { credentials, ..page }
        });
        Work::Done(page.map_err(StoreError::from))
    }

    /// The credentials, with what is noted of them.
    fn noted<C>(&self, mut credentials: C) -> C
    where
        for<'a> &'a mut C: IntoIterator<Item = &'a mut Credential>,
    {
        (&mut credentials).into_iter().for_each(|credential| self.0.notes.add_to(credential));
        credentials
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

impl CredentialStore for Store {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        let found = self.0.read(|reading| reading.find(rp_id, ids));
        Work::Done(found.map(|found| self.noted(found)).map_err(StoreError::from))
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        self.page(|reading| reading.page(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        let found = self.0.read(|reading| reading.lookup(id));
        Work::Done(found.map(|found| self.noted(found)).map_err(StoreError::from))
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.read(|reading| reading.relying_parties(after, limit))
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        let found = self.0.read(|reading| reading.account(rp_id, user));
        Work::Done(found.map(|found| self.noted(found)).map_err(StoreError::from))
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        self.read(|reading| reading.changes(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        let shared = Arc::clone(&self.0);
        Work::later(move || {
            let notes = shared.notes.take();
            let written = shared.write(|writing| {
                writing.note(&notes)?;
                changes.into_iter().try_for_each(|change| writing.apply(change))
            });
            if written.is_err() {
                shared.notes.put_back(notes);
            }
            written.map_err(StoreError::from)
        })
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        self.0.notes.note(id, at);
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        self.page(|reading| reading.all(after, limit))
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

    /// Links go too, and what is made afterwards is sealed by a new root key.
    fn clear(&mut self) -> Work<(), StoreError> {
        let shared = Arc::clone(&self.0);
        Work::later(move || {
            shared.settle()?;
            let renewed = shared.ring.hold().renewed(&shared.provider)?;
            shared.renew(renewed, |writing, _, keys| {
                writing.clear()?;
                Ok(writing.under(keys))
            })?;
            Ok(())
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// Opens the database once more.
type Reopen = Box<dyn Fn() -> Result<Guarded, Error> + Send + Sync>;

/// Opens a database that is there, and writes nothing.
pub(crate) fn held(
    storage: impl StorageBackend,
    provider: &CryptoProvider,
) -> Result<Opened, Error> {
    if storage.len()? == 0 {
        return Err(Error::Damaged("it is empty".to_owned()));
    }
    database(Storage::held(storage, provider.sha256)?)
}

/// The secrets of the store in this database.
pub(crate) fn unlock(
    database: &Database,
    source: &KeySource,
    provider: &CryptoProvider,
) -> Result<Secrets, Error> {
    let locked = guarded(|| {
        format::of(database)?;
        let locked = database.begin_read()?.open_table(META)?.get(ROOT)?;
        let locked = locked.ok_or_else(|| Error::Damaged("its root key is gone".to_owned()))?;
        LockedRoot::decode(locked.value())
    })?;
    // It is the owner's own file, whatever later versions ask for.
    let (root, wrapping) = locked.unlock(provider, source, true)?;
    Secrets::new(provider, root, locked, wrapping)
}

fn same(found: Which, which: Which) -> Result<(), Error> {
    if found == which {
        return Ok(());
    }
    Err(Error::Io("another file has taken its place; start the program again".to_owned()))
}

/// Opens the same file once more. Another one that has its name by now is not ours to write to.
fn reopen(
    path: &Path,
    which: Which,
    vetting: Arc<Vetting>,
    provider: &CryptoProvider,
) -> impl Fn() -> Result<Guarded, Error> + Send + Sync + 'static {
    let (path, provider) = (path.to_owned(), provider.clone());
    move || {
        let (file, found) = open_to_write(&path)?;
        same(found, which)?;
        vetting.vet_again(held(FileBackend::new(file)?, &provider)?)
    }
}

/// Opens the same storage once more.
fn again(
    storage: impl StorageBackend + Clone,
    vetting: Arc<Vetting>,
    provider: &CryptoProvider,
) -> impl Fn() -> Result<Guarded, Error> + Send + Sync + 'static {
    let provider = provider.clone();
    move || vetting.vet_again(held(storage.clone(), &provider)?)
}
