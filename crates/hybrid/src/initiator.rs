//! The computer's side of a transaction: shows the code or rings a linked phone, hears the advert,
//! shakes hands, sends requests (CTAP 2.3, hybrid transports).

mod attempt;
mod exchange;
mod interface;
mod ring;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use towline_crypto::{CryptoProvider, EcdhKey};
use zeroize::Zeroizing;

pub use self::interface::{InitiatorConfig, InitiatorOutput, InitiatorProgress, InitiatorSummary};
use self::{
    attempt::{Attempt, Code, handshake_failed},
    ring::Ring,
};
use crate::{
    deadline,
    domain::TunnelDomain,
    eid::{Advert, EidKey},
    error::{Error, Fault, Misuse, Party, Step},
    frame,
    message::{Features, Kind, Message},
    noise::{Established, Initiated},
    qr::{Hint, QrPayload},
    secrets::QrSecret,
    session::Session,
    tunnel::ConnectFailure,
};

/// The computer's side of one transaction, from the code on the screen, or the ring, to the last
/// byte.
///
/// Feed it with `handle_*`, drain it with [`poll_output`](Self::poll_output) until it returns
/// `None`, and call [`handle_timeout`](Self::handle_timeout) at the instant that
/// [`poll_timeout`](Self::poll_timeout) names. It does no I/O.
///
/// ```text
/// Showing ──advert──▶ Connecting ──socket──▶ Handshaking ──message 2──▶ WaitInfo ──▶ Ready ⇄ Waiting
///    ▲                    │                      │                                     │        │
///    └──── this advert is banned, time is left ──┘                              Lingering ◀─────┘
///
/// Ringing ──socket and advert──▶ RingHandshaking ──message 2──▶ WaitInfo, and on as above
/// ```
///
/// One advert is tried at a time. Until a phone has authenticated, a failure bans that advert and
/// the code is shown again while its time lasts; afterwards adverts are ignored, and a failure ends
/// the transaction. Scanning goes on until a phone has authenticated and is stopped on every way
/// out.
///
/// A [linked phone](Self::ring) is rung over one connection, which has one handshake: the first
/// advert of it counts, and every failure ends the transaction, so that a new one with a code can
/// begin.
pub struct Initiator {
    config: InitiatorConfig,
    provider: CryptoProvider,
    state: State,
    deadline: Instant,
    scanning: bool,
    connection: bool,
    summary: InitiatorSummary,
    outputs: VecDeque<InitiatorOutput>,
}

/// A handshake needs an advert, and a session needs a handshake: the types say so.
enum State {
    Showing(Box<Code>),
    Connecting(Box<Code>, Attempt),
    Handshaking(Box<Code>, Attempt, Box<Initiated>),
    Ringing(Box<Ring>),
    RingHandshaking(Box<Ring>, Box<Initiated>),
    WaitInfo(Box<Connection>),
    Ready(Box<Connection>),
    Waiting(Box<Connection>, Kind),
    Lingering(Box<Connection>),
    Finished,
}

/// A phone that has authenticated.
struct Connection {
    session: Session,
    features: Features,
    /// What linking information is checked with. There is none in a transaction of phones that are
    /// linked.
    linking: Option<Linking>,
}

/// What a phone that scanned the code signs its linking information for, and by which service it
/// was reached.
struct Linking {
    qr_key: Arc<dyn EcdhKey>,
    domain: TunnelDomain,
}

