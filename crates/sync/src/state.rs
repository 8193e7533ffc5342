//! What a circle has: merged by union, so that order, repetition and loss on the way don't matter.
//!
//! Each making or import of a passkey puts a tag on its record; a deletion buries the tags that it
//! saw. A record lives as long as it has a tag that is not buried.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map},
    fmt,
};

use crate::{FromTheFuture, HybridClock, Stamp};

/// One making or import of a passkey: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub [u8; 16]);

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "Tag({first:02x}{second:02x}…)")
    }
}

/// What a record holds under one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<F, N> {
    /// When it was made or imported.
    pub made: Stamp,
    /// What never changes of it: ids, keys, seeds.
    pub fixed: F,
    /// What was written last: names, a blob; and when.
    pub names: (Stamp, N),
}

/// The records of a circle, by their ids. `F` is what never changes of a record and `N` what may be
/// written again; both are compared where two copies claim the same, so that all devices decide
/// alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<F, N> {
    records: BTreeMap<[u8; 16], BTreeMap<Tag, Kept<F, N>>>,
    /// For ever: a tag that is forgotten comes back from an old copy.
    buried: BTreeSet<Tag>,
}

impl<F, N> Default for State<F, N> {
    fn default() -> Self {
        Self { records: BTreeMap::new(), buried: BTreeSet::new() }
    }
}

impl<F: Clone + Ord, N: Clone + Ord> State<F, N> {
    /// Puts a record there, or one more tag on it.
    pub fn make(&mut self, record: [u8; 16], tag: Tag, at: Stamp, fixed: F, names: N) {
        if !self.buried.contains(&tag) {
            let kept = Kept { made: at, fixed, names: (at, names) };
            merge_kept(self.records.entry(record).or_default().entry(tag), kept);
        }
    }

    /// Writes what may be written again, under each living tag. Whether there was one.
    pub fn write(&mut self, record: [u8; 16], at: Stamp, names: &N) -> bool {
        let Some(tags) = self.records.get_mut(&record) else { return false };
        for kept in tags.values_mut() {
            kept.names = kept.names.clone().max((at, names.clone()));
        }
        true
    }

    /// Buries the tags of a record that are known here; its secrets go at once. Whether it lived.
    pub fn bury(&mut self, record: [u8; 16]) -> bool {
        let Some(tags) = self.records.remove(&record) else { return false };
        self.buried.extend(tags.into_keys());
        true
    }

    /// A record that lives: what is fixed is that of its first making, what was written is the
    /// latest under its living tags.
    #[must_use]
    pub fn record(&self, record: [u8; 16]) -> Option<(&F, &N)> {
        let tags = self.records.get(&record)?;
        let first = tags.values().min_by(|a, b| (a.made, &a.fixed).cmp(&(b.made, &b.fixed)))?;
        let last = tags.values().max_by(|a, b| a.names.cmp(&b.names))?;
        Some((&first.fixed, &last.names.1))
    }

    /// The ids of the records that live, in their order.
    pub fn records(&self) -> impl Iterator<Item = [u8; 16]> {
        self.records.keys().copied()
    }

    /// How many tags are buried, each of which takes its 16 bytes for ever.
    #[must_use]
    pub fn buried(&self) -> usize {
        self.buried.len()
    }

    /// Takes in what another device says, all of it or nothing, and lets the clock see when it was
    /// said.
    ///
    /// # Errors
    /// [`FromTheFuture`] where a stamp in there is of no time that could be.
    pub fn merge(&mut self, other: &Self, clock: &mut HybridClock) -> Result<(), FromTheFuture> {
        let mut seen = *clock;
        for kept in other.records.values().flat_map(BTreeMap::values) {
            seen.see(kept.made)?;
            seen.see(kept.names.0)?;
        }
        *clock = seen;
        self.buried.extend(&other.buried);
        for (record, tags) in &other.records {
            let own = self.records.entry(*record).or_default();
            for (tag, kept) in tags {
                merge_kept(own.entry(*tag), kept.clone());
            }
        }
        let buried = &self.buried;
        self.records.retain(|_, tags| {
            tags.retain(|tag, _| !buried.contains(tag));
            !tags.is_empty()
        });
        Ok(())
    }
}

