//! Phones that go from one node to another, and the rings that go after them.

use std::time::{Duration, Instant};

use super::away::{AwayRing, FIND_TIME, Phase};
use super::switchboard::{Caller, Ring};
use super::{Rendezvous, count};
use crate::bus::{BusMessage, ContactTag, NodeInstance, Why};
use crate::ids::ContactId;
use crate::message::{FromService, RingId};
use crate::{Ending, Leg, deadline};

/// A connection that is younger is not told that another one took over: whoever is told so does not
/// come again.
const JUST_CAME: Duration = Duration::from_secs(2);

impl Rendezvous {
    /// A phone is at another node, too. The later of its connections has it.
    pub(super) fn is_elsewhere(
        &mut self,
        from: NodeInstance,
        tag: &ContactTag,
        (sequence, at): (u64, u64),
        now: Instant,
    ) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.nobody.remove(tag);
        if let Some(contact) = nodes.tags.get(tag).cloned() {
            let own = self.switchboard.phones.get(&contact);
            let own = own.map_or((0, false), |phone| (phone.sequence, phone.leg().is_some()));
            // Phones that give no numbers have one holder as well: where they are, and of two
            // connections either.
            if (own, nodes.instance) > ((sequence, true), from) {
                // The other node does not know of this one.
                return self.came(*tag, &contact, now);
            }
            self.let_go(&contact, now);
        }
        self.found_again(from, tag, (sequence, at), now);
    }

    /// The phone has gone to another node: its connection here is an old one.
    fn let_go(&mut self, contact: &ContactId, now: Instant) {
        let Some(phone) = self.switchboard.phones.get(contact) else { return };
        let (leg, rings) = (phone.leg(), phone.rings().to_vec());
        // One that has just come may be the phone itself, whose clock is behind: it comes again.
        let stays_away = now.saturating_duration_since(phone.since) >= JUST_CAME;
        for ring in rings {
            self.send_after(ring, now);
        }
        let Some(leg) = leg else { return self.forget_phone(contact) };
        if stays_away {
            self.say(leg, &FromService::Replaced);
        }
        self.close(leg, Ending::Replaced);
    }

    /// A ring that the phone has not answered follows it. Its computer's node looks for the phone
    /// again.
    fn send_after(&mut self, id: RingId, now: Instant) {
        let accepted = self.switchboard.rings.get(&id).is_none_or(|ring| ring.accepted);
        if accepted {
            return;
        }
        let Some((ring, _)) = self.switchboard.remove(id) else { return };
        count(&mut self.results_of(ring.caller).moved);
        match ring.caller {
            Caller::Here(computer) => self.look_again(id, computer, ring, now),
            Caller::There { node, until } => {
                self.foreign.forget(id, until);
                self.tell(node, &BusMessage::Refused(id, Why::NotHere));
            }
        }
    }

    /// The phone of a computer of this node is looked for again. The computer waits where it does.
    fn look_again(&mut self, id: RingId, computer: Leg, ring: Ring, now: Instant) {
        let Some(place) = self.legs.get(&computer) else { return };
        let away = AwayRing {
            computer,
            source: place.source,
            tag: ContactTag::of(&ring.contact, &self.provider),
            contact: ring.contact,
            payload: ring.payload,
            began: now,
            tunnel: Some((ring.routing_id, ring.tunnel_id)),
            asked_again: false,
            phase: Phase::Asking(deadline::after(now, FIND_TIME)),
        };
        self.away.insert(id, away);
    }

    /// The phone came to another node: who rings it here rings it there.
    fn found_again(
        &mut self,
        node: NodeInstance,
        tag: &ContactTag,
        there: (u64, u64),
        now: Instant,
    ) {
        for ring in self.away.of(tag) {
            self.found(node, ring, there, now);
        }
    }

    /// The phone came to this node: who looks for it rings it here.
    pub(super) fn found_here(&mut self, contact: &ContactId, tag: &ContactTag, now: Instant) {
        let own = self.switchboard.phones.get(contact).map_or(0, |phone| phone.sequence);
        for id in self.away.of(tag) {
            let Some(ring) = self.away.rings.get(&id) else { continue };
            match ring.phase {
                Phase::Rung { accepted: true, .. } => continue,
                Phase::Rung { sequence, .. } if sequence > own => continue,
                Phase::Rung { node, .. } => {
                    self.tell(node, &BusMessage::Over { ring: id, met: false });
                }
                Phase::Asking(_) | Phase::Expecting(_) | Phase::Recalling => {}
            }
            let Some(ring) = self.away.rings.get(&id) else { continue };
            let (computer, source) = (ring.computer, ring.source);
            let may = self.may_ring(contact, self.booked(source), true, now);
            match may.and_then(|()| self.tunnel_for_away(id)) {
                Ok(tunnel) => {
                    let Some(ring) = self.away.remove(id) else { continue };
                    self.start_ring(id, computer, source, contact.clone(), ring.payload, tunnel);
                }
                Err(refusal) => self.refuse_away(id, refusal),
            }
        }
    }

    /// The phone is between two nodes: it says when it is at the other one. It may have said so
    /// before the ring, so that all are asked once more.
    pub(super) fn ask_again(&mut self, id: RingId, now: Instant) {
        let until = deadline::after(now, self.limits.locate_time);
        self.away.set_phase(id, Phase::Expecting(until));
        let Some(ring) = self.away.rings.get_mut(&id) else { return };
        let tag = ring.tag;
        if !std::mem::replace(&mut ring.asked_again, true) {
            count(&mut self.counted.asked);
            self.tell_all(&BusMessage::Find { ring: id, tag });
        }
    }
}
