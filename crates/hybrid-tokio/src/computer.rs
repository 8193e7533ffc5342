//! The computer's driver: shows a code, listens, connects, and carries requests to the phone.

use std::future::pending;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use towline_crypto::{CryptoProvider, P256PublicKey};
use towline_hybrid::ids::LinkId;
use towline_hybrid::link::LinkedPhone;
use towline_hybrid::qr::Hint;
use towline_hybrid::{
    Initiator, InitiatorConfig, InitiatorOutput, InitiatorProgress, InitiatorSummary,
};
use towline_radio::{BoxFuture, RadioError, Scan, Scanner, Sighting};
use zeroize::Zeroizing;

use crate::driver::{AbortOnDrop, Link, LinkEvent, Outcome, now, outcome, sleep_until, why_over};
use crate::{Connector, Incoming, Target, TransportError};

/// Commands that may wait for the driver.
const COMMANDS: usize = 4;

/// What happens in a session, for a person to see.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComputerEvent {
    /// The radio listens for a phone.
    Listening {
        /// Which radio. A simulated one says so.
        radio: String,
    },
    /// The next step.
    Progress(InitiatorProgress),
    /// The phone lets this computer remember it: store it.
    Linked(Box<LinkedPhone>),
    /// The phone that was rung does not know this computer any more: delete its link, if it is
    /// still this one.
    Unlink {
        /// The key that the phone proves itself with.
        identity: P256PublicKey,
        /// The link that is gone.
        link_id: LinkId,
    },
    /// It is over; the radio and the sockets are released, and nothing follows.
    Finished(Result<InitiatorSummary, TransportError>),
}

/// The events of one session.
pub struct ComputerEvents(mpsc::UnboundedReceiver<ComputerEvent>);

impl ComputerEvents {
    /// The next event; `None` after the last. Cancel-safe. ComputerEvents that nobody reads are
    /// kept; there are few.
    pub async fn next(&mut self) -> Option<ComputerEvent> {
        self.0.recv().await
    }
}

/// One transaction from the computer's side. Dropping it ends it, and releases the radio and the
/// sockets.
pub struct ComputerSession {
    code: watch::Receiver<Code>,
    commands: mpsc::Sender<Command>,
    info: watch::Receiver<Option<Vec<u8>>>,
    done: watch::Receiver<Outcome<InitiatorSummary>>,
    _task: AbortOnDrop,
}

/// The text of the code, as long as it is on show.
type Code = Option<Zeroizing<String>>;

enum Command {
    Transact { request: Request, reply: oneshot::Sender<Result<Vec<u8>, TransportError>> },
    Shutdown,
    Cancel,
}

enum Request {
    Ctap(Vec<u8>),
    Json(Vec<u8>),
}

