//! The actor.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use towline_authenticator::{Answer, Authenticator, ChannelId, Job, JobDone, Output, Token};
use towline_ctap::{Command, Status, Transport, hid::KeepaliveStatus};

use crate::{
    Ask, Pending, Person,
    clock::{at, now, unix_time},
};

/// An authenticator, the person in front of it, its slow work and its clock.
///
/// Requests go in at any time, of any channel; [`next`](Self::next) drives everything and says what
/// came out. Nothing happens while nobody awaits it. It needs tokio with time.
pub struct Device<P = Box<dyn Person>> {
    authenticator: Authenticator,
    person: P,
    /// The questions that are open: one, or two while a touch for U2F is waited for.
    open: Vec<(Token, Pending<Answer>)>,
    /// Work that runs, also after the request that wanted it is gone: its result still has to be
    /// handed back.
    jobs: Vec<(Token, JoinHandle<JobDone>)>,
    /// Work that is to be begun.
    work: Vec<(Token, Job)>,
    deliveries: VecDeque<Delivery>,
}

/// What comes out of a [`Device`].
#[non_exhaustive]
pub enum Delivery {
    /// The person was asked something. It comes before any answer counts.
    Asked,
    /// The response to a request: exactly one for each.
    Response {
        /// Whose request it was.
        channel: ChannelId,
        /// The status byte, then for some commands one CBOR map; for U2F data and a status word.
        bytes: Vec<u8>,
    },
    /// The request is under way, and waits for this.
    Status {
        /// Whose request it is.
        channel: ChannelId,
        /// What it waits for.
        status: KeepaliveStatus,
    },
}

enum Happened {
    Answered(Token, Option<Answer>),
    Done(Token, Result<JobDone, JoinError>),
    Time,
}

impl<P: Person> Device<P> {
    /// Puts a person in front of an authenticator.
    #[must_use]
    pub const fn new(authenticator: Authenticator, person: P) -> Self {
        Self {
            authenticator,
            person,
            open: Vec::new(),
            jobs: Vec::new(),
            work: Vec::new(),
            deliveries: VecDeque::new(),
        }
    }

    /// The power came (again): what was under way is over, without a response.
    pub fn power_up(&mut self) {
        self.authenticator.handle_power_up(now());
    }

    /// Takes a CTAP request: a command byte, then its parameters. While another is under way, the
    /// response is `CTAP1_ERR_CHANNEL_BUSY`.
    pub fn request(&mut self, transport: Transport, channel: ChannelId, request: &[u8]) {
        self.authenticator.handle_unix_time(unix_time());
        self.authenticator.handle_request_over(transport, channel, request, now());
    }

    /// Takes a request of CTAP1/U2F: an APDU.
    pub fn u2f(&mut self, channel: ChannelId, apdu: &[u8]) {
        self.authenticator.handle_unix_time(unix_time());
        self.authenticator.handle_u2f(channel, apdu, now());
    }

    /// Cancels the request of this channel, if there is one. Its response follows all the same.
    pub fn cancel(&mut self, channel: ChannelId) {
        self.authenticator.handle_cancel(channel, now());
    }

    /// Makes the person notice the device.
    pub fn wink(&mut self) {
        self.person.wink();
    }

    /// Drives everything until something comes out. Cancel-safe: what came out so far is not lost.
    pub async fn next(&mut self) -> Delivery {
        loop {
            self.drain();
            if let Some(delivery) = self.deliveries.pop_front() {
                return delivery;
            }
            self.wait().await;
        }
    }

    /// Carries out one request of one client, who waits for nothing but its response. When the
    /// future is dropped the request is cancelled and its question withdrawn.
    pub async fn transact(
        &mut self,
        transport: Transport,
        channel: ChannelId,
        request: &[u8],
    ) -> Vec<u8> {
        let _nobody_waits = self.call_off(channel).await;
        self.request(transport, channel, request);
        let mut waiting = Waiting { device: self, channel, answered: false };
        loop {
            match waiting.device.next().await {
                Delivery::Response { channel: to, bytes } if to == channel => {
                    waiting.answered = true;
                    return bytes;
                }
                _ => {}
            }
        }
    }

    /// What the authenticator says of itself now: what authenticatorGetInfo answers, without its
    /// status byte.
    ///
    /// # Errors
    /// The status, if it is not [`Status::Ok`].
    pub async fn get_info(
        &mut self,
        transport: Transport,
        channel: ChannelId,
    ) -> Result<Vec<u8>, Status> {
        let request = [Command::GetInfo.to_u8()];
        let mut response = self.transact(transport, channel, &request).await;
        match response.first().copied().map(Status::from_u8) {
            Some(Status::Ok) => Ok(response.split_off(1)),
            Some(status) => Err(status),
            None => Err(Status::Other),
        }
    }

    /// Cancels the request of this channel that is under way, if there is one, and waits for what
    /// can't be cancelled: what is being saved. That is short. Gives the request's response, which
    /// tells whether it was carried out all the same.
    pub async fn call_off(&mut self, channel: ChannelId) -> Option<Vec<u8>> {
        self.cancel(channel);
        self.drain();
        while self.authenticator.is_busy() {
            self.wait().await;
            self.drain();
        }
        let mut response = None;
        self.deliveries.retain_mut(|delivery| {
            if delivery.channel().is_some_and(|of| of != channel) {
                return true;
            }
            if let Delivery::Response { bytes, .. } = delivery {
                response = Some(std::mem::take(bytes));
            }
            false
        });
        response
    }

