//! Who belongs to a circle. Records form a graph; what a set of them means depends on the set
//! alone, not on the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

use crate::{DeviceId, ObjectHash};

/// A membership record whose signatures were verified: by its author, and by whom it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipRecord {
    /// The records that its author knew and nothing else followed: empty for the first, which makes
    /// the circle.
    pub heads: BTreeSet<ObjectHash>,
    /// Who wrote it.
    pub author: DeviceId,
    /// What it does.
    pub change: MembershipChange,
}

/// What a membership record does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembershipChange {
    /// These belong to the circle from now on; the first record adds the first device and the paper
    /// key.
    Add(BTreeSet<DeviceId>),
    /// These are out, for ever: a stolen device together with what it has added, in one record, so
    /// that no part of it arrives before the other.
    Remove(BTreeSet<DeviceId>),
}

/// The records of a circle that are here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    records: BTreeMap<ObjectHash, MembershipRecord>,
}

impl Membership {
    /// Takes a record. It has no effect until all that its author knew is here.
    pub fn insert(&mut self, hash: ObjectHash, record: MembershipRecord) {
        self.records.entry(hash).or_insert(record);
    }

    /// Whether all is here that this record stands on, itself included: only then is anything read
    /// or wrapped by it.
    #[must_use]
    pub fn is_whole(&self, hash: ObjectHash) -> bool {
        self.whole().contains_key(&hash)
    }

    /// Who belongs to the circle of this first record, by all that is here.
    #[must_use]
    pub fn members(&self, circle: ObjectHash) -> BTreeSet<DeviceId> {
        self.standing(circle).members
    }

    /// Who is out: removed, or added by somebody who was out without knowing.
    #[must_use]
    pub fn out(&self, circle: ObjectHash) -> BTreeSet<DeviceId> {
        self.standing(circle).out
    }

    /// The records that nothing else follows: what a new one stands on.
    #[must_use]
    pub fn heads(&self) -> BTreeSet<ObjectHash> {
        let followed: BTreeSet<_> =
            self.records.values().flat_map(|record| &record.heads).collect();
        self.records.keys().filter(|hash| !followed.contains(hash)).copied().collect()
    }

    /// These records and all that they stand on; nothing if some of it is not here.
    #[must_use]
    pub fn past(&self, heads: &BTreeSet<ObjectHash>) -> Option<BTreeSet<ObjectHash>> {
        let mut found = BTreeSet::new();
        let mut next: Vec<_> = heads.iter().copied().collect();
        while let Some(hash) = next.pop() {
            if found.insert(hash) {
                next.extend(&self.records.get(&hash)?.heads);
            }
        }
        Some(found)
    }

    /// The records that count and put somebody out, each with whom.
    #[must_use]
    pub fn removals(&self, circle: ObjectHash) -> BTreeMap<ObjectHash, BTreeSet<DeviceId>> {
        let pasts = self.whole();
        let counted = self.counted(&pasts, circle).records.into_iter();
        let removal = |(hash, record): (ObjectHash, &MembershipRecord)| match &record.change {
            MembershipChange::Remove(removed) => Some((hash, removed.clone())),
            MembershipChange::Add(_) => None,
        };
        counted.filter_map(removal).collect()
    }

    /// What a device has added, directly or by what it added: to be shown to whoever removes it.
    /// The first record is passed over: the paper key is the person's, whichever device began.
    #[must_use]
    pub fn added_by(&self, device: DeviceId) -> BTreeSet<DeviceId> {
        let mut found = BTreeSet::from([device]);
        loop {
            let before = found.len();
            for record in self.records.values() {
                if let MembershipChange::Add(added) = &record.change
                    && !record.heads.is_empty()
                    && found.contains(&record.author)
                {
                    found.extend(added);
                }
            }
            if found.len() == before {
                found.remove(&device);
                return found;
            }
        }
    }

    /// The records of which all the past is here, each with its past.
    fn whole(&self) -> BTreeMap<ObjectHash, BTreeSet<ObjectHash>> {
        let mut pasts: BTreeMap<ObjectHash, BTreeSet<ObjectHash>> = BTreeMap::new();
        loop {
            let before = pasts.len();
            for (hash, record) in &self.records {
                if !pasts.contains_key(hash)
                    && record.heads.iter().all(|head| pasts.contains_key(head))
                {
                    let mut past = record.heads.clone();
                    for head in &record.heads {
                        past.extend(pasts.get(head).into_iter().flatten());
                    }
                    pasts.insert(*hash, past);
                }
            }
            if pasts.len() == before {
                return pasts;
            }
        }
    }

    /// How everybody stands by all that is here. A record counts if it is the first, or if its
    /// author was a member by what the author knew; which is the same whatever else is here.
    fn standing(&self, circle: ObjectHash) -> Standing {
        self.counted(&self.whole(), circle).standing(|_| true)
    }