impl ComputerSession {
    /// Makes a new code and starts to listen.
    ///
    /// # Errors
    /// [`TransportError::Hybrid`], when the cryptography fails. What goes wrong later comes as
    /// [`ComputerEvent::Finished`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn start(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        hint: Hint,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, ComputerEvents), TransportError> {
        // A clock before 1970 is wrong anyhow; the code's age is a hint to the phone and nothing
        // more.
        let unix_time =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let machine = Initiator::new(config, provider, hint, now(), unix_time)?;
        Ok(Self::drive(machine, scanner, connector))
    }

    /// Rings a linked phone and starts to listen. There is no code.
    ///
    /// # Errors
    /// [`TransportError::Hybrid`], when the cryptography fails or a digital credential is hinted
    /// at. What goes wrong later comes as [`ComputerEvent::Finished`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn ring(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        phone: &LinkedPhone,
        hint: Hint,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, ComputerEvents), TransportError> {
        let machine = Initiator::ring(config, provider, phone, hint, now())?;
        Ok(Self::drive(machine, scanner, connector))
    }

    fn drive(
        machine: Initiator,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> (Self, ComputerEvents) {
        let code = machine.qr_uri().map(|uri| Zeroizing::new(uri.to_owned()));
        let (code, code_out) = watch::channel(code);
        let (commands, commands_in) = mpsc::channel(COMMANDS);
        let (events, events_out) = mpsc::unbounded_channel();
        let (info, info_out) = watch::channel(None);
        let (done, done_out) = watch::channel(None);
        let driver = Driver {
            machine,
            scanner,
            connector,
            radio: Radio::Off,
            link: Link::Down,
            closing: JoinSet::new(),
            commands: commands_in,
            events,
            code,
            info,
            done,
            reply: None,
            radio_error: None,
        };
        let task = AbortOnDrop(tokio::spawn(driver.run()).abort_handle());
        (
            Self { code: code_out, commands, info: info_out, done: done_out, _task: task },
            ComputerEvents(events_out),
        )
    }

    /// The text of the code to show; `None` once a phone has authenticated or all is over, when it
    /// is wiped here. It is a secret: whoever reads it and is near can act as the phone. Keep the
    /// copy only while the code is on show.
    #[must_use]
    pub fn qr_uri(&self) -> Option<Zeroizing<String>> {
        self.code.borrow().clone()
    }

    /// Waits until a phone is connected, and gives what it answers to authenticatorGetInfo: CBOR
    /// without a status byte, or nothing for a phone without CTAP.
    ///
    /// # Errors
    /// Why there is no phone.
    pub async fn get_info(&self) -> Result<Vec<u8>, TransportError> {
        let mut info = self.info.clone();
        let ready = match info.wait_for(Option::is_some).await {
            Ok(info) => info.clone(),
            Err(_) => None,
        };
        ready.ok_or_else(|| why_over(&self.done))
    }

    /// Waits until a phone is connected, sends it a CTAP request (a command byte and CBOR), and
    /// gives its response (a status byte and CBOR). One at a time.
    ///
    /// Dropping the future does not call the request back: the protocol can't.
    /// [`cancel`](Self::cancel) does, by ending the session.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn transact(&self, request: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.ask(Request::Ctap(request)).await
    }

    /// As [`transact`](Self::transact), with a digital credential request in JSON, which is not
    /// looked at.
    ///
    /// # Errors
    /// Why there is no response; [`towline_hybrid::Error::NoDigitalCredentials`] for a phone that
    /// does not offer them.
    pub async fn transact_json(&self, request: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.ask(Request::Json(request)).await
    }

    async fn ask(&self, request: Request) -> Result<Vec<u8>, TransportError> {
        self.get_info().await?;
        let (reply, response) = oneshot::channel();
        if self.commands.send(Command::Transact { request, reply }).await.is_err() {
            return Err(self.why_over().await);
        }
        match response.await {
            Ok(response) => response,
            Err(_) => Err(self.why_over().await),
        }
    }

    /// Ends a session that has done its work: tells the phone, and waits until all is closed.
    ///
    /// # Errors
    /// Why the session failed, if it did.
    pub async fn shutdown(self) -> Result<InitiatorSummary, TransportError> {
        self.end(Command::Shutdown).await
    }

    /// Ends the session because the person does not want to go on, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`], or why the session had failed before.
    pub async fn cancel(self) -> Result<InitiatorSummary, TransportError> {
        self.end(Command::Cancel).await
    }

    async fn end(self, command: Command) -> Result<InitiatorSummary, TransportError> {
        // A driver that is gone has left its outcome.
        let _gone = self.commands.send(command).await;
        outcome(self.done.clone()).await
    }

    async fn why_over(&self) -> TransportError {
        match outcome(self.done.clone()).await {
            Ok(_) => TransportError::Over,
            Err(error) => error,
        }
    }
}

/// The radio, as far as it is on.
enum Radio {
    Off,
    Starting(BoxFuture<'static, Result<Box<dyn Scan>, RadioError>>),
    On(Box<dyn Scan>),
}

enum RadioEvent {
    Started(Result<Box<dyn Scan>, RadioError>),
    Heard(Result<Sighting, RadioError>),
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
            Self::On(scan) => RadioEvent::Heard(scan.next().await),
        }
    }
}

