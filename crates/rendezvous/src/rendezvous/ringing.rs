//! Phones that listen, and computers that ring them: what the rendezvous does about them.

use std::time::{Duration, Instant};

use super::ring_quota::Allowance;
use super::switchboard::{Caller, Phone, Presence, Ring};
use super::{Kind, Place, Rendezvous, count};
use crate::bus::ContactTag;
use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::message::{FromPhone, FromService, Reason, RingId};
use crate::{
    Admission, ContactKey, Ending, Heard, Leg, Precedence, RecallToken, Refusal, RendezvousOutput,
    RingResults, Role, Source, deadline,
};

/// How often a phone is granted one more message.
const MESSAGE_PAUSE: Duration = Duration::from_secs(1);

impl Rendezvous {
    /// A phone wants to be reached. Whoever listened with the same key before has to go: its
    /// connection may have broken without anybody noticing.
    pub(super) fn listen(
        &mut self,
        source: Source,
        key: &ContactKey,
        sequence: u64,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let contact = key.contact_id(&self.provider);
        let known = self.switchboard.phones.get(&contact);
        if known.is_some_and(|phone| sequence != 0 && phone.sequence > sequence) {
            // It was on its way for longer than a later one.
            return Err(Refusal::InUse);
        }
        if known.is_some_and(|phone| phone.taken_over && phone.leg().is_some()) {
            return Err(Refusal::TooMany);
        }
        let instead_of = known.and_then(|phone| match phone.presence {
            Presence::Here(leg) => self.legs.get(&leg).map(|place| place.source),
            Presence::Absent { source, .. } => Some(source),
        });
        if !self.shares.allow(source, self.limits.per_source, instead_of) {
            return Err(Refusal::TooMany);
        }
        if known.is_none() {
            self.room_to_listen(source)?;
        }
        let taken_over = self.take_over(&contact);
        let deadline = deadline::after(now, self.limits.silence);
        let admission = self.admit(source, deadline, Role::Listens { contact: contact.clone() });
        let leg = admission.leg;
        self.switchboard.crowd.add(source, leg.0);
        let allowance = Allowance::new(self.limits.listener_messages, now);
        let phone = self.switchboard.phones.entry(contact.clone()).or_insert_with(|| Phone {
            presence: Presence::Here(leg),
            sequence,
            since: now,
            allowance,
            unanswered: 0,
            taken_over: false,
            book: None,
        });
        phone.presence = Presence::Here(leg);
        phone.sequence = sequence;
        phone.since = now;
        phone.taken_over |= taken_over;
        // What it may have missed.
        let mut told = 0_u16;
        for id in phone.rings() {
            if let Some(ring) = self.switchboard.rings.get(id)
                && !ring.accepted
            {
                self.outputs.push_back(RendezvousOutput::Send { leg, message: ring.message(*id) });
                told = told.saturating_add(1);
            }
        }
        phone.unanswered = told;
        self.outputs.push_back(RendezvousOutput::Recall {
            token: RecallToken::listener(leg),
            contact: contact.clone(),
        });
        self.is_here(&contact, now);
        Ok(admission)
    }

    /// A phone has come to this node: who looks for it is told.
    fn is_here(&mut self, contact: &ContactId, now: Instant) {
        if self.nodes.is_none() && self.locating_crowd.is_empty() {
            return;
        }
        let tag = ContactTag::of(contact, &self.provider);
        if let Some(nodes) = &mut self.nodes {
            nodes.tags.insert(tag, contact.clone());
            self.came(tag, contact, now);
        }
        self.found_here(contact, &tag, now);
    }

    /// A phone is not expected any more.
    pub(super) fn forget_phone(&mut self, contact: &ContactId) {
        if let Some(source) = self.switchboard.forget(contact) {
            self.shares.remove(source);
        }
        self.forget_tag(contact);
    }

    pub(super) fn forget_tag(&mut self, contact: &ContactId) {
        if let Some(nodes) = &mut self.nodes {
            nodes.tags.remove(&ContactTag::of(contact, &self.provider));
        }
    }

    /// Makes room for one more phone.
    fn room_to_listen(&mut self, source: Source) -> Result<(), Refusal> {
        if self.switchboard.crowd.len() < self.limits.listening {
            return Ok(());
        }
        if self.limits.listening == 0 {
            return Err(Refusal::Unavailable);
        }
        if let Some((contact, left)) = self.switchboard.forget_oldest_absent() {
            self.shares.remove(left);
            self.forget_tag(&contact);
            return Ok(());
        }
        let oldest = self.switchboard.crowd.make_way(source, Precedence::Oldest);
        self.close(Leg(oldest.ok_or(Refusal::Unavailable)?), Ending::CrowdedOut);
        Ok(())
    }