    fn counted<'a>(
        &'a self,
        pasts: &'a BTreeMap<ObjectHash, BTreeSet<ObjectHash>>,
        circle: ObjectHash,
    ) -> Counted<'a> {
        let mut by_length: Vec<_> = pasts.iter().collect();
        by_length.sort_by_key(|(_, past)| past.len());
        let mut counted = Counted { pasts, circle, records: BTreeMap::new() };
        for (hash, past) in by_length {
            let Some(record) = self.records.get(hash) else { continue };
            let is_first = *hash == circle && past.is_empty();
            let by_member = || counted.standing(|known| past.contains(known)).members;
            if is_first || past.contains(&circle) && by_member().contains(&record.author) {
                counted.records.insert(*hash, record);
            }
        }
        counted
    }
}

/// Who is in and who is out.
struct Standing {
    members: BTreeSet<DeviceId>,
    out: BTreeSet<DeviceId>,
}

/// The records that count.
struct Counted<'a> {
    pasts: &'a BTreeMap<ObjectHash, BTreeSet<ObjectHash>>,
    circle: ObjectHash,
    records: BTreeMap<ObjectHash, &'a MembershipRecord>,
}

type Changes<'a> = Vec<(ObjectHash, DeviceId, &'a BTreeSet<DeviceId>)>;

