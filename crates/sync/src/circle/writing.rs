//! What is sealed, sent, put back and deleted.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Circle, Moment, OwnHead, Phase, RENEWED, SyncNotice, SyncOutput, SyncToken, rows::Row,
};
use crate::{
    CircleError, MemberKind, ObjectHash, StoreName,
    object::{Label, Signed},
    sealed::{Header, Inner, Part, Sealed, SealedKind, Seen},
};

/// From so many segments on, the next one is a snapshot that takes their place.
const MOST_SEGMENTS: usize = 5;
/// In how many parts a snapshot is written at most. There are deltas besides, and a head has room
/// for 16 segments.
pub(super) const MOST_PARTS: usize = 8;
/// Above this size in bytes a snapshot is written in more parts, and what is new as a part of one:
/// nobody reads a segment that is longer than [`StoreName::limit`].
const LARGE: usize = 32 << 20;
/// How many of the heads that were sealed here are known again. An older one is merged like that of
/// another copy, which does no harm.
const REMEMBERED: usize = 64;

/// An object on its way to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) name: StoreName,
    pub(super) bytes: Arc<Vec<u8>>,
    /// Greater than that of any before it.
    pub(super) place: u64,
    /// The last token before it was made: it is sent when a later record is durable (R8).
    pub(super) after: u64,
}

impl Outgoing {
    /// Whether it is sealed, under an epoch that may turn out to be the wrong one.
    pub(super) const fn is_sealed(&self) -> bool {
        matches!(self.name, StoreName::Segment(..) | StoreName::Head(..))
    }
}

impl Circle {
    /// Puts something into the outbox. The paper key writes nothing itself: whom it adds does.
    pub(super) fn push(&mut self, name: StoreName, bytes: Vec<u8>) {
        if self.roster.kind(self.device()) == Some(MemberKind::Device) {
            self.queue(name, bytes, self.last_token);
        }
        self.changed = true;
    }

    pub(super) fn queue(&mut self, name: StoreName, bytes: Vec<u8>, after: u64) {
        let place = self.outbox.back().map_or(0, |last| last.place.saturating_add(1));
        let outgoing = Outgoing { name, bytes: Arc::new(bytes), place, after };
        self.mark_all(outgoing.rows());
        self.outbox.push_back(outgoing);
    }

    pub(super) fn keep_outgoing(&mut self, kept: impl Fn(&Outgoing) -> bool) {
        let gone = self.outbox.iter().filter(|outgoing| !kept(outgoing)).flat_map(Outgoing::rows);
        let gone: Vec<_> = gone.collect();
        self.mark_all(gone);
        self.outbox.retain(kept);
    }

    pub(super) fn is_in_outbox(&self, hash: ObjectHash) -> bool {
        self.outbox.iter().any(|outgoing| outgoing.name.hash() == hash)
    }

    /// An object is stored, or deleted.
    pub fn handle_stored(&mut self, token: SyncToken, now: Moment) {
        let Phase::Writing { asked, .. } = &mut self.phase else { return };
        if *asked != Some(token) {
            return;
        }
        *asked = None;
        self.wall_clock = now.wall_clock;
        self.due = now.instant.checked_add(self.config.period).unwrap_or(now.instant);
        if let Some(sent) = self.sent.take() {
            // Unless it was thrown away meanwhile.
            let before = self.outbox.len();
            self.keep_outgoing(|outgoing| outgoing.name != sent);
            // Kept once: until then the same bytes would go out again, which does no harm.
            self.changed |= self.next_outgoing().is_none() && before > 0;
        }
    }

    /// The store will never take an object that was to be put: it is too large, say. Then what this
    /// device says is sealed again, in smaller parts. What can't be made smaller is told of and put
    /// aside while this runs, and the rest goes on.
    pub fn handle_not_taken(&mut self, token: SyncToken, now: Moment) {
        let Phase::Writing { asked, .. } = &mut self.phase else { return };
        if *asked != Some(token) {
            return;
        }
        *asked = None;
        self.due = now.instant.checked_add(self.config.period).unwrap_or(now.instant);
        match self.sent.take() {
            // What was new goes in the parts of a snapshot, however many there are.
            Some(name @ StoreName::Segment(..))
                if self.parts < MOST_PARTS || self.is_delta(name) =>
            {
                self.parts = self.parts.saturating_mul(2).min(MOST_PARTS);
                self.keep_outgoing(|outgoing| !outgoing.is_sealed());
                self.needs_snapshot = true;
                self.changed = true;
            }
            Some(name) => {
                self.not_taken.insert(name);
                self.tell(SyncNotice::NotTaken);
            }
            None => {}
        }
    }

