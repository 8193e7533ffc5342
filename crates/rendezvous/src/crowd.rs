//! Who holds the places of one kind, and whose place a newcomer takes when there is none left.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::source::{Network, Source, Width};

/// What becomes of a newcomer whose network would then have as many places as any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// It takes the place of the oldest: who has waited long is the least likely to be still waited
    /// for.
    Newest,
    /// It gets none: who is there stays.
    Oldest,
}

/// The holders of places of one kind: connections that wait, for instance.
///
/// When all places are taken, the network that has most of them loses its oldest: of the largest
/// /48 (IPv4: /24) the largest /56, of that the largest /64 (the largest address), and of that the
/// holder with the lowest number. So whoever takes many places pays for the newcomers, and a single
/// person next to them does not.
#[derive(Default)]
pub struct Crowd {
    held: BTreeSet<(u64, u64)>,
    regions: HashMap<Network, Size>,
    /// The largest last; of equals, the one that has been as large for the longest time.
    by_size: BTreeSet<(Size, Network)>,
    changes: u64,
}

/// How many places a network holds, and since which change.
type Size = (usize, Reverse<u64>);

/// A network inside another, as far as it was looked at.
struct Group {
    network: Network,
    count: usize,
    oldest: u64,
}

/// Without the addresses.
impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crowd({})", self.held.len())
    }
}

impl Crowd {
    /// An empty crowd.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// All of them, in no order that means anything.
    pub fn holders(&self) -> impl Iterator<Item = u64> {
        self.held.iter().map(|(_, holder)| *holder)
    }

    /// One more. Later holders have higher numbers.
    pub fn add(&mut self, source: Source, holder: u64) {
        if self.held.insert((source.number(), holder)) {
            self.resize(source, |count| count.saturating_add(1));
        }
    }

    /// One is gone; unknown ones are ignored.
    pub fn remove(&mut self, source: Source, holder: u64) {
        if self.held.remove(&(source.number(), holder)) {
            self.resize(source, |count| count.saturating_sub(1));
        }
    }

    fn resize(&mut self, source: Source, change: impl Fn(usize) -> usize) {
        let region = source.network(Width::Region);
        let before = self.regions.get(&region).copied();
        if let Some(size) = before {
            self.by_size.remove(&(size, region));
        }
        self.changes = self.changes.wrapping_add(1);
        match change(before.map_or(0, |(count, _)| count)) {
            0 => drop(self.regions.remove(&region)),
            count => {
                let size = (count, Reverse(self.changes));
                self.regions.insert(region, size);
                self.by_size.insert((size, region));
            }
        }
    }

    /// Who has to go for one more of this source, now that there is no place left; nobody if the
    /// newcomer has to.
    #[must_use]
    pub fn make_way(&self, newcomer: Source, precedence: Precedence) -> Option<u64> {
        let ((most, _), largest) = *self.by_size.last()?;
        let own = newcomer.network(Width::Region);
        let after = self.held_around(newcomer).saturating_add(1);
        let region = if after > most { own } else { largest };
        let site = self.largest_part(region, Width::Site)?.network;
        let victim = self.largest_part(site, Width::Source)?;
        let stays = precedence == Precedence::Oldest
            && if region == own {
                let own = newcomer.network(Width::Source);
                let after = || self.inside(own).count().saturating_add(1);
                own == victim.network || self.inside(victim.network).count() <= after()
            } else {
                most <= after
            };
        (!stays).then_some(victim.oldest)
    }

    /// Whether everybody is of one network, so that nobody takes anything from anybody else.
    #[must_use]
    pub fn is_one_network(&self) -> bool {
        self.regions.len() == 1
    }

    /// How many the /48 (IPv4: the /24) of this source has.
    #[must_use]
    pub fn held_around(&self, source: Source) -> usize {
        self.regions.get(&source.network(Width::Region)).map_or(0, |(count, _)| *count)
    }

    /// How many the network has that has most of them.
    #[must_use]
    pub fn most_held(&self) -> usize {
        self.by_size.last().map_or(0, |((count, _), _)| *count)
    }

    fn inside(&self, network: Network) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        self.held.range((network.first, 0)..=(network.last, u64::MAX)).copied()
    }

    /// The part of this width that has most holders; of equals, the one with the oldest.
    fn largest_part(&self, network: Network, width: Width) -> Option<Group> {
        let part = |(source, _): (u64, u64)| Source::numbered(source).network(width);
        let (first, last) = (self.inside(network).next()?, self.inside(network).next_back()?);
        if part(first) == part(last) {
            // Behind a proxy all have one source, and may be many.
            return Some(Group { network: part(first), count: 1, oldest: first.1 });
        }
        let mut largest: Option<Group> = None;
        let mut group: Option<Group> = None;
        for held in self.inside(network) {
            match &mut group {
                Some(group) if group.network == part(held) => {
                    group.count = group.count.saturating_add(1);
                    group.oldest = group.oldest.min(held.1);
                }
                _ => {
                    let new = Group { network: part(held), count: 1, oldest: held.1 };
                    largest = larger(largest, group.replace(new));
                }
            }
        }
        larger(largest, group)
    }
}

fn larger(one: Option<Group>, other: Option<Group>) -> Option<Group> {
    let rank = |group: &Group| (group.count, Reverse(group.oldest));
    one.into_iter().chain(other).max_by_key(rank)
}
