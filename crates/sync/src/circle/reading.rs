//! A look at the store: membership first, then epochs, then the heads of members, then the segments
//! of one head after the other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use super::{Circle, Moment, OwnHead, Phase, SyncNotice, SyncOutput, SyncToken, merging::OpenHead};
use crate::{
    Content, DeviceId, ObjectHash, State, StoreName,
    object::{Label, Signed},
    roster::Verdict,
    sealed::{Inner, Sealed, SealedKind, Seen},
};

/// How many objects are asked for at a time, but for segments. All of them are there before they
/// are judged, and no more than them.
const AT_A_TIME: usize = 16;
/// How many records of membership may wait for what they stand on. The others are asked for again
/// at the next look.
const MOST_WAITING: usize = 1024;

/// How far the number of this device's next head is moved by what another says of it, so that
/// nobody can use the numbers up.
const LARGEST_STEP: u64 = 1 << 20;

/// An object that is not what its name says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Torn {
    /// From when on, or since it was asked for last, if that is told.
    since: Instant,
    is_told: bool,
}

impl Torn {
    fn is_for(&self, patience: Duration, now: Moment) -> bool {
        now.instant.saturating_duration_since(self.since) >= patience
    }
}

#[derive(Debug)]
pub(super) struct Reading {
    /// What is in the store.
    pub(super) names: BTreeSet<StoreName>,
    stage: Stage,
    pub(super) wanted: VecDeque<StoreName>,
    asked: BTreeMap<SyncToken, StoreName>,
    pub(super) got: BTreeMap<StoreName, Vec<u8>>,
    /// Records of membership that wait for others.
    pub(super) waiting: BTreeMap<StoreName, Vec<u8>>,
    /// Heads that were opened and whose segments are still to be merged: the newest first.
    pub(super) heads: VecDeque<OpenHead>,
    /// The greatest head of this device that another copy of it wrote, and all that it says.
    pub(super) foreign: Option<(OwnHead, State<Content, Content>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Membership,
    Epochs,
    Heads,
    Segments,
}

impl Stage {
    /// Of segments one: each may be [`StoreName::limit`] long, and a head may name many.
    const fn at_a_time(self) -> usize {
        match self {
            Self::Segments => 1,
            _ => AT_A_TIME,
        }
    }
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
        self.ask_for_torn_again(now);
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
            if ObjectHash::of(&self.crypto, &bytes) != name.hash() {
                self.is_torn(name, now);
            } else {
                self.torn.remove(&name);
                if bytes.len() > name.limit() {
                    self.refuse(name);
                } else {
                    reading.got.insert(name, bytes);
                }
            }
        }
        if let Phase::Reading(reading) = std::mem::replace(&mut self.phase, Phase::Idle) {
            self.read_on(reading, now);
        }
    }

    /// Not all stores show an object only once it is whole. It is asked for again at each look, as
    /// if it were not there yet. When it has been so for too long it is told of, once, and asked
    /// for as seldom as that: over a slow line it may still become whole.
    fn is_torn(&mut self, name: StoreName, now: Moment) {
        let torn = self.torn.entry(name).or_insert(Torn { since: now.instant, is_told: false });
        if torn.is_for(self.config.patience, now) {
            torn.since = now.instant;
            self.refused.insert(name);
            if !std::mem::replace(&mut torn.is_told, true) {
                self.tell(SyncNotice::Invented(name));
            }
        }
    }

    fn ask_for_torn_again(&mut self, now: Moment) {
        for (name, torn) in &self.torn {
            if torn.is_for(self.config.patience, now) {
                self.refused.remove(name);
            }
        }
    }

    /// Not asked for again while this runs.
    pub(super) fn refuse(&mut self, name: StoreName) {
        self.refused.insert(name);
        self.tell(SyncNotice::Invented(name));
    }

    /// Judges what came, and asks for more or goes on to the next stage.
    fn read_on(&mut self, mut reading: Box<Reading>, now: Moment) {
        loop {
            if reading.asked.is_empty() {
                self.judge(&mut reading);
                while reading.asked.len() < reading.stage.at_a_time()
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
                    self.finish_head(&head, &mut reading);
                    self.want_segments(&mut reading);
                }
            }
        }
    }

    fn judge(&mut self, reading: &mut Reading) {
        let got = std::mem::take(&mut reading.got);
        match reading.stage {
            Stage::Membership => self.take_membership(got, &mut reading.waiting),
            Stage::Epochs => self.take_epochs(&got),
            Stage::Heads => {
                let opened = got.iter().filter_map(|(name, bytes)| self.open(*name, bytes));
                reading.heads.extend(opened);
            }
            Stage::Segments => {
                for (name, bytes) in &got {
                    self.merge_segment(*name, bytes, reading);
                }
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
        let seen = Seen { number, hash };
        Some(OpenHead::new(device, seen, sealed.header.heads, inner))
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
        self.torn.retain(|name, _| names.contains(name));
    }
}
