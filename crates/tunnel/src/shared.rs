//! What all connections of one relay share: the rendezvous, the way to each connection that waits, and the counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::Counters;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use towline_hybrid::relay::{
    Admission, Ending, Leg, Limits, OriginPolicy, Output, Refusal, Rendezvous, Request, Source,
};

/// A WebSocket of one peer.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What the task of a connection that waits is told.
pub(crate) enum Event {
    /// The other end is here.
    Partner(Box<Socket>, LegGuard),
    /// Something for a phone that listens.
    Send(Vec<u8>),
    /// It is over.
    Close(Ending),
}

/// Events that may wait for a leg's task: its partner, and the end.
const EVENTS: usize = 2;

/// The same for a phone that listens: one that does not take its messages loses the next ones, and the computers that ring
/// get no answer.
const LISTENER_EVENTS: usize = 32;

/// The longest message that a phone which listens may send, in bytes, is far shorter.
const LISTENER_MESSAGE: usize = 256;

/// How far the relay is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Nobody is admitted any more; tunnels may go on until then.
    Draining(tokio::time::Instant),
    Stopped,
}

/// Waits until all connections have to end.
pub(crate) async fn stopped(phase: &mut watch::Receiver<Phase>) {
    // A relay that is gone altogether has stopped, too.
    let _stopped = phase.wait_for(|phase| *phase == Phase::Stopped).await;
}

/// How a relay is doing.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Phones that wait for their computer now, and computers that ring.
    pub waiting: usize,
    /// Phones that listen for computers that ring now.
    pub listening: usize,
    /// Connections that belong to a joined tunnel now, two for each.
    pub joined: usize,
    /// Connections that have not made their request yet, or have not been answered.
    pub requests: usize,
    /// Tunnels joined so far.
    pub tunnels: u64,
    /// Requests refused so far.
    pub refused: u64,
    /// Messages passed on so far.
    pub messages: u64,
    /// Bytes passed on so far.
    pub bytes: u64,
}

pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) origin_policy: OriginPolicy,
    pub(crate) request_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) close_timeout: Duration,
    requests_per_source: usize,
    requests: Mutex<HashMap<Source, usize>>,
    pub(crate) phase: watch::Sender<Phase>,
    /// The next deadline may have changed.
    pub(crate) changed: Notify,
    state: Mutex<State>,
    pub(crate) counters: Counters,
}

struct State {
    rendezvous: Rendezvous,
    ways: HashMap<Leg, mpsc::Sender<Event>>,
    /// Computers that wait for the response to their ring.
    rings: HashMap<Leg, oneshot::Sender<Result<(), Refusal>>>,
}

/// An accepted request, and what its task needs.
pub(crate) enum Admitted {
    Waiting {
        guard: LegGuard,
        routing_id: String,
        events: mpsc::Receiver<Event>,
    },
    Listening {
        guard: LegGuard,
        events: mpsc::Receiver<Event>,
    },
    Ringing {
        guard: LegGuard,
        answer: oneshot::Receiver<Result<(), Refusal>>,
        events: mpsc::Receiver<Event>,
    },
    Joined {
        guard: LegGuard,
        partner: mpsc::Sender<Event>,
    },
}

impl Shared {
    pub(crate) fn new(config: crate::RelayConfig) -> Self {
        let rendezvous =
            Rendezvous::new(config.node, config.limits, config.provider, config.contacts)
                .with_whereabouts(config.whereabouts);
        Self {
            limits: config.limits,
            origin_policy: config.origin_policy,
            request_timeout: config.request_timeout,
            write_timeout: config.write_timeout,
            close_timeout: config.close_timeout,
            requests_per_source: config.requests_per_source,
            requests: Mutex::new(HashMap::new()),
            phase: watch::Sender::new(Phase::Running),
            changed: Notify::new(),
            state: Mutex::new(State { rendezvous, ways: HashMap::new(), rings: HashMap::new() }),
            counters: Counters::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The rendezvous is consistent between calls; one broken connection must not take the service down.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection that has not made its request yet; nothing if its source has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, source: Source) -> Option<RequestPlace> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let open = requests.entry(source).or_default();
        if *open >= self.requests_per_source.max(1) {
            return None;
        }
        *open = open.saturating_add(1);
        Some(RequestPlace { shared: self.clone(), source })
    }

