//! The phone's driver: asks its person, opens the tunnel, advertises, and hands requests to the
//! authenticator.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use towline_crypto::CryptoProvider;
use towline_hybrid::ids::LinkId;
use towline_hybrid::link::Ring;
use towline_hybrid::qr::QrPayload;
use towline_hybrid::tunnel::ConnectFailure;
use towline_hybrid::{
    CodeSource, ConnectQuestion, Misuse, QuestionToken, Responder, ResponderAnswer,
    ResponderConfig, ResponderOutput, ResponderProgress, ResponderSummary,
};
use towline_radio::{Advertisement, Advertiser, BoxFuture, RadioError};

use crate::driver::{AbortOnDrop, Link, LinkEvent, Outcome, now, outcome, sleep_until};
use crate::{Connector, Incoming, Target, TransportError};

/// Commands that may wait for the driver.
const COMMANDS: usize = 4;

/// What happens in a session, and what it wants of the person and of the authenticator.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// Ask the person, and answer with [`PhoneSession::answer`] and the same token.
    Ask {
        /// Comes back with the answer.
        token: QuestionToken,
        /// The question, which prints as a sentence.
        question: ConnectQuestion,
    },
    /// The question is moot: take it off the screen.
    Withdraw {
        /// The token of the question.
        token: QuestionToken,
    },
    /// The radio broadcasts for the computer.
    Advertising {
        /// Which radio. A simulated one says so.
        radio: String,
    },
    /// Ask the person whether the computer may remember this phone, and answer with
    /// [`PhoneSession::remember`] and the same token. The session goes on meanwhile.
    AskToRemember {
        /// Comes back with the answer.
        token: QuestionToken,
    },
    /// The computer was told how to ring this phone: keep the link.
    Linked {
        /// What the computer names itself by when it rings.
        link_id: LinkId,
    },
    /// Carry out this CTAP request, a command byte and CBOR, and answer with
    /// [`PhoneSession::respond`].
    Request(Vec<u8>),
    /// Carry out this digital credential request, JSON that nothing here has looked at, and answer
    /// with [`PhoneSession::respond_json`]. Only where [`ResponderConfig::digital_credentials`] is
    /// set.
    JsonRequest(Vec<u8>),
    /// The request is moot: take its prompts off the screen. A response would be refused.
    CancelRequest,
    /// The next step.
    Progress(ResponderProgress),
    /// It is over; the radio and the sockets are released, and nothing follows.
    Finished(Result<ResponderSummary, TransportError>),
}

impl fmt::Debug for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { token, question } => {
                f.debug_tuple("Ask").field(token).field(question).finish()
            }
            Self::Withdraw { token } => f.debug_tuple("Withdraw").field(token).finish(),
            Self::AskToRemember { token } => f.debug_tuple("AskToRemember").field(token).finish(),
            Self::Linked { .. } => f.write_str("Linked"),
            Self::Advertising { radio } => f.debug_tuple("Advertising").field(radio).finish(),
            // Requests name accounts and sites, which do not belong into a log.
            Self::Request(request) => write!(f, "Request({} bytes)", request.len()),
            Self::JsonRequest(request) => write!(f, "JsonRequest({} bytes)", request.len()),
            Self::CancelRequest => f.write_str("CancelRequest"),
            Self::Progress(progress) => f.debug_tuple("Progress").field(progress).finish(),
            Self::Finished(result) => f.debug_tuple("Finished").field(result).finish(),
        }
    }
}

/// The events of one session.
pub struct PhoneEvents(mpsc::UnboundedReceiver<PhoneEvent>);

impl PhoneEvents {
    /// The next event; `None` after the last. Cancel-safe. PhoneEvents that nobody reads are kept;
    /// there are few.
    pub async fn next(&mut self) -> Option<PhoneEvent> {
        self.0.recv().await
    }
}

/// One transaction from the phone's side. It serves until the computer shuts down, closes or is
/// idle. Dropping it ends it, takes the advert off the air and releases the socket.
pub struct PhoneSession {
    commands: mpsc::Sender<Command>,
    done: watch::Receiver<Outcome<ResponderSummary>>,
    _task: AbortOnDrop,
}

type Reply = oneshot::Sender<Result<(), Misuse>>;

enum Command {
    Answer { token: QuestionToken, answer: ResponderAnswer, reply: Reply },
    Remember { token: QuestionToken, remember: bool, reply: Reply },
    Respond { response: Vec<u8>, reply: Reply },
    RespondJson { response: Vec<u8>, reply: Reply },
    Shutdown,
    Cancel,
}

