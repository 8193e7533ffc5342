//! The phone's waiting side: one connection to its tunnel service, by which it hears of computers
//! that ring.
//!
//! The standard leaves this leg to the vendor (CTAP 2.3, hybrid transports). This one is towline's,
//! between its own phones and its own relays.

mod config;
mod interface;

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use towline_crypto::CryptoProvider;
use towline_rendezvous::message::{FromPhone, FromService, Reason, RingId};

pub use self::{
    config::ListenerConfig,
    interface::{Decision, ListenError, ListenerEvent, RingToken},
};
use crate::{
    deadline,
    ids::{ClientNonce, RoutingId, TunnelId},
    link::ClientPayload,
    machine::{Effect, Machine, Opened, Target},
    tunnel::ConnectFailure,
};

/// How many rings are remembered, so that none is answered twice.
const REMEMBERED: usize = 64;

/// HTTP 410: the contact id was revoked.
const GONE: u16 = 410;

/// The phone's waiting side. It goes on until it is stopped, or until the service says that it has
/// no place for this phone.
///
/// ```text
/// Connecting ──socket──▶ Listening ──lost──▶ Pausing ──▶ Connecting ..
/// ```
///
/// It is a [`Machine`] without a radio. A ring that was under way when the connection was lost is
/// told again by the service, and answered once.
pub struct Listener {
    config: ListenerConfig,
    provider: CryptoProvider,
    state: State,
    deadline: Instant,
    /// How often in a row there was no good connection.
    failures: u32,
    /// When the connection counts as a good one.
    good_from: Instant,
    open: Vec<Open>,
    seen: VecDeque<Seen>,
    revoking: bool,
    outputs: VecDeque<Effect<ListenerEvent>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Listening {
        /// Whether the service owes a sign of life.
        asked: bool,
    },
    Pausing,
    Finished,
}

/// A ring that the embedding program has not answered.
struct Open {
    token: RingToken,
    ring: RingId,
    tunnel_id: TunnelId,
}

/// A ring that was heard of. A nonce is used once.
struct Seen {
    nonce: ClientNonce,
    tunnel_id: TunnelId,
    /// What it was accepted as.
    accepted: Option<(RingToken, RingId)>,
}

impl Listener {
    /// Starts to connect.
    #[must_use]
    pub fn new(config: ListenerConfig, provider: &CryptoProvider, now: Instant) -> Self {
        let mut listener = Self {
            config,
            provider: provider.clone(),
            state: State::Pausing,
            deadline: now,
            failures: 0,
            good_from: now,
            open: Vec::new(),
            seen: VecDeque::new(),
            revoking: false,
            outputs: VecDeque::new(),
        };
        listener.connect(now);
        listener
    }

    /// What the embedding program says to [`ListenerEvent::Rung`]. Moot rings are ignored.
    pub fn handle_decision(&mut self, token: RingToken, decision: Decision, _now: Instant) {
        let Some(index) = self.open.iter().position(|open| open.token == token) else { return };
        let Open { ring, tunnel_id, .. } = self.open.swap_remove(index);
        let answer = match decision {
            Decision::Come => FromPhone::Accept(ring),
            Decision::Busy => FromPhone::Refuse(ring, Reason::Busy),
            Decision::Unknown => FromPhone::Refuse(ring, Reason::Unknown),
        };
        if decision == Decision::Come
            && let Some(seen) = self.seen.iter_mut().find(|seen| seen.tunnel_id == tunnel_id)
        {
            seen.accepted = Some((token, ring));
        }
        self.send(answer);
    }

    /// Nobody shall reach this phone under this contact id any more: tells the service so, as often
    /// as it takes, and finishes. Every linked computer is answered "gone" from then on.
    pub fn handle_revoke(&mut self, now: Instant) {
        if self.state == State::Finished || std::mem::replace(&mut self.revoking, true) {
            return;
        }
        self.forget_open();
        if matches!(self.state, State::Listening { .. }) {
            self.send(FromPhone::Revoke);
            self.await_life(now);
        }
    }

