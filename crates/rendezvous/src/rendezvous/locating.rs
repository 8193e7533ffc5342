//! Where the phone listens that a computer rings, if not at this node.

use std::time::Instant;

use super::{Kind, Rendezvous};
use crate::ids::ContactId;
use crate::{
    Admission, ContactState, Leg, LocateToken, Location, Refusal, RendezvousOutput, Role, Source,
    deadline,
};

/// A computer that rings a phone which is being looked for.
pub(super) struct Locating {
    computer: Leg,
    source: Source,
    contact: ContactId,
    payload: Vec<u8>,
    began: Instant,
}

impl Rendezvous {
    /// Asks where the phone listens. The computer waits meanwhile, and has a place of its own kind:
    /// whoever rings phones that do not exist pushes out nobody who rings one that does.
    pub(super) fn locate(
        &mut self,
        source: Source,
        contact: ContactId,
        payload: Vec<u8>,
        signal: bool,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        self.make_room(Kind::Locating, source)?;
        let ring = self.switchboard.name_ring();
        let patience = self.limits.locate_time.min(self.limits.ring_answer);
        let deadline = deadline::after(now, patience);
        let admission = self.admit(source, deadline, Role::Rings { ring, signal });
        let computer = admission.leg;
        self.locating_crowd.add(source, computer.0);
        self.outputs.push_back(RendezvousOutput::Locate {
            token: LocateToken(ring),
            contact: contact.clone(),
        });
        self.locating.insert(ring, Locating { computer, source, contact, payload, began: now });
        Ok(admission)
    }

    /// Where a phone listens is known: the answer to [`RendezvousOutput::Locate`]. One that comes
    /// too late or a second time, or whose computer is gone, changes nothing.
    ///
    /// A phone that has come to this node meanwhile is rung, whatever the answer.
    pub fn handle_located(&mut self, token: LocateToken, location: Location, now: Instant) {
        self.handle_timeout(now);
        let LocateToken(ring) = token;
        let Some(Locating { computer, source, contact, payload, began }) =
            self.locating.remove(&ring)
        else {
            return;
        };
        self.locating_crowd.remove(source, computer.0);
        let refusal = match location {
            _ if self.switchboard.phones.contains_key(&contact) => {
                match self.prepare_ring(&contact, source, now) {
                    Ok(tunnel) => {
                        let deadline = deadline::after(began, self.limits.ring_answer);
                        self.postpone(computer, deadline);
                        self.start_ring(ring, computer, source, contact, payload, tunnel);
                        return;
                    }
                    Err(refusal) => refusal,
                }
            }
            Location::Elsewhere(node) if node != self.node => Refusal::Elsewhere(node),
            // It may have been revoked meanwhile.
            _ if self.contacts.look_up(&contact) == ContactState::Revoked => Refusal::Gone,
            Location::Here | Location::Elsewhere(_) | Location::Nowhere => Refusal::NotFound,
        };
        self.settle(computer);
        self.outputs.push_back(RendezvousOutput::Answer { leg: computer, answer: Err(refusal) });
    }
}
