//! What a circle has: merged by union, so that order, repetition and loss on the way don't matter.
//!
//! Each making or import of a passkey puts a tag on its record; a deletion buries the tags that it
//! saw. A record lives as long as it has a tag that is not buried.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map},
    fmt,
    ops::RangeInclusive,
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

/// What may be written again of a record. Each is written as a whole, and apart from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// The names of the account, and the label that the person gave.
    Names,
    /// What the site keeps in the large blob.
    LargeBlob,
}

/// What a record holds under one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<F, N> {
    /// When it was made or imported.
    pub(crate) made: Stamp,
    /// What never changes of it: ids, keys, seeds.
    pub(crate) fixed: F,
    pub(crate) written: Written<N>,
}

/// What was written last into each register, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written<N> {
    names: Option<(Stamp, N)>,
    large_blob: Option<(Stamp, N)>,
}

impl<N> Default for Written<N> {
    fn default() -> Self {
        Self { names: None, large_blob: None }
    }
}

impl<N> Written<N> {
    pub(crate) const fn get(&self, register: Register) -> Option<&(Stamp, N)> {
        match register {
            Register::Names => self.names.as_ref(),
            Register::LargeBlob => self.large_blob.as_ref(),
        }
    }

    pub(crate) fn set(&mut self, register: Register, value: (Stamp, N)) {
        match register {
            Register::Names => self.names = Some(value),
            Register::LargeBlob => self.large_blob = Some(value),
        }
    }

    /// Those that were written, in the order of the registers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Register, &(Stamp, N))> {
        let all = [Register::Names, Register::LargeBlob].into_iter();
        all.filter_map(|register| Some((register, self.get(register)?)))
    }
}

/// The records of a circle, by their ids. `F` is what never changes of a record and `N` what may be
/// written again; both are compared where two copies claim the same, so that all devices decide
/// alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<F, N> {
    /// By record and tag. One table for all: most records have one tag, and a table for each would
    /// take several times the room.
    pub(crate) records: BTreeMap<([u8; 16], Tag), Kept<F, N>>,
    /// For ever: a tag that is forgotten comes back from an old copy.
    pub(crate) buried: BTreeSet<Tag>,
}

