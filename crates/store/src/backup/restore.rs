//! A backup is read again.

use std::{
    fmt,
    io::{BufReader, Read, Seek, SeekFrom},
};

use towline_authenticator::Record;
use towline_crypto::CryptoProvider;

use super::{
    Contents,
    chunks::{Head, Opener},
    entry::Entry,
};
use crate::{
    Error, KeySource, Store,
    write::{Refused, Writing},
};

/// Counters of wrong attempts: they never go up but by the authenticator's own doing.
const ATTEMPTS: [Record; 2] = [Record::PinRetries, Record::UvRetries];

/// A backup that was read to its end, and is whole.
pub struct Backup<R> {
    reader: R,
    head: Head,
    provider: CryptoProvider,
    contents: Contents,
}

/// What happens to a thing that is in the store and in the backup, and is not the same.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// What is in the store stays, since nothing tells which is newer.
    Keep,
    /// The backup's takes its place. Signature counters don't go back even so, and attempts at the PIN that were used stay
    /// used.
    Replace,
}

/// What came of it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// Things that were not in the store.
    pub added: u64,
    /// Things that were the same in both.
    pub same: u64,
    /// Things of the store that stayed, though the backup has others for them.
    pub kept: u64,
    /// Things of the store that the backup's took the place of.
    pub replaced: u64,
}

/// What came of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    Same,
    Kept,
    Replaced,
}

impl<R: Read + Seek> Backup<R> {
    /// Opens a backup and reads all of it, without using any of it.
    ///
    /// # Errors
    /// [`Error::NoBackup`], [`Error::NewerBackup`], [`Error::BackupDamaged`], [`Error::WrongKey`], [`Error::OtherKind`] and
    /// others.
    pub fn open(
        mut reader: R,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        reader.rewind()?;
        let mut buffered = BufReader::new(&mut reader);
        let head = Head::read(&mut buffered, source, provider)?;
        let mut opener = Opener::new(buffered, &head, provider)?;
        let mut contents = Contents::default();
        while let Some(entry) = opener.next()? {
            let number = match entry {
                Entry::Credential { .. } => &mut contents.credentials,
                Entry::Record { .. } => &mut contents.records,
                Entry::Link { .. } => &mut contents.links,
                Entry::GlobalCounter(_) => continue,
            };
            *number = number.saturating_add(1);
        }
        Ok(Self { reader, head, provider: provider.clone(), contents })
    }
}

impl<R> Backup<R> {
    /// What is in it.
    #[must_use]
    pub const fn contents(&self) -> Contents {
        self.contents
    }
}

impl<R> fmt::Debug for Backup<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup").field("contents", &self.contents).finish_non_exhaustive()
    }
}

impl Store {
    /// Brings back what is in a backup: all of it, or, if that fails, nothing.
    ///
    /// A credential is the same as one of the store if it has its id; a discoverable one also stands where the store has
    /// another for the account.
    ///
    /// # Errors
    /// Why the backup can't be read, or the store not be written.
    pub fn restore<R: Read + Seek>(
        &self,
        backup: &mut Backup<R>,
        conflicts: Conflicts,
    ) -> Result<Restored, Error> {
        let Backup { reader, head, provider, .. } = backup;
        reader.seek(SeekFrom::Start(head.length()))?;
        let mut opener = Opener::new(BufReader::new(reader), head, provider)?;
        let restored = self.shared().write(|writing| {
            let mut restored = Restored::default();
            while let Some(entry) = opener.next()? {
                let number = match put(writing, entry, conflicts)? {
                    Some(Outcome::Added) => &mut restored.added,
                    Some(Outcome::Same) => &mut restored.same,
                    Some(Outcome::Kept) => &mut restored.kept,
                    Some(Outcome::Replaced) => &mut restored.replaced,
                    None => continue,
                };
                *number = number.saturating_add(1);
            }
            Ok(restored)
        });
        restored.map_err(Refused::into_error)
    }
}

/// None for what is not a thing of its own.
fn put(
    writing: &Writing<'_>,
    entry: Entry,
    conflicts: Conflicts,
) -> Result<Option<Outcome>, Error> {
    match entry {
        Entry::Credential { credential, counter } => {
            writing.bring_back(&credential, counter, conflicts).map(Some)
        }
        Entry::Record { name, value } => {
            let attempts = ATTEMPTS.iter().any(|record| record.name() == name);
            let conflicts = if attempts { Conflicts::Keep } else { conflicts };
            writing.bring_back_record(&name, &value, conflicts).map(Some)
        }
        Entry::Link { name, value } => writing.bring_back_link(&name, &value, conflicts).map(Some),
        Entry::GlobalCounter(counter) => {
            writing.raise_global_counter(counter)?;
            Ok(None)
        }
    }
}