    /// Whether this is in the outbox, and says what is new.
    fn is_delta(&self, name: StoreName) -> bool {
        let outgoing = self.outbox.iter().find(|outgoing| outgoing.name == name);
        let sealed = outgoing.and_then(|outgoing| Sealed::read(&outgoing.bytes).ok());
        sealed.is_some_and(|sealed| sealed.header.kind == SealedKind::Delta)
    }

    /// What is to be sent next, of that which the store takes.
    fn next_outgoing(&self) -> Option<&Outgoing> {
        self.outbox.iter().find(|outgoing| !self.not_taken.contains(&outgoing.name))
    }

    /// Seals and sends what there is to be sent, one object at a time.
    pub(super) fn write_on(&mut self) {
        if matches!(self.phase, Phase::Idle) && !self.look_first {
            self.seal_what_is_new();
            if self.next_outgoing().is_some() {
                self.phase = Phase::Writing { asked: None, deletions: Vec::new() };
            }
        }
        let all_sent = self.next_outgoing().is_none();
        let Phase::Writing { asked: None, deletions } = &mut self.phase else { return };
        let deletion = if all_sent { deletions.pop() } else { None };
        if let Some(name) = deletion {
            let token = self.token();
            self.outputs.push_back(SyncOutput::Delete { token, name });
            self.wait_for(token, None);
        } else if let Some(next) = self.next_outgoing() {
            // R8: nothing is sent that a crash would forget.
            if self.durable > next.after {
                let (name, bytes) = (next.name, Arc::clone(&next.bytes));
                let token = self.token();
                self.outputs.push_back(SyncOutput::Put { token, name, bytes });
                self.wait_for(token, Some(name));
            }
        } else {
            self.seal_what_is_new();
            if self.next_outgoing().is_none() {
                self.phase = Phase::Idle;
            }
        }
    }

    fn wait_for(&mut self, token: SyncToken, sent: Option<StoreName>) {
        self.sent = sent;
        if let Phase::Writing { asked, .. } = &mut self.phase {
            *asked = Some(token);
        }
    }

    /// Chooses the epoch, takes the state and seals, in one step with the membership of this moment
    /// (R3).
    fn seal_what_is_new(&mut self) {
        let device = self.roster.kind(self.device()) == Some(MemberKind::Device);
        let renewed = u64::try_from(RENEWED.as_millis()).unwrap_or(u64::MAX);
        let old = |own: &OwnHead| own.time.abs_diff(self.wall_clock) > renewed;
        let news =
            self.needs_snapshot || !self.pending.is_empty() || self.own.as_ref().is_none_or(old);
        if device && self.is_member() && self.next_outgoing().is_none() && news {
            let sealed = self.seal();
            self.tell_of_failure(sealed);
        }
    }

    fn seal(&mut self) -> Result<(), CircleError> {
        let epoch = match self.epochs.choose(&self.roster) {
            Some(epoch) => epoch,
            None => {
                let (epoch, name) = self.epochs.create(&self.crypto, &self.roster, &self.keys)?;
                let bytes = self.epochs.bytes(name).unwrap_or_default();
                self.push(name, bytes);
                epoch
            }
        };
        let key = self.epochs.key(epoch).ok_or(CircleError::NoMember)?.clone();
        let number = self.next_number;
        self.needs_snapshot |= self.pending.size() > LARGE;
        let before = self.deltas_may_follow();
        // R17: the first thing is a snapshot.
        let kind = if before.is_some() { SealedKind::Delta } else { SealedKind::Snapshot };
        if kind == SealedKind::Snapshot {
            // It has all of it, or is tried again.
            self.needs_snapshot = true;
            self.forget_pending();
            let least = self.state.size().div_ceil(LARGE).clamp(1, MOST_PARTS);
            self.parts = self.parts.max(least);
        }
        let state = if before.is_some() { &self.pending } else { &self.state };
        let header = |kind| Header {
            kind,
            device: self.device(),
            epoch,
            heads: self.roster.graph().heads(),
            number,
        };
        let mut segments = before.unwrap_or_default();
        let plain = match kind {
            SealedKind::Snapshot => state.to_parts(self.parts),
            _ if state.is_empty() => Vec::new(),
            _ => vec![state.to_bytes()],
        };
        let mut new = Vec::new();
        for plain in plain {
            let bytes = header(kind).seal(&self.crypto, self.circle, &key, plain)?;
            let hash = ObjectHash::of(&self.crypto, &bytes);
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            segments.push(Part { hash, size });
            new.push((StoreName::Segment(self.device(), hash), bytes));
        }
        let (seen, time) = (self.seen.clone(), self.wall_clock);
        let inner = Inner { segments: segments.clone(), seen, time };
        let head =
            header(SealedKind::Head).seal(&self.crypto, self.circle, &key, inner.write().into())?;
        let head = Signed::write(&self.keys, Label::Head, self.circle, &head)?;

        let seen = Seen { number, hash: ObjectHash::of(&self.crypto, &head) };
        // What the store did not take of an older head is needed if this one names it, too.
        self.keep_outgoing(|it| match it.name {
            StoreName::Segment(_, hash) => segments.iter().any(|part| part.hash == hash),
            StoreName::Head(..) => false,
            _ => true,
        });
        new.into_iter().for_each(|(name, bytes)| self.push(name, bytes));
        self.push(StoreName::Head(self.device(), number, seen.hash), head);
        // Given out once, sent or not.
        self.next_number = number.saturating_add(1);
        self.own = Some(OwnHead { seen, segments, time });
        self.sealed.insert(seen);
        while self.sealed.len() > REMEMBERED {
            self.sealed.pop_first();
        }
        self.forget_pending();
        self.needs_snapshot = false;
        Ok(())
    }

