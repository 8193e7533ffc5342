//! Computers of other nodes that ring the phones of this one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::switchboard::{Caller, Ring};
use super::{Rendezvous, count};
use crate::bus::{BusMessage, ContactTag, NodeInstance, Why};
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::{FromService, RingId};
use crate::{Refusal, Source, deadline};

/// How much longer than the computer's node a ring is kept here, if that node says nothing.
const LONGER: Duration = Duration::from_secs(5);

/// When rings of other nodes are over by themselves.
#[derive(Default)]
pub(super) struct Foreign(BTreeSet<(Instant, RingId)>);

impl Foreign {
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(until, _)| *until)
    }

    pub(super) fn forget(&mut self, ring: RingId, until: Instant) {
        self.0.remove(&(until, ring));
    }
}

impl Rendezvous {
    /// The phone that a computer of another node rings, if this node said a moment ago that it has
    /// it.
    pub(super) fn rung_now(
        &mut self,
        from: NodeInstance,
        id: RingId,
        (tag, at): (&ContactTag, u64),
        now: Instant,
    ) -> Option<ContactId> {
        let nodes = self.nodes.as_ref().filter(|_| !self.is_own(id))?;
        let contact = nodes.tags.get(tag).cloned();
        if !contact.as_ref().is_some_and(|id| self.switchboard.phones.contains_key(id)) {
            self.tell(from, &BusMessage::Refused(id, Why::NotHere));
            return None;
        }
        let in_time = nodes.said_lately(at, now);
        if !in_time {
            count(&mut self.counted.late_rings);
        }
        contact.filter(|_| in_time)
    }

    /// A computer of another node rings a phone of this one, and waits until then.
    #[expect(clippy::too_many_arguments, reason = "one message, taken apart")]
    pub(super) fn rung_from(
        &mut self,
        from: NodeInstance,
        id: RingId,
        contact: ContactId,
        source: Source,
        payload: Vec<u8>,
        (routing_id, tunnel_id): (RoutingId, TunnelId),
        (until, now): (Instant, Instant),
    ) {
        match self.switchboard.rings.get(&id).map(|ring| ring.caller) {
            Some(Caller::There { node, .. }) if node == from => return,
            // A run of the same node that has ended.
            Some(_) => self.drop_foreign(id, false),
            None => {}
        }
        if let Err(refusal) = self.may_ring(&contact, source, false, now) {
            let why = if refusal == Refusal::TooMany { Why::TooMany } else { Why::Busy };
            return self.tell(from, &BusMessage::Refused(id, why));
        }
        let until = until.min(deadline::after(now, self.limits.ring_answer));
        self.foreign.0.insert((until, id));
        let caller = Caller::There { node: from, until };
        let ring =
            Ring { caller, source, contact, routing_id, tunnel_id, payload, accepted: false };
        self.tell_phone(id, ring);
    }

    /// The phone has said whether it comes: its computer is told, at the node where it waits.
    pub(super) fn answer_from_here(
        &mut self,
        id: RingId,
        (node, until): (NodeInstance, Instant),
        answer: Result<(), Refusal>,
        now: Instant,
    ) {
        let message = match answer {
            Ok(()) => BusMessage::Comes(id),
            Err(Refusal::Gone) => BusMessage::Refused(id, Why::Gone),
            Err(Refusal::TooMany) => BusMessage::Refused(id, Why::TooMany),
            Err(_) => BusMessage::Refused(id, Why::Busy),
        };
        self.foreign.forget(id, until);
        if answer.is_ok() {
            let until = deadline::after(now, self.limits.ring_time.saturating_add(LONGER));
            if let Some(ring) = self.switchboard.rings.get_mut(&id) {
                ring.caller = Caller::There { node, until };
                self.foreign.0.insert((until, id));
            }
        }
        self.tell(node, &message);
    }

    /// The computer's node says that nobody waits any more.
    pub(super) fn over_from(&mut self, from: NodeInstance, id: RingId, met: bool, now: Instant) {
        let Some(ring) = self.switchboard.rings.get(&id) else { return };
        if !matches!(ring.caller, Caller::There { node, .. } if node == from) {
            return;
        }
        if met && !ring.accepted {
            let (contact, source) = (ring.contact.clone(), ring.source);
            if let Some(callers) = self.switchboard.callers(&contact) {
                callers.accepted(source, &self.limits, now);
            }
        }
        self.drop_foreign(id, met);
    }

    /// Forgets a ring of another node. A phone that has not come is told that it is over.
    pub(super) fn drop_foreign(&mut self, id: RingId, met: bool) {
        let Some((ring, phone)) = self.switchboard.remove(id) else { return };
        if !ring.accepted {
            let results = self.results_of(ring.caller);
            count(if met { &mut results.accepted } else { &mut results.unanswered });
        }
        if let Caller::There { until, .. } = ring.caller {
            self.foreign.forget(id, until);
        }
        if let Some(leg) = phone.filter(|_| !met) {
            self.say(leg, &FromService::Over(id));
        }
    }

    /// Rings of other nodes that have had their time.
    pub(super) fn end_foreign(&mut self, now: Instant) {
        while let Some((until, id)) = self.foreign.0.first().copied() {
            if until > now {
                break;
            }
            self.foreign.0.remove(&(until, id));
            self.drop_foreign(id, false);
        }
    }
}
