//! What the phone's driver hands in: the connection, its messages, the radio, the time.

use std::time::Instant;

use super::{Call, PhoneEvent, Responder, State, misbehaved};
use crate::{
    error::{Error, PeerFault, Step},
    machine::{Effect, Machine, Opened, RadioFailure},
    tunnel::ConnectFailure,
};

impl Machine for Responder {
    type Event = PhoneEvent;

    fn poll_output(&mut self) -> Option<Effect<PhoneEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_finished()).then_some(self.deadline)
    }

    fn handle_opened(&mut self, opened: Opened, now: Instant) {
        let State::Opening(consent) = &self.state else { return };
        let routing_id = match &consent.call {
            Call::Code(_) => opened.routing_id,
            Call::Ring(ring) => Some(ring.routing_id),
        };
        let Some(routing_id) = routing_id else {
            return self.finish(Err(Error::Tunnel(ConnectFailure::RoutingId)));
        };
        if let State::Opening(consent) = std::mem::replace(&mut self.state, State::Finished)
            && let Err(error) = self.advertise(consent, routing_id, now)
        {
            self.finish(Err(error.into()));
        }
    }

    fn handle_connect_failed(&mut self, failure: ConnectFailure, _now: Instant) {
        if matches!(self.state, State::Opening(_)) {
            self.connection = false;
            self.finish(Err(Error::Tunnel(failure)));
        }
    }

    fn handle_frame(&mut self, frame: Vec<u8>, now: Instant) {
        self.handle_timeout(now);
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Advertising(consent, psk) => {
                if let Err(error) = self.handshake(&consent, &psk, &frame, now) {
                    self.finish(Err(error));
                }
            }
            State::Serving(session) => self.message(session, frame, None, now),
            State::Answering(session, kind) => self.message(session, frame, Some(kind), now),
            // A computer that is done has nothing to say that matters.
            State::Lingering(session) => self.state = State::Lingering(session),
            State::Opening(_) => {
                self.finish(Err(misbehaved(Step::Message1, PeerFault::Unsolicited)))
            }
            other => self.state = other,
        }
    }

    fn handle_text(&mut self, _now: Instant) {
        if let Some(step) = self.step_on_connection() {
            self.finish(Err(misbehaved(step, PeerFault::Text)));
        }
    }

    fn handle_closed(&mut self, _now: Instant) {
        let Some(step) = self.step_on_connection() else { return };
        self.connection = false;
        let served = step == Step::Shutdown || (step == Step::Request && self.summary.requests > 0);
        self.finish(if served { Ok(self.summary) } else { Err(Error::Closed { step }) });
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        let (step, after) = match self.state {
            State::Finished => return,
            State::Lingering(_) => return self.finish(Ok(self.summary)),
            State::Serving(_) if self.summary.requests > 0 => return self.finish(Ok(self.summary)),
            State::Asking(..) => (Step::Consent, self.config.consent_timeout),
            State::Opening(_) => (Step::Tunnel, self.config.connect_timeout),
            State::Advertising(..) => (Step::Message1, self.config.advertise_timeout),
            State::Serving(_) => {
                (Step::Request, self.config.idle_timeout.min(self.config.session_timeout))
            }
            State::Answering(..) => (Step::Answer, self.config.response_timeout),
        };
        self.finish(Err(Error::TimedOut { step, after }));
    }

    fn handle_radio_started(&mut self, radio: &str, _now: Instant) {
        if self.advertising {
            self.tell(PhoneEvent::Advertising { radio: radio.to_owned() });
        }
    }

    fn handle_radio_failed(&mut self, failure: RadioFailure, _now: Instant) {
        if self.advertising {
            self.finish(Err(Error::Radio(failure)));
        }
    }
}
