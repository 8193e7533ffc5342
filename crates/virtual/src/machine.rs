//! The authenticator and its person where nobody waits: what would block is done at once, time is
//! what the clock says, and what comes in and out may be meddled with.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use towline_authenticator::{Authenticator, ChannelId, ConfigError, Event};
use towline_client::ChannelError;
use towline_crypto::CryptoProvider;
use towline_ctap::{Command, GetInfo, Request, Status, Transport, hid::KeepaliveStatus};
use towline_device::{Attended, AttendedOutput, Delivery, Pending};

use crate::{
    Clock, Quirk, ScriptedPerson, Witness, builder,
    faults::Fate,
    keys::{Keys, Statements},
    meddle::Meddling,
    shelf::Shelf,
};

/// One authenticator and everything around it.
pub(crate) struct Machine {
    attended: Attended<ScriptedPerson>,
    parts: Pieces,
    clock: Clock,
    said: VecDeque<(ChannelId, Said)>,
    /// The requests under way, where somebody wants to see them beside their responses.
    requests: Vec<(ChannelId, Vec<u8>)>,
    /// How long verification stays locked, as the last request was told.
    locked_for: Option<Duration>,
    /// Whether anybody wants to know what a request waits for.
    pub(crate) tells_status: bool,
    pub(crate) witness: Option<Box<dyn Witness>>,
}

/// What an authenticator is put together from, the first time and after a restart.
pub(crate) struct Pieces {
    pub(crate) shelf: Shelf,
    pub(crate) meddling: Meddling,
    pub(crate) quirks: Box<[Quirk]>,
    pub(crate) attestation: Option<Arc<Statements>>,
}

/// What came out of an authenticator.
pub(crate) enum Said {
    Response(Vec<u8>),
    Status(KeepaliveStatus),
    /// Nothing any more: it is gone.
    Gone,
}

impl Pieces {
    pub(crate) fn assemble(
        &self,
        config: towline_authenticator::Config,
        provider: &CryptoProvider,
    ) -> Result<Authenticator, ConfigError> {
        let keys = Keys::new(
            provider,
            self.shelf.clone(),
            self.meddling.clone(),
            self.attestation.clone(),
        );
        Authenticator::new(config, provider.clone(), self.shelf.clone(), keys)
    }
}

impl Machine {
    pub(crate) fn new(
        authenticator: Authenticator,
        parts: Pieces,
        person: ScriptedPerson,
        clock: Clock,
    ) -> Self {
        let mut machine = Self {
            attended: Attended::new(authenticator, person),
            parts,
            clock,
            said: VecDeque::new(),
            requests: Vec::new(),
            locked_for: None,
            tells_status: false,
            witness: None,
        };
        machine.power_up();
        machine
    }

    /// The power came (again).
    pub(crate) fn power_up(&mut self) {
        self.attended.handle_power_up(self.clock.now());
        self.settle();
    }

    /// Another authenticator of the same kind over what is stored.
    pub(crate) fn another(&self, provider: &CryptoProvider) -> Result<Authenticator, ConfigError> {
        self.parts.assemble(self.config().clone(), provider)
    }

    /// A new authenticator over what is stored, which may have been changed meanwhile.
    pub(crate) fn restart(&mut self, provider: &CryptoProvider) -> Result<(), ConfigError> {
        let fresh = self.another(provider)?;
        self.power_up();
        *self.attended.authenticator() = fresh;
        self.power_up();
        Ok(())
    }

    pub(crate) fn request(&mut self, channel: ChannelId, transport: Transport, request: &[u8]) {
        if let Some(witness) = &mut self.witness {
            witness.request(request);
        }
        let mut request = request.to_vec();
        let in_its_place = self.parts.meddling.request(&mut request);
        self.attended.person().during(&request);
        self.locked_for = None;
        let refusal = || self.refusal(&request).map(|status| vec![status.to_u8()]);
        let in_its_place = in_its_place.or_else(refusal);
        if let Some(response) = in_its_place {
            return self.respond(channel, Some(&request), response);
        }
        if self.is_seen() {
            self.requests.push((channel, request.clone()));
        }
        let (time, now) = (self.clock.unix_time(), self.clock.now());
        self.attended.handle_request(transport, channel, &request, time, now);
        self.settle();
    }

    /// What the authenticator says of itself, as a request that nobody sees on its way; `None`
    /// where somebody does, or the authenticator has to be asked in due form.
    pub(crate) fn info(&mut self, channel: ChannelId, transport: Transport) -> Option<GetInfo> {
        if self.is_seen() || !builder::speaks_ctap2(self.config()) {
            return None;
        }
        self.attended.person().during(&[Command::GetInfo.to_u8()]);
        self.locked_for = None;
        let now = self.clock.now();
        let info = self.attended.authenticator().info_over(transport, channel, now);
        self.settle();
        info
    }

    /// Whether anybody looks at requests and their responses, or changes them.
    fn is_seen(&self) -> bool {
        self.parts.meddling.is_on() || self.witness.is_some() || !self.parts.quirks.is_empty()
    }

