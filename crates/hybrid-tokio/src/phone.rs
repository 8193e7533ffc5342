//! The phone's session: asks its person, opens the tunnel, advertises, and hands requests to the
//! authenticator.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use towline_crypto::CryptoProvider;
use towline_hybrid::link::Ring;
use towline_hybrid::qr::QrPayload;
use towline_hybrid::{
    CodeSource, PhoneEvent, QuestionToken, Responder, ResponderAnswer, ResponderConfig,
    ResponderSummary,
};
use towline_radio::Advertiser;

use crate::antenna::Antenna;
use crate::clock::{now, unix_time};
use crate::runner::{Desk, Handle};
use crate::{Connector, Events, TransportError};

/// The events of a [`PhoneSession`], all of them.
pub type PhoneEvents = Events<PhoneEvent>;

/// One transaction from the phone's side. It serves until the computer shuts down, closes or is
/// idle. Dropping it ends it, takes the advert off the air and releases the socket.
pub struct PhoneSession(Handle<Responder, UnboundedSender<PhoneEvent>>);

impl Desk<Responder> for UnboundedSender<PhoneEvent> {
    type Summary = ResponderSummary;

    fn tell(&mut self, event: PhoneEvent) {
        let _nobody_listens = self.send(event);
    }

    fn outcome(event: &PhoneEvent) -> Option<Result<ResponderSummary, TransportError>> {
        match event {
            PhoneEvent::Finished(result) => Some(result.clone().map_err(TransportError::from)),
            _ => None,
        }
    }
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
        let machine = Responder::new(config, provider, payload, source, now(), unix_time())?;
        Ok(Self::run(machine, advertiser, connector))
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
        Self::run(machine, advertiser, connector)
    }

    fn run(
        machine: Responder,
        advertiser: Arc<dyn Advertiser>,
        connector: Arc<dyn Connector>,
    ) -> (Self, PhoneEvents) {
        let (desk, events) = Events::queue();
        let antenna = Antenna::Advertiser(advertiser);
        (Self(Handle::spawn(machine, desk, antenna, connector)), events)
    }

    /// What the person says to [`PhoneEvent::Ask`].
    ///
    /// # Errors
    /// [`Misuse::UnknownToken`](towline_hybrid::Misuse::UnknownToken) when that question is not
    /// open, [`Misuse::WrongAnswer`](towline_hybrid::Misuse::WrongAnswer) to another question's
    /// answer, or why the session is over.
    pub async fn answer(
        &self,
        token: QuestionToken,
        answer: ResponderAnswer,
    ) -> Result<(), TransportError> {
        Ok(self.0.call(move |phone, _| phone.handle_answer(token, answer, now())).await??)
    }

    /// The response to [`PhoneEvent::Request`]: a status byte and CBOR.
    ///
    /// # Errors
    /// [`Misuse::NotNow`](towline_hybrid::Misuse::NotNow) when no request is under way,
    /// [`Misuse::TooLong`](towline_hybrid::Misuse::TooLong), or why the session is over.
    pub async fn respond(&self, response: Vec<u8>) -> Result<(), TransportError> {
        Ok(self.0.call(move |phone, _| phone.handle_response(response, now())).await??)
    }

    /// The response to [`PhoneEvent::JsonRequest`]: JSON.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub async fn respond_json(&self, response: Vec<u8>) -> Result<(), TransportError> {
        Ok(self.0.call(move |phone, _| phone.handle_json_response(response, now())).await??)
    }

    /// Sends a message to the device that showed the code, where
    /// [`ResponderConfig::circle`] is set; what that one says comes as
    /// [`PhoneEvent::CircleMessage`].
    ///
    /// # Errors
    /// [`Misuse::NotNow`](towline_hybrid::Misuse::NotNow) before it is connected,
    /// [`Misuse::TooLong`](towline_hybrid::Misuse::TooLong), or why the session is over.
    pub async fn send(&self, message: Vec<u8>) -> Result<(), TransportError> {
        Ok(self.0.call(|phone, _| phone.handle_circle_message(message, now())).await??)
    }

    /// Ends a session that has served, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`] when it has not served yet or a request is under way,
    /// or why the session had failed before.
    pub async fn shutdown(self) -> Result<ResponderSummary, TransportError> {
        self.0.tell(|phone, _| phone.handle_shutdown(now()));
        self.0.outcome().await
    }

    /// Ends the session because the person does not want to go on, and waits until all is closed.
    ///
    /// # Errors
    /// [`towline_hybrid::Error::Cancelled`], or why the session had failed before.
    pub async fn cancel(self) -> Result<ResponderSummary, TransportError> {
        self.0.tell(|phone, _| phone.handle_cancel(now()));
        self.0.outcome().await
    }
}
