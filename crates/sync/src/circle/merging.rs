//! What one head says is merged segment by segment, each as soon as it is there, so that no more
//! than one of them is in memory.

use std::collections::BTreeSet;

use super::{Circle, News, OwnHead, Phase, SyncOutput, reading::Reading, rows::Row};
use crate::{
    Content, DeviceId, ObjectHash, State, StoreName,
    epochs::EpochId,
    sealed::{Inner, Sealed, SealedKind, Seen},
};

/// A head whose segments are to be merged, or are being.
#[derive(Debug)]
pub(super) struct OpenHead {
    device: DeviceId,
    pub(super) seen: Seen,
    /// The membership that its writer knew.
    known: BTreeSet<ObjectHash>,
    inner: Inner,
    /// The segments that were merged in this look.
    merged: BTreeSet<ObjectHash>,
    /// Whether anything is another here than it was.
    touched: bool,
    /// What the segments say together, where it is a head of this device.
    said: State<Content, Content>,
}

impl OpenHead {
    pub(super) fn new(
        device: DeviceId,
        seen: Seen,
        known: BTreeSet<ObjectHash>,
        inner: Inner,
    ) -> Self {
        let (merged, said) = (BTreeSet::new(), State::default());
        Self { device, seen, known, inner, merged, touched: false, said }
    }
}

impl Circle {
    /// R14: whether a part of a head was merged, and the rest is still to come. If it does not,
    /// what came may be nowhere else soon.
    pub(super) fn has_merged_a_part(&self) -> bool {
        match &self.phase {
            // Or a head of a copy of this device was, which is this device's own at the end.
            Phase::Reading(reading) => {
                reading.foreign.is_some() || reading.heads.front().is_some_and(|head| head.touched)
            }
            _ => false,
        }
    }

    /// Asks for the segments of the next head, except those that were merged. Of a head of this
    /// device all: it has to be known what it says.
    pub(super) fn want_segments(&self, reading: &mut Reading) {
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

    /// Merges a segment of the first of the heads.
    pub(super) fn merge_segment(&mut self, name: StoreName, bytes: &[u8], reading: &mut Reading) {
        let Some(head) = reading.heads.front_mut() else { return };
        let Some((epoch, state)) = self.open_segment(name, bytes) else { return };
        let buried: Vec<_> = state.buried.difference(&self.state.buried).copied().collect();
        let Ok(changed) = self.state.merge(&state, &mut self.clock) else {
            self.refuse(name);
            return;
        };
        // Also of what never was here: whoever has it is told by nobody else, maybe.
        head.touched |= !buried.is_empty() || !changed.is_empty();
        self.mark_all(buried.into_iter().map(Row::Buried));
        self.mark_all(changed.iter().copied().map(Row::Record));
        self.expose(epoch, &changed);
        head.merged.insert(name.hash());
        self.merged_segments.insert((head.device, name.hash()));
        self.changed = true;
        if head.device == self.device() {
            // It has been merged once already.
            let mut clock = self.clock;
            drop(head.said.merge(&state, &mut clock));
        }
        if !changed.is_empty() {
            let pending = changed.iter().filter(|record| self.pending.fixed(**record).is_some());
            let pending: Vec<_> = pending.copied().map(Row::Pending).collect();
            self.pending.forget_buried(&self.state);
            self.mark_all(pending);
            self.outputs.push_back(SyncOutput::Changed(changed));
        }
    }

    /// All segments of a head were merged that could be.
    pub(super) fn finish_head(&mut self, head: &OpenHead, reading: &mut Reading) {
        let own = head.device == self.device();
        let whole = head.inner.segments.iter().all(|part| match own {
            true => head.merged.contains(&part.hash),
            false => self.merged_segments.contains(&(head.device, part.hash)),
        });
        // R14: what came from a part may be nowhere else soon.
        self.needs_snapshot |= !whole && head.touched;
        if whole {
            self.merged.insert((head.device, head.seen));
            self.changed = true;
            if own {
                self.meet_own(head, reading);
            } else {
                self.compare_with_seen(head);
            }
        } else if own {
            self.next_number = self.next_number.max(head.seen.number.saturating_add(1));
        } else if !head.merged.is_empty() {
            // A part of it may never come, and the device is heard of all the same.
            let known = self.news.get(&head.device);
            if known.is_none_or(|news| news.time < head.inner.time) {
                self.heard_of(head);
            }
        }
    }

    fn compare_with_seen(&mut self, head: &OpenHead) {
        self.compare(head.device, head.seen);
        if self.seen.get(&head.device).is_none_or(|seen| *seen < head.seen) {
            self.seen.insert(head.device, head.seen);
            self.heard_of(head);
        }
    }

    fn heard_of(&mut self, head: &OpenHead) {
        let news = News { time: head.inner.time, heads: head.known.clone() };
        self.news.insert(head.device, news);
        self.changed = true;
    }

    /// R7: a head of this device that it did not seal. Its word is this device's own, if it is the
    /// newest.
    fn meet_own(&mut self, head: &OpenHead, reading: &mut Reading) {
        self.compare(head.device, head.seen);
        let newest = self.own.as_ref().map(|own| own.seen);
        let newest = newest.max(reading.foreign.as_ref().map(|(own, _)| own.seen));
        if newest.is_none_or(|newest| newest < head.seen) {
            let (seen, segments) = (head.seen, head.inner.segments.clone());
            let own = OwnHead { seen, segments, time: head.inner.time };
            reading.foreign = Some((own, head.said.clone()));
        } else {
            self.needs_snapshot |= head.touched;
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
}
