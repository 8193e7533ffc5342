//! What the computer's driver hands in: the connection, its messages, adverts, the time.

use std::time::Instant;

use super::{
    Attempt, ComputerEvent, Initiator, InitiatorProgress, Linking, State, handshake_failed,
    misbehaved,
};
use crate::{
    deadline,
    eid::Advert,
    error::{Error, PeerFault, Step},
    machine::{Effect, Machine, Opened, RadioFailure, Target},
    tunnel::ConnectFailure,
};

impl Machine for Initiator {
    type Event = ComputerEvent;

    fn poll_output(&mut self) -> Option<Effect<ComputerEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_finished()).then_some(self.deadline)
    }

    fn handle_advert(&mut self, service_data: &[u8], now: Instant) {
        let State::Showing(code) = &self.state else { return self.ring_heard(service_data, now) };
        if now >= code.until {
            return;
        }
        let Ok(advert) = code.eid_key.open_qr(service_data) else { return };
        let Some(payload) = Advert::from_service_data(service_data) else { return };
        if code.banned.contains(&payload) {
            return;
        }
        let State::Showing(code) = std::mem::replace(&mut self.state, State::Finished) else {
            return;
        };
        tracing::debug!(domain = advert.domain.encoded(), "advert matched");
        self.progress(InitiatorProgress::Near);
        self.progress(InitiatorProgress::Connecting);
        self.outputs.push_back(Effect::Connect(Target::Connect {
            domain: advert.domain,
            routing_id: advert.routing_id,
            tunnel_id: code.tunnel_id,
        }));
        self.connection = true;
        self.deadline = deadline::after(now, self.config.connect_timeout);
        self.state = State::Connecting(code, Attempt { payload, advert });
    }

    fn handle_opened(&mut self, opened: Opened, now: Instant) {
        self.ring_opened(opened.signal, now);
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Connecting(code, attempt) => match self.initiate(&code, &attempt) {
                Ok((handshake, message1)) => {
                    self.progress(InitiatorProgress::Handshaking);
                    self.outputs.push_back(Effect::Send(message1.to_vec()));
                    self.deadline = deadline::after(now, self.config.handshake_timeout);
                    self.state = State::Handshaking(code, attempt, Box::new(handshake));
                }
                Err(error) => self.finish(Err(error)),
            },
            other => self.state = other,
        }
    }

    fn handle_connect_failed(&mut self, failure: ConnectFailure, now: Instant) {
        match self.state {
            State::Connecting(..) => {
                self.connection = false;
                self.fail(Error::Tunnel(failure), now);
            }
            State::Ringing(_) => self.ring_failed(failure),
            _ => {}
        }
    }

    fn handle_frame(&mut self, frame: Vec<u8>, now: Instant) {
        self.handle_timeout(now);
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Handshaking(code, attempt, handshake) => match handshake.finish(&frame) {
                Ok(established) => {
                    let domain = attempt.advert.domain;
                    let linking = Linking { qr_key: code.qr_key, domain };
                    self.authenticated(&established, Some(linking), now);
                }
                Err(error) => {
                    self.state = State::Showing(code);
                    self.retry(attempt, handshake_failed(error), now);
                }
            },
            State::Ringing(ring) => self.rung(ring, None, frame, now),
            State::RingHandshaking(ring, handshake) => {
                self.rung(ring, Some(handshake), frame, now);
            }
            State::WaitInfo(connection) => self.post_handshake(connection, frame, now),
            State::Ready(connection) => {
                self.message(connection, frame, (Step::Request, None), now);
            }
            State::Waiting(connection, kind) => {
                self.message(connection, frame, (Step::Response, Some(kind)), now);
            }
            State::Lingering(connection) => {
                self.message(connection, frame, (Step::Shutdown, None), now);
            }
            other => {
                let unexpected = matches!(other, State::Connecting(..));
                self.state = other;
                if unexpected {
                    self.fail(misbehaved(Step::Message2, PeerFault::Unsolicited), now);
                }
            }
        }
    }

    fn handle_text(&mut self, now: Instant) {
        if let Some(step) = self.step_on_connection() {
            self.fail(misbehaved(step, PeerFault::Text), now);
        }
    }

    fn handle_closed(&mut self, now: Instant) {
        let Some(step) = self.step_on_connection() else { return };
        self.connection = false;
        match step {
            Step::Request | Step::Shutdown => self.finish(Ok(self.summary)),
            _ => self.fail(Error::Closed { step }, now),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        let (step, after) = match &self.state {
            State::Finished => return,
            State::Showing(code) => {
                let late = Error::TimedOut { step: Step::Advert, after: self.config.scan_timeout };
                // What went wrong with a phone that was heard says more than that no other was.
                let error = code.last_failure.clone().unwrap_or(late);
                return self.finish(Err(error));
            }
            State::Lingering(_) => return self.finish(Ok(self.summary)),
            State::Ready(_) => return self.handle_shutdown(now),
            State::Connecting(..) => (Step::Tunnel, self.config.connect_timeout),
            State::Ringing(ring) if ring.is_opening() => {
                (Step::Tunnel, self.config.connect_timeout.min(self.config.ring_timeout))
            }
            State::Ringing(_) => (Step::Ring, self.config.ring_timeout),
            State::Handshaking(..) | State::RingHandshaking(..) => {
                (Step::Message2, self.config.handshake_timeout)
            }
            State::WaitInfo(_) => (Step::PostHandshake, self.config.post_handshake_timeout),
            State::Waiting(..) => (Step::Response, self.config.response_timeout),
        };
        self.send_shutdown();
        self.fail(Error::TimedOut { step, after }, now);
    }

    fn handle_radio_started(&mut self, radio: &str, _now: Instant) {
        if self.scanning {
            self.tell(ComputerEvent::Listening { radio: radio.to_owned() });
        }
    }

    fn handle_radio_failed(&mut self, failure: RadioFailure, _now: Instant) {
        if self.scanning {
            self.finish(Err(Error::Radio(failure)));
        }
    }
}
