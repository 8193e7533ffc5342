//! The computer's side of a transaction: shows the code or rings a linked phone, hears the advert,
//! shakes hands, sends requests (CTAP 2.3, hybrid transports).

mod attempt;
mod exchange;
mod inputs;
mod interface;
mod ring;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use towline_crypto::{CryptoProvider, EcdhKey};
use zeroize::Zeroizing;

pub use self::interface::{ComputerEvent, InitiatorConfig, InitiatorProgress, InitiatorSummary};
use self::{
    attempt::{Attempt, Code, handshake_failed},
    ring::Ring,
};
use crate::{
    deadline,
    domain::TunnelDomain,
    eid::EidKey,
    error::{Error, Misuse, Party, PeerFault, Step},
    frame,
    machine::Effect,
    message::{Features, Kind, Message},
    noise::{Established, Initiated},
    qr::{CircleHint, Hint, QrPayload},
    secrets::QrSecret,
    session::Session,
};

/// The computer's side of one transaction, from the code on the screen, or the ring, to the last
/// byte.
///
/// It is a [`Machine`](crate::Machine), which states what its driver has to keep to.
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
    /// Whether messages of circles go over the connection, and nothing else.
    circle: bool,
    deadline: Instant,
    scanning: bool,
    connection: bool,
    summary: InitiatorSummary,
    outputs: VecDeque<Effect<ComputerEvent>>,
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
        Self::show(config, provider, hint.as_str(), now, unix_time)
    }

    /// The same for devices that share passkeys: both sides send messages of their own, by
    /// [`handle_circle_message`](Self::handle_circle_message), and nothing else. Nothing is linked.
    /// One device is tried: with its tunnel the code is used up.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn for_circle(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        hint: CircleHint,
        now: Instant,
        unix_time: u64,
    ) -> Result<Self, Error> {
        let config = InitiatorConfig { linking: false, max_attempts: 1, ..config };
        let mut this = Self::show(config, provider, hint.as_str(), now, unix_time)?;
        this.circle = true;
        Ok(this)
    }

    fn show(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        hint: &str,
        now: Instant,
        unix_time: u64,
    ) -> Result<Self, Error> {
        let qr_key: Arc<dyn EcdhKey> = provider.ecdh.generate(&*provider.random)?.into();
        let secret = QrSecret::generate(&*provider.random)?;
        let mut payload = QrPayload::new(*qr_key.public_key(), secret.clone(), Hint::default());
        payload.hint = Some(hint.into());
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
            circle: false,
            deadline: until,
            scanning: true,
            connection: false,
            summary: InitiatorSummary::default(),
            outputs: [
                Effect::StartScanning,
                Effect::Tell(ComputerEvent::Progress(InitiatorProgress::WaitingForScan)),
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

    /// Whether [`ComputerEvent::Finished`] was given out or waits to be polled.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// A CTAP request to send: a command byte and CBOR. One at a time.
    ///
    /// # Errors
    /// [`Misuse::Busy`] while a request is under way, [`Misuse::TooLong`] for more than
    /// [`MAX_MESSAGE`](crate::MAX_MESSAGE) with the type byte, [`Error::NoCtap`] when the phone
    /// does not offer CTAP, [`Misuse::NotNow`] without a connection. The connection stays as it is.
    pub fn handle_request(&mut self, request: Vec<u8>, now: Instant) -> Result<(), Error> {
        self.ask(Kind::Ctap, request, now)
    }

    /// A digital credential request to send: JSON, which is not looked at. One at a time.
    ///
    /// # Errors
    /// As [`handle_request`](Self::handle_request), with [`Error::NoDigitalCredentials`] when the
    /// phone does not offer them.
    pub fn handle_json_request(&mut self, request: Vec<u8>, now: Instant) -> Result<(), Error> {
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
        self.outputs.push_back(Effect::Send(frame));
        self.progress(InitiatorProgress::WaitingForPhone);
        self.deadline = deadline::after(now, self.config.response_timeout);
        if let State::Ready(connection) = std::mem::replace(&mut self.state, State::Finished) {
            self.state = State::Waiting(connection, kind);
        }
        Ok(())
    }

    /// Ends a connection that has done its work: tells the phone, and closes once the phone does or
    /// has had its time. A response that is still under way is dropped. Before there is a
    /// connection this is [`handle_cancel`](Self::handle_cancel).
    pub fn handle_shutdown(&mut self, now: Instant) {
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
                    self.handle_cancel(now);
                }
            }
        }
    }

    /// The person does not want to go on: ends everything at once.
    pub fn handle_cancel(&mut self, _now: Instant) {
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
            self.outputs.push_back(Effect::Send(frame));
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
        self.tell(ComputerEvent::Finished(result));
    }

    fn stop_scanning(&mut self) {
        if std::mem::take(&mut self.scanning) {
            self.outputs.push_back(Effect::StopRadio);
        }
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.connection) {
            self.outputs.push_back(Effect::Close);
        }
    }

    fn progress(&mut self, progress: InitiatorProgress) {
        self.tell(ComputerEvent::Progress(progress));
    }

    fn tell(&mut self, event: ComputerEvent) {
        self.outputs.push_back(Effect::Tell(event));
    }
}

impl std::fmt::Debug for Initiator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Initiator({:?})", self.step_on_connection())
    }
}

/// The computer's peer is always the phone.
const fn misbehaved(step: Step, fault: PeerFault) -> Error {
    Error::Misbehaved { by: Party::Phone, step, fault }
}