    /// Takes the place of whoever has it under this contact id, with all that belongs to it. Says
    /// whether a connection has to be closed for that.
    fn take_over(&mut self, contact: &ContactId) -> bool {
        let presence = match self.switchboard.phones.get(contact) {
            Some(Phone { presence: Presence::Here(leg), .. }) => Ok(*leg),
            Some(Phone { presence: Presence::Absent { until, was, source }, .. }) => {
                Err((*until, *was, *source))
            }
            None => return false,
        };
        match presence {
            Ok(before) => {
                self.say(before, &FromService::Replaced);
                self.outputs
                    .push_back(RendezvousOutput::Close { leg: before, ending: Ending::Replaced });
                if let Some(place) = self.legs.get(&before) {
                    self.deadlines.remove(&(place.deadline, before));
                    self.switchboard.crowd.remove(place.source, before.0);
                    self.shares.remove(place.source);
                }
                true
            }
            Err((until, was, source)) => {
                self.switchboard.absent.remove(&(until, was));
                self.switchboard.crowd.remove(source, was.0);
                self.shares.remove(source);
                false
            }
        }
    }

    /// A computer rings.
    pub(super) fn ring(
        &mut self,
        source: Source,
        contact: ContactId,
        payload: Vec<u8>,
        signal: bool,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        if !self.switchboard.phones.contains_key(&contact) {
            return self.locate(source, contact, payload, signal, now);
        }
        let tunnel = self.prepare_ring(&contact, source, now)?;
        let ring = self.name_ring();
        let deadline = deadline::after(now, self.limits.ring_answer);
        let admission = self.admit(source, deadline, Role::Rings { ring, signal });
        self.start_ring(ring, admission.leg, source, contact, payload, tunnel);
        Ok(admission)
    }

    /// A name for one more ring. It has the node's number in its first byte, since other nodes ring
    /// the same phones.
    pub(super) fn name_ring(&mut self) -> RingId {
        let number = self.next_ring;
        self.next_ring = number.wrapping_add(1);
        RingId(u64::from(self.node) << 56 | number & (u64::MAX >> 8))
    }

    /// Whether a ring has a name of this node.
    pub(super) fn is_own(&self, ring: RingId) -> bool {
        ring.0 >> 56 == u64::from(self.node)
    }

    /// Whether a phone of this node may be rung from there, and the tunnel in which its computer is
    /// to wait.
    pub(super) fn prepare_ring(
        &mut self,
        contact: &ContactId,
        source: Source,
        now: Instant,
    ) -> Result<(RoutingId, TunnelId), Refusal> {
        self.may_ring(contact, self.booked(source), true, now)?;
        self.tunnel_for_ring(source)
    }

    /// A tunnel of this node in which one more computer may wait for its phone.
    pub(super) fn tunnel_for_ring(
        &mut self,
        source: Source,
    ) -> Result<(RoutingId, TunnelId), Refusal> {
        let routing_id = self.routing_id()?;
        let tunnel_id = self.provider.random.bytes().map_err(|_| Refusal::Unavailable)?;
        self.make_room(Kind::Ringing, source)?;
        Ok((routing_id, TunnelId::new(tunnel_id)))
    }

    /// How a phone's book names the source of a computer of this node: one and the same, at
    /// whichever node of the service it rings. Other nodes are told no address.
    pub(super) fn booked(&self, source: Source) -> Source {
        if self.nodes.is_some() { source.veiled(&self.provider) } else { source }
    }

    /// Whether a phone of this node may be rung from there, a source as its book has it, once
    /// more, by a computer that is `here` or at another node.
    pub(super) fn may_ring(
        &mut self,
        contact: &ContactId,
        source: Source,
        here: bool,
        now: Instant,
    ) -> Result<(), Refusal> {
        let may = self.take_ring(contact, source, now);
        if may == Err(Refusal::TooMany) {
            let rung = &mut self.rung;
            count(&mut if here { &mut rung.here } else { &mut rung.elsewhere }.too_many);
        }
        may
    }