/// Two that claim the same tag, which only copies of one device can: the smaller making and the
/// later writing count.
fn merge_kept<F: Ord, N: Ord>(entry: btree_map::Entry<'_, Tag, Kept<F, N>>, new: Kept<F, N>) {
    match entry {
        btree_map::Entry::Vacant(vacant) => {
            vacant.insert(new);
        }
        btree_map::Entry::Occupied(mut occupied) => {
            let own = occupied.get_mut();
            if (new.made, &new.fixed) < (own.made, &own.fixed) {
                (own.made, own.fixed) = (new.made, new.fixed);
            }
            if new.names > own.names {
                own.names = new.names;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceId;

    type Small = State<u8, &'static str>;

    const RECORD: [u8; 16] = [9; 16];

    fn at(time: u64, device: u8) -> Stamp {
        Stamp { time, device: DeviceId([device; 16]) }
    }

    fn made(tag: u8, time: u64, names: &'static str) -> Small {
        let mut state = Small::default();
        state.make(RECORD, Tag([tag; 16]), at(time, tag), 7, names);
        state
    }

    fn merged(states: &[&Small]) -> Small {
        let mut clock = HybridClock::new(DeviceId([0; 16]), 0);
        let mut all = Small::default();
        states.iter().for_each(|state| all.merge(state, &mut clock).unwrap());
        all
    }

    /// R10: it stays away, whatever old copy comes back.
    #[test]
    fn what_was_buried_does_not_come_back() {
        let old = made(1, 5, "a");
        let mut deleted = old.clone();
        assert!(deleted.bury(RECORD));
        for order in [[&old, &deleted, &old], [&deleted, &old, &old]] {
            assert_eq!(merged(&order).record(RECORD), None);
        }
        deleted.make(RECORD, Tag([1; 16]), at(99, 1), 7, "again");
        assert_eq!(deleted.record(RECORD), None, "a tag is used once");
        assert_eq!(deleted.buried(), 1);
    }

    #[test]
    fn a_deletion_wins_over_a_name_and_not_over_a_making_that_it_did_not_see() {
        let first = made(1, 5, "a");
        let mut deleted = first.clone();
        deleted.bury(RECORD);
        let mut renamed = first.clone();
        assert!(renamed.write(RECORD, at(50, 2), &"b"));
        assert_eq!(merged(&[&deleted, &renamed]).record(RECORD), None);
        let imported = made(2, 6, "c");
        assert_eq!(merged(&[&deleted, &renamed, &imported]).record(RECORD), Some((&7, &"c")));
        assert!(!deleted.write(RECORD, at(60, 2), &"d"));
    }

    /// R12: otherwise the name would depend on which came first, the burial or the second making.
    #[test]
    fn a_name_goes_with_its_tag() {
        let mut first = made(1, 5, "old");
        first.write(RECORD, at(50, 1), &"late name of the first");
        let second = made(2, 6, "of the second");
        let mut burial = first.clone();
        burial.bury(RECORD);
        let shown = |order: [&Small; 3]| merged(&order).record(RECORD).map(|(_, name)| *name);
        for order in
            [[&first, &second, &burial], [&burial, &first, &second], [&second, &burial, &first]]
        {
            assert_eq!(shown(order), Some("of the second"));
        }
        assert_eq!(merged(&[&first, &second]).record(RECORD).unwrap().1, &"late name of the first");
    }

    /// Every order, and everything twice: pseudo-random schedules of three devices.
    #[test]
    fn merging_does_not_depend_on_order_or_repetition() {
        let mut seed = 1_u64;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u8::try_from((seed >> 33) % u64::from(below.min(255))).unwrap()
        };
        for _ in 0..2000 {
            let mut devices = [Small::default(), Small::default(), Small::default()];
            let mut clocks = [1, 2, 3].map(|id| HybridClock::new(DeviceId([id; 16]), 0));
            for step in 0..20_u8 {
                let who = usize::from(random(3));
                let record = [random(2); 16];
                let now = clocks[who].stamp(u64::from(random(200)));
                match random(5) {
                    0 => devices[who].make(record, Tag([step; 16]), now, step, "made"),
                    1 => {
                        devices[who].write(record, now, &["x", "y"][usize::from(random(2))]);
                    }
                    2 => {
                        devices[who].bury(record);
                    }
                    _ => {
                        let other = devices[usize::from(random(3))].clone();
                        devices[who].merge(&other, &mut clocks[who]).unwrap();
                    }
                }
            }
            let [a, b, c] = &devices;
            let all = merged(&[a, b, c]);
            assert_eq!(merged(&[c, a, b, a]), all);
            assert_eq!(merged(&[&merged(&[b, c]), &merged(&[a, b])]), all);
        }
    }

    #[test]
    fn what_is_from_the_future_is_refused_whole() {
        let mut state = made(1, 5, "a");
        let mut forged = made(2, 6, "b");
        forged.make([8; 16], Tag([3; 16]), at(u64::MAX, 3), 7, "c");
        let (before, mut clock) = (state.clone(), HybridClock::new(DeviceId([0; 16]), 0));
        assert_eq!(state.merge(&forged, &mut clock), Err(FromTheFuture));
        assert_eq!((state, clock.greatest()), (before, 0));
    }
}
