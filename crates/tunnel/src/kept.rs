//! Revoked contact ids that outlast the process.

use std::collections::HashSet;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use towline_crypto::CryptoProvider;
use towline_rendezvous::bus::ContactTag;
use towline_rendezvous::ids::ContactId;
use towline_rendezvous::{ContactState, Source};

use crate::{ContactAnswer, Contacts};

/// Tags of revoked contact ids, by the order in which they came.
const REVOKED: TableDefinition<'_, u64, [u8; ContactTag::LENGTH]> = TableDefinition::new("revoked");

/// So many are remembered; of more the oldest is forgotten.
const MOST: usize = 1_000_000;

/// A file of revoked contacts that can't be used. Nobody may take it for an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file of revoked contacts can't be used ({0}); is another relay using it?")]
pub struct KeptError(String);

/// Remembers revoked contact ids in a file, a million of them, so that a relay that starts again
/// answers 410 as before. The file has tags of the ids, by which nobody can be rung.
pub struct KeptContacts {
    inside: Arc<Mutex<Inside>>,
    /// Held by who writes.
    turn: Arc<tokio::sync::Mutex<()>>,
    provider: CryptoProvider,
}

struct Inside {
    file: Arc<Database>,
    tags: HashSet<ContactTag>,
    next: u64,
}

impl KeptContacts {
    /// Those of this file, which is made if it is not there.
    ///
    /// # Errors
    /// [`KeptError`], also of a file that is damaged.
    pub fn open(path: &Path, provider: CryptoProvider) -> Result<Self, KeptError> {
        let failed = |error: redb::Error| KeptError(error.to_string());
        let file = Database::create(path).map_err(|error| failed(error.into()))?;
        let (tags, next) = read(&file).map_err(failed)?;
        let file = Arc::new(file);
        let inside = Inside { file, tags, next };
        Ok(Self { inside: Arc::new(Mutex::new(inside)), turn: Arc::default(), provider })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        lock(&self.inside)
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    // Whole between calls.
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All tags, and the number of the next one.
fn read(file: &Database) -> Result<(HashSet<ContactTag>, u64), redb::Error> {
    let writing = file.begin_write()?;
    drop(writing.open_table(REVOKED)?);
    writing.commit()?;
    let (mut tags, mut next) = (HashSet::new(), 0_u64);
    for row in file.begin_read()?.open_table(REVOKED)?.iter()? {
        let (number, tag) = row?;
        tags.insert(ContactTag::new(tag.value()));
        next = number.value().saturating_add(1);
    }
    Ok((tags, next))
}

/// Adds one; which one is forgotten for it.
fn write(file: &Database, number: u64, tag: ContactTag) -> Result<Option<ContactTag>, redb::Error> {
    let writing = file.begin_write()?;
    let forgotten = {
        let mut table = writing.open_table(REVOKED)?;
        table.insert(number, *tag.as_bytes())?;
        let full =
            redb::ReadableTableMetadata::len(&table)? > u64::try_from(MOST).unwrap_or(u64::MAX);
        let oldest = if full { table.pop_first()? } else { None };
        oldest.map(|(_, tag)| ContactTag::new(tag.value()))
    };
    writing.commit()?;
    Ok(forgotten)
}

impl Contacts for KeptContacts {
    fn look_up(&self, contact: &ContactId) -> ContactAnswer<Option<ContactState>> {
        let tag = ContactTag::of(contact, &self.provider);
        let revoked = self.lock().tags.contains(&tag);
        let state = if revoked { ContactState::Revoked } else { ContactState::Unknown };
        Box::pin(ready(Some(state)))
    }

    fn revoke(&self, contact: &ContactId, _source: Source) -> ContactAnswer<bool> {
        let tag = ContactTag::of(contact, &self.provider);
        if self.lock().tags.contains(&tag) {
            return Box::pin(ready(true));
        }
        let (inside, turn) = (self.inside.clone(), self.turn.clone());
        Box::pin(async move {
            let _turn = turn.lock().await;
            let (file, number) = {
                let mut inside = lock(&inside);
                // It was on its way already.
                if inside.tags.contains(&tag) {
                    return true;
                }
                let number = inside.next;
                inside.next = number.saturating_add(1);
                (inside.file.clone(), number)
            };
            let written = tokio::task::spawn_blocking(move || write(&file, number, tag)).await;
            let Ok(Ok(forgotten)) = written else {
                tracing::error!("a revoked contact can't be kept");
                return false;
            };
            let mut inside = lock(&inside);
            if let Some(forgotten) = forgotten {
                inside.tags.remove(&forgotten);
            }
            inside.tags.insert(tag);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use towline_testkit::Directory;

    use super::*;

    /// A phone whose connection broke says it again while the first word of it is being written.
    #[tokio::test]
    async fn what_is_revoked_twice_at_once_is_kept_for_both_and_written_once() {
        let directory = Directory::new("kept-twice");
        let provider = towline_crypto::rustcrypto::provider();
        let kept = KeptContacts::open(&directory.file("revoked"), provider).unwrap();
        let (contact, source) = (ContactId::new([7]), Source::of([192, 0, 2, 1].into()));
        let both = (kept.revoke(&contact, source), kept.revoke(&contact, source));
        assert_eq!(tokio::join!(both.0, both.1), (true, true));
        let file = kept.lock().file.clone();
        let rows = file.begin_read().unwrap().open_table(REVOKED).unwrap();
        assert_eq!(redb::ReadableTableMetadata::len(&rows).unwrap(), 1);
    }
}
