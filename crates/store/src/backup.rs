//! Everything that a store holds, in one sealed file that can be kept elsewhere.
//!
//! A backup has a key of its own, locked by a passphrase or a key file as a store's root key is, so
//! that it opens without the store that it came from. After a head in the clear come chunks, each
//! sealed for its number and for whether it is the last, so that one that is missing, moved,
//! repeated or cut off is noticed. Neither side ever holds more than a chunk.

mod chunks;
mod entry;
mod merge;
mod restore;
mod save;

#[cfg(feature = "links")]
pub(crate) use restore::Outcome;
pub use restore::{Backup, Conflicts, Restored};

/// What a backup holds.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Passkeys, and credentials of other kinds.
    pub credentials: u64,
    /// The PIN, settings and others.
    pub records: u64,
    /// What makes up links with other devices.
    pub links: u64,
    /// What is damaged in the store and so is not in the backup, by what it is. Not known when a
    /// backup is read.
    pub left_out: Vec<String>,
}

impl Contents {
    fn count(&mut self, entry: &entry::Entry) {
        let number = match entry {
            entry::Entry::Credential { .. } => &mut self.credentials,
            entry::Entry::Record { .. } => &mut self.records,
            entry::Entry::Link { .. } => &mut self.links,
            entry::Entry::GlobalCounter(_) => return,
        };
        *number = number.saturating_add(1);
    }
}
