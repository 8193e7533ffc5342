//! A credential store in one file, for the passkeys of one person.
//!
//! It shows what every store has to keep: a result is given only when the change is durable; a
//! change is made whole or not at all; a file that can't be read is an error and never an empty
//! store; and what blocks is handed out as a job. For its few hundred passkeys it looks through all
//! of them, and writes all of them; a database has indexes, and writes rows.
//!
//! The file holds secrets. This one is for its owner's eyes only by its permissions; an application
//! encrypts it, under a key that the system's key store or the master password gives.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

// The traits, the types in them, and what wipes secrets: all from the one crate.
use towline::{
    authenticator::{
        Became, Capacity, Change, Counter, Credential, CredentialStore, Cursor, Feed, FeedCursor,
        Gathered, MemoryFeed, Page, Query, Record, RelyingParties, StoreError, UnixTime, Work,
    },
    ctap::{CredentialId, Rp, RpId, UserHandle, extension::CredentialProtectionPolicy},
    zeroize::Zeroizing,
};
use towline_cbor::{Key, Reader, Writer};

/// How deep the file nests.
const DEPTH: u8 = 4;

/// A handle of the store; clones lead to the same.
#[derive(Clone)]
pub(crate) struct Vault(Arc<Mutex<Shared>>);

struct Shared {
    path: PathBuf,
    content: Content,
}

/// All that is stored.
#[derive(Clone, Default)]
struct Content {
    /// By the order in which they came.
    entries: BTreeMap<u64, Entry>,
    /// The authenticator's own state, by the names that it gives: its business, and not to be
    /// looked into.
    records: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// The counter for all credentials, which even a reset does not set back.
    counter: u32,
    /// What changed since the file was opened.
    feed: MemoryFeed,
}

#[derive(Clone)]
struct Entry {
    credential: Credential,
    counter: u32,
}

impl Vault {
    /// Opens the file; there is none before the first change.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let content = match fs::read(path) {
            Ok(bytes) => Content::decode(&Zeroizing::new(bytes)).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "the file is damaged, or not a vault")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(error),
        };
        Ok(Self(Arc::new(Mutex::new(Shared { path: path.to_owned(), content }))))
    }

    /// What is in memory can be told at once.
    fn look<T>(&self, look: impl FnOnce(&Content) -> T) -> Work<T, StoreError> {
        Work::ready(look(&lock(&self.0).content))
    }

    /// A change blocks, and so is a job. It is made in a copy, which takes the place of the old
    /// content when it is on the disk: should anything fail before, nothing has changed, neither
    /// there nor here.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, StoreError> + Send + 'static,
    ) -> Work<T, StoreError> {
        let shared = self.0.clone();
        Work::later(move || {
            let mut shared = lock(&shared);
            let mut content = shared.content.clone();
            let result = change(&mut content)?;
            content
                .save(&shared.path)
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            shared.content = content;
            Ok(result)
        })
    }
}

