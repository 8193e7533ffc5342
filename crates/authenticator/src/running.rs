//! The ceremony under way: what it waits for, and how it goes on, or ends.

use std::time::{Duration, Instant};

use towline_ctap::{Response, Status, hid::KeepaliveStatus};

use crate::{
    Authenticator, ChannelId, Job, Output, Token, UnknownJob,
    dispatch::dispatch,
    flow::{Effect, Flow, Next},
    forget,
    person::{Asked, Then},
    u2f,
};

/// The ceremony under way.
pub(crate) struct Running {
    pub(crate) channel: ChannelId,
    pub(crate) waiting: Waiting,
    /// When the question, or the job, has taken too long.
    pub(crate) deadline: Option<Instant>,
}

pub(crate) enum Waiting {
    /// For the person.
    Answer { token: Token, then: Then },
    /// For a store or a key.
    Job { token: Token, effect: Effect },
    /// For the write of a request before it, whose ceremony is over.
    Turn { dialect: Dialect, request: Vec<u8> },
}

/// What a request is written in.
#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    /// CTAP2: the command byte, then its parameters.
    Ctap,
    /// U2F: an APDU.
    U2f,
}

/// Whose job it is that has reported.
pub(crate) enum Owner {
    /// The ceremony of this channel, which waits for it.
    Waits(ChannelId, Effect),
    /// Nobody any more, but it has written.
    Late,
    /// Nobody any more, and it has changed nothing.
    Nobody,
}

impl Waiting {
    const fn status(&self) -> KeepaliveStatus {
        match self {
            Self::Answer { .. } => KeepaliveStatus::UpNeeded,
            Self::Job { .. } | Self::Turn { .. } => KeepaliveStatus::Processing,
        }
    }
}

impl Authenticator {
    /// Goes to what the ceremony wants next, or ends it.
    pub(crate) fn go_on(&mut self, channel: ChannelId, flow: Flow) {
        let (waiting, patience) = match flow {
            Ok(Next::Respond(bytes)) => {
                self.respond(channel, bytes);
                return self.clean_up();
            }
            Err(status) => {
                tracing::debug!(status = status.name(), "refused");
                let response = match self.core.u2f {
                    true => u2f::failure(status),
                    false => Response::status_only(status),
                };
                self.respond(channel, response);
                return self.clean_up();
            }
            Ok(Next::Ask(Asked { question, patience, then })) => {
                let token = Token::unique();
                let most = self.core.config.timing.user_action_timeout;
                let patience = patience.map_or(most, |asked| asked.min(most));
                self.flush_events();
                self.outputs.push_back(Output::Ask { token, question });
                (Waiting::Answer { token, then }, patience)
            }
            Ok(Next::Work { job, effect }) => {
                let token = self.hand_out(job);
                (Waiting::Job { token, effect }, self.core.config.timing.work_timeout)
            }
        };
        self.wait(channel, waiting, patience);
    }

    /// After a request: what was only for that goes.
    fn clean_up(&mut self) {
        self.core.lock_keys_without_token();
        self.forget_keys();
    }

    fn hand_out(&mut self, job: Job) -> Token {
        let token = job.token();
        self.flush_events();
        self.outputs.push_back(Output::Work { token, job });
        token
    }

    fn wait(&mut self, channel: ChannelId, waiting: Waiting, patience: Duration) {
        let deadline = self.core.now.after(patience);
        // Clients of U2F expect no keepalives.
        if !self.core.u2f {
            self.outputs.push_back(Output::Status { channel, status: waiting.status() });
        }
        self.running = Some(Running { channel, waiting, deadline });
    }

    /// Begins a request, or lets it wait until what an earlier one writes has landed: a write that
    /// came after a later one would undo it. It does not wait longer than for a job of its own.
    pub(crate) fn take(&mut self, channel: ChannelId, dialect: Dialect, request: &[u8]) {
        if self.late.is_some() {
            let patience = self.core.config.timing.work_timeout;
            let request = request.to_vec();
            return self.wait(channel, Waiting::Turn { dialect, request }, patience);
        }
        self.core.lock_keys_without_token();
        let flow = match dialect {
            Dialect::Ctap => dispatch(&mut self.core, request),
            Dialect::U2f => u2f::dispatch(&mut self.core, request),
        };
        self.go_on(channel, flow);
        self.settle_touch();
    }

