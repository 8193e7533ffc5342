//! Computers that ring a phone which does not listen at this node: who holds it is asked, the
//! holder is told of the ring, and the computer waits here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::{Kind, Rendezvous, count};
use crate::bus::{BusMessage, ContactTag, NodeInstance, Why};
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::RingId;
use crate::{
    Admission, ContactState, Leg, RecallToken, Refusal, RendezvousOutput, Role, Source, deadline,
};

/// How long the holder of a phone may take to say so.
pub(super) const FIND_TIME: Duration = Duration::from_millis(300);

/// Computers that ring phones of other nodes, or of none.
#[derive(Default)]
pub(super) struct Away {
    pub(super) rings: BTreeMap<RingId, AwayRing>,
    by_tag: HashMap<ContactTag, BTreeSet<RingId>>,
    deadlines: BTreeSet<(Instant, RingId)>,
}

pub(super) struct AwayRing {
    pub(super) computer: Leg,
    pub(super) source: Source,
    pub(super) contact: ContactId,
    pub(super) tag: ContactTag,
    pub(super) payload: Vec<u8>,
    pub(super) began: Instant,
    /// Where the computer waits, since the phone was found for the first time. It stays the same
    /// wherever the phone goes: a phone takes a ring in one tunnel only, and refuses the same ring
    /// in another one as a replay.
    pub(super) tunnel: Option<(RoutingId, TunnelId)>,
    /// Whether all were asked a second time.
    pub(super) asked_again: bool,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy)]
pub(super) enum Phase {
    /// Who holds the phone is asked.
    Asking(Instant),
    /// Nobody does, but it is on its way: it left its holder, or that is missed.
    Expecting(Instant),
    /// Whether the contact id was revoked is looked up.
    Recalling,
    /// The holder was told.
    Rung { node: NodeInstance, sequence: u64, accepted: bool },
}

impl Phase {
    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Asking(until) | Self::Expecting(until) => Some(until),
            Self::Recalling | Self::Rung { .. } => None,
        }
    }
}

impl Away {
    pub(super) fn next(&self) -> Option<Instant> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    /// Whether the phone of this ring was found, so that its computer waits in a tunnel.
    pub(super) fn is_located(&self, ring: RingId) -> Option<bool> {
        Some(self.rings.get(&ring)?.tunnel.is_some())
    }

    pub(super) fn insert(&mut self, id: RingId, ring: AwayRing) {
        self.by_tag.entry(ring.tag).or_default().insert(id);
        if let Some(until) = ring.phase.deadline() {
            self.deadlines.insert((until, id));
        }
        self.rings.insert(id, ring);
    }

    pub(super) fn set_phase(&mut self, id: RingId, phase: Phase) {
        let Some(ring) = self.rings.get_mut(&id) else { return };
        if let Some(until) = ring.phase.deadline() {
            self.deadlines.remove(&(until, id));
        }
        ring.phase = phase;
        if let Some(until) = phase.deadline() {
            self.deadlines.insert((until, id));
        }
    }

    pub(super) fn remove(&mut self, id: RingId) -> Option<AwayRing> {
        let ring = self.rings.remove(&id)?;
        if let Some(until) = ring.phase.deadline() {
            self.deadlines.remove(&(until, id));
        }
        if let Some(rings) = self.by_tag.get_mut(&ring.tag) {
            rings.remove(&id);
            if rings.is_empty() {
                self.by_tag.remove(&ring.tag);
            }
        }
        Some(ring)
    }

    pub(super) fn of(&self, tag: &ContactTag) -> Vec<RingId> {
        self.by_tag.get(tag).into_iter().flatten().copied().collect()
    }
}