    /// Listens no more.
    pub fn handle_stop(&mut self, _now: Instant) {
        if self.state != State::Finished {
            self.finish(Ok(()));
        }
    }

    fn rung(
        &mut self,
        ring: RingId,
        payload: ClientPayload,
        routing_id: RoutingId,
        tunnel_id: TunnelId,
    ) {
        let seen = self.seen.iter().find(|seen| seen.nonce == payload.nonce);
        match seen {
            // The answer was lost with the connection.
            Some(seen) if seen.tunnel_id == tunnel_id && seen.accepted.is_some() => {
                return self.send(FromPhone::Accept(ring));
            }
            Some(seen) if seen.tunnel_id == tunnel_id => {}
            Some(_) => {
                tracing::debug!("replayed ring refused");
                return self.send(FromPhone::Refuse(ring, Reason::Busy));
            }
            None => {}
        }
        let known = seen.is_some();
        if self.revoking
            || self.open.len() >= self.config.rings
            || self.open.iter().any(|open| open.tunnel_id == tunnel_id)
        {
            return self.send(FromPhone::Refuse(ring, Reason::Busy));
        }
        if !known {
            if self.seen.len() >= REMEMBERED {
                self.seen.pop_front();
            }
            self.seen.push_back(Seen { nonce: payload.nonce, tunnel_id, accepted: None });
        }
        let token = RingToken::unique();
        self.open.push(Open { token, ring, tunnel_id });
        self.tell(ListenerEvent::Rung { token, payload, routing_id, tunnel_id });
    }

    /// The computer of a ring is gone. One that was accepted may still wait for the phone's person
    /// to be free.
    fn over(&mut self, ring: RingId) {
        let open = self.open.iter().position(|open| open.ring == ring);
        let token = match open {
            Some(index) => Some(self.open.swap_remove(index).token),
            None => self
                .seen
                .iter_mut()
                // A service that was started again counts from the beginning.
                .rfind(|seen| seen.accepted.is_some_and(|(_, accepted)| accepted == ring))
                .and_then(|seen| seen.accepted.take())
                .map(|(token, _)| token),
        };
        if let Some(token) = token {
            self.tell(ListenerEvent::Over { token });
        }
    }

    fn connect(&mut self, now: Instant) {
        let (domain, key) = (self.config.domain, self.config.key.clone());
        self.outputs.push_back(Effect::Connect(Target::Listen { domain, key }));
        self.deadline = deadline::after(now, self.config.connect_timeout);
        self.state = State::Connecting;
    }

    fn await_life(&mut self, now: Instant) {
        self.state = State::Listening { asked: true };
        self.deadline = deadline::after(now, self.config.alive_timeout);
    }

    /// There is no connection any more; `close` if this side has to end it.
    fn lost(&mut self, failure: Option<ConnectFailure>, close: bool, now: Instant) {
        if close {
            self.outputs.push_back(Effect::Close);
        }
        self.forget_open();
        // Whoever revokes, and is not answered, has come for nothing.
        let good = !self.revoking && now >= self.good_from;
        if matches!(self.state, State::Listening { .. }) && good {
            self.failures = 0;
        }
        let pause = self.pause();
        self.failures = self.failures.saturating_add(1);
        self.state = State::Pausing;
        self.deadline = deadline::after(now, pause);
        tracing::debug!(?pause, "not listening");
        self.tell(ListenerEvent::Lost { failure, pause });
    }

    /// From half to all of what is due: twice as long with each failure.
    fn pause(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let pause = self.config.first_pause.saturating_mul(doubled).min(self.config.longest_pause);
        // Without randomness the phone comes back all the same.
        let [share] = self.provider.random.bytes::<1>().unwrap_or([0]);
        let share = u32::from(share).saturating_add(256);
        pause.saturating_mul(share).checked_div(511).unwrap_or(pause)
    }

