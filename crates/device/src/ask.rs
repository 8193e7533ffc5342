//! A question as a value that is completed.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::oneshot;
use towline_authenticator::{Answer, Question};

/// A question that is open: complete it, now or later, on whatever thread.
///
/// One that is dropped is answered with a refusal: nobody is left who could agree. When the
/// question is withdrawn (the client cancelled, time ran out), an answer is of no use any more;
/// [`Self::withdrawn`] tells, so that it can be taken off the screen.
pub struct Ask<Q = Question, A = Answer> {
    question: Q,
    answer: oneshot::Sender<A>,
}

impl<Q, A> Ask<Q, A> {
    /// Opens a question. It is withdrawn when the [`Pending`] is dropped.
    pub fn open(question: Q) -> (Self, Pending<A>) {
        let (answer, pending) = oneshot::channel();
        (Self { question, answer }, Pending(pending))
    }

    /// What is asked. Questions print as sentences ([`fmt::Display`]).
    pub const fn question(&self) -> &Q {
        &self.question
    }

    /// Answers. One that comes too late changes nothing; one that does not fit the question is
    /// taken for a refusal.
    pub fn answer(self, answer: A) {
        // Whoever withdrew the question does not want to know.
        let _ = self.answer.send(answer);
    }

    /// Whether an answer is of no use any more.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.answer.is_closed()
    }

    /// Waits until an answer is of no use any more. Cancel-safe.
    pub async fn withdrawn(&mut self) {
        self.answer.closed().await;
    }
}

impl Ask {
    /// Yes: to a confirmation, or a vendor's command that was carried out.
    pub fn approve(self) {
        self.answer(Answer::Approve);
    }

    /// No, to whatever it is.
    pub fn deny(self) {
        self.answer(Answer::Deny);
    }

    /// The person was verified: a screen lock, a fingerprint. Never say so for a mere click.
    pub fn verified(self) {
        self.answer(Answer::Verified);
    }

    /// An attempt at verification failed.
    pub fn not_verified(self) {
        self.answer(Answer::NotVerified);
    }

    /// The account with this index, of those in the question.
    pub fn choose(self, account: usize) {
        self.answer(Answer::Account(account));
    }
}

impl<Q: fmt::Debug, A> fmt::Debug for Ask<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("question", &self.question).finish_non_exhaustive()
    }
}

/// The answer to an [`Ask`], to come: none if that was dropped. Dropping this withdraws the
/// question.
#[derive(Debug)]
#[must_use = "the question is withdrawn when this is dropped"]
pub struct Pending<A>(oneshot::Receiver<A>);

impl<A> Future for Pending<A> {
    type Output = Option<A>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}