impl Rendezvous {
    /// A computer rings a phone that does not listen here. It waits meanwhile, and has a place of
    /// its own kind: whoever rings phones that do not exist pushes out nobody who rings one that
    /// does.
    pub(super) fn locate(
        &mut self,
        source: Source,
        contact: ContactId,
        payload: Vec<u8>,
        signal: bool,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let tag = ContactTag::of(&contact, &self.provider);
        let mut ask = false;
        if let Some(nodes) = &self.nodes {
            if !nodes.up {
                count(&mut self.counted.bus_away);
                return Err(Refusal::Unavailable);
            }
            ask = !nodes.nobody_holds(&tag, now);
            if ask && !self.finds.may_find(source, now) {
                count(&mut self.counted.over_quota);
                return Err(Refusal::TooMany);
            }
        }
        self.make_room(Kind::Locating, source)?;
        let ring = self.name_ring();
        let deadline = deadline::after(now, self.limits.ring_answer);
        let admission = self.admit(source, deadline, Role::Rings { ring, signal });
        let computer = admission.leg;
        self.locating_crowd.add(source, computer.0);
        let phase =
            if ask { Phase::Asking(deadline::after(now, FIND_TIME)) } else { Phase::Recalling };
        let away = AwayRing {
            computer,
            source,
            contact,
            tag,
            payload,
            began: now,
            tunnel: None,
            asked_again: false,
            phase,
        };
        self.away.insert(ring, away);
        if ask {
            count(&mut self.counted.asked);
            self.tell_all(&BusMessage::Find { ring, tag });
        } else {
            self.recall(ring);
        }
        Ok(admission)
    }

    fn recall(&mut self, ring: RingId) {
        self.away.set_phase(ring, Phase::Recalling);
        if let Some(AwayRing { contact, .. }) = self.away.rings.get(&ring) {
            self.outputs.push_back(RendezvousOutput::Recall {
                token: RecallToken::ring(ring),
                contact: contact.clone(),
            });
        }
    }

    /// Nobody said in time that it holds the phone.
    pub(super) fn look_further(&mut self, now: Instant) {
        while let Some((until, id)) = self.away.deadlines.first().copied() {
            if until > now {
                break;
            }
            let phase = self.away.rings.get(&id).map(|ring| ring.phase);
            let missed = self.nodes.as_ref().is_some_and(|nodes| nodes.one_is_missed(now));
            if matches!(phase, Some(Phase::Asking(_))) && missed {
                let until = deadline::after(now, self.limits.locate_time);
                self.away.set_phase(id, Phase::Expecting(until));
            } else {
                count(&mut self.counted.nobody);
                self.recall(id);
            }
        }
    }

    /// Whether the contact id of this ring was revoked is known, or that it can't be told.
    pub(super) fn recalled_for_ring(
        &mut self,
        id: RingId,
        state: Option<ContactState>,
        now: Instant,
    ) {
        let Some(AwayRing { phase: Phase::Recalling, tag, .. }) = self.away.rings.get(&id) else {
            return;
        };
        let refusal = match state {
            Some(ContactState::Revoked) => Refusal::Gone,
            Some(ContactState::Unknown) => {
                if let Some(nodes) = &mut self.nodes {
                    nodes.remember_nobody(*tag, now);
                }
                Refusal::NotFound
            }
            // That says nothing about the phone.
            None => Refusal::Unavailable,
        };
        self.refuse_away(id, refusal);
    }

    /// A node says that it holds the phone of this ring. Says whether anybody still wants to know.
    pub(super) fn found(
        &mut self,
        node: NodeInstance,
        id: RingId,
        (sequence, at): (u64, u64),
        now: Instant,
    ) -> bool {
        let Some(ring) = self.away.rings.get(&id) else { return false };
        let before = match ring.phase {
            Phase::Rung { accepted: true, .. } => return false,
            Phase::Rung { node: before, sequence: known, .. }
                if before == node || known >= sequence =>
            {
                return false;
            }
            Phase::Rung { node, .. } => Some(node),
            Phase::Asking(_) | Phase::Expecting(_) | Phase::Recalling => None,
        };
        let (tag, payload, source) = (ring.tag, ring.payload.clone(), ring.source);
        let waits = self.legs.get(&ring.computer).map(|place| place.deadline);
        let left = waits.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        if ring.tunnel.is_none() {
            count(&mut self.counted.found);
            let took = now.saturating_duration_since(ring.began);
            self.counted.found_in = self.counted.found_in.saturating_add(took);
        }
        let (routing_id, tunnel_id) = match self.tunnel_for_away(id) {
            Ok(tunnel) => tunnel,
            Err(refusal) => {
                self.refuse_away(id, refusal);
                return true;
            }
        };
        if let Some(before) = before {
            self.tell(before, &BusMessage::Over { ring: id, met: false });
        }
        self.away.set_phase(id, Phase::Rung { node, sequence, accepted: false });
        let source = source.veiled(&self.provider);
        let ring =
            BusMessage::Ring { ring: id, tag, at, routing_id, tunnel_id, payload, source, left };
        self.tell(node, &ring);
        true
    }

