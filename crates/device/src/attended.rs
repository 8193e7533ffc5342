//! The machine: an authenticator and the person in front of it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use towline_authenticator::{
    Answer, AnswerError, Authenticator, ChannelId, Event, Job, JobDone, Output, Token, UnixTime,
};
use towline_ctap::{Transport, hid::KeepaliveStatus};

use crate::{Ask, Pending, Person};

/// An authenticator and the person in front of it: a machine that needs no runtime.
///
/// After each `handle_*`, drain [`poll_output`](Self::poll_output), which is where the person is
/// asked and told. Then wait for whatever comes first: an answer
/// ([`poll_answer`](Self::poll_answer)), work that is done, or
/// [`poll_timeout`](Self::poll_timeout). `Device` (feature `runtime`) does all that on tokio.
pub struct Attended<P> {
    authenticator: Authenticator,
    person: P,
    /// The questions that are open: one, or two while a touch for U2F is waited for.
    open: Vec<(Token, Pending<Answer>)>,
}

/// What an [`Attended`] authenticator wants of whoever runs it.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttendedOutput {
    /// Something came out.
    Delivery(Delivery),
    /// Run the job where blocking is allowed, then call [`Attended::handle_work`], also after the
    /// response to the request that wanted it.
    Work {
        /// Comes back with the result.
        token: Token,
        /// The blocking part.
        job: Job,
    },
}

/// What comes out of an authenticator with a person in front of it.
#[non_exhaustive]
pub enum Delivery {
    /// The person was asked something. It comes before any answer counts.
    Asked,
    /// The person was told this.
    Told(Event),
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

impl<P: Person> Attended<P> {
    /// Puts a person in front of an authenticator.
    #[must_use]
    pub const fn new(authenticator: Authenticator, person: P) -> Self {
        Self { authenticator, person, open: Vec::new() }
    }

    /// The power came (again): what was under way is over, without a response.
    pub fn handle_power_up(&mut self, now: Instant) {
        self.authenticator.handle_power_up(now);
    }

    /// Takes a CTAP request: a command byte, then its parameters. While another is under way, the
    /// response is `CTAP1_ERR_CHANNEL_BUSY`. The time of day is what passkeys carry.
    pub fn handle_request(
        &mut self,
        transport: Transport,
        channel: ChannelId,
        request: &[u8],
        time: UnixTime,
        now: Instant,
    ) {
        self.authenticator.handle_unix_time(time);
        self.authenticator.handle_request_over(transport, channel, request, now);
    }

    /// Takes a request of CTAP1/U2F: an APDU.
    pub fn handle_u2f(&mut self, channel: ChannelId, apdu: &[u8], time: UnixTime, now: Instant) {
        self.authenticator.handle_unix_time(time);
        self.authenticator.handle_u2f(channel, apdu, now);
    }

    /// Cancels the request of this channel, if there is one. Its response follows all the same.
    pub fn handle_cancel(&mut self, channel: ChannelId, now: Instant) {
        self.authenticator.handle_cancel(channel, now);
    }

    /// Takes the result of [work](AttendedOutput::Work); none if it was lost: its thread panicked.
    /// Work that the authenticator has given up meanwhile changes nothing.
    pub fn handle_work(&mut self, token: Token, done: Option<JobDone>, now: Instant) {
        let _given_up = match done {
            Some(done) => self.authenticator.handle_work(token, done, now),
            None => self.authenticator.handle_work_lost(token, now),
        };
    }

    /// Lets the time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.authenticator.handle_timeout(now);
    }

    /// Asks and tells the person what there is to be asked and told, and says what else there is to
    /// do.
    pub fn poll_output(&mut self) -> Option<AttendedOutput> {
        loop {
            let delivery = match self.authenticator.poll_output()? {
                Output::Ask { token, question } => {
                    let (ask, pending) = Ask::open(question);
                    self.open.push((token, pending));
                    self.person.ask(ask);
                    Delivery::Asked
                }
                Output::Withdraw { token } => {
                    self.open.retain(|(open, _)| *open != token);
                    continue;
                }
                Output::Work { token, job } => return Some(AttendedOutput::Work { token, job }),
                Output::Status { channel, status } => Delivery::Status { channel, status },
                Output::Response { channel, bytes } => Delivery::Response { channel, bytes },
                Output::Event(event) => {
                    self.person.notice(&event);
                    Delivery::Told(event)
                }
                // Not printed: it may hold what is nobody's business.
                _ => {
                    tracing::warn!("an output that is not known here");
                    continue;
                }
            };
            return Some(AttendedOutput::Delivery(delivery));
        }
    }

    /// Takes the answer of the person, if one is there: one call, one answer. A question that they
    /// dropped is answered with a no.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer did not fit the question. It was taken for a no.
    pub fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), AnswerError>> {
        let (token, answer) = ready!(first(&mut self.open, context));
        // Whoever drops a question can't agree to it any more.
        let answer = answer.unwrap_or(Answer::Deny);
        let taken = self.authenticator.handle_answer(token, answer, now);
        if taken.is_err() {
            // The question was open a moment ago, and a no fits every question.
            let _fits = self.authenticator.handle_answer(token, Answer::Deny, now);
        }
        Poll::Ready(taken)
    }

    /// When to call [`Self::handle_timeout`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.authenticator.poll_timeout()
    }
}

impl<P> Attended<P> {
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

impl Delivery {
    /// For whom it is, if it is for one channel.
    #[must_use]
    pub const fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Response { channel, .. } | Self::Status { channel, .. } => Some(*channel),
            Self::Asked | Self::Told(_) => None,
        }
    }
}

/// Whichever is there first: one that hangs keeps no other waiting. Takes it out.
pub(crate) fn first<F: Future + Unpin>(
    waiting: &mut Vec<(Token, F)>,
    context: &mut Context<'_>,
) -> Poll<(Token, F::Output)> {
    for (index, (token, future)) in waiting.iter_mut().enumerate() {
        if let Poll::Ready(output) = Pin::new(future).poll(context) {
            let token = *token;
            drop(waiting.swap_remove(index));
            return Poll::Ready((token, output));
        }
    }
    Poll::Pending
}

impl<P> fmt::Debug for Attended<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attended")
            .field("authenticator", &self.authenticator)
            .field("questions", &self.open.len())
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
            Self::Told(event) => write!(f, "Told {event:?}"),
            Self::Status { channel, status } => write!(f, "Status to {channel:?}: {status:?}"),
        }
    }
}