    pub(crate) fn admit(
        self: &Arc<Self>,
        source: Source,
        request: &Request,
    ) -> Result<Admitted, Refusal> {
        let mut state = self.lock();
        let admitted = match state.rendezvous.handle_request(source, request, Instant::now()) {
            Ok(Admission::Waiting { leg, routing_id }) => {
                let (way, events) = mpsc::channel(EVENTS);
                state.ways.insert(leg, way);
                let guard = LegGuard { shared: self.clone(), leg };
                Ok(Admitted::Waiting { guard, routing_id: routing_id.to_string(), events })
            }
            Ok(Admission::Listening { leg }) => {
                let (way, events) = mpsc::channel(LISTENER_EVENTS);
                state.ways.insert(leg, way);
                Ok(Admitted::Listening { guard: LegGuard { shared: self.clone(), leg }, events })
            }
            Ok(Admission::Ringing { leg }) => {
                let (way, events) = mpsc::channel(EVENTS);
                let (ring, answer) = oneshot::channel();
                state.ways.insert(leg, way);
                state.rings.insert(leg, ring);
                let guard = LegGuard { shared: self.clone(), leg };
                Ok(Admitted::Ringing { guard, answer, events })
            }
            Ok(Admission::Joined { leg, with }) => match state.ways.get(&with) {
                Some(partner) => {
                    let partner = partner.clone();
                    Ok(Admitted::Joined { guard: LegGuard { shared: self.clone(), leg }, partner })
                }
                None => {
                    state.rendezvous.handle_closed(leg, Instant::now());
                    Err(Refusal::NotFound)
                }
            },
            Err(refusal) => Err(refusal),
        };
        drop(state);
        if matches!(admitted, Ok(Admitted::Joined { .. })) {
            self.counters.tunnels.add(1);
        }
        self.dispatch();
        self.changed.notify_one();
        admitted
    }

    pub(crate) fn drain(&self) {
        self.lock().rendezvous.handle_drain(Instant::now());
        self.dispatch();
    }

    pub(crate) fn tick(&self) {
        self.lock().rendezvous.handle_timeout(Instant::now());
        self.dispatch();
    }

    fn dispatch(&self) {
        let mut state = self.lock();
        while let Some(output) = state.rendezvous.poll_output() {
            let (leg, event) = match output {
                // A full queue means that the leg is being told already.
                Output::Close { leg, ending } => (leg, Event::Close(ending)),
                Output::Send { leg, message } => (leg, Event::Send(message)),
                Output::Answer { leg, answer } => {
                    if let Some(ring) = state.rings.remove(&leg) {
                        let _gone = ring.send(answer);
                    }
                    continue;
                }
            };
            if let Some(way) = state.ways.get(&leg) {
                let _told = way.try_send(event);
            }
        }
    }

    /// What a phone that listens said.
    pub(crate) fn hear(&self, phone: &LegGuard, message: &[u8]) {
        self.lock().rendezvous.handle_message(phone.leg, message, Instant::now());
        self.dispatch();
        self.changed.notify_one();
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lock().rendezvous.poll_timeout()
    }

    pub(crate) fn count_message(&self, length: usize) {
        self.counters.messages.add(1);
        self.counters.bytes.add(u64::try_from(length).unwrap_or(u64::MAX));
    }

    pub(crate) fn stats(&self) -> Stats {
        let counts = self.lock().rendezvous.counts();
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = requests.values().fold(0, |sum: usize, open| sum.saturating_add(*open));
        Stats {
            waiting: counts.waiting,
            listening: counts.listening,
            joined: counts.joined,
            requests,
            tunnels: self.counters.tunnels.get(),
            refused: self.counters.refused_in_all(),
            messages: self.counters.messages.get(),
            bytes: self.counters.bytes.get(),
        }
    }

    pub(crate) fn websocket_config(&self) -> WebSocketConfig {
        Self::websocket_config_for(self.limits.message_bytes)
    }

    /// For a phone that listens.
    pub(crate) fn listener_config(&self) -> WebSocketConfig {
        Self::websocket_config_for(self.limits.message_bytes.min(LISTENER_MESSAGE))
    }

    fn websocket_config_for(message: usize) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            // One message and the control frames around it.
            .max_write_buffer_size(message.saturating_mul(2).saturating_add(65_536))
            .max_message_size(Some(message))
            .max_frame_size(Some(message))
    }
}

/// The place that an admitted connection occupies; dropping it gives the place back.
pub(crate) struct LegGuard {
    shared: Arc<Shared>,
    leg: Leg,
}

impl Drop for LegGuard {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.ways.remove(&self.leg);
        state.rings.remove(&self.leg);
        state.rendezvous.handle_closed(self.leg, Instant::now());
        drop(state);
        // Somebody else may have to be told.
        self.shared.dispatch();
        self.shared.changed.notify_one();
    }
}

/// The place of a connection until its request is answered; dropping it gives the place back.
pub(crate) struct RequestPlace {
    shared: Arc<Shared>,
    pub(crate) source: Source,
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        let mut requests = self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = requests.get_mut(&self.source) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                requests.remove(&self.source);
            }
        }
    }
}