impl Initiator {
    /// Makes a new code, and starts to show it and to scan. `unix_time` is the wall clock in
    /// seconds; it only goes into the code, for the phone to see its age.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn new(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        hint: Hint,
        now: Instant,
        unix_time: u64,
    ) -> Result<Self, Error> {
        let qr_key: Arc<dyn EcdhKey> = provider.ecdh.generate(&*provider.random)?.into();
        let secret = QrSecret::generate(&*provider.random)?;
        let mut payload = QrPayload::new(*qr_key.public_key(), secret.clone(), hint);
        payload.timestamp = Some(unix_time);
        payload.linking = Some(config.linking);
        let until = deadline::after(now, config.scan_timeout);
        let code = Code {
            uri: Zeroizing::new(payload.to_uri()),
            eid_key: EidKey::qr(provider, &secret)?.prepare(provider),
            tunnel_id: secret.tunnel_id(provider)?,
            secret,
            qr_key,
            until,
            banned: Vec::new(),
            last_failure: None,
        };
        Ok(Self {
            config,
            provider: provider.clone(),
            state: State::Showing(Box::new(code)),
            deadline: until,
            scanning: true,
            connection: false,
            summary: InitiatorSummary::default(),
            outputs: [
                InitiatorOutput::StartScanning,
                InitiatorOutput::Progress(InitiatorProgress::WaitingForScan),
            ]
            .into(),
        })
    }

    /// The text of the code to show; `None` once a phone has authenticated or all is over. It is a
    /// secret: whoever reads it and is near can act as the phone.
    #[must_use]
    pub fn qr_uri(&self) -> Option<&str> {
        match &self.state {
            State::Showing(code) | State::Connecting(code, _) | State::Handshaking(code, ..) => {
                Some(&code.uri)
            }
            _ => None,
        }
    }

    /// Whether [`InitiatorOutput::Finished`] was given out or waits to be polled.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// The next thing to do or to tell; `None` when there is nothing until the next call of another
    /// kind.
    pub fn poll_output(&mut self) -> Option<InitiatorOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` only when all is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_finished()).then_some(self.deadline)
    }

    /// Bluetooth service data was heard. Whatever is not an advert for this code, or of this phone,
    /// is ignored.
    pub fn handle_advert(&mut self, service_data: &[u8], now: Instant) {
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
        self.outputs.push_back(InitiatorOutput::Connect {
            domain: advert.domain,
            routing_id: advert.routing_id,
            tunnel_id: code.tunnel_id,
        });
        self.connection = true;
        self.deadline = deadline::after(now, self.config.connect_timeout);
        self.state = State::Connecting(code, Attempt { payload, advert });
    }

    /// The WebSocket of [`InitiatorOutput::Connect`] is open and selected the subprotocol.
    pub fn handle_connected(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Connecting(code, attempt) => match self.initiate(&code, &attempt) {
                Ok((handshake, message1)) => {
                    self.progress(InitiatorProgress::Handshaking);
                    self.outputs.push_back(InitiatorOutput::Send(message1.to_vec()));
                    self.deadline = deadline::after(now, self.config.handshake_timeout);
                    self.state = State::Handshaking(code, attempt, Box::new(handshake));
                }
                Err(error) => self.finish(Err(error)),
            },
            other => self.state = other,
        }
    }

    /// The WebSocket of [`InitiatorOutput::Connect`] or [`InitiatorOutput::Contact`] could not be
    /// opened.
    pub fn handle_connect_failed(&mut self, failure: ConnectFailure, now: Instant) {
        match self.state {
            State::Connecting(..) => {
                self.connection = false;
                self.fail(Error::Tunnel(failure), now);
            }
            State::Ringing(_) => self.ring_failed(failure),
            _ => {}
        }
    }

    /// A binary message came. One that comes after the deadline comes too late.
    pub fn handle_frame(&mut self, frame: Vec<u8>, now: Instant) {
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
                    self.fail(misbehaved(Step::Message2, Fault::Unsolicited), now);
                }
            }
        }
    }

    /// A text message came, which the protocol does not have.
    pub fn handle_text(&mut self, now: Instant) {
        if let Some(step) = self.step_on_connection() {
            self.fail(misbehaved(step, Fault::Text), now);
        }
    }

    /// The connection ended from the other side or broke.
    pub fn handle_closed(&mut self, now: Instant) {
        let Some(step) = self.step_on_connection() else { return };
        self.connection = false;
        match step {
            Step::Request | Step::Shutdown => self.finish(Ok(self.summary)),
            _ => self.fail(Error::Closed { step }, now),
        }
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Calling early does
    /// nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
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
            State::Ready(_) => return self.shutdown(now),
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

    /// Sends a CTAP request: a command byte and CBOR. One at a time.
    ///
    /// # Errors
    /// [`Misuse::Busy`] while a request is under way, [`Misuse::TooLong`] for more than
    /// [`MAX_MESSAGE`](crate::MAX_MESSAGE) with the type byte, [`Error::NoCtap`] when the phone
    /// does not offer CTAP, [`Misuse::NotNow`] without a connection. The connection stays as it is.
    pub fn send_request(&mut self, request: Vec<u8>, now: Instant) -> Result<(), Error> {
        self.ask(Kind::Ctap, request, now)
    }

    /// Sends a digital credential request: JSON, which is not looked at. One at a time.
    ///
    /// # Errors
    /// As [`send_request`](Self::send_request), with [`Error::NoDigitalCredentials`] when the phone
    /// does not offer them.
    pub fn send_json_request(&mut self, request: Vec<u8>, now: Instant) -> Result<(), Error> {
        self.ask(Kind::Json, request, now)
    }

    fn ask(&mut self, kind: Kind, request: Vec<u8>, now: Instant) -> Result<(), Error> {
        let State::Ready(connection) = &mut self.state else {
            let busy = matches!(self.state, State::Waiting(..));
            return Err(if busy { Misuse::Busy } else { Misuse::NotNow }.into());
        };
        match kind {
            Kind::Ctap if !connection.features.ctap => return Err(Error::NoCtap),
            Kind::Json if !connection.features.digital_credentials => {
                return Err(Error::NoDigitalCredentials);
            }
            _ => {}
        }
        let frame = connection.session.seal(kind.message(request).encode()).map_err(|error| {
            if error == frame::Error::TooLong { Misuse::TooLong } else { Misuse::NotNow }
        })?;
        self.outputs.push_back(InitiatorOutput::Send(frame));
        self.progress(InitiatorProgress::WaitingForPhone);
        self.deadline = deadline::after(now, self.config.response_timeout);
        if let State::Ready(connection) = std::mem::replace(&mut self.state, State::Finished) {
            self.state = State::Waiting(connection, kind);
        }
        Ok(())
    }

    /// Ends a connection that has done its work: tells the phone, and closes once the phone does or
    /// has had its time. A response that is still under way is dropped. Before there is a
    /// connection this is [`cancel`](Self::cancel).
    pub fn shutdown(&mut self, now: Instant) {
        self.send_shutdown();
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Ready(connection) | State::Waiting(connection, _) => {
                self.progress(InitiatorProgress::Closing);
                self.deadline = deadline::after(now, self.linger(&connection));
                self.state = State::Lingering(connection);
            }
            other => {
                self.state = other;
                if !matches!(self.state, State::Lingering(_)) {
                    self.cancel(now);
                }
            }
        }
    }

    /// The person does not want to go on: ends everything at once.
    pub fn cancel(&mut self, _now: Instant) {
        self.send_shutdown();
        match self.state {
            State::Finished => {}
            State::Lingering(_) => self.finish(Ok(self.summary)),
            _ => self.finish(Err(Error::Cancelled)),
        }
    }

    /// A phone has authenticated.
    fn authenticated(&mut self, keys: &Established, linking: Option<Linking>, now: Instant) {
        let session = Session::of_computer(&self.provider, keys);
        self.stop_scanning();
        self.progress(InitiatorProgress::Authenticated);
        self.deadline = deadline::after(now, self.config.post_handshake_timeout);
        let connection = Connection { session, features: Features::default(), linking };
        self.state = State::WaitInfo(Box::new(connection));
    }

    /// Late linking information can only come from a phone that scanned the code.
    fn linger(&self, connection: &Connection) -> Duration {
        if self.config.linking && !self.summary.linked && connection.linking.is_some() {
            self.config.linger
        } else {
            self.config.close_timeout
        }
    }

    /// What would be the next message on the connection, if there is one.
    const fn step_on_connection(&self) -> Option<Step> {
        match self.state {
            State::Showing(_) | State::Finished => None,
            State::Connecting(..) => Some(Step::Tunnel),
            State::Ringing(_) => Some(Step::Ring),
            State::Handshaking(..) | State::RingHandshaking(..) => Some(Step::Message2),
            State::WaitInfo(_) => Some(Step::PostHandshake),
            State::Ready(_) => Some(Step::Request),
            State::Waiting(..) => Some(Step::Response),
            State::Lingering(_) => Some(Step::Shutdown),
        }
    }

    /// Tells a connected phone, if there is one and it was not told yet. If that can't be sealed
    /// any more, closing says the same.
    fn send_shutdown(&mut self) {
        if let State::Ready(connection) | State::Waiting(connection, _) = &mut self.state
            && let Ok(frame) = connection.session.seal(Message::Shutdown.encode())
        {
            self.outputs.push_back(InitiatorOutput::Send(frame));
        }
    }

    fn finish(&mut self, result: Result<InitiatorSummary, Error>) {
        self.stop_scanning();
        self.close();
        self.state = State::Finished;
        match &result {
            Ok(_) => tracing::debug!("finished"),
            Err(error) => tracing::debug!(%error, "failed"),
        }
        self.outputs.push_back(InitiatorOutput::Finished(result));
    }

    fn stop_scanning(&mut self) {
        if std::mem::take(&mut self.scanning) {
            self.outputs.push_back(InitiatorOutput::StopScanning);
        }
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.connection) {
            self.outputs.push_back(InitiatorOutput::Close);
        }
    }

    fn progress(&mut self, progress: InitiatorProgress) {
        self.outputs.push_back(InitiatorOutput::Progress(progress));
    }
}

impl std::fmt::Debug for Initiator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Initiator({:?})", self.step_on_connection())
    }
}

/// The computer's peer is always the phone.
const fn misbehaved(step: Step, fault: Fault) -> Error {
    Error::Misbehaved { by: Party::Phone, step, fault }
}