impl Counted<'_> {
    /// By those of them that are known.
    fn standing(&self, known: impl Fn(&ObjectHash) -> bool) -> Standing {
        let (mut additions, mut removals): (Changes<'_>, Changes<'_>) = Default::default();
        for (hash, record) in self.records.iter().filter(|(hash, _)| known(hash)) {
            match &record.change {
                MembershipChange::Add(added) => additions.push((*hash, record.author, added)),
                MembershipChange::Remove(removed) => removals.push((*hash, record.author, removed)),
            }
        }
        let void = self.void(&additions, &removals);
        let all = |changes: &[&BTreeSet<DeviceId>]| {
            changes.iter().flat_map(|devices| devices.iter().copied()).collect::<BTreeSet<_>>()
        };
        let removed = all(&removals.iter().map(|(_, _, removed)| *removed).collect::<Vec<_>>());
        let (in_vain, added): (Changes<'_>, Changes<'_>) =
            additions.into_iter().partition(|(hash, ..)| void.contains(hash));
        let mut members = all(&added.iter().map(|(_, _, added)| *added).collect::<Vec<_>>());
        members.retain(|member| !removed.contains(member));
        let mut out = all(&in_vain.iter().map(|(_, _, added)| *added).collect::<Vec<_>>());
        out.extend(removed);
        out.retain(|device| !members.contains(device));
        Standing { members, out }
    }

    /// The additions that are void: their author was removed by somebody who did not know of them,
    /// or was added by nothing but void ones.
    fn void(&self, additions: &Changes<'_>, removals: &Changes<'_>) -> BTreeSet<ObjectHash> {
        let knew = |later: &ObjectHash, earlier: &ObjectHash| {
            self.pasts.get(later).is_some_and(|past| past.contains(earlier))
        };
        let mut void = BTreeSet::new();
        loop {
            let is_valid = |device: &DeviceId| {
                additions
                    .iter()
                    .any(|(hash, _, added)| added.contains(device) && !void.contains(hash))
            };
            let newly: Vec<ObjectHash> = additions
                .iter()
                .filter(|(hash, author, _)| {
                    let unknowing = removals.iter().any(|(removal, _, removed)| {
                        removed.contains(author) && !knew(removal, hash)
                    });
                    let inherited = *hash != self.circle && !is_valid(author);
                    !void.contains(hash) && (unknowing || inherited)
                })
                .map(|(hash, ..)| *hash)
                .collect();
            if newly.is_empty() {
                return void;
            }
            void.extend(newly);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIRCLE: ObjectHash = hash(1);

    const fn hash(number: u8) -> ObjectHash {
        ObjectHash([number; 16])
    }

    fn device(name: char) -> DeviceId {
        DeviceId([u8::try_from(name).unwrap(); 16])
    }

    fn devices(names: &str) -> BTreeSet<DeviceId> {
        names.chars().map(device).collect()
    }

    /// Records as `number author +names after heads`, the first of which makes the circle.
    fn graph(records: &[(u8, char, &str, &[u8])]) -> Membership {
        let mut graph = Membership::default();
        for (number, author, change, heads) in records {
            let (sign, names) = change.split_at(1);
            let names = devices(names);
            let change = if sign == "+" {
                MembershipChange::Add(names)
            } else {
                MembershipChange::Remove(names)
            };
            let heads = heads.iter().copied().map(hash).collect();
            graph
                .insert(hash(*number), MembershipRecord { heads, author: device(*author), change });
        }
        graph
    }

    /// Device `a` and the paper key `p` begin.
    const FIRST: (u8, char, &str, &[u8]) = (1, 'a', "+ap", &[]);

    #[test]
    fn members_add_and_strangers_do_not() {
        let graph =
            graph(&[FIRST, (2, 'a', "+b", &[1]), (3, 'x', "+y", &[2]), (4, 'b', "+c", &[2])]);
        assert_eq!(graph.members(CIRCLE), devices("apbc"));
        // Another circle's first record is no record of this one.
        let other = self::graph(&[FIRST, (2, 'x', "+x", &[]), (3, 'x', "+y", &[1, 2])]);
        assert_eq!(other.members(CIRCLE), devices("ap"));
    }

    /// R1: removal beats everything, also an addition that is written later.
    #[test]
    fn removal_is_for_ever() {
        let graph =
            graph(&[FIRST, (2, 'a', "+b", &[1]), (3, 'p', "-b", &[2]), (4, 'a', "+b", &[3])]);
        assert_eq!(graph.members(CIRCLE), devices("ap"));
        assert_eq!(graph.out(CIRCLE), devices("b"));
    }

    /// R1: a record counts by what its author was in the record's own past.
    #[test]
    fn nobody_is_removed_by_a_stranger_or_by_somebody_who_knew_to_be_out() {
        let stranger = graph(&[FIRST, (2, 'a', "+b", &[1]), (3, 'x', "-ab", &[2])]);
        assert_eq!(stranger.members(CIRCLE), devices("apb"));
        let late = [FIRST, (2, 'a', "+b", &[1][..]), (3, 'p', "-b", &[2]), (4, 'b', "-ap", &[3])];
        assert_eq!(graph(&late).members(CIRCLE), devices("ap"));
    }

    #[test]
    fn two_who_remove_each_other_are_both_out() {
        let graph =
            graph(&[FIRST, (2, 'a', "+bc", &[1]), (3, 'b', "-c", &[2]), (4, 'c', "-b", &[2])]);
        assert_eq!(graph.members(CIRCLE), devices("ap"));
    }

    /// R1: a thief that adds friends while it is being removed.
    #[test]
    fn an_addition_by_somebody_who_was_removed_unknowingly_is_void_and_so_is_what_follows() {
        let thief = [
            FIRST,
            (2, 'a', "+b", &[1][..]),
            (3, 'b', "+f", &[2][..]),
            (4, 'f', "+g", &[3][..]),
            (5, 'p', "-b", &[2][..]),
        ];
        assert_eq!(graph(&thief).members(CIRCLE), devices("ap"));
        assert_eq!(graph(&thief).out(CIRCLE), devices("bfg"));
        // Who removes it knowing of the friend keeps the friend, unless it is removed as well.
        let known = [&thief[..4], &[(5, 'p', "-b", &[4][..])]].concat();
        assert_eq!(graph(&known).members(CIRCLE), devices("apfg"));
        let both = [&thief[..4], &[(5, 'p', "-bfg", &[4][..])]].concat();
        assert_eq!(graph(&both).members(CIRCLE), devices("ap"));
    }

    /// R18: what the person is shown before a device is removed.
    #[test]
    fn what_a_device_added_is_found_also_through_its_friends() {
        let graph =
            graph(&[FIRST, (2, 'a', "+b", &[1]), (3, 'b', "+f", &[2]), (4, 'f', "+g", &[3])]);
        assert_eq!(graph.added_by(device('b')), devices("fg"));
        assert_eq!(graph.added_by(device('g')), devices(""));
        assert_eq!(graph.added_by(device('a')), devices("bfg"), "and not the paper key");
        // Also where a later record has the smaller name.
        let turned = [FIRST, (9, 'a', "+b", &[1][..]), (8, 'b', "+f", &[9]), (7, 'f', "+g", &[8])];
        assert_eq!(self::graph(&turned).added_by(device('b')), devices("fg"));
    }

    /// R4, R5: nothing is made of a record whose past is not all here.
    #[test]
    fn a_record_waits_for_its_past() {
        let graph = graph(&[FIRST, (3, 'b', "+c", &[2])]);
        assert_eq!(graph.members(CIRCLE), devices("ap"));
        assert!(graph.is_whole(hash(1)) && !graph.is_whole(hash(3)));
    }

    #[test]
    fn the_order_in_which_records_come_does_not_matter() {
        let records: [(u8, char, &str, &[u8]); 6] = [
            FIRST,
            (2, 'a', "+bc", &[1]),
            (3, 'b', "+d", &[2]),
            (4, 'c', "-b", &[2]),
            (5, 'd', "-c", &[3]),
            (6, 'a', "+e", &[4, 5]),
        ];
        let all = graph(&records);
        let mut turned = records;
        for _ in 0..records.len() {
            turned.rotate_left(1);
            assert_eq!(graph(&turned).members(CIRCLE), all.members(CIRCLE));
            let mut back = turned;
            back.reverse();
            assert_eq!(graph(&back).members(CIRCLE), all.members(CIRCLE));
        }
        assert_eq!(all.members(CIRCLE), devices("ape"));
    }
}
