//! The phone's side of a transaction: asks its person, opens the tunnel, advertises, shakes hands,
//! serves requests (CTAP 2.3, hybrid transports).

mod exchange;
mod inputs;
mod interface;
mod linking;
mod question;

use std::{collections::VecDeque, time::Instant};

use towline_crypto::CryptoProvider;

use self::linking::Late;
pub use self::{
    interface::{CodeSource, PhoneEvent, ResponderConfig, ResponderProgress, ResponderSummary},
    question::{ConnectQuestion, QuestionToken, ResponderAnswer, ResponderQuestion},
};
use crate::{
    deadline,
    eid::{Eid, EidKey},
    error::{Error, Misuse, Party, PeerFault, Step},
    frame,
    ids::RoutingId,
    link::Ring,
    machine::{Effect, Target},
    message::{Features, Kind, PostHandshake},
    noise::{self, ResponderKey},
    qr::{ChannelKind, QrPayload},
    secrets::Psk,
    session::Session,
};

/// The phone's side of one transaction, from the scanned code, or the ring, to the last byte.
///
/// It is a [`Machine`](crate::Machine), which states what its driver has to keep to.
///
/// ```text
/// Asking ──yes──▶ Opening ──routing id──▶ Advertising ──message 1──▶ Serving ⇄ Answering ──▶ Finished
///                                                                        └──▶ Lingering ────────▲
/// ```
///
/// The person is asked before anything is sent. The one handshake message decides: a wrong one ends
/// the transaction. The advert is stopped when the computer has authenticated, and on every other
/// way out. Then the phone serves one request after the other until the computer shuts down,
/// closes, or is idle for too long.
///
/// Whether the computer may remember this phone is part of the question before the connection. A
/// person who wants to decide [later](ResponderAnswer::ConnectAndAskLater) is asked again when the
/// first request is answered, and the phone lingers for the answer when the computer is done
/// meanwhile.
///
/// A computer that [rings](Self::answer_ring) was allowed to earlier: it is answered without a
/// question, unless [`ResponderConfig::ask_when_rung`] is set.
pub struct Responder {
    config: ResponderConfig,
    provider: CryptoProvider,
    state: State,
    deadline: Instant,
    /// When no further request is taken; known once the computer has authenticated.
    session_end: Option<Instant>,
    advertising: bool,
    connection: bool,
    /// What is needed to let the computer remember this phone, as long as that is not decided.
    late: Option<Late>,
    summary: ResponderSummary,
    outputs: VecDeque<Effect<PhoneEvent>>,
}

/// There is no handshake without an advert, and no session without a handshake: the types say so.
enum State {
    Asking(Box<Call>, QuestionToken),
    Opening(Box<Consent>),
    Advertising(Box<Consent>, Psk),
    Serving(Box<Session>),
    Answering(Box<Session>, Kind),
    /// The computer is done, and the person has not decided yet whether it may remember this phone.
    Lingering(Box<Session>),
    Finished,
}

/// What a computer asks to connect with.
enum Call {
    Code(QrPayload),
    Ring(Ring),
}

/// A computer that the person agreed to connect to, now or when it was linked.
struct Consent {
    call: Call,
    remember: Remember,
}

/// Whether the computer may remember this phone, where both can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remember {
    Yes,
    No,
    Later,
}

impl Responder {
    /// Starts with a scanned code, and asks the person. `unix_time` is the wall clock in seconds;
    /// it only goes into the question, for the person to read how old the code is.
    ///
    /// # Errors
    /// [`Error::LinkNotAllowed`] for [`CodeSource::Link`] unless the configuration allows it,
    /// [`Error::UnknownTunnelDomain`] when the computer can't know the configured tunnel service,
    /// [`Error::NoCommonChannel`] when it does not use tunnels at all, [`Error::OnlyForCircles`]
    /// and [`Error::NotForCircles`] when the code is for something else than the configuration.
    pub fn new(
        config: ResponderConfig,
        provider: &CryptoProvider,
        payload: QrPayload,
        source: CodeSource,
        now: Instant,
        unix_time: u64,
    ) -> Result<Self, Error> {
        if source == CodeSource::Link && !config.allow_links {
            return Err(Error::LinkNotAllowed);
        }
        match payload.circle_hint() {
            Some(_) if !config.circle => return Err(Error::OnlyForCircles),
            None if config.circle => return Err(Error::NotForCircles),
            _ => {}
        }
        if !payload.data_channels().contains(&ChannelKind::WebSocket) {
            return Err(Error::NoCommonChannel);
        }
        if !payload.knows(config.domain) {
            return Err(Error::UnknownTunnelDomain);
        }
        let question = ConnectQuestion {
            hint: payload.request_hint(),
            source,
            made_at: payload.timestamp,
            may_remember: payload.linking == Some(true) && config.link_offer.is_some(),
            asked_at: Some(unix_time),
        };
        Ok(Self::asking(config, provider, Call::Code(payload), question, now))
    }