/// All tags of one record.
fn of(record: [u8; 16]) -> RangeInclusive<([u8; 16], Tag)> {
    (record, Tag([0; 16]))..=(record, Tag([0xff; 16]))
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
            let mut written = Written::default();
            written.set(Register::Names, (at, names));
            let kept = Kept { made: at, fixed, written };
            merge_kept(self.records.entry((record, tag)), kept);
        }
    }

    /// Writes a register again, under each living tag. Whether there was one.
    pub fn write(&mut self, record: [u8; 16], register: Register, at: Stamp, value: &N) -> bool {
        let mut lives = false;
        for (_, kept) in self.records.range_mut(of(record)) {
            merge_register(&mut kept.written, register, (at, value.clone()));
            lives = true;
        }
        lives
    }

    /// Buries the tags of a record that are known here; its secrets go at once. Whether it lived.
    pub fn bury(&mut self, record: [u8; 16]) -> bool {
        let gone = self.forget(record);
        self.buried.extend(&gone);
        !gone.is_empty()
    }

    /// Has this record as another state has it.
    pub(crate) fn take_record(&mut self, record: [u8; 16], from: &Self) {
        let tags: Vec<_> = from.tags(record).map(|(at, kept)| (*at, kept.clone())).collect();
        if !tags.is_empty() {
            drop(self.forget(record));
            self.records.extend(tags);
        }
    }

    /// Has nothing of this record, and nothing of its burial. The tags that it had.
    pub(crate) fn forget(&mut self, record: [u8; 16]) -> Vec<Tag> {
        let gone: Vec<_> = self.tags(record).map(|((_, tag), _)| *tag).collect();
        for tag in &gone {
            self.records.remove(&(record, *tag));
        }
        gone
    }

    /// Has nothing more of what another state has buried.
    pub(crate) fn forget_buried(&mut self, by: &Self) {
        self.records.retain(|(_, tag), _| !by.buried.contains(tag));
    }

    /// Under what tags a record lives.
    pub(crate) fn tags(
        &self,
        record: [u8; 16],
    ) -> btree_map::Range<'_, ([u8; 16], Tag), Kept<F, N>> {
        self.records.range(of(record))
    }

    /// What is fixed of a record that lives: that of its first making.
    #[must_use]
    pub fn fixed(&self, record: [u8; 16]) -> Option<&F> {
        let tags = self.tags(record);
        tags.map(|(_, kept)| (kept.made, &kept.fixed)).min().map(|(_, fixed)| fixed)
    }

    /// What was written last into a register of a record that lives, under its living tags.
    #[must_use]
    pub fn written(&self, record: [u8; 16], register: Register) -> Option<&N> {
        let tags = self.tags(record);
        tags.filter_map(|(_, kept)| kept.written.get(register)).max().map(|(_, value)| value)
    }

    /// The ids of the records that live, in their order.
    pub fn records(&self) -> impl Iterator<Item = [u8; 16]> {
        let mut last = None;
        let records = self.records.keys().map(|(record, _)| *record);
        records.filter(move |record| last.replace(*record) != Some(*record))
    }

    /// How many tags are buried, each of which takes its 16 bytes for ever.
    #[must_use]
    pub fn buried(&self) -> usize {
        self.buried.len()
    }

    /// Whether nothing is here, and nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.buried.is_empty()
    }

    /// Takes in what another device says, all of it or nothing, and lets the clock see when it was
    /// said. Which records are others now than they were.
    ///
    /// # Errors
    /// [`FromTheFuture`] where a stamp in there is of no time that could be.
    pub fn merge(
        &mut self,
        other: &Self,
        clock: &mut HybridClock,
    ) -> Result<BTreeSet<[u8; 16]>, FromTheFuture> {
        let mut seen = *clock;
        for kept in other.records.values() {
            seen.see(kept.made)?;
            kept.written.iter().try_for_each(|(_, (at, _))| seen.see(*at))?;
        }
        *clock = seen;
        let mut changed = BTreeSet::new();
        if !other.buried.is_subset(&self.buried) {
            self.buried.extend(&other.buried);
            let buried = &self.buried;
            self.records.retain(|(record, tag), _| {
                let lives = !buried.contains(tag);
                if !lives {
                    changed.insert(*record);
                }
                lives
            });
        }
        for ((record, tag), kept) in &other.records {
            if !self.buried.contains(tag)
                && merge_kept(self.records.entry((*record, *tag)), kept.clone())
            {
                changed.insert(*record);
            }
        }
        Ok(changed)
    }
}

/// Two that claim the same tag: the smaller making and the later writings count. Whether the own
/// one is another now.
fn merge_kept<F: Ord, N: Ord>(
    entry: btree_map::Entry<'_, ([u8; 16], Tag), Kept<F, N>>,
    new: Kept<F, N>,
) -> bool {
    match entry {
        btree_map::Entry::Vacant(vacant) => {
            vacant.insert(new);
            true
        }
        btree_map::Entry::Occupied(mut occupied) => {
            let own = occupied.get_mut();
            let mut changed = false;
            if (new.made, &new.fixed) < (own.made, &own.fixed) {
                (own.made, own.fixed) = (new.made, new.fixed);
                changed = true;
            }
            let Written { names, large_blob } = new.written;
            for (register, value) in [(Register::Names, names), (Register::LargeBlob, large_blob)] {
                let value = value.map(|value| merge_register(&mut own.written, register, value));
                changed |= value == Some(true);
            }
            changed
        }
    }
}