    /// Carries out what the authenticator wants, until it wants nothing more.
    fn drain(&mut self) {
        self.drain_outputs();
        let begun = self.work.drain(..);
        let begun = begun.map(|(token, job)| (token, spawn_blocking(move || job.run())));
        self.jobs.extend(begun);
    }

    /// The same, but no work is begun, which needs a runtime.
    fn drain_outputs(&mut self) {
        while let Some(output) = self.authenticator.poll_output() {
            match output {
                Output::Ask { token, question } => {
                    self.deliveries.push_back(Delivery::Asked);
                    let (ask, pending) = Ask::open(question);
                    self.open.push((token, pending));
                    self.person.ask(ask);
                }
                Output::Withdraw { token } => self.open.retain(|(open, _)| *open != token),
                Output::Work { token, job } => self.work.push((token, job)),
                Output::Status { channel, status } => {
                    self.deliveries.push_back(Delivery::Status { channel, status });
                }
                Output::Response { channel, bytes } => {
                    self.deliveries.push_back(Delivery::Response { channel, bytes });
                }
                Output::Event(event) => self.person.notice(&event),
                // Not printed: it may hold what is nobody's business.
                _ => tracing::warn!("an output that is not known here"),
            }
        }
    }

    /// Waits for an answer, for work to be done, or for the authenticator's own deadline.
    async fn wait(&mut self) {
        let timeout = self.authenticator.poll_timeout();
        let (open, jobs) = (&mut self.open, &mut self.jobs);
        let happened = tokio::select! {
            happened = poll_fn(|context| poll(open, jobs, context)) => happened,
            () = at(timeout) => Happened::Time,
        };
        match happened {
            Happened::Answered(token, answer) => {
                // Whoever drops a question can't agree to it any more.
                self.answer(token, answer.unwrap_or(Answer::Deny));
            }
            Happened::Done(token, done) => {
                // Unknown is a job that the authenticator has given up meanwhile.
                let _ = match done {
                    Ok(done) => self.authenticator.handle_work(token, done, now()),
                    Err(_) => self.authenticator.handle_work_lost(token, now()),
                };
            }
            Happened::Time => self.authenticator.handle_timeout(now()),
        }
    }

    fn answer(&mut self, token: Token, answer: Answer) {
        if self.authenticator.handle_answer(token, answer, now()).is_err() {
            tracing::warn!("the answer does not fit the question; taken as a no");
            // The question was open a moment ago, and a no fits every question.
            let _ = self.authenticator.handle_answer(token, Answer::Deny, now());
        }
    }
}

impl<P> Device<P> {
    /// The authenticator itself.
    pub const fn authenticator(&mut self) -> &mut Authenticator {
        &mut self.authenticator
    }

    /// The authenticator itself, to look at.
    pub const fn as_authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The person whom it asks.
    pub const fn person(&mut self) -> &mut P {
        &mut self.person
    }
}

/// A client who waits for its response. Dropped before that is there, it gives up the request.
struct Waiting<'a, P: Person> {
    device: &'a mut Device<P>,
    channel: ChannelId,
    answered: bool,
}

impl<P: Person> Drop for Waiting<'_, P> {
    fn drop(&mut self) {
        if !self.answered {
            self.device.cancel(self.channel);
            // Work waits for the next call: this may be outside of the runtime.
            self.device.drain_outputs();
        }
    }
}

impl Delivery {
    /// For whom it is, if it is for one channel.
    #[must_use]
    pub const fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Response { channel, .. } | Self::Status { channel, .. } => Some(*channel),
            Self::Asked => None,
        }
    }
}

/// Whichever answer or job is there first: one that hangs keeps no other waiting. Takes it out.
fn poll(
    open: &mut Vec<(Token, Pending<Answer>)>,
    jobs: &mut Vec<(Token, JoinHandle<JobDone>)>,
    context: &mut Context<'_>,
) -> Poll<Happened> {
    if let Some((token, answer)) = ready(open, context) {
        return Poll::Ready(Happened::Answered(token, answer));
    }
    match ready(jobs, context) {
        Some((token, done)) => Poll::Ready(Happened::Done(token, done)),
        None => Poll::Pending,
    }
}

fn ready<F: Future + Unpin>(
    waiting: &mut Vec<(Token, F)>,
    context: &mut Context<'_>,
) -> Option<(Token, F::Output)> {
    let found =
        waiting.iter_mut().enumerate().find_map(|(index, (token, future))| {
            match Pin::new(future).poll(context) {
                Poll::Ready(output) => Some((index, *token, output)),
                Poll::Pending => None,
            }
        });
    found.map(|(index, token, output)| {
        drop(waiting.swap_remove(index));
        (token, output)
    })
}

impl<P> fmt::Debug for Device<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("authenticator", &self.authenticator)
            .field("questions", &self.open.len())
            .field("jobs", &self.jobs.len())
            .finish_non_exhaustive()
    }
}

/// A response may hold secrets, so it prints as its length.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { channel, bytes } => {
                write!(f, "Response to {channel:?}: {} bytes", bytes.len())
            }
            Self::Asked => f.write_str("Asked"),
            Self::Status { channel, status } => write!(f, "Status to {channel:?}: {status:?}"),
        }
    }
}
