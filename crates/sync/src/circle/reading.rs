//! A look at the store: membership first, then epochs, then the heads of members, then the segments
//! of one head after the other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{Circle, Moment, News, OwnHead, Phase, SyncNotice, SyncOutput, SyncToken, rows::Row};
use crate::{
    Content, DeviceId, ObjectHash, State, StoreName,
    epochs::EpochId,
    object::{Label, Signed},
    roster::Verdict,
    sealed::{Inner, Part, Sealed, SealedKind, Seen},
};

/// How many objects are asked for at a time. All of them are there before they are judged, and no
/// more than them.
const AT_A_TIME: usize = 16;
/// How many records of membership may wait for what they stand on. The others are asked for again
/// at the next look.
const MOST_WAITING: usize = 1024;

/// How far the number of this device's next head is moved by what another says of it, so that
/// nobody can use the numbers up.
const LARGEST_STEP: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Reading {
    /// What is in the store.
    pub(super) names: BTreeSet<StoreName>,
    stage: Stage,
    wanted: VecDeque<StoreName>,
    asked: BTreeMap<SyncToken, StoreName>,
    pub(super) got: BTreeMap<StoreName, Vec<u8>>,
    /// Records of membership that wait for others.
    pub(super) waiting: BTreeMap<StoreName, Vec<u8>>,
    /// Heads that were opened and whose segments are still to be merged: the newest first.
    heads: VecDeque<OpenHead>,
    /// The greatest head of this device that another copy of it wrote, and all that it says.
    foreign: Option<(OwnHead, State<Content, Content>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Membership,
    Epochs,
    Heads,
    Segments,
}

#[derive(Debug)]
pub(super) struct OpenHead {
    device: DeviceId,
    seen: Seen,
    /// The membership that its writer knew.
    known: BTreeSet<ObjectHash>,
    inner: Inner,
}

impl Reading {
    pub(super) fn waits_for(&self, token: SyncToken) -> bool {
        self.asked.contains_key(&token)
    }

    /// The number of the newest head of a device that is listed.
    pub(super) fn newest(&self, of: DeviceId) -> Option<u64> {
        let numbers = self.names.iter().filter_map(|name| match name {
            StoreName::Head(device, number, _) if *device == of => Some(*number),
            _ => None,
        });
        numbers.max()
    }
}

impl Circle {
    /// Takes the names of all that is in the store, below the circle's. Names that are none of the
    /// circle's objects are passed over.
    pub fn handle_listing<'a>(
        &mut self,
        token: SyncToken,
        names: impl IntoIterator<Item = &'a str>,
        now: Moment,
    ) {
        if !matches!(self.phase, Phase::Listing(asked) if asked == token) {
            return;
        }
        let names: BTreeSet<StoreName> =
            names.into_iter().filter_map(|name| name.parse().ok()).collect();
        let wanted = names
            .iter()
            .filter(|name| matches!(name, StoreName::Membership(hash) if !self.roster.has(*hash)));
        let wanted = wanted.filter(|name| !self.refused.contains(name)).copied().collect();
        let reading = Reading {
            names,
            stage: Stage::Membership,
            wanted,
            asked: BTreeMap::new(),
            got: BTreeMap::new(),
            waiting: BTreeMap::new(),
            heads: VecDeque::new(),
            foreign: None,
        };
        self.read_on(Box::new(reading), now);
    }

    /// Takes an object that was asked for, or that it is not there any more.
    pub fn handle_object(&mut self, token: SyncToken, bytes: Option<Vec<u8>>, now: Moment) {
        let Phase::Reading(reading) = &mut self.phase else { return };
        let Some(name) = reading.asked.remove(&token) else { return };
        if let Some(bytes) = bytes {
            let whole =
                bytes.len() <= name.limit() && ObjectHash::of(&self.crypto, &bytes) == name.hash();
            if whole {
                reading.got.insert(name, bytes);
            } else {
                self.refuse(name);
            }
        }
        if let Phase::Reading(reading) = std::mem::replace(&mut self.phase, Phase::Idle) {
            self.read_on(reading, now);
        }
    }

    /// Not asked for again while this runs.
    fn refuse(&mut self, name: StoreName) {
        self.refused.insert(name);
        self.tell(SyncNotice::Invented(name));
    }

    /// Judges what came, and asks for more or goes on to the next stage.
    fn read_on(&mut self, mut reading: Box<Reading>, now: Moment) {
        loop {
            if reading.asked.is_empty() {
                self.judge(&mut reading);
                while reading.asked.len() < AT_A_TIME
                    && let Some(name) = reading.wanted.pop_front()
                {
                    let token = self.token();
                    reading.asked.insert(token, name);
                    self.outputs.push_back(SyncOutput::Get { token, name });
                }
            }
            if !reading.asked.is_empty() {
                self.phase = Phase::Reading(reading);
                return;
            }
            match reading.stage {
                Stage::Membership => {
                    reading.waiting.clear();
                    self.learn_who_is_out();
                    if !self.is_member() {
                        self.tell(SyncNotice::Removed);
                        self.rest(now);
                        return;
                    }
                    reading.wanted = self.unknown(&reading.names, |this, name| {
                        matches!(name, StoreName::Epoch(_) | StoreName::Wrap(_))
                            && !this.epochs.has(name)
                    });
                    reading.stage = Stage::Epochs;
                }
                Stage::Epochs => {
                    reading.wanted = self.unknown(&reading.names, Self::is_news);
                    reading.stage = Stage::Heads;
                }
                Stage::Heads => {
                    reading.heads.make_contiguous().sort_by_key(|head| Reverse(head.seen));
                    reading.stage = Stage::Segments;
                    self.want_segments(&mut reading);
                }
                Stage::Segments => {
                    let Some(head) = reading.heads.pop_front() else {
                        self.conclude(*reading, now);
                        return;
                    };
                    let got = std::mem::take(&mut reading.got);
                    self.merge(head, &got, &mut reading);
                    self.want_segments(&mut reading);
                }
            }
        }
    }

    /// Of what came, all but the segments, which are merged together when all of a head are there.
    fn judge(&mut self, reading: &mut Reading) {
        if reading.stage == Stage::Segments {
            return;
        }
        let got = std::mem::take(&mut reading.got);
        match reading.stage {
            Stage::Membership => self.take_membership(got, &mut reading.waiting),
            Stage::Epochs => self.take_epochs(&got),
            Stage::Heads | Stage::Segments => {
                let opened = got.iter().filter_map(|(name, bytes)| self.open(*name, bytes));
                reading.heads.extend(opened);
            }
        }
    }

    fn unknown(
        &self,
        names: &BTreeSet<StoreName>,
        wanted: impl Fn(&Self, StoreName) -> bool,
    ) -> VecDeque<StoreName> {
        let names = names.iter().copied();
        names.filter(|name| !self.refused.contains(name) && wanted(self, *name)).collect()
    }

    /// R2: of members only. R7, R14: by hash, whatever the number, also such as bear this device's
    /// own name and were not sealed here.
    fn is_news(&self, name: StoreName) -> bool {
        let StoreName::Head(device, number, hash) = name else { return false };
        let seen = Seen { number, hash };
        let own = device == self.device() && self.sealed.contains(&seen);
        self.roster.members().contains(&device) && !own && !self.merged.contains(&(device, seen))
    }

    fn take_membership(
        &mut self,
        mut got: BTreeMap<StoreName, Vec<u8>>,
        waiting: &mut BTreeMap<StoreName, Vec<u8>>,
    ) {
        let mut refused = Vec::new();
        let mut any = true;
        while std::mem::take(&mut any) {
            got.retain(|name, bytes| match self.roster.take(&self.crypto, bytes) {
                Verdict::Waits => true,
                Verdict::Taken => {
                    any = true;
                    false
                }
                Verdict::Refused => {
                    refused.push(*name);
                    false
                }
            });
            if any {
                // It may be what others wait for.
                got.append(waiting);
                self.changed = true;
            }
        }
        waiting.append(&mut got);
        while waiting.len() > MOST_WAITING {
            waiting.pop_last();
        }
        refused.into_iter().for_each(|name| self.refuse(name));
    }

    /// In the order of the names, epochs come before wraps.
    fn take_epochs(&mut self, got: &BTreeMap<StoreName, Vec<u8>>) {
        for (name, bytes) in got {
            let (crypto, roster, keys) = (&self.crypto, &self.roster, &self.keys);
            let verdict = match name {
                StoreName::Epoch(_) => self.epochs.take(crypto, roster, keys, bytes),
                _ => self.epochs.take_wrap(crypto, roster, keys, bytes),
            };
            match verdict {
                Verdict::Waits => {}
                Verdict::Taken => self.changed = true,
                Verdict::Refused => self.refuse(*name),
            }
        }
    }

    /// Opens a head, if all the membership is here that its writer knew (R5), and the key is.
    pub(super) fn open(&mut self, name: StoreName, bytes: &[u8]) -> Option<OpenHead> {
        let StoreName::Head(device, number, hash) = name else { return None };
        let signed = Signed::read(bytes).ok();
        let by = self.roster.keys(device)?;
        let signed = signed.filter(|it| it.is_by(&self.crypto, by, Label::Head, self.circle));
        let sealed = signed.and_then(|signed| Sealed::read(signed.body).ok());
        let sealed = sealed.filter(|Sealed { header, .. }| {
            header.kind == SealedKind::Head && header.device == device && header.number == number
        });
        let Some(sealed) = sealed else {
            self.refuse(name);
            return None;
        };
        if !self.may_read(&sealed) {
            return None;
        }
        let key = self.epochs.key(sealed.header.epoch)?;
        let plain = sealed.open(&self.crypto, self.circle, key);
        let Some(inner) = plain.and_then(|plain| Inner::read(&plain).ok()) else {
            self.refuse(name);
            return None;
        };
        for (other, newest) in &inner.seen {
            self.compare(*other, *newest);
        }
        Some(OpenHead { device, seen: Seen { number, hash }, known: sealed.header.heads, inner })
    }

    /// R5.
    pub(super) fn may_read(&self, sealed: &Sealed<'_>) -> bool {
        sealed.header.heads.iter().all(|head| self.roster.has(*head))
    }

    /// What another says of the newest head of a device, beside what is known of it here. Of whom
    /// the roster does not know nothing is remembered: there could be any number of them.
    pub(super) fn compare(&mut self, device: DeviceId, newest: Seen) {
        if self.roster.kind(device).is_none() {
            return;
        }
        let here = if device == self.device() {
            let next = newest.number.saturating_add(1);
            if next.saturating_sub(self.next_number) < LARGEST_STEP {
                self.next_number = self.next_number.max(next);
            }
            self.own.as_ref().map(|own| own.seen)
        } else {
            self.seen.get(&device).copied()
        };
        if here.is_some_and(|here| here.number == newest.number && here.hash != newest.hash) {
            self.tell(SyncNotice::TwoOf { device, number: newest.number });
        }
        let named = self.named.entry(device).or_insert(newest);
        if *named < newest {
            *named = newest;
            self.changed = true;
        }
    }

    /// Asks for the segments of the next head, except those that were merged. Of a head of this
    /// device all: it has to be known what it says.
    fn want_segments(&self, reading: &mut Reading) {
        let Some(head) = reading.heads.front() else { return };
        let names = head.inner.segments.iter();
        let names = names.map(|part| StoreName::Segment(head.device, part.hash));
        let wanted = names.filter(|name| {
            let own = head.device == self.device();
            let merged = self.merged_segments.contains(&(head.device, name.hash()));
            (own || !merged) && reading.names.contains(name) && !self.refused.contains(name)
        });
        reading.wanted = wanted.collect();
    }

    fn merge(&mut self, head: OpenHead, got: &BTreeMap<StoreName, Vec<u8>>, reading: &mut Reading) {
        let own = head.device == self.device();
        let (mut whole, mut touched) = (true, BTreeSet::new());
        let mut said = State::default();
        for Part { hash, .. } in &head.inner.segments {
            if !own && self.merged_segments.contains(&(head.device, *hash)) {
                continue;
            }
            let name = StoreName::Segment(head.device, *hash);
            let opened = got.get(&name).and_then(|bytes| self.open_segment(name, bytes));
            let Some((epoch, state)) = opened else {
                whole = false;
                continue;
            };
            let buried: Vec<_> = state.buried.difference(&self.state.buried).copied().collect();
            let Ok(changed) = self.state.merge(&state, &mut self.clock) else {
                self.refuse(name);
                whole = false;
                continue;
            };
            self.mark_all(buried.into_iter().map(Row::Buried));
            self.mark_all(changed.iter().copied().map(Row::Record));
            self.expose(epoch, &changed);
            touched.extend(changed);
            self.merged_segments.insert((head.device, *hash));
            self.changed = true;
            if own {
                // It has been merged once already.
                let mut clock = self.clock;
                drop(said.merge(&state, &mut clock));
            }
        }
        // R14: what came from a part may be nowhere else soon.
        self.needs_snapshot |= !whole && !touched.is_empty();
        if whole {
            self.merged.insert((head.device, head.seen));
            self.changed = true;
            if own {
                self.meet_own(&head, said, !touched.is_empty(), reading);
            } else {
                self.compare_with_seen(&head);
            }
        } else if own {
            self.next_number = self.next_number.max(head.seen.number.saturating_add(1));
        }
        if !touched.is_empty() {
            let pending = touched.iter().filter(|record| self.pending.fixed(**record).is_some());
            let pending: Vec<_> = pending.copied().map(Row::Pending).collect();
            self.pending.forget_buried(&self.state);
            self.mark_all(pending);
            self.outputs.push_back(SyncOutput::Changed(touched));
        }
    }

    fn compare_with_seen(&mut self, head: &OpenHead) {
        self.compare(head.device, head.seen);
        if self.seen.get(&head.device).is_none_or(|seen| *seen < head.seen) {
            self.seen.insert(head.device, head.seen);
            let news = News { time: head.inner.time, heads: head.known.clone() };
            self.news.insert(head.device, news);
        }
    }

    /// R7: a head of this device that it did not seal. Its word is this device's own, if it is the
    /// newest.
    fn meet_own(
        &mut self,
        head: &OpenHead,
        said: State<Content, Content>,
        touched: bool,
        reading: &mut Reading,
    ) {
        self.compare(head.device, head.seen);
        let newest = self.own.as_ref().map(|own| own.seen);
        let newest = newest.max(reading.foreign.as_ref().map(|(own, _)| own.seen));
        if newest.is_none_or(|newest| newest < head.seen) {
            let (seen, segments) = (head.seen, head.inner.segments.clone());
            let own = OwnHead { seen, segments, time: head.inner.time };
            reading.foreign = Some((own, said));
        } else {
            self.needs_snapshot |= touched;
        }
    }

    pub(super) fn open_segment(
        &mut self,
        name: StoreName,
        bytes: &[u8],
    ) -> Option<(EpochId, State<Content, Content>)> {
        let StoreName::Segment(device, _) = name else { return None };
        let sealed = Sealed::read(bytes).ok();
        let sealed = sealed.filter(|Sealed { header, .. }| {
            header.kind != SealedKind::Head && header.device == device
        });
        let Some(sealed) = sealed else {
            self.refuse(name);
            return None;
        };
        if !self.may_read(&sealed) {
            return None;
        }
        let epoch = sealed.header.epoch;
        let plain = sealed.open(&self.crypto, self.circle, self.epochs.key(epoch)?);
        let state = plain.and_then(|plain| State::from_bytes(&plain).ok());
        if state.is_none() {
            self.refuse(name);
        }
        state.map(|state| (epoch, state))
    }

    /// All is merged that could be: what is missing in the store, what is to be put back, and what
    /// is to be written and deleted.
    fn conclude(&mut self, reading: Reading, now: Moment) {
        if let Some((own, said)) = &reading.foreign {
            self.needs_snapshot |= *said != self.state;
            self.own = Some(own.clone());
            self.keep_outgoing(|outgoing| !outgoing.is_sealed());
            self.changed = true;
        }
        self.miss_own(&reading, now);
        self.miss_others(&reading, now);
        self.forget_what_is_gone(&reading);
        let deletions = self.outdated(&reading.names);
        self.put_back(&reading.names);
        self.look_first = false;
        self.phase = Phase::Writing { asked: None, deletions };
    }

    /// What was merged and is no longer listed need not be remembered.
    fn forget_what_is_gone(&mut self, reading: &Reading) {
        let names = &reading.names;
        self.merged.retain(|(device, seen)| {
            names.contains(&StoreName::Head(*device, seen.number, seen.hash))
        });
        self.merged_segments
            .retain(|(device, hash)| names.contains(&StoreName::Segment(*device, *hash)));
    }
}