    fn take_ring(
        &mut self,
        contact: &ContactId,
        source: Source,
        now: Instant,
    ) -> Result<(), Refusal> {
        let phone = self.switchboard.phones.get(contact).ok_or(Refusal::NotFound)?;
        let ends = self.switchboard.line(phone, source, &self.limits)?;
        let phone = self.switchboard.phones.get_mut(contact).ok_or(Refusal::NotFound)?;
        let book = phone.book.get_or_insert_default();
        // The phone is told of so many rings, whatever becomes of them: who is over pays, and not
        // the phone.
        if !book.callers.may_ring(source, &self.limits, now) {
            return Err(Refusal::TooMany);
        }
        if let Some(ends) = ends {
            self.end_ring(ends, Refusal::TooMany, now);
        }
        Ok(())
    }

    /// Tells the phone, and lets the computer wait.
    pub(super) fn start_ring(
        &mut self,
        id: RingId,
        computer: Leg,
        source: Source,
        contact: ContactId,
        payload: Vec<u8>,
        (routing_id, tunnel_id): (RoutingId, TunnelId),
    ) {
        self.ringing_crowd.add(source, computer.0);
        self.waiting.insert(tunnel_id, (computer, routing_id));
        let (caller, source) = (Caller::Here(computer), self.booked(source));
        let ring =
            Ring { caller, source, contact, routing_id, tunnel_id, payload, accepted: false };
        self.tell_phone(id, ring);
    }

    /// The phone is told of a ring now, or when it is back.
    pub(super) fn tell_phone(&mut self, id: RingId, ring: Ring) {
        if let Some(phone) = self.switchboard.phones.get_mut(&ring.contact) {
            if let Some(leg) = phone.leg() {
                self.outputs.push_back(RendezvousOutput::Send { leg, message: ring.message(id) });
                phone.unanswered = phone.unanswered.saturating_add(1);
            }
            phone.book.get_or_insert_default().rings.push(id);
        }
        self.switchboard.rings.insert(id, ring);
    }

    /// Counts what became of a ring.
    pub(super) const fn results_of(&mut self, caller: Caller) -> &mut RingResults {
        match caller {
            Caller::Here(_) => &mut self.rung.here,
            Caller::There { .. } => &mut self.rung.elsewhere,
        }
    }

    /// A ring is over: nobody waits in its tunnel any more. Where its phone listens comes with it.
    fn remove_ring(&mut self, id: RingId) -> Option<(Ring, Option<Leg>)> {
        let removed = self.switchboard.remove(id)?;
        if let Caller::Here(_) = removed.0.caller {
            self.waiting.remove(&removed.0.tunnel_id);
        }
        Some(removed)
    }

    /// A phone that listens sent a binary message. Its answers to the rings that it was told of are
    /// free.
    pub fn handle_message(&mut self, leg: Leg, message: &[u8], now: Instant) -> Heard {
        self.handle_timeout(now);
        let Some(Place { role: Some(Role::Listens { contact }), .. }) = self.legs.get(&leg) else {
            return Heard::Taken;
        };
        let contact = contact.clone();
        let phone = self.switchboard.phones.get_mut(&contact);
        // A phone that another connection took over from has no say any more.
        let Some(phone) = phone.filter(|phone| phone.leg() == Some(leg)) else {
            return Heard::Taken;
        };
        let Some(message) = FromPhone::decode(message) else {
            self.close(leg, Ending::Misbehaved);
            return Heard::Taken;
        };
        match (&message, phone.unanswered.checked_sub(1)) {
            (FromPhone::Accept(_) | FromPhone::Refuse(..), Some(left)) => phone.unanswered = left,
            _ if phone.allowance.take(self.limits.listener_messages, MESSAGE_PAUSE, now) => {}
            _ => return Heard::TooMany,
        }
        self.postpone(leg, deadline::after(now, self.limits.silence));
        match message {
            FromPhone::Alive => self.say(leg, &FromService::Alive),
            FromPhone::Accept(ring) => self.phone_comes(&contact, ring, now),
            FromPhone::Refuse(ring, reason) => {
                self.phone_refuses(&contact, ring, reason, now);
            }
            FromPhone::Revoke => self.revoke(&contact, leg, now),
        }
        Heard::Taken
    }

    fn phone_comes(&mut self, contact: &ContactId, id: RingId, now: Instant) {
        let Some(ring) = self.switchboard.rings.get_mut(&id) else { return };
        // A phone speaks for its own rings only.
        if ring.contact != *contact || std::mem::replace(&mut ring.accepted, true) {
            return;
        }
        let (caller, source) = (ring.caller, ring.source);
        count(&mut self.results_of(caller).accepted);
        if let Some(callers) = self.switchboard.callers(contact) {
            callers.accepted(source, &self.limits, now);
        }
        match caller {
            Caller::Here(leg) => {
                self.postpone(leg, deadline::after(now, self.limits.ring_time));
                self.outputs.push_back(RendezvousOutput::Answer { leg, answer: Ok(()) });
            }
            Caller::There { node, until } => self.answer_from_here(id, (node, until), Ok(()), now),
        }
    }