    /// The service tells of them again where they are still under way.
    fn forget_open(&mut self) {
        for Open { token, .. } in std::mem::take(&mut self.open) {
            self.tell(ListenerEvent::Over { token });
        }
    }

    fn tell(&mut self, event: ListenerEvent) {
        self.outputs.push_back(Effect::Tell(event));
    }

    fn send(&mut self, message: FromPhone) {
        if matches!(self.state, State::Listening { .. }) {
            self.outputs.push_back(Effect::Send(message.encode()));
        }
    }

    /// The service says that the contact id is revoked. Which is what was wanted, if it was.
    fn finish_revoked(&mut self) {
        let wanted = if self.revoking { Ok(()) } else { Err(ListenError::Revoked) };
        self.finish(wanted);
    }

    fn finish(&mut self, result: Result<(), ListenError>) {
        self.forget_open();
        let connection = matches!(self.state, State::Connecting | State::Listening { .. });
        self.state = State::Finished;
        if connection {
            self.outputs.push_back(Effect::Close);
        }
        self.tell(ListenerEvent::Finished(result));
    }
}

impl Machine for Listener {
    type Event = ListenerEvent;

    fn poll_output(&mut self) -> Option<Effect<ListenerEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (self.state != State::Finished).then_some(self.deadline)
    }

    fn handle_opened(&mut self, _opened: Opened, now: Instant) {
        if self.state != State::Connecting {
            return;
        }
        self.state = State::Listening { asked: false };
        self.good_from = deadline::after(now, self.config.good_after);
        self.deadline = deadline::after(now, self.config.alive_interval);
        if self.revoking {
            self.send(FromPhone::Revoke);
            self.await_life(now);
        } else {
            self.tell(ListenerEvent::Listening);
        }
    }

    fn handle_connect_failed(&mut self, failure: ConnectFailure, now: Instant) {
        if self.state != State::Connecting {
            return;
        }
        if failure == ConnectFailure::Status(GONE) {
            self.state = State::Pausing;
            return self.finish_revoked();
        }
        self.lost(Some(failure), false, now);
    }

    fn handle_frame(&mut self, message: Vec<u8>, now: Instant) {
        self.handle_timeout(now);
        if !matches!(self.state, State::Listening { .. }) {
            return;
        }
        match FromService::decode(&message) {
            Some(FromService::Alive) => {
                self.failures = 0;
                self.state = State::Listening { asked: false };
                self.deadline = deadline::after(now, self.config.alive_interval);
            }
            Some(FromService::Ring { ring, routing_id, tunnel_id, payload }) => {
                self.failures = 0;
                match ClientPayload::decode(&payload) {
                    Ok(payload) => self.rung(ring, payload, routing_id, tunnel_id),
                    Err(error) => {
                        tracing::debug!(%error, "malformed ring refused");
                        self.send(FromPhone::Refuse(ring, Reason::Busy));
                    }
                }
            }
            Some(FromService::Over(ring)) => {
                self.over(ring);
            }
            Some(FromService::Revoked) => self.finish_revoked(),
            Some(FromService::Replaced) => self.finish(Err(ListenError::Replaced)),
            None => self.lost(None, true, now),
        }
    }

    fn handle_text(&mut self, now: Instant) {
        if matches!(self.state, State::Listening { .. }) {
            self.lost(None, true, now);
        }
    }

    fn handle_closed(&mut self, now: Instant) {
        if matches!(self.state, State::Listening { .. }) {
            self.lost(None, false, now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        match self.state {
            State::Finished => {}
            State::Pausing => self.connect(now),
            State::Connecting => self.lost(Some(ConnectFailure::TimedOut), true, now),
            State::Listening { asked: false } => {
                self.send(FromPhone::Alive);
                self.await_life(now);
            }
            State::Listening { asked: true } => self.lost(None, true, now),
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({:?})", self.state)
    }
}
