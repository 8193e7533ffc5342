//! An index from keys to slots that keeps no keys.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Finds the slot of a key by a short hash. It costs some 13 bytes a slot, however long the keys
/// are.
///
/// Each bucket is a list of slots: `buckets` has its first, and a slot's link the one after. Keys
/// whose hashes are equal are told apart by the caller, who has the keys. The hash has a secret of
/// its own, so that nobody can choose keys that all meet in one bucket.
pub(super) struct Index<S = RandomState> {
    hasher: S,
    buckets: Vec<u32>,
    /// By slot; of those that are not in the index it means nothing.
    links: Vec<Link>,
    len: usize,
}

#[derive(Clone, Copy)]
struct Link {
    hash: u32,
    next: u32,
}

/// The end of a list: no slot has this number.
pub(super) const NO_SLOT: u32 = u32::MAX;

impl<S: Default> Default for Index<S> {
    fn default() -> Self {
        Self { hasher: S::default(), buckets: Vec::new(), links: Vec::new(), len: 0 }
    }
}

impl<S: BuildHasher> Index<S> {
    /// The slot of a key; `is_it` tells whether a slot is the right one.
    pub(super) fn find(&self, key: &[&[u8]], mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let hash = self.hash(key);
        let mut slot = self.buckets.get(self.bucket(hash)).copied()?;
        while let Some(link) = self.links.get(at(slot)) {
            if link.hash == hash && is_it(slot) {
                return Some(slot);
            }
            slot = link.next;
        }
        None
    }

    /// Adds a slot that is not there. Other slots may have the same key.
    pub(super) fn insert(&mut self, key: &[&[u8]], slot: u32) {
        if self.len >= self.buckets.len() {
            self.grow();
        }
        let hash = self.hash(key);
        if self.links.len() <= at(slot) {
            super::reserve_an_eighth(&mut self.links);
            self.links.resize(at(slot).saturating_add(1), Link { hash: 0, next: NO_SLOT });
        }
        self.link(slot, hash);
        self.len = self.len.saturating_add(1);
    }

    /// Takes a slot out, which is there.
    pub(super) fn remove(&mut self, slot: u32) {
        let Some(Link { hash, next }) = self.links.get(at(slot)).copied() else { return };
        let bucket = self.bucket(hash);
        let Some(first) = self.buckets.get_mut(bucket) else { return };
        if *first == slot {
            *first = next;
        } else {
            let mut before = *first;
            while let Some(link) = self.links.get_mut(at(before)) {
                if link.next == slot {
                    link.next = next;
                    break;
                }
                before = link.next;
            }
        }
        self.len = self.len.saturating_sub(1);
    }

    /// The parts of a key but the last are text, which no such byte is in: so no two keys are
    /// hashed as the same bytes.
    fn hash(&self, key: &[&[u8]]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        for (place, part) in key.iter().enumerate() {
            if place > 0 {
                hasher.write_u8(0xff);
            }
            hasher.write(part);
        }
        let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// There are as many buckets as a power of two.
    fn bucket(&self, hash: u32) -> usize {
        at(hash) & self.buckets.len().saturating_sub(1)
    }

    /// Puts a slot at the front of the list of its hash.
    fn link(&mut self, slot: u32, hash: u32) {
        let bucket = self.bucket(hash);
        if let (Some(first), Some(link)) =
            (self.buckets.get_mut(bucket), self.links.get_mut(at(slot)))
        {
            *link = Link { hash, next: *first };
            *first = slot;
        }
    }

    /// Twice as many buckets.
    fn grow(&mut self) {
        let count = self.buckets.len().max(8).saturating_mul(2);
        let old = std::mem::replace(&mut self.buckets, vec![NO_SLOT; count]);
        for mut slot in old {
            while let Some(Link { hash, next }) = self.links.get(at(slot)).copied() {
                self.link(slot, hash);
                slot = next;
            }
        }
    }
}

/// A slot, or a hash, as a place in a list; what does not fit the machine is beyond the end of any
/// list.
pub(super) fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
