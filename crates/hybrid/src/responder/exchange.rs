//! What the phone does with frames after the handshake.

use std::time::Instant;

use super::{Responder, ResponderOutput, ResponderProgress, State, misbehaved};
use crate::{
    deadline,
    error::{Fault, Step},
    message::{self, Message},
    session::Session,
};

impl Responder {
    /// Requests put the end of an idle connection off, but not for ever.
    pub(super) fn await_request(&mut self, now: Instant) {
        let idle = deadline::after(now, self.config.idle_timeout);
        self.deadline = self.session_end.map_or(idle, |end| end.min(idle));
    }

    /// A frame after the handshake: `step` is [`Step::Request`], or [`Step::Response`] while a request is under way.
    pub(super) fn message(
        &mut self,
        mut session: Box<Session>,
        frame: Vec<u8>,
        step: Step,
        now: Instant,
    ) {
        let opened = session.open(frame).map_err(Fault::Frame);
        let decoded = opened.and_then(|plain| Message::decode(plain).map_err(Fault::from));
        let answering = step == Step::Response;
        // So that finishing takes an open request's prompts off the screen.
        self.state = if answering { State::Answering(session) } else { State::Serving(session) };
        match decoded {
            Ok(Message::Ctap(request)) if !answering => {
                self.progress(ResponderProgress::Request);
                self.outputs.push_back(ResponderOutput::Request(request));
                self.deadline = deadline::after(now, self.config.response_timeout);
                if let State::Serving(session) = std::mem::replace(&mut self.state, State::Finished)
                {
                    self.state = State::Answering(session);
                }
            }
            Ok(Message::Ctap(_)) => self.finish(Err(misbehaved(Step::Request, Fault::Unsolicited))),
            // Nothing that a computer says in an update has a meaning yet, but it has to be well-formed.
            Ok(Message::Update(update)) => {
                if let Err(error) = message::read_update(&update) {
                    self.finish(Err(misbehaved(Step::Request, error.into())));
                }
            }
            Ok(Message::Shutdown) => self.done(now),
            Ok(Message::Json(_)) => {
                self.finish(Err(misbehaved(Step::Request, Fault::Unsupported)));
            }
            Err(fault) => self.finish(Err(misbehaved(Step::Request, fault))),
        }
    }
}