    /// What refuses a request before the authenticator sees it: that it speaks U2F alone, or a
    /// quirk.
    fn refusal(&self, request: &[u8]) -> Option<Status> {
        if !builder::speaks_ctap2(self.config()) {
            return Some(Status::InvalidCommand);
        }
        if self.parts.quirks.is_empty() {
            return None;
        }
        let request = Request::decode(request, usize::MAX).ok()?;
        self.parts.quirks.iter().find_map(|quirk| quirk.refusal(&request))
    }

    pub(crate) fn u2f(&mut self, channel: ChannelId, apdu: &[u8]) {
        self.attended.handle_u2f(channel, apdu, self.clock.unix_time(), self.clock.now());
        self.settle();
        // A message is answered at once: nobody is waited for.
        if let Some((_, Said::Response(answer))) =
            self.said.iter_mut().rev().find(|(of, _)| *of == channel)
        {
            self.parts.meddling.message(apdu, answer);
        }
    }

    pub(crate) fn cancel(&mut self, channel: ChannelId) {
        self.attended.handle_cancel(channel, self.clock.now());
        self.settle();
    }

    /// What came out for this channel, if anything did.
    pub(crate) fn take(&mut self, channel: ChannelId) -> Option<Said> {
        let place = self.said.iter().position(|(of, _)| *of == channel)?;
        self.said.remove(place).map(|(_, said)| said)
    }

    /// The response for this channel, if it is there; what came before it is dropped.
    pub(crate) fn take_response(
        &mut self,
        channel: ChannelId,
    ) -> Option<Result<Vec<u8>, ChannelError>> {
        loop {
            match self.take(channel)? {
                Said::Response(bytes) => return Some(Ok(bytes)),
                Said::Gone => return Some(Err(ChannelError::Closed)),
                Said::Status(_) => {}
            }
        }
    }

    /// When something happens by itself.
    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        let person = self.attended.person().poll_timeout();
        [self.attended.poll_timeout(), person].into_iter().flatten().min()
    }

    /// Does what is due, and takes what the person has answered.
    pub(crate) fn settle(&mut self) {
        self.attended.person().handle_timeout();
        let now = self.clock.now();
        while self.attended.poll_timeout().is_some_and(|due| due <= now) {
            self.attended.handle_timeout(now);
            self.drain();
        }
        self.drain();
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(taken) = self.attended.poll_answer(&mut context, now) {
            if taken.is_err() {
                self.attended.person().misfit_last();
            }
            self.drain();
        }
    }

    pub(crate) const fn locked_for(&self) -> Option<Duration> {
        self.locked_for
    }

    pub(crate) const fn config(&self) -> &towline_authenticator::Config {
        self.attended.as_authenticator().config()
    }

    pub(crate) const fn set_backed_up(&mut self, backed_up: bool) {
        self.attended.authenticator().set_backed_up(backed_up);
    }

    fn drain(&mut self) {
        while let Some(output) = self.attended.poll_output() {
            match output {
                AttendedOutput::Work { token, job } => {
                    // There is no other time at which it could come back.
                    self.attended.handle_work(token, Some(job.run()), self.clock.now());
                }
                AttendedOutput::Delivery(delivery) => self.deliver(delivery),
                _ => {}
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Status { channel, status } if self.tells_status => {
                self.said.push_back((channel, Said::Status(status)));
            }
            Delivery::Response { channel, bytes } => {
                let place = self.requests.iter().position(|(of, _)| *of == channel);
                let request = place.map(|place| self.requests.swap_remove(place).1);
                self.respond(channel, request.as_deref(), bytes);
            }
            Delivery::Told(Event::VerificationLocked { wait }) => self.locked_for = wait,
            _ => {}
        }
    }

    fn respond(&mut self, channel: ChannelId, request: Option<&[u8]>, mut bytes: Vec<u8>) {
        self.parts.meddling.put_what_was_signed(&mut bytes);
        let mut fate = Fate::Delivered;
        if let Some(request) = request {
            if !self.parts.quirks.is_empty()
                && let Ok(decoded) = Request::decode(request, usize::MAX)
            {
                self.parts.quirks.iter().for_each(|quirk| quirk.bend(&decoded, &mut bytes));
            }
            fate = self.parts.meddling.response(request, &mut bytes);
        }
        if let (Some(witness), Some(request)) = (&mut self.witness, request)
            && !matches!(fate, Fate::Lost | Fate::Gone)
        {
            witness.response(request, &bytes);
        }
        match fate {
            Fate::Lost => return,
            Fate::Gone => return self.said.push_back((channel, Said::Gone)),
            Fate::Doubled => self.said.push_back((channel, Said::Response(bytes.clone()))),
            Fate::Delivered | Fate::Late => {}
        }
        self.said.push_back((channel, Said::Response(bytes)));
    }
}

/// The answer, if it is there: nobody waits here.
pub(crate) fn ready<A>(pending: &mut Pending<A>) -> Option<Option<A>> {
    match Pin::new(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}