impl PhoneSession {
    /// Starts with a scanned code, by asking the person.
    ///
    /// # Errors
    /// [`TransportError::Hybrid`], when this phone and the code do not fit together. What goes
    /// wrong later comes as [`PhoneEvent::Finished`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn start(
        config: ResponderConfig,
        provider: &CryptoProvider,
        payload: QrPayload,
        source: CodeSource,
        advertiser: Arc<dyn Advertiser>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, PhoneEvents), TransportError> {
        let machine = Responder::new(config, provider, payload, source, now())?;
        Ok(Self::drive(machine, advertiser, connector))
    }

    /// Answers a linked computer that rings.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    #[must_use]
    pub fn answer_ring(
        config: ResponderConfig,
        provider: &CryptoProvider,
        ring: Ring,
        advertiser: Arc<dyn Advertiser>,
        connector: Arc<dyn Connector>,
    ) -> (Self, PhoneEvents) {
        let machine = Responder::answer_ring(config, provider, ring, now());
        Self::drive(machine, advertiser, connector)
    }

    fn drive(
        machine: Responder,
        advertiser: Arc<dyn Advertiser>,
        connector: Arc<dyn Connector>,
    ) -> (Self, PhoneEvents) {
        let (commands, commands_in) = mpsc::channel(COMMANDS);
        let (events, events_out) = mpsc::unbounded_channel();
        let (done, done_out) = watch::channel(None);
        let driver = Driver {
            machine,
            advertiser,
            connector,
            radio: Radio::Off,
            link: Link::Down,
            joining: false,
            closing: JoinSet::new(),
            commands: commands_in,
            events,
            done,
            radio_error: None,
        };
        let task = AbortOnDrop(tokio::spawn(driver.run()).abort_handle());
        (Self { commands, done: done_out, _task: task }, PhoneEvents(events_out))
    }

    /// What the person says to [`PhoneEvent::Ask`].
    ///
    /// # Errors
    /// [`Misuse::UnknownToken`] when that question is not open, or why the session
    /// is over.
    pub async fn answer(
        &self,
        token: QuestionToken,
        answer: ResponderAnswer,
    ) -> Result<(), TransportError> {
        self.ask(|reply| Command::Answer { token, answer, reply }).await
    }

    /// What the person says to [`PhoneEvent::AskToRemember`].
    ///
    /// # Errors
    /// [`Misuse::UnknownToken`] when that question is not open, or why the session
    /// is over.
    pub async fn remember(
        &self,
        token: QuestionToken,
        remember: bool,
    ) -> Result<(), TransportError> {
        self.ask(|reply| Command::Remember { token, remember, reply }).await
    }

    /// The response to [`PhoneEvent::Request`]: a status byte and CBOR.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] when no request is under way,
    /// [`Misuse::TooLong`], or why the session is over.
    pub async fn respond(&self, response: Vec<u8>) -> Result<(), TransportError> {
        self.ask(|reply| Command::Respond { response, reply }).await
    }

    /// The response to [`PhoneEvent::JsonRequest`]: JSON.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub async fn respond_json(&self, response: Vec<u8>) -> Result<(), TransportError> {
        self.ask(|reply| Command::RespondJson { response, reply }).await
    }

    /// Ends a session that has served, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`] when it has not served yet or a request is under way,
    /// or why the session had failed before.
    pub async fn shutdown(self) -> Result<ResponderSummary, TransportError> {
        self.end(Command::Shutdown).await
    }

    /// Ends the session because the person does not want to go on, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`], or why the session had failed before.
    pub async fn cancel(self) -> Result<ResponderSummary, TransportError> {
        self.end(Command::Cancel).await
    }

    async fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<(), TransportError> {
        let (reply, result) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_ok()
            && let Ok(result) = result.await
        {
            return result.map_err(TransportError::Misuse);
        }
        match outcome(self.done.clone()).await {
            Ok(_) => Err(TransportError::Over),
            Err(error) => Err(error),
        }
    }

    async fn end(self, command: Command) -> Result<ResponderSummary, TransportError> {
        // A driver that is gone has left its outcome.
        let _gone = self.commands.send(command).await;
        outcome(self.done.clone()).await
    }
}

/// The radio, as far as it is on.
enum Radio {
    Off,
    Starting(BoxFuture<'static, Result<Box<dyn Advertisement>, RadioError>>),
    On(Box<dyn Advertisement>),
}

enum RadioEvent {
    Started(Result<Box<dyn Advertisement>, RadioError>),
    Stopped(RadioError),
}

impl Radio {
    /// What the radio has to say next. Cancel-safe.
    async fn next(&mut self) -> RadioEvent {
        match self {
            Self::Off => pending().await,
            Self::Starting(starting) => {
                let started = starting.await;
                *self = Self::Off;
                RadioEvent::Started(started)
            }
            Self::On(advertisement) => RadioEvent::Stopped(advertisement.stopped().await),
        }
    }
}

struct Driver {
    machine: Responder,
    advertiser: Arc<dyn Advertiser>,
    connector: Arc<dyn Connector>,
    radio: Radio,
    link: Link,
    /// Whether the connection leads to a computer that rang.
    joining: bool,
    closing: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::UnboundedSender<PhoneEvent>,
    done: watch::Sender<Outcome<ResponderSummary>>,
    radio_error: Option<RadioError>,
}

impl Driver {
    async fn run(mut self) {
        let result = loop {
            let mut finished = None;
            while let Some(output) = self.machine.poll_output() {
                if let ResponderOutput::Finished(result) = output {
                    finished = Some(result);
                } else {
                    self.perform(output);
                }
            }
            if let Some(result) = finished {
                break result;
            }
            let deadline = self.machine.poll_timeout();
            tokio::select! {
                event = self.radio.next() => self.sounded(event),
                event = self.link.next() => self.arrived(event),
                command = self.commands.recv() => self.command(command),
                // What has closed is done with.
                Some(_) = self.closing.join_next() => {}
                () = sleep_until(deadline) => self.machine.handle_timeout(now()),
            }
        };
        self.radio = Radio::Off;
        while self.closing.join_next().await.is_some() {}
        // A radio that failed was answered by cancelling; the person needs to know about the radio.
        let result = match self.radio_error.take() {
            Some(error) => Err(TransportError::Radio(error)),
            None => result.map_err(TransportError::from),
        };
        tracing::debug!(ok = result.is_ok(), "session over");
        self.done.send_replace(Some(result.clone()));
        self.tell(PhoneEvent::Finished(result));
    }

