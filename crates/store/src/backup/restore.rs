//! A backup is read again.

use std::{
    collections::BTreeMap,
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
use crate::{Error, KeySource, Store, tables::Table, write::Refused};

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
    /// The backup's takes its place. Signature counters don't go back even so, and attempts at the
    /// PIN that were used stay used.
    Replace,
}

/// What a restore did, in numbers of records.
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

impl Restored {
    fn count(&mut self, outcome: Outcome) {
        let number = match outcome {
            Outcome::Added => &mut self.added,
            Outcome::Same => &mut self.same,
            Outcome::Kept => &mut self.kept,
            Outcome::Replaced => &mut self.replaced,
        };
        *number = number.saturating_add(1);
    }
}

impl<R: Read + Seek> Backup<R> {
    /// Opens a backup and reads all of it, without using any of it.
    ///
    /// # Errors
    /// [`Error::NoBackup`], [`Error::NewerBackup`], [`Error::BackupDamaged`], [`Error::WrongKey`],
    /// [`Error::OtherKind`], [`Error::Costly`] and others.
    pub fn open(reader: R, source: &KeySource, provider: &CryptoProvider) -> Result<Self, Error> {
        Self::read(reader, source, false, provider)
    }

    /// The same of one whose passphrase takes more memory or time than this version's own backups
    /// do, up to 1 GiB and minutes: only of somebody who is known, since that much is spent before
    /// it is known who wrote it.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_costly(
        reader: R,
        source: &KeySource,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        Self::read(reader, source, true, provider)
    }

    fn read(
        mut reader: R,
        source: &KeySource,
        costly: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        reader.rewind()?;
        let mut buffered = BufReader::new(&mut reader);
        let head = Head::read(&mut buffered, source, costly, provider)?;
        let mut opener = Opener::new(buffered, &head, provider)?;
        let mut contents = Contents::default();
        while let Some(entry) = opener.next()? {
            contents.count(&entry);
        }
        Ok(Self { reader, head, provider: provider.clone(), contents })
    }
}

impl<R> Backup<R> {
    /// The records of the backup, by kind.
    #[must_use]
    pub const fn contents(&self) -> &Contents {
        &self.contents
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
    /// A credential is the same as one of the store if it has its id; a discoverable one also
    /// stands where the store has another of the same COSE algorithm for the account. What the
    /// store has and can't read is as good as not there, but for counts of attempts: of one that
    /// can't be read, the last attempt is left. A right that was taken away does not come back:
    /// what a phone is to computers, and which of them may ring it, is taken from the backup only
    /// where the store is no phone yet.
    ///
    /// If a credential comes back, no key that was still to be deleted is
    /// ([`Record::UnneededKeys`]): it may be that credential's.
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
            let (mut restored, mut links) = (Restored::default(), BTreeMap::new());
            let (before, mut came_back) = (writing.with_head(|head| head.next), false);
            while let Some(entry) = opener.next()? {
                let outcome = match entry {
                    Entry::Credential { credential, counter } => {
                        let outcome =
                            writing.bring_back(&credential, counter, conflicts, before)?;
                        came_back |= matches!(outcome, Outcome::Added | Outcome::Replaced);
                        outcome
                    }
                    Entry::Record { name, value } => {
                        writing.bring_back_record(&name, &value, conflicts)?
                    }
                    // Some of them mean something together only.
                    Entry::Link { name, value } => {
                        links.insert(name, value);
                        continue;
                    }
                    Entry::GlobalCounter(counter) => {
                        writing.raise_global_counter(counter);
                        continue;
                    }
                };
                restored.count(outcome);
            }
            if came_back {
                // Its key may be on this list, and is needed again. It can't be told apart here:
                // better that a token keeps a key of nobody.
                writing.take(Table::Records, Record::UnneededKeys.name().as_bytes())?;
            }
            for outcome in writing.bring_back_links(links, conflicts, provider)? {
                restored.count(outcome);
            }
            Ok(restored)
        });
        restored.map_err(Refused::into_error)
    }
}