    fn asking(
        config: ResponderConfig,
        provider: &CryptoProvider,
        call: Call,
        question: ConnectQuestion,
        now: Instant,
    ) -> Self {
        let token = QuestionToken::unique();
        Self {
            provider: provider.clone(),
            state: State::Asking(Box::new(call), token),
            deadline: deadline::after(now, config.consent_timeout),
            config,
            session_end: None,
            advertising: false,
            connection: false,
            late: None,
            summary: ResponderSummary::default(),
            outputs: [Effect::Tell(PhoneEvent::Ask {
                token,
                question: ResponderQuestion::Connect(question),
            })]
            .into(),
        }
    }

    /// Whether [`PhoneEvent::Finished`] was given out or waits to be polled.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// What the person says to [`PhoneEvent::Ask`].
    ///
    /// # Errors
    /// [`Misuse::UnknownToken`] when the question is not open (any more), [`Misuse::WrongAnswer`]
    /// when it is another one; nothing changes then.
    pub fn handle_answer(
        &mut self,
        token: QuestionToken,
        answer: ResponderAnswer,
        now: Instant,
    ) -> Result<(), Misuse> {
        if !matches!(&self.state, State::Asking(_, asked) if *asked == token) {
            return self.remember(token, answer);
        }
        let remember = match answer {
            ResponderAnswer::Connect { remember: true } => Remember::Yes,
            ResponderAnswer::Connect { remember: false } => Remember::No,
            ResponderAnswer::ConnectAndAskLater => Remember::Later,
            ResponderAnswer::Decline => {
                // Answered, so that there is nothing to take off the screen.
                self.state = State::Finished;
                self.finish(Err(Error::Declined));
                return Ok(());
            }
            _ => return Err(Misuse::WrongAnswer),
        };
        if let State::Asking(call, _) = std::mem::replace(&mut self.state, State::Finished) {
            self.open(Consent { call: *call, remember }, now);
        }
        Ok(())
    }

    /// The response to [`PhoneEvent::Request`]: a status byte and CBOR.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] when no such request is under way (any more), [`Misuse::TooLong`] for
    /// more than [`MAX_MESSAGE`](crate::MAX_MESSAGE) with the type byte; the request is still under
    /// way then.
    pub fn handle_response(&mut self, response: Vec<u8>, now: Instant) -> Result<(), Misuse> {
        self.respond(Kind::Ctap, response, now)
    }

    /// The response to [`PhoneEvent::JsonRequest`]: JSON, which is not looked at.
    ///
    /// # Errors
    /// As [`handle_response`](Self::handle_response).
    pub fn handle_json_response(&mut self, response: Vec<u8>, now: Instant) -> Result<(), Misuse> {
        self.respond(Kind::Json, response, now)
    }

    fn respond(&mut self, kind: Kind, response: Vec<u8>, now: Instant) -> Result<(), Misuse> {
        let session = match &mut self.state {
            State::Answering(session, asked) if *asked == kind => session,
            _ => return Err(Misuse::NotNow),
        };
        let frame = session.seal(kind.message(response).encode()).map_err(|error| {
            if error == frame::Error::TooLong { Misuse::TooLong } else { Misuse::NotNow }
        })?;
        self.outputs.push_back(Effect::Send(frame));
        self.summary.requests = self.summary.requests.saturating_add(1);
        self.progress(ResponderProgress::Answered);
        self.await_request(now);
        if let State::Answering(session, _) = std::mem::replace(&mut self.state, State::Finished) {
            self.state = State::Serving(session);
        }
        self.ask_late();
        if self.config.one_request {
            self.done(now);
        }
        Ok(())
    }

    /// The embedding program has served enough: closes a connection that waits for requests; before
    /// that, or while a request is under way, this is [`handle_cancel`](Self::handle_cancel).
    pub fn handle_shutdown(&mut self, now: Instant) {
        match self.state {
            State::Lingering(_) => self.finish(Ok(self.summary)),
            State::Serving(_) if self.summary.requests > 0 => self.finish(Ok(self.summary)),
            _ => self.handle_cancel(now),
        }
    }

    /// The person does not want to go on: ends everything at once.
    pub fn handle_cancel(&mut self, _now: Instant) {
        if !self.is_finished() {
            self.finish(Err(Error::Cancelled));
        }
    }

    fn open(&mut self, consent: Consent, now: Instant) {
        let domain = self.config.domain;
        let target = match &consent.call {
            Call::Code(payload) => payload
                .secret
                .tunnel_id(&self.provider)
                .map(|tunnel_id| Target::New { domain, tunnel_id }),
            Call::Ring(Ring { routing_id, tunnel_id, .. }) => {
                Ok(Target::Connect { domain, routing_id: *routing_id, tunnel_id: *tunnel_id })
            }
        };
        match target {
            Ok(target) => {
                self.progress(ResponderProgress::Connecting);
                self.outputs.push_back(Effect::Connect(target));
                self.connection = true;
                self.deadline = deadline::after(now, self.config.connect_timeout);
                self.state = State::Opening(Box::new(consent));
            }
            Err(error) => self.finish(Err(error.into())),
        }
    }

