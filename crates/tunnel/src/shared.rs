//! What all connections of one relay share: the rendezvous, the way to each connection that waits,
//! and the counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use towline_rendezvous::{
    Admission, Drain, DrainStage, Ending, Heard, Leg, Limits, OriginPolicy, Refusal, Rendezvous,
    RendezvousOutput, Role, Source, TunnelRequest,
};

use crate::guard::{LegGuard, Places};
use crate::happening::Happening;
use crate::mailbox::{Events, Mailbox, Partner};
use crate::metrics::{Counters, Stats};
use crate::proxies::Subnet;
use crate::question::Question;
use crate::requests::Requests;
use crate::{BusEvent, BusSender, ContactAnswer, Contacts, RelayError};

/// The clock of the rendezvous looks once in this time, so that no new deadline beyond it has to
/// wake it.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A time beyond the clock's range is this long.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// So much later; never is a year.
pub(crate) fn after(since: tokio::time::Instant, time: Duration) -> tokio::time::Instant {
    since.checked_add(time.min(YEAR)).unwrap_or(since)
}

/// How far the relay is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// It was told to stop, and goes in good order.
    Draining,
    Stopped,
}

/// Waits until requests have to end, too.
pub(crate) async fn stopped(phase: &mut watch::Receiver<Phase>) {
    // A relay that is gone altogether has stopped, too.
    let _stopped = phase.wait_for(|phase| *phase == Phase::Stopped).await;
}

pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) origin_policy: OriginPolicy,
    pub(crate) trusted_proxies: Vec<Subnet>,
    pub(crate) proxy_protocol: Vec<Subnet>,
    pub(crate) request_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) requests: Arc<Requests>,
    pub(crate) happenings: Option<mpsc::Sender<Happening>>,
    pub(crate) phase: watch::Sender<Phase>,
    /// The next deadline may have changed.
    pub(crate) changed: Notify,
    contacts: Arc<dyn Contacts>,
    bus: Option<Arc<dyn BusSender>>,
    node: u8,
    /// Why it can't go on, if it can't.
    pub(crate) failure: OnceLock<RelayError>,
    /// Itself, for what is answered later.
    me: Weak<Self>,
    state: Mutex<State>,
    pub(crate) counters: Counters,
}

struct State {
    rendezvous: Rendezvous,
    /// All connections have to end.
    stopped: bool,
    /// When the clock of the rendezvous looks next.
    next_look: Instant,
    /// How far it was on its way out when it was looked at last.
    stage: DrainStage,
    /// The ways to all tasks but those of connections that joined another one.
    ways: HashMap<Leg, Mailbox>,
}

/// An accepted request, and what its task needs.
pub(crate) struct Admitted {
    pub(crate) guard: LegGuard,
    pub(crate) role: Role,
    pub(crate) events: Events,
}