    /// Where the computer of this ring waits for its phone, which was found.
    pub(super) fn tunnel_for_away(&mut self, id: RingId) -> Result<(RoutingId, TunnelId), Refusal> {
        let ring = self.away.rings.get(&id).ok_or(Refusal::Unavailable)?;
        if let Some(tunnel) = ring.tunnel {
            return Ok(tunnel);
        }
        let (computer, source) = (ring.computer, ring.source);
        let tunnel = self.tunnel_for_ring(source)?;
        self.locating_crowd.remove(source, computer.0);
        self.ringing_crowd.add(source, computer.0);
        self.waiting.insert(tunnel.1, (computer, tunnel.0));
        if let Some(ring) = self.away.rings.get_mut(&id) {
            ring.tunnel = Some(tunnel);
        }
        Ok(tunnel)
    }

    /// The phone of another node comes.
    pub(super) fn comes_from(&mut self, from: NodeInstance, id: RingId, now: Instant) {
        let Some(ring) = self.away.rings.get_mut(&id) else { return };
        let Phase::Rung { node, accepted, .. } = &mut ring.phase else { return };
        if *node != from || std::mem::replace(accepted, true) {
            return;
        }
        let leg = ring.computer;
        self.postpone(leg, deadline::after(now, self.limits.ring_time));
        self.outputs.push_back(RendezvousOutput::Answer { leg, answer: Ok(()) });
    }

    /// The phone of another node does not come.
    pub(super) fn refused_from(&mut self, from: NodeInstance, id: RingId, why: Why, now: Instant) {
        let Some(ring) = self.away.rings.get(&id) else { return };
        // What it accepted it can't take back: the computer has its response.
        let Phase::Rung { node, accepted: false, .. } = ring.phase else { return };
        if node != from {
            return;
        }
        match why {
            Why::Busy => self.refuse_away(id, Refusal::Unavailable),
            Why::Gone => self.refuse_away(id, Refusal::Gone),
            Why::TooMany => self.refuse_away(id, Refusal::TooMany),
            Why::NotHere => self.ask_again(id, now),
        }
    }

    /// The phone is with the computer: to come is to accept.
    pub(super) fn away_joined(&mut self, id: RingId) {
        let Some(ring) = self.away.remove(id) else { return };
        if let Some((_, tunnel)) = ring.tunnel {
            self.waiting.remove(&tunnel);
        }
        let accepted = match ring.phase {
            Phase::Rung { node, accepted, .. } => {
                self.tell(node, &BusMessage::Over { ring: id, met: true });
                accepted
            }
            // It was told before it moved.
            Phase::Asking(_) | Phase::Expecting(_) | Phase::Recalling => false,
        };
        if !accepted {
            self.outputs.push_back(RendezvousOutput::Answer { leg: ring.computer, answer: Ok(()) });
        }
    }

    /// A computer that rang a phone elsewhere is gone, or settled. Says whether it had its
    /// response already; nothing where no such computer rang.
    pub(super) fn away_over(&mut self, id: RingId) -> Option<bool> {
        let ring = self.away.remove(id)?;
        if let Some((_, tunnel)) = ring.tunnel {
            self.waiting.remove(&tunnel);
        }
        let Phase::Rung { node, accepted, .. } = ring.phase else { return Some(false) };
        self.tell(node, &BusMessage::Over { ring: id, met: false });
        Some(accepted)
    }

    pub(super) fn refuse_away(&mut self, id: RingId, refusal: Refusal) {
        let Some(computer) = self.away.rings.get(&id).map(|ring| ring.computer) else { return };
        self.settle(computer);
        self.away_over(id);
        self.outputs.push_back(RendezvousOutput::Answer { leg: computer, answer: Err(refusal) });
    }

    /// Nothing goes through: who waits for another node is told so at once.
    pub(super) fn bus_is_down(&mut self) {
        let waiting: Vec<RingId> = self.away.rings.keys().copied().collect();
        for id in waiting {
            let phase = self.away.rings.get(&id).map(|ring| ring.phase);
            if matches!(phase, Some(Phase::Asking(_) | Phase::Expecting(_))) {
                self.refuse_away(id, Refusal::Unavailable);
            }
        }
    }
}