    fn perform(&mut self, output: ResponderOutput) {
        match output {
            ResponderOutput::Ask { token, question } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let question = now.map_or(question, |now| question.asked_at(now.as_secs()));
                self.tell(PhoneEvent::Ask { token, question });
            }
            ResponderOutput::Withdraw { token } => self.tell(PhoneEvent::Withdraw { token }),
            ResponderOutput::Connect { domain, tunnel_id } => {
                let target = Target::New { domain, tunnel_id };
                self.link = Link::Opening(self.connector.connect(target));
            }
            ResponderOutput::Join { domain, routing_id, tunnel_id } => {
                let target = Target::Connect { domain, routing_id, tunnel_id };
                self.joining = true;
                self.link = Link::Opening(self.connector.connect(target));
            }
            ResponderOutput::AskToRemember { token } => {
                self.tell(PhoneEvent::AskToRemember { token })
            }
            ResponderOutput::Linked { link_id } => self.tell(PhoneEvent::Linked { link_id }),
            ResponderOutput::Advertise(advert) => {
                let advertiser = self.advertiser.clone();
                self.radio = Radio::Starting(Box::pin(async move {
                    advertiser.advertise(advert.as_bytes()).await
                }));
            }
            ResponderOutput::StopAdvertising => self.radio = Radio::Off,
            ResponderOutput::Send(frame) => self.link.send(frame),
            ResponderOutput::Request(request) => self.tell(PhoneEvent::Request(request)),
            ResponderOutput::JsonRequest(request) => self.tell(PhoneEvent::JsonRequest(request)),
            ResponderOutput::CancelRequest => self.tell(PhoneEvent::CancelRequest),
            ResponderOutput::Close => self.link.close(&mut self.closing),
            ResponderOutput::Progress(progress) => self.tell(PhoneEvent::Progress(progress)),
            _ => {}
        }
    }

    fn sounded(&mut self, event: RadioEvent) {
        match event {
            RadioEvent::Started(Ok(advertisement)) => {
                self.radio = Radio::On(advertisement);
                self.tell(PhoneEvent::Advertising { radio: self.advertiser.description() });
            }
            RadioEvent::Started(Err(error)) | RadioEvent::Stopped(error) => {
                self.radio = Radio::Off;
                self.radio_error = Some(error);
                self.machine.cancel(now());
            }
        }
    }

    fn arrived(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened(Ok(connected)) if self.joining => {
                self.link = Link::Up(connected.channel);
                self.machine.handle_joined(now());
            }
            LinkEvent::Opened(Ok(connected)) => match connected.routing_id {
                Some(routing_id) => {
                    self.link = Link::Up(connected.channel);
                    self.machine.handle_connected(routing_id, now());
                }
                None => self.machine.handle_connect_failed(ConnectFailure::RoutingId, now()),
            },
            LinkEvent::Opened(Err(failure)) => self.machine.handle_connect_failed(failure, now()),
            LinkEvent::Incoming(Incoming::Frame(frame)) => self.machine.handle_frame(frame, now()),
            LinkEvent::Incoming(Incoming::Text) => self.machine.handle_text(now()),
            LinkEvent::Incoming(Incoming::Closed) => {
                // Closing answers the peer's close frame.
                self.link.close(&mut self.closing);
                self.machine.handle_closed(now());
            }
        }
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Answer { token, answer, reply }) => {
                let _nobody_waits = reply.send(self.machine.handle_answer(token, answer, now()));
            }
            Some(Command::Remember { token, remember, reply }) => {
                let _nobody_waits =
                    reply.send(self.machine.handle_remember(token, remember, now()));
            }
            Some(Command::Respond { response, reply }) => {
                let _nobody_waits = reply.send(self.machine.send_response(response, now()));
            }
            Some(Command::RespondJson { response, reply }) => {
                let _nobody_waits = reply.send(self.machine.send_json_response(response, now()));
            }
            Some(Command::Shutdown) => self.machine.shutdown(now()),
            // The session was dropped: this task is about to be ended.
            Some(Command::Cancel) | None => self.machine.cancel(now()),
        }
    }

    fn tell(&self, event: PhoneEvent) {
        let _nobody_listens = self.events.send(event);
    }
}