impl Shared {
    pub(crate) fn new(config: crate::RelayConfig) -> Arc<Self> {
        let mut rendezvous = Rendezvous::new(config.node, config.limits, config.provider);
        if let Some(bus) = &config.bus {
            rendezvous = rendezvous.with_bus(bus.instance, Instant::now());
        }
        let counters = Counters::new();
        if config.bus.is_some() {
            counters.bus_is(false);
        }
        Arc::new_cyclic(|me| Self {
            contacts: config.contacts,
            bus: config.bus.map(|bus| bus.sender),
            node: config.node,
            failure: OnceLock::new(),
            me: me.clone(),
            limits: config.limits,
            origin_policy: config.origin_policy,
            trusted_proxies: config.trusted_proxies,
            proxy_protocol: config.proxy_protocol,
            request_timeout: config.request_timeout,
            write_timeout: config.write_timeout,
            close_timeout: config.close_timeout,
            requests: Requests::new(config.requests_at_once, config.requests_per_source),
            happenings: config.happenings,
            phase: watch::Sender::new(Phase::Running),
            changed: Notify::new(),
            state: Mutex::new(State {
                rendezvous,
                stopped: false,
                next_look: Instant::now(),
                stage: DrainStage::Serving,
                ways: HashMap::new(),
            }),
            counters,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The rendezvous is consistent between calls; one broken connection must not take the
        // service down.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn admit(
        self: &Arc<Self>,
        source: Source,
        request: TunnelRequest,
    ) -> Result<Admitted, Refusal> {
        let mut state = self.lock();
        if state.stopped {
            return Err(Refusal::Unavailable);
        }
        let admission = state.rendezvous.handle_request(source, request, Instant::now());
        let admitted = admission.map(|Admission { leg, role }| {
            let events = if let Role::Joins { .. } = role {
                self.counters.tunnels.add(1);
                Events::none()
            } else {
                let (way, events) = Mailbox::new();
                state.ways.insert(leg, way);
                events
            };
            Admitted { guard: LegGuard::new(self.clone(), leg), role, events }
        });
        self.dispatch(state);
        // What is known of a phone's contact at once is the response.
        if let Ok(Admitted { events, .. }) = &admitted
            && events.ending() == Some(Ending::Revoked)
        {
            return Err(Refusal::Gone);
        }
        admitted
    }

    /// Gives a connection to the one that it joins. It comes back if that is gone.
    pub(crate) fn introduce(&self, to: Leg, partner: Partner) -> Result<(), Partner> {
        let way = self.lock().ways.get(&to).cloned();
        match way {
            Some(way) => way.introduce(partner),
            None => Err(partner),
        }
    }

    /// It is to stop, in good order.
    pub(crate) fn drain(&self, drain: &Drain) {
        let mut state = self.lock();
        self.drains();
        state.rendezvous.handle_drain(drain, Instant::now());
        self.dispatch(state);
    }

    /// Whoever asks is told so from now on.
    fn drains(&self) {
        let first = self.phase.send_if_modified(|phase| {
            let running = *phase == Phase::Running;
            if running {
                *phase = Phase::Draining;
            }
            running
        });
        if first {
            tracing::info!("tunnel service draining");
        }
    }

    /// All connections have to end.
    pub(crate) fn stop(&self) {
        self.phase.send_replace(Phase::Stopped);
        let mut state = self.lock();
        state.stopped = true;
        for way in state.ways.values() {
            way.close(Ending::ShuttingDown);
        }
    }

    pub(crate) fn tick(&self) {
        let mut state = self.lock();
        state.rendezvous.handle_timeout(Instant::now());
        self.dispatch(state);
    }

    /// Tells everybody what the rendezvous has for them.
    fn dispatch(&self, mut state: MutexGuard<'_, State>) {
        while let Some(output) = state.rendezvous.poll_output() {
            match output {
                RendezvousOutput::Close { leg, ending } => {
                    if let Some(way) = state.ways.get(&leg) {
                        way.close(ending);
                    }
                }
                RendezvousOutput::Send { leg, message } => {
                    if let Some(way) = state.ways.get(&leg) {
                        way.send(message);
                    }
                }
                RendezvousOutput::Answer { leg, answer } => {
                    if let Some(way) = state.ways.get(&leg) {
                        way.answer(answer);
                    }
                }
                RendezvousOutput::Recall { token, contact } => {
                    if let Some(known) = self.answer(self.contacts.look_up(&contact), token) {
                        state.rendezvous.handle_recalled(token, known, Instant::now());
                    }
                }
                RendezvousOutput::Revoke { token, contact, source } => {
                    if let Some(kept) = self.answer(self.contacts.revoke(&contact, source), token) {
                        state.rendezvous.handle_revoked(token, kept, Instant::now());
                    }
                }
                RendezvousOutput::Publish { to, message } => {
                    if let Some(bus) = &self.bus {
                        bus.publish(to, message);
                    }
                }
                RendezvousOutput::NumberTaken => {
                    let error = RelayError::NumberTaken { node: self.node };
                    tracing::error!(%error, "the relay stops");
                    let _first = self.failure.set(error);
                    self.drains();
                    let at_once = Drain::at_once(Duration::ZERO);
                    state.rendezvous.handle_drain(&at_once, Instant::now());
                }
            }
        }
        // The clock is woken only for what it does not wake up for by itself.
        let stage = state.rendezvous.drain_stage();
        let moved = std::mem::replace(&mut state.stage, stage) != stage;
        let next = state.rendezvous.poll_timeout().filter(|next| *next < state.next_look);
        if let Some(next) = next {
            state.next_look = next;
        }
        if moved || next.is_some() {
            self.changed.notify_one();
        }
    }

    /// The answer, if it is there at once; otherwise it is given when it is there.
    fn answer<T: Send + 'static>(
        &self,
        mut answer: ContactAnswer<T>,
        token: impl Question<T>,
    ) -> Option<T> {
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                token.count(&answer, &self.counters);
                Some(answer)
            }
            Poll::Pending => {
                let shared = self.me.clone();
                tokio::spawn(async move {
                    let answer = answer.await;
                    if let Some(shared) = shared.upgrade() {
                        token.count(&answer, &shared.counters);
                        let mut state = shared.lock();
                        token.answer(answer, &mut state.rendezvous);
                        shared.dispatch(state);
                    }
                });
                None
            }
        }
    }

    /// What the bus has for this node.
    pub(crate) fn hear_bus(&self, event: BusEvent) {
        let mut state = self.lock();
        match event {
            BusEvent::State(up) => {
                self.counters.bus_is(up);
                state.rendezvous.handle_bus_state(up, Instant::now());
            }
            BusEvent::Message(message) => {
                if !state.rendezvous.handle_bus(&message, Instant::now()) {
                    self.counters.not_understood.add(1);
                }
            }
        }
        self.dispatch(state);
    }

    /// What a phone that listens said.
    pub(crate) fn hear(&self, phone: &LegGuard, message: &[u8]) -> Heard {
        let mut state = self.lock();
        let heard = state.rendezvous.handle_message(phone.leg, message, Instant::now());
        self.dispatch(state);
        heard
    }

    /// Tells whoever wants to know. One that does not keep up misses something.
    pub(crate) fn tell(&self, happening: Happening) {
        if let Some(happenings) = &self.happenings {
            let _missed = happenings.try_send(happening);
        }
    }

    /// When to [`tick`](Self::tick) next, unless something changes before, and how far the service
    /// is on its way out.
    pub(crate) fn next_look(&self) -> (Instant, DrainStage) {
        let mut state = self.lock();
        let now = Instant::now();
        let latest = now.checked_add(LONGEST_SLEEP).unwrap_or(now);
        state.next_look = state.rendezvous.poll_timeout().map_or(latest, |next| next.min(latest));
        (state.next_look, state.stage)
    }

    /// A connection made no request, and ends.
    pub(crate) fn no_request<T>(&self, why: &str) -> Option<T> {
        self.counters.no_request.add(1);
        tracing::debug!("{why}");
        None
    }

    /// So many messages, and bytes of messages, were passed on.
    pub(crate) fn count(&self, messages: u64, bytes: usize) {
        self.counters.messages.add(messages);
        self.counters.bytes.add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// What Prometheus is told.
    pub(crate) fn metrics(&self, draining: bool) -> String {
        let (nodes, rings) = {
            let state = self.lock();
            (state.rendezvous.node_counts(), state.rendezvous.ring_counts())
        };
        self.counters.render(&self.stats(), &nodes, &rings, draining)
    }

    pub(crate) fn stats(&self) -> Stats {
        let counts = self.lock().rendezvous.counts();
        Stats {
            waiting: counts.waiting,
            ringing: counts.ringing.saturating_add(counts.locating),
            listening: counts.listening,
            absent: counts.absent,
            joined: counts.joined,
            requests: self.requests.len(),
            tunnels: self.counters.tunnels.get(),
            refused: self.counters.refused_in_all(),
            messages: self.counters.messages.get(),
            bytes: self.counters.bytes.get(),
        }
    }
}

impl Places for Shared {
    fn give_back(&self, leg: Leg) {
        let mut state = self.lock();
        state.ways.remove(&leg);
        state.rendezvous.handle_closed(leg, Instant::now());
        // Somebody else may have to be told.
        self.dispatch(state);
    }
}