/// The content is replaced as a whole, so it is sound also after a panic elsewhere.
fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CredentialStore for Vault {
    fn find(&mut self, rp_id: &RpId, ids: &[CredentialId]) -> Work<Vec<Credential>, StoreError> {
        self.look(|content| {
            let here = ids.iter().filter_map(|id| content.get(id));
            here.filter(|credential| credential.rp_id == *rp_id).cloned().collect()
        })
    }

    fn discoverable(&mut self, query: &Query) -> Work<Page, StoreError> {
        self.look(|content| content.page(query))
    }

    fn lookup(&mut self, id: &CredentialId) -> Work<Option<Credential>, StoreError> {
        self.look(|content| content.get(id).cloned())
    }

    fn all(&mut self, after: Option<Cursor>, limit: usize) -> Work<Page, StoreError> {
        self.look(|content| {
            let mut page = Page { total: content.entries.len(), ..Page::default() };
            let later = content.entries.iter().rev();
            let later = later.filter(|(place, _)| after.is_none_or(|after| **place < after.0));
            for (place, entry) in later.take(limit) {
                page.credentials.push(entry.credential.clone());
                page.end = Some(Cursor(*place));
            }
            page
        })
    }

    fn used(&mut self, id: &CredentialId, at: UnixTime) {
        // Written with whatever is written next.
        if let Some(entry) = lock(&self.0).content.entry(id) {
            entry.credential.used = Some(at);
        }
    }

    fn relying_parties(
        &mut self,
        after: Option<&RpId>,
        limit: usize,
    ) -> Work<RelyingParties, StoreError> {
        self.look(|content| {
            // Newer ones come later, and leave their name.
            let mut parties = BTreeMap::new();
            for credential in content.discoverable() {
                parties.insert(&credential.rp_id, &credential.rp_name);
            }
            let total = parties.len();
            let rest = parties.into_iter().filter(|(id, _)| after.is_none_or(|after| *id > after));
            let parties = rest.take(limit);
            let parties = parties.map(|(id, name)| Rp { id: id.clone(), name: name.clone() });
            RelyingParties { total, parties: parties.collect() }
        })
    }

    fn account(&mut self, rp_id: &RpId, user: &UserHandle) -> Work<Vec<Credential>, StoreError> {
        self.look(|content| {
            let newest_first = content.discoverable().rev();
            newest_first
                .filter(|known| known.rp_id == *rp_id && known.user.id == *user)
                .cloned()
                .collect()
        })
    }

    fn changes(&mut self, after: Option<FeedCursor>, limit: usize) -> Work<Feed, StoreError> {
        self.look(|content| content.feed.since(after, limit))
    }

    fn commit(&mut self, changes: Vec<Change>) -> Work<(), StoreError> {
        self.change(|content| {
            let mut told = Gathered::default();
            changes.into_iter().try_for_each(|change| content.apply(change, &mut told))?;
            content.feed.add(told);
            Ok(())
        })
    }

    fn count(&mut self, counter: Counter) -> Work<u32, StoreError> {
        self.change(move |content| {
            let value = match counter {
                Counter::Global => &mut content.counter,
                Counter::Of(id) => &mut content.entry(&id).ok_or(StoreError::NotFound)?.counter,
            };
            *value = value.saturating_add(1);
            Ok(*value)
        })
    }

    fn record(&mut self, record: Record) -> Work<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.look(|content| content.records.get(record.name()).cloned())
    }

    fn capacity(&mut self) -> Work<Capacity, StoreError> {
        self.look(|content| Capacity {
            discoverable: content.discoverable().count(),
            remaining: None,
        })
    }

    fn clear(&mut self) -> Work<(), StoreError> {
        self.change(|content| {
            *content = Content { counter: content.counter, ..Content::default() };
            Ok(())
        })
    }
}

impl Content {
    fn get(&self, id: &CredentialId) -> Option<&Credential> {
        let mut all = self.entries.values().map(|entry| &entry.credential);
        all.find(|credential| credential.id == *id)
    }

    fn entry(&mut self, id: &CredentialId) -> Option<&mut Entry> {
        self.entries.values_mut().find(|entry| entry.credential.id == *id)
    }

    /// Oldest first.
    fn discoverable(&self) -> impl DoubleEndedIterator<Item = &Credential> {
        let all = self.entries.values().map(|entry| &entry.credential);
        all.filter(|credential| credential.discoverable)
    }

    fn page(&self, query: &Query) -> Page {
        let open = CredentialProtectionPolicy::UserVerificationOptional;
        let shown = |credential: &Credential| {
            credential.discoverable
                && credential.rp_id == query.rp_id
                && (query.verified || credential.protection == open)
        };
        let mut page = Page::default();
        for (place, entry) in self.entries.iter().rev() {
            if !shown(&entry.credential) {
                continue;
            }
            page.total = page.total.saturating_add(1);
            let later = query.after.is_none_or(|after| *place < after.0);
            if later && page.credentials.len() < query.limit {
                page.credentials.push(entry.credential.clone());
                page.end = Some(Cursor(*place));
            }
        }
        page
    }

