//! The computer's session: shows a code, listens, connects, and carries requests to the phone.

use std::sync::Arc;

use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};
use towline_crypto::CryptoProvider;
use towline_hybrid::link::LinkedPhone;
use towline_hybrid::qr::{CircleHint, Hint};
use towline_hybrid::{ComputerEvent, Error, Initiator, InitiatorConfig, InitiatorSummary};
use towline_radio::Scanner;
use zeroize::Zeroizing;

use crate::antenna::Antenna;
use crate::clock::{now, unix_time};
use crate::runner::{Desk, Handle};
use crate::{Connector, Events, TransportError};

/// The events of a [`ComputerSession`]: all but [`ComputerEvent::Ready`], which
/// [`get_info`](ComputerSession::get_info) waits for, and the responses, which go to who asked.
pub type ComputerEvents = Events<ComputerEvent>;

/// One transaction from the computer's side. Dropping it ends it, and releases the radio and the
/// sockets.
pub struct ComputerSession {
    code: watch::Receiver<Code>,
    info: watch::Receiver<Option<Vec<u8>>>,
    handle: Handle<Initiator, ComputerDesk>,
}

/// The text of the code, as long as it is on show.
type Code = Option<Zeroizing<String>>;

struct ComputerDesk {
    events: UnboundedSender<ComputerEvent>,
    code: watch::Sender<Code>,
    info: watch::Sender<Option<Vec<u8>>>,
    /// Who waits for the response to the request that is under way.
    asked: Option<oneshot::Sender<Vec<u8>>>,
}

impl Desk<Initiator> for ComputerDesk {
    type Summary = InitiatorSummary;

    fn look(&mut self, machine: &Initiator) {
        if machine.qr_uri().is_none() {
            self.code.send_if_modified(|code| code.take().is_some());
        }
    }

    fn tell(&mut self, event: ComputerEvent) {
        match event {
            ComputerEvent::Ready { get_info, .. } => {
                self.info.send_replace(Some(get_info));
            }
            ComputerEvent::Response(response) | ComputerEvent::JsonResponse(response) => {
                if let Some(asked) = self.asked.take() {
                    let _nobody_waits = asked.send(response);
                }
            }
            event => {
                let _nobody_listens = self.events.send(event);
            }
        }
    }

    fn outcome(event: &ComputerEvent) -> Option<Result<InitiatorSummary, TransportError>> {
        match event {
            ComputerEvent::Finished(result) => Some(result.clone().map_err(TransportError::from)),
            _ => None,
        }
    }
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
        let machine = Initiator::new(config, provider, hint, now(), unix_time())?;
        Ok(Self::run(machine, scanner, connector))
    }

    /// The same for devices that share passkeys, which send each other [messages](Self::send).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn start_for_circle(
        config: InitiatorConfig,
        provider: &CryptoProvider,
        hint: CircleHint,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, ComputerEvents), TransportError> {
        let machine = Initiator::for_circle(config, provider, hint, now(), unix_time())?;
        Ok(Self::run(machine, scanner, connector))
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
        Ok(Self::run(machine, scanner, connector))
    }

    fn run(
        machine: Initiator,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> (Self, ComputerEvents) {
        let code = machine.qr_uri().map(|uri| Zeroizing::new(uri.to_owned()));
        let (code, code_out) = watch::channel(code);
        let (info, info_out) = watch::channel(None);
        let (events, events_out) = Events::queue();
        let desk = ComputerDesk { events, code, info, asked: None };
        let handle = Handle::spawn(machine, desk, Antenna::Scanner(scanner), connector);
        (Self { code: code_out, info: info_out, handle }, events_out)
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
        let ready = match self.info.clone().wait_for(Option::is_some).await {
            Ok(info) => info.clone(),
            Err(_) => None,
        };
        match ready {
            Some(info) => Ok(info),
            None => Err(self.handle.why_over().await),
        }
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
        self.ask(|computer| computer.handle_request(request, now())).await
    }

    /// As [`transact`](Self::transact), with a digital credential request in JSON, which is not
    /// looked at.
    ///
    /// # Errors
    /// Why there is no response; [`towline_hybrid::Error::NoDigitalCredentials`] for a phone that
    /// does not offer them.
    pub async fn transact_json(&self, request: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.ask(|computer| computer.handle_json_request(request, now())).await
    }

    async fn ask(
        &self,
        request: impl FnOnce(&mut Initiator) -> Result<(), Error> + Send + 'static,
    ) -> Result<Vec<u8>, TransportError> {
        self.get_info().await?;
        let (asked, response) = oneshot::channel();
        let sent = self
            .handle
            .call(move |computer, desk| request(computer).map(|()| desk.asked = Some(asked)));
        sent.await??;
        match response.await {
            Ok(response) => Ok(response),
            Err(_) => Err(self.handle.why_over().await),
        }
    }

    /// Sends a message to the device that scanned the code, in a session
    /// [for a circle](Self::start_for_circle); what that one says comes as
    /// [`ComputerEvent::CircleMessage`].
    ///
    /// # Errors
    /// [`Misuse::NotNow`](towline_hybrid::Misuse::NotNow) before it is connected,
    /// [`Misuse::TooLong`](towline_hybrid::Misuse::TooLong), or why the session is over.
    pub async fn send(&self, message: Vec<u8>) -> Result<(), TransportError> {
        let sent = self.handle.call(|computer, _| computer.handle_circle_message(message, now()));
        Ok(sent.await??)
    }

    /// Ends a session that has done its work: tells the phone, and waits until all is closed.
    ///
    /// # Errors
    /// Why the session failed, if it did.
    pub async fn shutdown(self) -> Result<InitiatorSummary, TransportError> {
        self.handle.tell(|computer, _| computer.handle_shutdown(now()));
        self.handle.outcome().await
    }

    /// Ends the session because the person does not want to go on, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`], or why the session had failed before.
    pub async fn cancel(self) -> Result<InitiatorSummary, TransportError> {
        self.handle.tell(|computer, _| computer.handle_cancel(now()));
        self.handle.outcome().await
    }
}
