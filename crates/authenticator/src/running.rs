//! The ceremony under way: what it waits for, and how it goes on, or ends.

use std::time::Instant;

use towline_ctap::{Response, Status};

use crate::{
    Authenticator, ChannelId, KeepAliveStatus, Output, Token, UnknownJob,
    flow::{Flow, Next},
    person::{Asked, Then},
    u2f,
};

/// The ceremony under way.
pub(crate) struct Running {
    pub(crate) channel: ChannelId,
    pub(crate) waiting: Waiting,
    /// When the question, or the job, has taken too long.
    pub(crate) deadline: Option<Instant>,
    pub(crate) keepalive: Option<Instant>,
}

pub(crate) enum Waiting {
    ForAnswer { token: Token, then: Then },
    ForJob { token: Token, interruptible: bool },
}

impl Waiting {
    const fn status(&self) -> KeepAliveStatus {
        match self {
            Self::ForAnswer { .. } => KeepAliveStatus::UpNeeded,
            Self::ForJob { .. } => KeepAliveStatus::Processing,
        }
    }
}

impl Authenticator {
    /// Goes to what the ceremony wants next, or ends it.
    pub(crate) fn go_on(&mut self, channel: ChannelId, flow: Flow) {
        let (waiting, patience) = match flow {
            Ok(Next::Respond(bytes)) => return self.respond(channel, bytes),
            Err(status) => {
                tracing::debug!(status = status.name(), "refused");
                let response = match self.core.u2f {
                    true => u2f::failure(status),
                    false => Response::status_only(status),
                };
                return self.respond(channel, response);
            }
            Ok(Next::Ask(Asked { question, patience, then })) => {
                let token = self.token();
                let most = self.core.config.user_action_timeout;
                let patience = patience.map_or(most, |asked| asked.min(most));
                self.flush_events();
                self.outputs.push_back(Output::Ask { token, question });
                (Waiting::ForAnswer { token, then }, patience)
            }
            Ok(Next::Work { job, interruptible }) => {
                let token = self.token();
                self.flush_events();
                self.outputs.push_back(Output::Work { token, job });
                (Waiting::ForJob { token, interruptible }, self.core.config.work_timeout)
            }
        };
        let deadline = self.core.after(patience);
        self.running = Some(Running { channel, waiting, deadline, keepalive: None });
        self.keep_alive();
    }

    /// Tells the client at once what is waited for, and then again and again.
    pub(crate) fn keep_alive(&mut self) {
        // Clients of U2F expect no keepalives.
        let Some(interval) = self.core.config.keepalive.filter(|_| !self.core.u2f) else { return };
        let next = self.core.after(interval);
        let Some(running) = &mut self.running else { return };
        running.keepalive = next;
        let (channel, status) = (running.channel, running.waiting.status());
        self.outputs.push_back(Output::KeepAlive { channel, status });
    }

    /// The question or the job has taken too long.
    pub(crate) fn expire(&mut self) {
        let Some(Running { channel, waiting, .. }) = self.running.take() else { return };
        let flow = match waiting {
            Waiting::ForAnswer { token, then } => {
                self.outputs.push_back(Output::Withdraw { token });
                then.expire(&mut self.core)
            }
            Waiting::ForJob { token, .. } => {
                self.abandoned.push(token);
                Err(Status::Other)
            }
        };
        self.go_on(channel, flow);
    }

    /// Ends what is under way; a save only if `forced`.
    pub(crate) fn abort(&mut self, forced: bool) {
        if let Some(Running { waiting: Waiting::ForJob { interruptible: false, .. }, .. }) =
            &self.running
            && !forced
        {
            return;
        }
        let Some(Running { channel, waiting, .. }) = self.running.take() else { return };
        match waiting {
            Waiting::ForAnswer { token, .. } => self.outputs.push_back(Output::Withdraw { token }),
            Waiting::ForJob { token, .. } => self.abandoned.push(token),
        }
        self.go_on(channel, Err(Status::KeepaliveCancel));
    }

    /// Whose job it is; `None` if its ceremony is over.
    pub(crate) fn take_job(&mut self, token: Token) -> Result<Option<ChannelId>, UnknownJob> {
        match &self.running {
            Some(Running { channel, waiting: Waiting::ForJob { token: awaited, .. }, .. })
                if *awaited == token =>
            {
                let channel = *channel;
                self.running = None;
                Ok(Some(channel))
            }
            _ => {
                let place = self.abandoned.iter().position(|abandoned| *abandoned == token);
                self.abandoned.swap_remove(place.ok_or(UnknownJob)?);
                Ok(None)
            }
        }
    }

    /// Opens, or takes away, the question for the touch that U2F wants: beside the requests, and after their responses.
    pub(crate) fn settle_touch(&mut self) {
        let withdrawn = self.core.withdrawn.drain(..).map(|token| Output::Withdraw { token });
        self.outputs.extend(withdrawn);
        if self.running.is_some() {
            return;
        }
        let last = &mut self.last_token;
        let token = || {
            *last = last.wrapping_add(1);
            Token(*last)
        };
        self.outputs.extend(self.core.touch.ask(token, self.core.now));
    }

    pub(crate) fn respond(&mut self, channel: ChannelId, bytes: Vec<u8>) {
        self.flush_events();
        self.outputs.push_back(Output::Response { channel, bytes });
    }

    pub(crate) fn flush_events(&mut self) {
        self.outputs.extend(self.core.events.drain(..).map(Output::Event));
    }

    pub(crate) const fn token(&mut self) -> Token {
        self.last_token = self.last_token.wrapping_add(1);
        Token(self.last_token)
    }
}