    fn apply(&mut self, change: Change, told: &mut Gathered) -> Result<(), StoreError> {
        match change {
            Change::Save { credential, replaces } => {
                self.remove(told, |known| {
                    known.id == credential.id || replaces.takes_place(&credential, known)
                });
                told.note(&credential.id, Became::Made);
                let last = self.entries.last_key_value().map_or(0, |(place, _)| *place);
                let entry = Entry { credential: *credential, counter: 0 };
                self.entries.insert(last.saturating_add(1), entry);
            }
            Change::Remove(id) => self.remove(told, |known| known.id == id),
            Change::Rename { id, user, at } => {
                told.note(&id, Became::Changed);
                self.entry(&id).ok_or(StoreError::NotFound)?.credential.rename(user, at);
            }
            Change::Record { record, value: Some(value) } => {
                self.records.insert(record.name().to_owned(), value);
            }
            Change::Record { record, value: None } => {
                self.records.remove(record.name());
            }
            Change::NewRecord { record, value } => {
                self.records.entry(record.name().to_owned()).or_insert(value);
            }
            // All or nothing: what is not understood fails the whole.
            _ => return Err(StoreError::Unavailable("the vault does not know this change".into())),
        }
        Ok(())
    }

    fn remove(&mut self, told: &mut Gathered, goes: impl Fn(&Credential) -> bool) {
        self.entries.retain(|_, Entry { credential, .. }| {
            let goes = goes(credential);
            if goes {
                told.note(&credential.id, Became::Removed);
            }
            !goes
        });
    }

    /// Writes a new file beside the old one, and puts it in its place when it is whole and on the
    /// disk.
    fn save(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        // Its new name is durable only when the directory is.
        #[cfg(unix)]
        if let Some(directory) = path.canonicalize()?.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |w| w.uint(self.counter.into()));
            map.entry(2, |w| {
                w.array(|all| {
                    for entry in self.entries.values() {
                        all.item(|w| {
                            w.array(|pair| {
                                pair.item(|w| w.uint(entry.counter.into()));
                                pair.item(|w| w.bytes(&entry.credential.to_bytes()));
                            });
                        });
                    }
                });
            });
            map.entry(3, |w| {
                w.map(|all| {
                    for (name, value) in &self.records {
                        all.entry(name.as_str(), |w| w.bytes(value));
                    }
                });
            });
        });
        Zeroizing::new(writer.into_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        towline_cbor::decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            let mut content = Self::default();
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => content.counter = number(value)?,
                    Key::Int(2) => value.array(|pair| content.read_entry(pair))?,
                    Key::Int(3) => value.map(|name, value| {
                        let Key::Text(name) = name else { return Err(Damaged) };
                        let value = Zeroizing::new(value.bytes()?.to_vec());
                        content.records.insert(name.to_owned(), value);
                        Ok(())
                    })?,
                    _ => return Err(Damaged),
                }
                Ok(())
            })?;
            Ok(content)
        })
    }

    fn read_entry(&mut self, pair: &mut Reader<'_>) -> Result<(), Damaged> {
        let (mut counter, mut credential) = (None, None);
        pair.array(|part| {
            if counter.is_none() {
                counter = Some(number(part)?);
            } else {
                credential = Some(Credential::from_bytes(part.bytes()?).map_err(|_| Damaged)?);
            }
            Ok::<(), Damaged>(())
        })?;
        let (Some(counter), Some(credential)) = (counter, credential) else { return Err(Damaged) };
        let place = u64::try_from(self.entries.len()).map_err(|_| Damaged)?;
        self.entries.insert(place, Entry { credential, counter });
        Ok(())
    }
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Damaged> {
    u32::try_from(reader.uint()?).map_err(|_| Damaged)
}

/// The file is not what was written.
struct Damaged;

impl From<towline_cbor::Error> for Damaged {
    fn from(_: towline_cbor::Error) -> Self {
        Self
    }
}
