//! A question as a value that is completed.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;
use towline_authenticator::{Answer, Question};

/// A question that is open: complete it, now or later, on whatever thread.
///
/// One that is dropped is answered with a refusal: nobody is left who could agree. When the
/// question is withdrawn (the client cancelled, time ran out), an answer is of no use any more;
/// [`Self::withdrawn`] tells, so that it can be taken off the screen.
///
/// An answer counts for the question that it is given to, and for no other: what a person typed or
/// clicked before the question was shown, or meant for one that was withdrawn, must not be handed
/// back as an answer.
pub struct Ask<Q = Question, A = Answer> {
    question: Q,
    reply: oneshot::Sender<Reply<A>>,
}

enum Reply<A> {
    Now(A),
    Later(Later<A>),
}

/// What gives an answer, as soon as it is polled often enough.
type Later<A> = Pin<Box<dyn Future<Output = A> + Send>>;

impl<Q, A> Ask<Q, A> {
    /// Opens a question. It is withdrawn when the [`Pending`] is dropped.
    pub fn open(question: Q) -> (Self, Pending<A>) {
        let (reply, receiver) = oneshot::channel();
        (Self { question, reply }, Pending(Waiting::ForReply(receiver)))
    }

    /// What is asked. Questions print as sentences ([`fmt::Display`]).
    pub const fn question(&self) -> &Q {
        &self.question
    }

    /// Answers. One that comes too late changes nothing; one that does not fit the question is
    /// taken for a refusal.
    pub fn answer(self, answer: A) {
        // Whoever withdrew the question does not want to know.
        let _ = self.reply.send(Reply::Now(answer));
    }

    /// Answers with what asynchronous code gives. Whoever asked runs it, so that it needs no task
    /// of its own; it is dropped at once when the question is withdrawn, and what it had on the
    /// screen can go with it. If it panics, that is a refusal.
    pub fn answer_with<F>(self, answer: impl FnOnce(Q) -> F)
    where
        F: Future<Output = A> + Send + 'static,
    {
        let later = Box::pin(answer(self.question));
        let _ = self.reply.send(Reply::Later(later));
    }

    /// Answers with what code that blocks gives, on a thread of its own: a dialog, a line of the
    /// terminal. It is not interrupted when the question is withdrawn; what it says then is of no
    /// use. If it panics, that is a refusal. So is a question while 16 others still have their
    /// threads: withdrawn ones may have left them behind.
    pub fn answer_on_thread(self, answer: impl FnOnce(Q) -> A + Send + 'static)
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let Some(place) = Place::take() else {
            return tracing::warn!("too many dialogs are open; one more question is a no");
        };
        let Self { question, reply } = self;
        let thread = std::thread::Builder::new().name("person".into()).spawn(move || {
            // Whoever has the answer may ask again at once.
            let answer = {
                let _place = place;
                answer(question)
            };
            let _ = reply.send(Reply::Now(answer));
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread for a question, which is a no");
        }
    }

    /// Whether an answer is of no use any more.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.reply.is_closed()
    }

    /// Waits until an answer is of no use any more. Cancel-safe.
    pub async fn withdrawn(&mut self) {
        self.reply.closed().await;
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

    /// The person was verified *here*: by a screen lock, a fingerprint, a PIN or a passphrase that
    /// was checked. It makes the flag UV, by which the site believes that its account's owner was
    /// there: never say so for a mere click.
    pub fn verified(self) {
        self.answer(Answer::Verified);
    }

    /// An attempt at verification failed. Attempts are counted for you, and the question comes
    /// again until there are none left.
    pub fn not_verified(self) {
        self.answer(Answer::NotVerified);
    }

    /// The account with this index, of those in the question.
    pub fn choose(self, account: usize) {
        self.answer(Answer::Account(account));
    }
}

/// How many threads there are at most that a person is asked on.
const MOST_THREADS: usize = 16;

/// A place among the threads that a person is asked on, as long as it lives.
struct Place;

/// How many of them there are.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take() -> Option<Self> {
        let more = |taken: usize| taken.checked_add(1).filter(|taken| *taken <= MOST_THREADS);
        TAKEN.fetch_update(Relaxed, Relaxed, more).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Relaxed);
    }
}

impl<Q: fmt::Debug, A> fmt::Debug for Ask<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("question", &self.question).finish_non_exhaustive()
    }
}

/// The answer to an [`Ask`], to come: none if that was dropped. Dropping this withdraws the
/// question.
#[must_use = "the question is withdrawn when this is dropped"]
pub struct Pending<A>(Waiting<A>);

enum Waiting<A> {
    ForReply(oneshot::Receiver<Reply<A>>),
    ForAnswer(Later<A>),
}

impl<A> Future for Pending<A> {
    type Output = Option<A>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                Waiting::ForReply(reply) => match ready!(Pin::new(reply).poll(context)) {
                    Ok(Reply::Now(answer)) => return Poll::Ready(Some(answer)),
                    Ok(Reply::Later(later)) => self.0 = Waiting::ForAnswer(later),
                    Err(_) => return Poll::Ready(None),
                },
                // Whoever asked must not fall with it. It is never polled again, so that nobody
                // sees what the panic left half done.
                Waiting::ForAnswer(later) => {
                    let polled = AssertUnwindSafe(|| later.as_mut().poll(context));
                    return catch_unwind(polled).map_or_else(
                        |_| {
                            tracing::error!("what answers a question panicked, which is a no");
                            Poll::Ready(None)
                        },
                        |answer| answer.map(Some),
                    );
                }
            }
        }
    }
}

impl<A> fmt::Debug for Pending<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
