//! What changed among the credentials of a store, for those who keep a copy of them elsewhere: a
//! sync, an index, a window with a list.
//!
//! Whoever follows a feed asks [`CredentialStore::changes`](crate::CredentialStore::changes) again
//! and again, which costs next to nothing while nothing has changed, and keeps the place where the
//! answer ended. A feed is bounded: it reaches back over the last [`FEED_LENGTH`] changes. Whoever
//! asks for older ones, or has no place yet, is told to [start over](Feed::StartOver).

use std::{
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
};

use towline_ctap::CredentialId;

/// How many changes a feed keeps, those that tell of credentials that are gone included.
pub const FEED_LENGTH: usize = 512;

/// A place in the feed of one store. It can be kept for as long as one likes, also as bytes: a
/// store that does not know it any more says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedCursor {
    number: u64,
    mark: u64,
}

impl FeedCursor {
    /// For stores: the number of a change, and a mark, which is another one for each commit, or for
    /// each beginning of the feed, so that a place in a feed that took another course is known.
    #[must_use]
    pub const fn new(number: u64, mark: u64) -> Self {
        Self { number, mark }
    }

    /// The number of the change that the place is after.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The mark of that change.
    #[must_use]
    pub const fn mark(self) -> u64 {
        self.mark
    }

    /// The place as 16 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.number) << 64 | u128::from(self.mark)).to_be_bytes()
    }

    /// The place of 16 bytes that [`Self::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, mark @ ..] = bytes;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self { number, mark: u64::from_be_bytes(mark) }
    }
}

/// What a feed tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// What changed since the place that was asked about.
    Since {
        /// The changes, oldest first; none if nothing changed. What one commit did is told together
        /// and in one answer, even where that makes it longer than was asked for.
        changes: Vec<CredentialChange>,
        /// Where they end: from here on to ask the next time.
        end: FeedCursor,
    },
    /// The feed does not reach back that far, or the place is not of this feed, as after a reset,
    /// or when an older copy of the store was put back: list
    /// [all](crate::CredentialStore::all) credentials, and go on from here. What changes while they
    /// are listed is told again.
    StartOver {
        /// The place from which on to ask after that.
        from: FeedCursor,
    },
}

/// What happened to one credential, as the feed tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialChange {
    /// Of which credential. What it is now, [`lookup`](crate::CredentialStore::lookup) tells.
    pub id: CredentialId,
    /// What became of it.
    pub what: Became,
}

/// What became of a credential. Its use and its signature counter are no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Became {
    /// It is new.
    Made,
    /// It has other names, extensions keep other data with it, or another one has its id now.
    Changed,
    /// It is gone.
    Removed,
}

/// For stores: what a commit does to credentials, put together to what it comes to in the end.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order in which they were noted first; never more than a feed keeps, so that a look
    /// through all of them is cheap.
    changes: Vec<CredentialChange>,
    overflows: bool,
}

impl Gathered {
    /// Notes a step.
    pub fn note(&mut self, id: &CredentialId, what: Became) {
        if self.overflows {
            return;
        }
        let Some(place) = self.changes.iter().position(|known| known.id == *id) else {
            self.overflows = self.changes.len() >= FEED_LENGTH;
            return self.changes.push(CredentialChange { id: id.clone(), what });
        };
        let Some(before) = self.changes.get_mut(place).map(|known| &mut known.what) else { return };
        *before = match (*before, what) {
            (Became::Made, Became::Removed) => {
                self.changes.remove(place);
                return;
            }
            (Became::Made, _) => Became::Made,
            (_, Became::Removed) => Became::Removed,
            _ => Became::Changed,
        };
    }

    /// Whether the commit changes no credential.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// All of it; `None` where it is more than a feed keeps, which then begins anew.
    #[must_use]
    pub fn finish(self) -> Option<Vec<CredentialChange>> {
        (!self.overflows).then_some(self.changes)
    }
}

/// For stores: a feed in memory. One that is made anew, as after a restart, knows no place of
/// another.
#[derive(Debug, Clone)]
pub struct MemoryFeed {
    /// Each with whether it is the last of its commit.
    changes: VecDeque<(CredentialChange, bool)>,
    /// The place after the last of them.
    end: FeedCursor,
}

impl Default for MemoryFeed {
    fn default() -> Self {
        let mark = RandomState::new().hash_one(0);
        Self { changes: VecDeque::new(), end: FeedCursor::new(0, mark) }
    }
}

impl MemoryFeed {
    /// A commit was made.
    pub fn add(&mut self, gathered: Gathered) {
        let Some(changes) = gathered.finish() else { return self.begin_anew() };
        let last = changes.len();
        for (place, change) in (1..).zip(changes) {
            self.changes.push_back((change, place == last));
            self.end.number = self.end.number.saturating_add(1);
        }
        while self.changes.len() > FEED_LENGTH {
            self.changes.pop_front();
        }
    }

    /// Nobody goes on from a place that was given out before.
    pub fn begin_anew(&mut self) {
        self.changes = VecDeque::new();
        self.end.mark = self.end.mark.wrapping_add(1);
    }

    /// What changed since then, with `limit` changes or a few more.
    #[must_use]
    pub fn since(&self, after: Option<FeedCursor>, limit: usize) -> Feed {
        let start_over = Feed::StartOver { from: self.end };
        let Some(after) = after.filter(|after| after.mark == self.end.mark) else {
            return start_over;
        };
        let behind = self.end.number.checked_sub(after.number).map(usize::try_from);
        let Some(Ok(behind)) = behind else { return start_over };
        let Some(first) = self.changes.len().checked_sub(behind) else { return start_over };
        let (mut changes, mut whole) = (Vec::new(), true);
        for (change, is_last) in self.changes.iter().skip(first) {
            if whole && changes.len() >= limit {
                break;
            }
            changes.push(change.clone());
            whole = *is_last;
        }
        let number = after.number.saturating_add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        Feed::Since { changes, end: FeedCursor { number, mark: after.mark } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_bytes() {
        let cursor = FeedCursor::new(0x0102_0304_0506_0708, u64::MAX - 1);
        assert_eq!(FeedCursor::from_bytes(cursor.to_bytes()), cursor);
        assert_eq!(cursor.to_bytes()[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_commit_comes_to_what_it_comes_to_in_the_end() {
        use Became::{Changed, Made, Removed};
        let id = CredentialId::new(&[1]).unwrap();
        let comes_to = |steps: &[Became]| {
            let mut gathered = Gathered::default();
            steps.iter().for_each(|step| gathered.note(&id, *step));
            gathered.finish().unwrap().pop().map(|change| change.what)
        };
        assert_eq!(comes_to(&[Made, Changed]), Some(Made));
        assert_eq!(comes_to(&[Made, Removed]), None);
        assert_eq!(comes_to(&[Made, Removed, Made]), Some(Made));
        assert_eq!(comes_to(&[Changed, Changed]), Some(Changed));
        assert_eq!(comes_to(&[Changed, Removed]), Some(Removed));
        assert_eq!(comes_to(&[Removed, Made]), Some(Changed));
        assert_eq!(comes_to(&[Removed, Made, Removed]), Some(Removed));
    }
}
