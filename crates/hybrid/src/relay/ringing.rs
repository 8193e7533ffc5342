//! Phones that listen, and computers that ring them.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    Admission, ContactState, Ending, Leg, Limits, Output, Place, Refusal, Rendezvous, Role, Source,
};
use crate::{
    deadline,
    ids::{ContactId, RoutingId, TunnelId},
    link::ContactKey,
    listener::message::{FromPhone, FromService, Reason, RingId},
};

/// Who listens, and who rings whom.
#[derive(Default)]
pub(super) struct Switchboard {
    phones: HashMap<ContactId, Phone>,
    rings: HashMap<RingId, Ring>,
    next_ring: u64,
    /// Phones whose connection broke, in the order in which they are forgotten.
    absent: VecDeque<(Instant, ContactId)>,
    listening: usize,
}

struct Phone {
    /// Its connection; nothing while it is expected back.
    leg: Option<Leg>,
    absent_until: Option<Instant>,
    allowance: Allowance,
    rings: Vec<RingId>,
}

struct Ring {
    computer: Leg,
    contact: ContactId,
    routing_id: RoutingId,
    tunnel_id: TunnelId,
    payload: Vec<u8>,
    accepted: bool,
}

/// What a phone may send: so many messages, and one more each second.
struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    const fn new(limits: &Limits, now: Instant) -> Self {
        Self { left: limits.listener_messages, counted: now }
    }

    fn take(&mut self, limits: &Limits, now: Instant) -> Result<(), Ending> {
        let seconds = now.saturating_duration_since(self.counted).as_secs();
        if let Some(counted) = self.counted.checked_add(Duration::from_secs(seconds)) {
            self.counted = counted;
            let more = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(limits.listener_messages);
        }
        self.left = self.left.checked_sub(1).ok_or(Ending::TooManyMessages)?;
        Ok(())
    }
}

impl Switchboard {
    /// The connections of phones that listen.
    pub(super) fn listening(&self) -> impl Iterator<Item = Leg> {
        self.phones.values().filter_map(|phone| phone.leg)
    }

    pub(super) const fn count(&self) -> usize {
        self.listening
    }

    pub(super) fn next_absent(&self) -> Option<Instant> {
        self.absent.front().map(|(until, _)| *until)
    }

    /// Forgets phones that did not come back.
    pub(super) fn forget_absent(&mut self, now: Instant) {
        while self.absent.front().is_some_and(|(until, _)| *until <= now) {
            let Some((until, contact)) = self.absent.pop_front() else { return };
            // It may have come back, and left again, since.
            if self.phones.get(&contact).is_some_and(|phone| phone.absent_until == Some(until)) {
                self.phones.remove(&contact);
            }
        }
    }

    /// A phone that was told to close is not expected back.
    pub(super) fn leave(&mut self, contact: &ContactId, leg: Leg) {
        if self.phones.get(contact).is_some_and(|phone| phone.leg == Some(leg)) {
            self.phones.remove(contact);
            self.listening = self.listening.saturating_sub(1);
        }
    }

    /// The phone is with the computer. Says whether it had told that it comes: what it says and its coming travel over two
    /// connections, and either may arrive first.
    pub(super) fn ring_joined(&mut self, ring: RingId) -> bool {
        self.remove(ring).is_none_or(|(ring, _)| ring.accepted)
    }

    fn remove(&mut self, id: RingId) -> Option<(Ring, Option<Leg>)> {
        let ring = self.rings.remove(&id)?;
        let phone = self.phones.get_mut(&ring.contact);
        let leg = phone.and_then(|phone| {
            phone.rings.retain(|known| *known != id);
            phone.leg
        });
        Some((ring, leg))
    }
}

impl Ring {
    fn message(&self, ring: RingId) -> Vec<u8> {
        let Self { routing_id, tunnel_id, .. } = *self;
        FromService::Ring { ring, routing_id, tunnel_id, payload: self.payload.clone() }.encode()
    }
}

impl Rendezvous {
    /// A phone wants to be reached. Whoever listened with the same key before has to go: its connection may have broken
    /// without anybody noticing.
    pub(super) fn listen(
        &mut self,
        source: Source,
        key: &ContactKey,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let contact = key.contact_id(&self.provider);
        if self.contacts.look_up(&contact) == ContactState::Revoked {
            return Err(Refusal::Gone);
        }
        let known = self.switchboard.phones.get(&contact).map(|phone| phone.leg);
        if known.is_none() && self.switchboard.phones.len() >= self.limits.listening {
            return Err(Refusal::Unavailable);
        }
        match known.flatten() {
            Some(before) => {
                self.say(before, &FromService::Replaced);
                self.settle(before);
                self.outputs.push_back(Output::Close { leg: before, ending: Ending::Replaced });
            }
            None => self.switchboard.listening = self.switchboard.listening.saturating_add(1),
        }
        let deadline = deadline::after(now, self.limits.silence);
        let leg = self.admit(Place { source, deadline, role: Role::Listens(contact.clone()) });
        let allowance = Allowance::new(&self.limits, now);
        let phone = self.switchboard.phones.entry(contact).or_insert_with(|| Phone {
            leg: None,
            absent_until: None,
            allowance,
            rings: Vec::new(),
        });
        (phone.leg, phone.absent_until) = (Some(leg), None);
        // What it may have missed.
        for id in phone.rings.clone() {
            if let Some(ring) = self.switchboard.rings.get(&id)
                && !ring.accepted
            {
                self.outputs.push_back(Output::Send { leg, message: ring.message(id) });
            }
        }
        Ok(Admission::Listening { leg })
    }