    fn forget_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.mark_all(pending.records().map(Row::Pending));
    }

    /// The segments that one more delta may follow; nothing if a snapshot is due.
    fn deltas_may_follow(&self) -> Option<Vec<Part>> {
        let own = self.own.as_ref().filter(|_| !self.needs_snapshot)?;
        let parts = self.parts.min(own.segments.len());
        let (snapshot, deltas) = own.segments.split_at_checked(parts).filter(|_| parts > 0)?;
        let size = |parts: &[Part]| parts.iter().map(|it| it.size).fold(0, u64::saturating_add);
        let few = deltas.len().saturating_add(1) < MOST_SEGMENTS && size(deltas) < size(snapshot);
        few.then(|| own.segments.clone())
    }

    /// R19: wraps each key that is here for the members that have no wrap of it.
    pub(super) fn wrap_for_all(&mut self) -> Result<(), CircleError> {
        for lack in self.epochs.unwrapped(&self.roster) {
            let name = self.epochs.wrap(&self.crypto, &self.roster, &self.keys, lack)?;
            let bytes = self.epochs.bytes(name).unwrap_or_default();
            self.push(name, bytes);
        }
        Ok(())
    }

    /// R16: signed things that the store has lost, whoever wrote them; and R19.
    pub(super) fn put_back(&mut self, names: &BTreeSet<StoreName>) {
        let membership = self.roster.objects();
        let membership = membership.map(|(hash, bytes)| (StoreName::Membership(hash), bytes));
        let lost = membership
            .chain(self.epochs.objects())
            .filter(|(name, _)| !names.contains(name) && !self.is_in_outbox(name.hash()));
        let lost: Vec<_> = lost.map(|(name, bytes)| (name, bytes.to_vec())).collect();
        lost.into_iter().for_each(|(name, bytes)| self.push(name, bytes));
        let wrapped = self.wrap_for_all();
        self.tell_of_failure(wrapped);
    }

    /// What can't be sealed or wrapped now is tried again at the next look.
    fn tell_of_failure(&mut self, result: Result<(), CircleError>) {
        if result.is_err() {
            self.tell(SyncNotice::NotSealed);
            self.look_first = true;
        }
    }

    /// R6: what newer objects of this device have replaced, once they are in the store.
    pub(super) fn outdated(&self, names: &BTreeSet<StoreName>) -> Vec<StoreName> {
        let device = self.device();
        let Some(own) = self.own.as_ref().filter(|_| !self.needs_snapshot) else {
            return Vec::new();
        };
        let head = StoreName::Head(device, own.seen.number, own.seen.hash);
        let kept: BTreeSet<_> =
            own.segments.iter().map(|part| StoreName::Segment(device, part.hash)).collect();
        if !names.contains(&head) || !kept.is_subset(names) {
            return Vec::new();
        }
        let of_own = names.iter().copied().filter(|name| match name {
            StoreName::Segment(by, _) | StoreName::Head(by, ..) => *by == device,
            _ => false,
        });
        let (heads, segments): (Vec<_>, Vec<_>) =
            of_own.partition(|name| matches!(name, StoreName::Head(..)));
        let known = |name: &StoreName| match name {
            StoreName::Head(_, number, hash) => {
                let seen = Seen { number: *number, hash: *hash };
                self.sealed.contains(&seen) || self.merged.contains(&(device, seen))
            }
            _ => false,
        };
        // What a head refers to that nobody here has read is not known.
        let all_known = heads.iter().all(|name| *name == head || known(name));
        let heads = heads.into_iter().filter(|name| *name != head && known(name));
        let segments = segments.into_iter().filter(|name| all_known && !kept.contains(name));
        // Taken from the end: heads go before what they refer to.
        segments.chain(heads).collect()
    }
}
