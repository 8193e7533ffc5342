//! What the phone does with frames after the handshake.

use std::time::Instant;

use super::{PhoneEvent, Responder, ResponderProgress, State, misbehaved};
use crate::{
    deadline,
    error::{Misuse, PeerFault, Step},
    machine::Effect,
    message::{self, Kind, Message},
    session::Session,
};

impl Responder {
    /// Requests put the end of an idle connection off, but not for ever.
    pub(super) fn await_request(&mut self, now: Instant) {
        let idle = deadline::after(now, self.config.idle_timeout);
        self.deadline = self.session_end.map_or(idle, |end| end.min(idle));
    }

    /// A frame after the handshake: `answering` says which request is under way, if one is.
    pub(super) fn message(
        &mut self,
        mut session: Box<Session>,
        frame: Vec<u8>,
        answering: Option<Kind>,
        now: Instant,
    ) {
        let opened = session.open(frame).map_err(PeerFault::Frame);
        let decoded = opened.and_then(|plain| Message::decode(plain).map_err(PeerFault::from));
        let (kind, request) = match decoded {
            Ok(Message::Circle(message)) if self.config.circle => {
                self.tell(PhoneEvent::CircleMessage(message));
                self.await_request(now);
                self.state = State::Serving(session);
                return;
            }
            Ok(Message::Ctap(request)) if answering.is_none() && !self.config.circle => {
                (Kind::Ctap, PhoneEvent::Request(request))
            }
            Ok(Message::Json(request))
                if answering.is_none() && self.config.digital_credentials =>
            {
                (Kind::Json, PhoneEvent::JsonRequest(request))
            }
            other => {
                // So that finishing takes an open request's prompts off the screen.
                self.state = match answering {
                    Some(kind) => State::Answering(session, kind),
                    None => State::Serving(session),
                };
                return self.no_request(other, now);
            }
        };
        self.progress(ResponderProgress::Request);
        self.tell(request);
        self.deadline = deadline::after(now, self.config.response_timeout);
        self.state = State::Answering(session, kind);
    }

    /// A message to send to a device that shares passkeys, at any time and however often.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] without a connection for it, [`Misuse::TooLong`] for more than
    /// [`MAX_MESSAGE`](crate::MAX_MESSAGE) with the type byte. The connection stays as it is.
    pub fn handle_circle_message(&mut self, message: Vec<u8>, now: Instant) -> Result<(), Misuse> {
        let State::Serving(session) = &mut self.state else { return Err(Misuse::NotNow) };
        if !self.config.circle {
            return Err(Misuse::NotNow);
        }
        let frame = session.seal_circle(message)?;
        self.outputs.push_back(Effect::Send(frame));
        self.summary.requests = self.summary.requests.saturating_add(1);
        self.await_request(now);
        Ok(())
    }

    /// A message that asks for nothing, or must not.
    fn no_request(&mut self, decoded: Result<Message, PeerFault>, now: Instant) {
        match decoded {
            // Nothing that a computer says in an update has a meaning yet, but it has to be
            // well-formed.
            Ok(Message::Update(update)) => {
                if let Err(error) = message::read_update(&update) {
                    self.finish(Err(misbehaved(Step::Request, error.into())));
                }
            }
            Ok(Message::Shutdown) => self.done(now),
            Ok(Message::Circle(_)) => {
                self.finish(Err(misbehaved(Step::Request, PeerFault::Unsupported)));
            }
            Ok(Message::Ctap(_)) if self.config.circle => {
                self.finish(Err(misbehaved(Step::Request, PeerFault::Unsupported)));
            }
            Ok(Message::Json(_)) if !self.config.digital_credentials => {
                self.finish(Err(misbehaved(Step::Request, PeerFault::Unsupported)));
            }
            Ok(Message::Ctap(_) | Message::Json(_)) => {
                self.finish(Err(misbehaved(Step::Request, PeerFault::Unsolicited)));
            }
            Err(fault) => self.finish(Err(misbehaved(Step::Request, fault))),
        }
    }
}