    /// The phone is with the computer. To come is to accept: what it says and its coming travel
    /// over two connections, and either may arrive first.
    pub(super) fn ring_joined(&mut self, id: RingId, now: Instant) {
        let Some((ring, _)) = self.remove_ring(id) else { return self.away_joined(id) };
        if let (Caller::Here(leg), false) = (ring.caller, ring.accepted) {
            count(&mut self.results_of(ring.caller).accepted);
            if let Some(callers) = self.switchboard.callers(&ring.contact) {
                callers.accepted(ring.source, &self.limits, now);
            }
            self.outputs.push_back(RendezvousOutput::Answer { leg, answer: Ok(()) });
        }
    }

    fn phone_refuses(&mut self, contact: &ContactId, id: RingId, reason: Reason, now: Instant) {
        let Some(ring) = self.switchboard.rings.get(&id) else { return };
        // What it accepted it can't take back: the computer has its response.
        if ring.contact != *contact || ring.accepted {
            return;
        }
        let source = ring.source;
        let refusal = match reason {
            Reason::Busy => {
                if let Some(callers) = self.switchboard.callers(contact) {
                    callers.busy(source, &self.limits, now);
                }
                Refusal::Unavailable
            }
            Reason::Unknown => Refusal::Gone,
        };
        self.refuse_ring(id, refusal, now);
    }

    /// Tells the computer; the phone knows, or is not to know.
    pub(super) fn refuse_ring(
        &mut self,
        id: RingId,
        refusal: Refusal,
        now: Instant,
    ) -> Option<Leg> {
        let (ring, phone) = self.remove_ring(id)?;
        let results = self.results_of(ring.caller);
        count(match refusal {
            Refusal::Gone => &mut results.gone,
            Refusal::TooMany => &mut results.too_many,
            _ => &mut results.busy,
        });
        match ring.caller {
            Caller::Here(leg) => {
                self.settle(leg);
                self.outputs.push_back(RendezvousOutput::Answer { leg, answer: Err(refusal) });
            }
            Caller::There { node, until } => {
                self.answer_from_here(id, (node, until), Err(refusal), now);
            }
        }
        phone
    }

    /// Ends a ring that the phone has not accepted, and tells both.
    fn end_ring(&mut self, id: RingId, refusal: Refusal, now: Instant) {
        if let Some(phone) = self.refuse_ring(id, refusal, now) {
            self.say(phone, &FromService::Over(id));
        }
    }

    /// A computer that rang is gone. Says whether it had its response already.
    pub(super) fn ring_over(&mut self, id: RingId) -> bool {
        if let Some(accepted) = self.away_over(id) {
            return accepted;
        }
        let Some((ring, phone)) = self.remove_ring(id) else { return true };
        if let Some(leg) = phone {
            self.say(leg, &FromService::Over(id));
        }
        if !ring.accepted {
            count(&mut self.results_of(ring.caller).unanswered);
        }
        ring.accepted
    }

    /// The connection of a phone that listens broke. It is expected back, and keeps its place and
    /// its source's share meanwhile. Where another connection took over, that has both.
    pub(super) fn lost_listener(
        &mut self,
        contact: ContactId,
        was: Leg,
        source: Source,
        now: Instant,
    ) {
        let Some(phone) = self.switchboard.phones.get_mut(&contact) else { return };
        if phone.leg() != Some(was) {
            phone.taken_over = false;
            return;
        }
        let until = deadline::after(now, self.limits.resume_time);
        phone.presence = Presence::Absent { until, was, source };
        self.switchboard.absent.insert((until, was), contact);
    }

    /// Forgets phones that did not come back.
    pub(super) fn forget_absent(&mut self, now: Instant) {
        while self.switchboard.next_absent().is_some_and(|until| until <= now) {
            let Some((contact, source)) = self.switchboard.forget_oldest_absent() else { break };
            self.shares.remove(source);
            self.forget_tag(&contact);
        }
    }

    pub(super) fn say(&mut self, leg: Leg, message: &FromService) {
        self.outputs.push_back(RendezvousOutput::Send { leg, message: message.encode() });
    }
}