    /// A computer rings.
    pub(super) fn ring(
        &mut self,
        source: Source,
        contact: &ContactId,
        payload: &[u8],
        now: Instant,
    ) -> Result<Admission, Refusal> {
        if self.contacts.look_up(contact) == ContactState::Revoked {
            return Err(Refusal::Gone);
        }
        let phone = self.switchboard.phones.get(contact).ok_or(Refusal::NotFound)?;
        if phone.rings.len() >= self.limits.rings {
            return Err(Refusal::TooMany);
        }
        let phone_leg = phone.leg;
        let routing_id = self.room_to_wait()?;
        let tunnel_id = self.provider.random.bytes().map_err(|_| Refusal::Unavailable)?;
        let tunnel_id = TunnelId::new(tunnel_id);
        let id = RingId(self.switchboard.next_ring);
        self.switchboard.next_ring = id.0.wrapping_add(1);
        let deadline = deadline::after(now, self.limits.ring_answer);
        let computer = self.admit(Place { source, deadline, role: Role::Rings(tunnel_id, id) });
        self.waiting.arrived(tunnel_id, computer, routing_id);
        let (payload, contact) = (payload.to_vec(), contact.clone());
        let ring = Ring { computer, contact, routing_id, tunnel_id, payload, accepted: false };
        if let Some(leg) = phone_leg {
            self.outputs.push_back(Output::Send { leg, message: ring.message(id) });
        }
        if let Some(phone) = self.switchboard.phones.get_mut(&ring.contact) {
            phone.rings.push(id);
        }
        self.switchboard.rings.insert(id, ring);
        Ok(Admission::Ringing { leg: computer })
    }

    /// A phone that listens sent a binary message.
    pub fn handle_message(&mut self, leg: Leg, message: &[u8], now: Instant) {
        self.handle_timeout(now);
        let Some(Place { role: Role::Listens(contact), .. }) = self.legs.get(&leg) else { return };
        let contact = contact.clone();
        let Some(phone) = self.switchboard.phones.get_mut(&contact) else { return };
        if let Err(ending) = phone.allowance.take(&self.limits, now) {
            return self.close(leg, ending);
        }
        let Some(message) = FromPhone::decode(message) else {
            return self.close(leg, Ending::Misbehaved);
        };
        self.postpone(leg, deadline::after(now, self.limits.silence));
        match message {
            FromPhone::Alive => self.say(leg, &FromService::Alive),
            FromPhone::Accept(ring) => self.phone_comes(&contact, ring, now),
            FromPhone::Refuse(ring, reason) => {
                let refusal = match reason {
                    Reason::Busy => Refusal::Unavailable,
                    Reason::Unknown => Refusal::Gone,
                };
                self.phone_refuses(&contact, ring, refusal);
            }
            FromPhone::Revoke => self.revoke(&contact, leg),
        }
    }

    fn phone_comes(&mut self, contact: &ContactId, id: RingId, now: Instant) {
        let Some(ring) = self.switchboard.rings.get_mut(&id) else { return };
        // A phone speaks for its own rings only.
        if ring.contact != *contact || std::mem::replace(&mut ring.accepted, true) {
            return;
        }
        let leg = ring.computer;
        self.postpone(leg, deadline::after(now, self.limits.ring_time));
        self.outputs.push_back(Output::Answer { leg, answer: Ok(()) });
    }

    fn phone_refuses(&mut self, contact: &ContactId, id: RingId, refusal: Refusal) {
        let refused = self.switchboard.rings.get(&id).is_some_and(|ring| {
            // What it accepted it can't take back: the computer has its response.
            ring.contact == *contact && !ring.accepted
        });
        if !refused {
            return;
        }
        let Some((ring, _)) = self.switchboard.remove(id) else { return };
        self.settle(ring.computer);
        self.waiting.left(&ring.tunnel_id);
        self.outputs.push_back(Output::Answer { leg: ring.computer, answer: Err(refusal) });
    }

    fn revoke(&mut self, contact: &ContactId, leg: Leg) {
        self.contacts.revoke(contact);
        let phone = self.switchboard.phones.get(contact);
        for ring in phone.map(|phone| phone.rings.clone()).unwrap_or_default() {
            self.phone_refuses(contact, ring, Refusal::Gone);
        }
        self.say(leg, &FromService::Revoked);
        self.close(leg, Ending::PeerLeft);
    }

    /// A computer that rang is gone. Says whether it had its response already.
    pub(super) fn ring_over(&mut self, id: RingId) -> bool {
        let Some((ring, phone)) = self.switchboard.remove(id) else { return true };
        if let Some(leg) = phone {
            self.say(leg, &FromService::Over(id));
        }
        ring.accepted
    }

    /// The connection of a phone that listens broke. It is expected back.
    pub(super) fn lost_listener(&mut self, contact: &ContactId, leg: Leg, now: Instant) {
        let until = deadline::after(now, self.limits.resume_time);
        if let Some(phone) = self.switchboard.phones.get_mut(contact)
            && phone.leg == Some(leg)
        {
            (phone.leg, phone.absent_until) = (None, Some(until));
            self.switchboard.absent.push_back((until, contact.clone()));
            self.switchboard.listening = self.switchboard.listening.saturating_sub(1);
        }
    }

    fn say(&mut self, leg: Leg, message: &FromService) {
        self.outputs.push_back(Output::Send { leg, message: message.encode() });
    }
}