    fn advertise(
        &mut self,
        consent: Box<Consent>,
        routing_id: RoutingId,
        now: Instant,
    ) -> Result<(), towline_crypto::Error> {
        let provider = &self.provider;
        let (eid, key, psk) = match &consent.call {
            Call::Code(QrPayload { secret, .. }) => {
                let nonce = provider.random.bytes()?;
                let eid = Eid::qr(nonce, routing_id, self.config.domain);
                let psk = Psk::qr(provider, secret, &eid)?;
                (eid, EidKey::qr(provider, secret)?, psk)
            }
            Call::Ring(Ring { secret, payload, .. }) => {
                let eid = Eid::linked(&*provider.random)?;
                let psk = Psk::linked(provider, secret, &eid)?;
                (eid, EidKey::linked(provider, secret, &payload.nonce)?, psk)
            }
        };
        let advert = key.prepare(provider).seal(&eid);
        self.outputs.push_back(Effect::Advertise(advert));
        self.advertising = true;
        self.progress(ResponderProgress::Advertising);
        self.deadline = deadline::after(now, self.config.advertise_timeout);
        self.state = State::Advertising(consent, psk);
        Ok(())
    }

    /// Message 1 in; message 2, the first message and, after a code, the update out.
    fn handshake(
        &mut self,
        consent: &Consent,
        psk: &Psk,
        message1: &[u8],
        now: Instant,
    ) -> Result<(), Error> {
        let key = match &consent.call {
            Call::Code(payload) => ResponderKey::Qr(&payload.public_key),
            Call::Ring(ring) => ResponderKey::Linked(&ring.identity),
        };
        let answer = noise::respond(&self.provider, psk, key, message1);
        let (message2, established) = answer.map_err(|error| match error {
            noise::Error::Crypto(error) => Error::Crypto(error),
            error => misbehaved(Step::Message1, PeerFault::Handshake(error)),
        })?;
        self.stop_advertising();
        let mut session = Session::of_phone(&self.provider, &established);
        let get_info = std::mem::take(&mut self.config.get_info);
        let dc = self.config.digital_credentials;
        let (get_info, features) = if self.config.circle {
            (None, Features::CIRCLE)
        } else {
            (Some(get_info), Features { digital_credentials: dc, ..Features::CTAP })
        };
        let info = PostHandshake { get_info, features, linking: None };
        let info = session.seal(info.encode()).map_err(|_| Misuse::TooLong)?;
        self.outputs.extend([message2.to_vec(), info].map(Effect::Send));
        if let Call::Code(payload) = &consent.call {
            self.first_update(&mut session, payload, consent.remember)?;
        }
        self.progress(ResponderProgress::Connected);
        self.session_end = Some(deadline::after(now, self.config.session_timeout));
        self.await_request(now);
        self.state = State::Serving(Box::new(session));
        Ok(())
    }

    /// What would be the next message on the connection, if there is one.
    const fn step_on_connection(&self) -> Option<Step> {
        match self.state {
            State::Asking(..) | State::Finished => None,
            State::Opening(_) => Some(Step::Tunnel),
            State::Advertising(..) => Some(Step::Message1),
            State::Serving(_) => Some(Step::Request),
            State::Answering(..) => Some(Step::Answer),
            State::Lingering(_) => Some(Step::Shutdown),
        }
    }

    fn finish(&mut self, result: Result<ResponderSummary, Error>) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Asking(_, token) => self.tell(PhoneEvent::Withdraw { token }),
            State::Answering(..) => self.tell(PhoneEvent::CancelRequest),
            _ => {}
        }
        if let Some(Late { asked: Some(token), .. }) = self.late.take() {
            self.tell(PhoneEvent::Withdraw { token });
        }
        self.stop_advertising();
        if std::mem::take(&mut self.connection) {
            self.outputs.push_back(Effect::Close);
        }
        match &result {
            Ok(_) => tracing::debug!("finished"),
            Err(error) => tracing::debug!(%error, "failed"),
        }
        self.tell(PhoneEvent::Finished(result));
    }

    fn stop_advertising(&mut self) {
        if std::mem::take(&mut self.advertising) {
            self.outputs.push_back(Effect::StopRadio);
        }
    }

    fn progress(&mut self, progress: ResponderProgress) {
        self.tell(PhoneEvent::Progress(progress));
    }

    fn tell(&mut self, event: PhoneEvent) {
        self.outputs.push_back(Effect::Tell(event));
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({:?})", self.step_on_connection())
    }
}

/// The phone's peer is always the computer.
const fn misbehaved(step: Step, fault: PeerFault) -> Error {
    Error::Misbehaved { by: Party::Computer, step, fault }
}
