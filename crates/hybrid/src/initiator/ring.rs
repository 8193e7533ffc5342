//! Ringing a linked phone: no code, and nobody has to scan. That it is near is shown by its advert
//! all the same.

use std::time::Instant;

use towline_crypto::CryptoProvider;

use super::{
    ComputerEvent, Initiator, InitiatorConfig, InitiatorProgress, InitiatorSummary, State,
    handshake_failed, misbehaved,
};
use crate::{
    deadline,
    eid::{EidKey, PreparedEidKey},
    error::{Error, PeerFault, Step},
    ids::ClientNonce,
    link::{ClientPayload, LinkedPhone},
    machine::{Effect, Target},
    noise::{self, Initiated, InitiatorKey},
    qr::Hint,
    secrets::Psk,
    tunnel::ConnectFailure,
};

/// HTTP 410: the contact is gone for good. Nothing else deletes a link.
const GONE: u16 = 410;

/// What the service sends when the phone has come, where it promised to.
const SIGNAL: &[u8] = &[0];

/// A phone that is being rung.
pub(super) struct Ring {
    phone: LinkedPhone,
    eid_key: PreparedEidKey,
    until: Instant,
    opening: bool,
    /// Whether the service promised a signal that has not come yet. It comes before message 2.
    signal_awaited: bool,
    /// The key that the first advert led to.
    psk: Option<Psk>,
}

impl Ring {
    pub(super) const fn is_opening(&self) -> bool {
        self.opening
    }
}

impl Initiator {
    /// Rings a linked phone, and starts to scan for its advert.
    ///
    /// # Errors
    /// [`Error::NotForLinks`] for a hint at digital credentials, [`Error::Crypto`].
    pub fn ring(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        phone: &LinkedPhone,
        hint: Hint,
        now: Instant,
    ) -> Result<Self, Error> {
        if !matches!(hint, Hint::GetAssertion | Hint::MakeCredential) {
            return Err(Error::NotForLinks);
        }
        let nonce = ClientNonce::new(provider.random.bytes()?);
        let information = &phone.information;
        let payload = ClientPayload { link_id: information.link_id, nonce, hint };
        let until = deadline::after(now, config.ring_timeout);
        let ring = Ring {
            eid_key: EidKey::linked(provider, &information.secret, &nonce)?.prepare(provider),
            phone: phone.clone(),
            until,
            opening: true,
            signal_awaited: false,
            psk: None,
        };
        let contact = Target::Contact {
            domain: phone.domain,
            contact_id: information.contact_id.clone(),
            payload,
        };
        Ok(Self {
            provider: provider.clone(),
            deadline: until.min(deadline::after(now, config.connect_timeout)),
            config,
            state: State::Ringing(Box::new(ring)),
            circle: false,
            scanning: true,
            connection: true,
            summary: InitiatorSummary::default(),
            outputs: [
                Effect::StartScanning,
                Effect::Connect(contact),
                Effect::Tell(ComputerEvent::Progress(InitiatorProgress::Ringing)),
            ]
            .into(),
        })
    }

    /// The service has taken the ring, and says when the phone has come if there is a `signal`.
    pub(super) fn ring_opened(&mut self, signal: bool, now: Instant) {
        if let State::Ringing(ring) = &mut self.state
            && std::mem::take(&mut ring.opening)
        {
            ring.signal_awaited = signal;
            self.deadline = ring.until;
            self.shake_hands(now);
        }
    }

    /// The advert's domain is not looked at: those bytes are random in a linked transaction.
    pub(super) fn ring_heard(&mut self, service_data: &[u8], now: Instant) {
        let State::Ringing(ring) = &mut self.state else { return };
        if ring.psk.is_some() || now >= ring.until {
            return;
        }
        let Ok(eid) = ring.eid_key.open_linked(service_data) else { return };
        match Psk::linked(&self.provider, &ring.phone.information.secret, &eid) {
            Ok(psk) => ring.psk = Some(psk),
            Err(error) => return self.finish(Err(error.into())),
        }
        self.stop_scanning();
        self.progress(InitiatorProgress::Near);
        self.shake_hands(now);
    }

    /// Sends message 1 when there is a socket and an advert. The service keeps it for a phone that
    /// is not there yet.
    fn shake_hands(&mut self, now: Instant) {
        let State::Ringing(ring) = &self.state else { return };
        let Some(psk) = ring.psk.as_ref().filter(|_| !ring.opening) else { return };
        let key = InitiatorKey::Linked(&ring.phone.information.identity);
        match noise::initiate(&self.provider, psk, key).map_err(handshake_failed) {
            Ok((handshake, message1)) => {
                self.progress(InitiatorProgress::Handshaking);
                self.outputs.push_back(Effect::Send(message1.to_vec()));
                self.deadline = deadline::after(now, self.config.handshake_timeout);
                if let State::Ringing(ring) = std::mem::replace(&mut self.state, State::Finished) {
                    self.state = State::RingHandshaking(ring, Box::new(handshake));
                }
            }
            Err(error) => self.finish(Err(error)),
        }
    }

    /// A message before the phone has authenticated: the signal, or message 2 where message 1 is
    /// sent.
    pub(super) fn rung(
        &mut self,
        mut ring: Box<Ring>,
        handshake: Option<Box<Initiated>>,
        frame: Vec<u8>,
        now: Instant,
    ) {
        if std::mem::take(&mut ring.signal_awaited) {
            if frame != SIGNAL {
                return self.finish(Err(misbehaved(Step::Ring, PeerFault::Unsolicited)));
            }
            self.progress(InitiatorProgress::PhoneComing);
            self.state = match handshake {
                Some(handshake) => State::RingHandshaking(ring, handshake),
                None => State::Ringing(ring),
            };
            return;
        }
        let Some(handshake) = handshake else {
            return self.finish(Err(misbehaved(Step::Ring, PeerFault::Unsolicited)));
        };
        match handshake.finish(&frame) {
            Ok(established) => self.authenticated(&established, None, now),
            Err(error) => self.finish(Err(handshake_failed(error))),
        }
    }

    /// The service did not take the ring.
    pub(super) fn ring_failed(&mut self, failure: ConnectFailure) {
        let State::Ringing(ring) = &self.state else { return };
        if !ring.opening {
            return;
        }
        let information = &ring.phone.information;
        let (identity, link_id) = (information.identity, information.link_id);
        self.connection = false;
        if failure == ConnectFailure::Status(GONE) {
            self.tell(ComputerEvent::Unlink { identity, link_id });
            return self.finish(Err(Error::LinkGone));
        }
        self.finish(Err(Error::Tunnel(failure)));
    }
}