/// The later writing counts. Whether it was the new one.
fn merge_register<N: Ord>(written: &mut Written<N>, register: Register, new: (Stamp, N)) -> bool {
    let later = written.get(register).is_none_or(|own| *own < new);
    if later {
        written.set(register, new);
    }
    later
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

    /// What is fixed, and the names.
    fn shown(state: &Small) -> Option<(&u8, &&'static str)> {
        state.fixed(RECORD).zip(state.written(RECORD, Register::Names))
    }

    fn merged(states: &[&Small]) -> Small {
        let mut clock = HybridClock::new(DeviceId([0; 16]), 0);
        let mut all = Small::default();
        states.iter().for_each(|state| drop(all.merge(state, &mut clock).unwrap()));
        all
    }

    /// R10: it stays away, whatever old copy comes back.
    #[test]
    fn what_was_buried_does_not_come_back() {
        let old = made(1, 5, "a");
        let mut deleted = old.clone();
        assert!(deleted.bury(RECORD));
        for order in [[&old, &deleted, &old], [&deleted, &old, &old]] {
            assert_eq!(shown(&merged(&order)), None);
        }
        deleted.make(RECORD, Tag([1; 16]), at(99, 1), 7, "again");
        assert_eq!(shown(&deleted), None, "a tag is used once");
        assert_eq!(deleted.buried(), 1);
    }

    #[test]
    fn a_deletion_wins_over_a_name_and_not_over_a_making_that_it_did_not_see() {
        let first = made(1, 5, "a");
        let mut deleted = first.clone();
        deleted.bury(RECORD);
        let mut renamed = first.clone();
        assert!(renamed.write(RECORD, Register::Names, at(50, 2), &"b"));
        assert_eq!(shown(&merged(&[&deleted, &renamed])), None);
        let imported = made(2, 6, "c");
        assert_eq!(shown(&merged(&[&deleted, &renamed, &imported])), Some((&7, &"c")));
        assert!(!deleted.write(RECORD, Register::Names, at(60, 2), &"d"));
    }

    /// R12: otherwise the name would depend on which came first, the burial or the second making.
    #[test]
    fn a_name_goes_with_its_tag() {
        let mut first = made(1, 5, "old");
        first.write(RECORD, Register::Names, at(50, 1), &"late name of the first");
        let second = made(2, 6, "of the second");
        let mut burial = first.clone();
        burial.bury(RECORD);
        for order in
            [[&first, &second, &burial], [&burial, &first, &second], [&second, &burial, &first]]
        {
            assert_eq!(shown(&merged(&order)).unwrap().1, &"of the second");
        }
        assert_eq!(shown(&merged(&[&first, &second])).unwrap().1, &"late name of the first");
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
                        let register =
                            [Register::Names, Register::LargeBlob][usize::from(random(2))];
                        devices[who].write(
                            record,
                            register,
                            now,
                            &["x", "y"][usize::from(random(2))],
                        );
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
    fn a_name_and_a_blob_that_are_written_at_the_same_time_both_stay() {
        let mut named = made(1, 5, "a");
        let mut blobbed = named.clone();
        named.write(RECORD, Register::Names, at(9, 1), &"b");
        blobbed.write(RECORD, Register::LargeBlob, at(8, 2), &"blob");
        let both = merged(&[&named, &blobbed]);
        assert_eq!(shown(&both), Some((&7, &"b")));
        assert_eq!(both.written(RECORD, Register::LargeBlob), Some(&"blob"));
    }

    #[test]
    fn what_changed_by_merging_is_told_once() {
        let (first, mut clock) = (made(1, 5, "a"), HybridClock::new(DeviceId([0; 16]), 0));
        let mut state = Small::default();
        assert_eq!(state.merge(&first, &mut clock), Ok(BTreeSet::from([RECORD])));
        assert_eq!(state.merge(&first, &mut clock), Ok(BTreeSet::new()));
        let mut deleted = first.clone();
        deleted.bury(RECORD);
        assert_eq!(state.merge(&deleted, &mut clock), Ok(BTreeSet::from([RECORD])));
        assert_eq!(state.merge(&deleted, &mut clock), Ok(BTreeSet::new()));
        assert_eq!(state.merge(&first, &mut clock), Ok(BTreeSet::new()));
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
