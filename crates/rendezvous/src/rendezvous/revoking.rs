//! Contact ids that are gone for good. What is known of them lasts longer than this machine, and is
//! asked for by outputs.

use std::time::Instant;

use super::Rendezvous;
use super::switchboard::Phone;
use crate::ids::ContactId;
use crate::message::FromService;
use crate::output::Recalled;
use crate::{ContactState, Ending, Leg, RecallToken, Refusal, RendezvousOutput, RevokeToken};

impl Rendezvous {
    /// Whether a contact id was revoked: the answer to [`RendezvousOutput::Recall`], or nothing
    /// where it can't be told. One that comes too late or a second time changes nothing.
    ///
    /// A computer is told 410 only by the proof that the contact was revoked.
    pub fn handle_recalled(
        &mut self,
        token: RecallToken,
        state: Option<ContactState>,
        now: Instant,
    ) {
        self.handle_timeout(now);
        match token.0 {
            Recalled::Ring(ring) => self.recalled_for_ring(ring, state, now),
            Recalled::Listener(leg) => {
                let listens = self.legs.get(&leg).and_then(|place| place.role.as_ref());
                if let (Some(ContactState::Revoked), Some(crate::Role::Listens { contact })) =
                    (state, listens)
                {
                    let contact = contact.clone();
                    self.refuse_rings(&contact, now);
                    // Its response was 101: that it would have been 410 is said here.
                    self.say(leg, &FromService::Revoked);
                    self.close(leg, Ending::Revoked);
                }
            }
        }
    }

    /// Whether the revocation is kept: the answer to [`RendezvousOutput::Revoke`]. Only then the
    /// phone is told, which otherwise keeps its key and tries again.
    pub fn handle_revoked(&mut self, token: RevokeToken, kept: bool, now: Instant) {
        self.handle_timeout(now);
        let RevokeToken(leg) = token;
        let Some(contact) = self.revoking.remove(&leg) else { return };
        if !kept {
            if let Some(place) = self.legs.get(&leg) {
                self.revocations.give_back(place.source);
            }
            return;
        }
        self.refuse_rings(&contact, now);
        // Who took over meanwhile listens under the same contact id.
        let phone = self.switchboard.phones.get(&contact);
        if let Some(here) = phone.and_then(Phone::leg) {
            self.say(here, &FromService::Revoked);
            self.close(here, Ending::PeerLeft);
        }
    }

    /// A phone does not want to be reached any more. One whose network has revoked too much is told
    /// nothing, and says it again later.
    pub(super) fn revoke(&mut self, contact: &ContactId, leg: Leg, now: Instant) {
        let Some(source) = self.legs.get(&leg).map(|place| place.source) else { return };
        if !self.revoking.contains_key(&leg) && self.revocations.may_revoke(source, now) {
            self.revoking.insert(leg, contact.clone());
            self.outputs.push_back(RendezvousOutput::Revoke {
                token: RevokeToken(leg),
                contact: contact.clone(),
                source,
            });
        }
    }

    /// Whoever rings the phone and has no answer yet is told that the contact is gone.
    fn refuse_rings(&mut self, contact: &ContactId, now: Instant) {
        let phone = self.switchboard.phones.get(contact);
        for ring in phone.map(|phone| phone.rings().to_vec()).unwrap_or_default() {
            if self.switchboard.rings.get(&ring).is_some_and(|ring| !ring.accepted) {
                self.refuse_ring(ring, Refusal::Gone, now);
            }
        }
    }
}
