//! Work that may take its time: stores and keys that answer at once, or later.

use std::fmt;

use crate::{
    Token,
    flow::{Core, Flow},
};

/// What an operation of a store or a key store gives: the result, or a job that will give it.
///
/// An operation that is quick, as in memory, answers [`Work::Done`]. One that would block, on a
/// disk or a TPM, answers [`Work::Later`] with the blocking part: the authenticator hands it out as
/// [`Output::Work`](crate::Output::Work), stays responsive, and goes on when the result comes back.
pub enum Work<T, E> {
    /// The operation is over, with this result.
    Done(Result<T, E>),
    /// The part that blocks. It runs once, on whatever thread the embedder chooses.
    Later(Box<dyn FnOnce() -> Result<T, E> + Send>),
}

impl<T, E> Work<T, E> {
    /// The operation is over and succeeded.
    pub const fn ready(value: T) -> Self {
        Self::Done(Ok(value))
    }

    /// The operation is over and failed.
    pub const fn failed(error: E) -> Self {
        Self::Done(Err(error))
    }

    /// The operation needs time: `run` blocks.
    pub fn later(run: impl FnOnce() -> Result<T, E> + Send + 'static) -> Self {
        Self::Later(Box::new(run))
    }

    /// The same with another result, made from this one.
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U + Send + 'static) -> Work<U, E>
    where
        T: 'static,
        E: 'static,
    {
        match self {
            Self::Done(result) => Work::Done(result.map(convert)),
            Self::Later(run) => Work::later(move || run().map(convert)),
        }
    }
}

impl<T, E> From<Result<T, E>> for Work<T, E> {
    fn from(result: Result<T, E>) -> Self {
        Self::Done(result)
    }
}

impl<T, E> fmt::Debug for Work<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done(Ok(_)) => "Work::Done(Ok)",
            Self::Done(Err(_)) => "Work::Done(Err)",
            Self::Later(_) => "Work::Later",
        })
    }
}

/// A job for the embedder to run where blocking is allowed.
#[must_use = "the ceremony waits until the job is run and its result handed back"]
pub struct Job {
    token: Token,
    run: Box<dyn FnOnce() -> Resume + Send>,
}

impl Job {
    /// Runs the job. Hand the result to
    /// [`Authenticator::handle_work`](crate::Authenticator::handle_work).
    pub fn run(self) -> JobDone {
        JobDone { token: self.token, resume: (self.run)() }
    }

    pub(crate) const fn token(&self) -> Token {
        self.token
    }

    /// A job that ends in `then`, which learns whether anybody still waits for it.
    pub(crate) fn new<T, E>(
        run: Box<dyn FnOnce() -> Result<T, E> + Send>,
        then: impl FnOnce(&mut Core, Result<T, E>, Fate) -> Flow + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let run = Box::new(move || {
            let result = run();
            let resume: Resume = Box::new(move |core, fate| then(core, result, fate));
            resume
        });
        Self { token: Token::unique(), run }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// The result of a [`Job`], on its way back to the authenticator.
#[must_use = "hand it to Authenticator::handle_work"]
pub struct JobDone {
    token: Token,
    resume: Resume,
}

/// The rest of the ceremony, with the result in it.
type Resume = Box<dyn FnOnce(&mut Core, Fate) -> Flow + Send>;

impl JobDone {
    pub(crate) fn resume(self, core: &mut Core, fate: Fate) -> Flow {
        (self.resume)(core, fate)
    }

    /// The token that the job was handed out under.
    pub(crate) const fn token(&self) -> Token {
        self.token
    }
}

impl fmt::Debug for JobDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobDone")
    }
}

/// What became of a ceremony while its job ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits for the result.
    Awaited,
    /// It was cancelled or timed out: only clearing up is left to do.
    Abandoned,
}