struct Driver {
    machine: Initiator,
    scanner: Arc<dyn Scanner>,
    connector: Arc<dyn Connector>,
    radio: Radio,
    link: Link,
    closing: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::UnboundedSender<ComputerEvent>,
    code: watch::Sender<Code>,
    info: watch::Sender<Option<Vec<u8>>>,
    done: watch::Sender<Outcome<InitiatorSummary>>,
    reply: Option<oneshot::Sender<Result<Vec<u8>, TransportError>>>,
    radio_error: Option<RadioError>,
}

impl Driver {
    async fn run(mut self) {
        let result = loop {
            if self.machine.qr_uri().is_none() {
                self.code.send_if_modified(|code| code.take().is_some());
            }
            let mut finished = None;
            while let Some(output) = self.machine.poll_output() {
                if let InitiatorOutput::Finished(result) = output {
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
                event = self.radio.next() => self.heard(event),
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
        if let (Some(reply), Err(error)) = (self.reply.take(), &result) {
            let _nobody_waits = reply.send(Err(error.clone()));
        }
        self.done.send_replace(Some(result.clone()));
        self.tell(ComputerEvent::Finished(result));
    }

    fn perform(&mut self, output: InitiatorOutput) {
        match output {
            InitiatorOutput::StartScanning => {
                let scanner = self.scanner.clone();
                self.radio = Radio::Starting(Box::pin(async move { scanner.scan().await }));
            }
            InitiatorOutput::StopScanning => self.radio = Radio::Off,
            InitiatorOutput::Connect { domain, routing_id, tunnel_id } => {
                let target = Target::Connect { domain, routing_id, tunnel_id };
                self.link = Link::Opening(self.connector.connect(target));
            }
            InitiatorOutput::Contact { domain, contact_id, payload } => {
                let target = Target::Contact { domain, contact_id, payload };
                self.link = Link::Opening(self.connector.connect(target));
            }
            InitiatorOutput::Send(frame) => self.link.send(frame),
            InitiatorOutput::Close => self.link.close(&mut self.closing),
            InitiatorOutput::Progress(progress) => self.tell(ComputerEvent::Progress(progress)),
            InitiatorOutput::Ready { get_info, .. } => {
                self.info.send_replace(Some(get_info));
            }
            InitiatorOutput::Response(response) | InitiatorOutput::JsonResponse(response) => {
                if let Some(reply) = self.reply.take() {
                    let _nobody_waits = reply.send(Ok(response));
                }
            }
            InitiatorOutput::Linked(phone) => self.tell(ComputerEvent::Linked(phone)),
            InitiatorOutput::Unlink { identity, link_id } => {
                self.tell(ComputerEvent::Unlink { identity, link_id });
            }
            _ => {}
        }
    }

    fn heard(&mut self, event: RadioEvent) {
        match event {
            RadioEvent::Started(Ok(scan)) => {
                self.radio = Radio::On(scan);
                self.tell(ComputerEvent::Listening { radio: self.scanner.description() });
            }
            RadioEvent::Heard(Ok(sighting)) => {
                self.machine.handle_advert(&sighting.service_data, now());
            }
            RadioEvent::Started(Err(error)) | RadioEvent::Heard(Err(error)) => {
                self.radio_error = Some(error);
                self.machine.cancel(now());
            }
        }
    }

    fn arrived(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened(Ok(connected)) => {
                self.link = Link::Up(connected.channel);
                // The machine knows which of the two it asked for.
                self.machine.handle_contacted(connected.signal, now());
                self.machine.handle_connected(now());
            }
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
            Some(Command::Transact { request, reply }) => {
                let sent = match request {
                    Request::Ctap(request) => self.machine.send_request(request, now()),
                    Request::Json(request) => self.machine.send_json_request(request, now()),
                };
                match sent {
                    Ok(()) => self.reply = Some(reply),
                    Err(error) => {
                        let _nobody_waits = reply.send(Err(error.into()));
                    }
                }
            }
            Some(Command::Shutdown) => self.machine.shutdown(now()),
            // The session was dropped: this task is about to be ended.
            Some(Command::Cancel) | None => self.machine.cancel(now()),
        }
    }

    fn tell(&self, event: ComputerEvent) {
        let _nobody_listens = self.events.send(event);
    }
}