    /// A write whose ceremony is over has landed, or was lost, or goes on with another write:
    /// whatever it leaves is for nobody.
    pub(crate) fn late_one_is_done(&mut self, flow: Flow) {
        // The token may be over since.
        self.core.lock_keys_without_token();
        self.flush_events();
        match flow {
            Ok(Next::Work { job, effect }) if effect.writes => {
                self.late = Some(self.hand_out(job));
            }
            _ => {
                self.forget_keys();
                if self.late.is_some() {
                    return;
                }
                let next = self.running.take_if(|it| matches!(it.waiting, Waiting::Turn { .. }));
                if let Some(Running {
                    channel, waiting: Waiting::Turn { dialect, request }, ..
                }) = next
                {
                    self.take(channel, dialect, &request);
                }
            }
        }
    }

    /// Deletes keys that are of no use any more, between requests.
    pub(crate) fn forget_keys(&mut self) {
        let turn = self.running.as_ref().map(|running| &running.waiting);
        if self.late.is_some() || !matches!(turn, None | Some(Waiting::Turn { .. })) {
            return;
        }
        if let Some(Ok(Next::Work { job, .. })) = forget::go_on(&mut self.core) {
            self.late = Some(self.hand_out(job));
        }
    }

    /// The question or the job has taken too long.
    pub(crate) fn expire(&mut self) {
        let Some(Running { channel, waiting, .. }) = self.running.take() else { return };
        let flow = match waiting {
            Waiting::Answer { token, then } => {
                self.outputs.push_back(Output::Withdraw { token });
                then.expire(&mut self.core)
            }
            Waiting::Job { token, effect } => {
                self.give_up(token, effect);
                Err(Status::Other)
            }
            Waiting::Turn { .. } => Err(Status::Other),
        };
        self.go_on(channel, flow);
    }

    /// Ends what is under way; a save only if `forced`.
    pub(crate) fn abort(&mut self, forced: bool) {
        let held = self.running.as_ref().is_some_and(
            |running| matches!(running.waiting, Waiting::Job { effect, .. } if !effect.cancellable),
        );
        if held && !forced {
            return;
        }
        let Some(Running { channel, waiting, .. }) = self.running.take() else { return };
        match waiting {
            Waiting::Answer { token, .. } => self.outputs.push_back(Output::Withdraw { token }),
            Waiting::Job { token, effect } => self.give_up(token, effect),
            Waiting::Turn { .. } => {}
        }
        self.go_on(channel, Err(Status::KeepaliveCancel));
    }

    /// Nobody waits for this job any more.
    fn give_up(&mut self, token: Token, effect: Effect) {
        if effect.writes {
            self.late = Some(token);
        } else {
            self.abandoned.push(token);
        }
    }

    /// Whose job it is. From now on it is under way no more.
    pub(crate) fn take_job(&mut self, token: Token) -> Result<Owner, UnknownJob> {
        if let Some(Running { channel, waiting: Waiting::Job { token: awaited, effect }, .. }) =
            &self.running
            && *awaited == token
        {
            let owner = Owner::Waits(*channel, *effect);
            self.running = None;
            return Ok(owner);
        }
        if self.late.take_if(|late| *late == token).is_some() {
            return Ok(Owner::Late);
        }
        let place = self.abandoned.iter().position(|abandoned| *abandoned == token);
        self.abandoned.swap_remove(place.ok_or(UnknownJob)?);
        Ok(Owner::Nobody)
    }

    /// Opens, or takes away, the question for the touch that U2F wants: beside the requests, and
    /// after their responses.
    pub(crate) fn settle_touch(&mut self) {
        for token in self.core.withdrawn.drain(..) {
            self.outputs.push_back(Output::Withdraw { token });
        }
        if self.running.is_some() {
            return;
        }
        if let Some((token, question)) = self.core.touch.ask(self.core.now) {
            self.outputs.push_back(Output::Ask { token, question });
        }
    }

    pub(crate) fn respond(&mut self, channel: ChannelId, bytes: Vec<u8>) {
        self.flush_events();
        self.outputs.push_back(Output::Response { channel, bytes });
    }

    pub(crate) fn flush_events(&mut self) {
        for event in self.core.events.drain(..) {
            self.outputs.push_back(Output::Event(event));
        }
    }
}
