//! Jobs: the blocking part of an operation, handed out, and the rest of the ceremony after it.

use std::fmt;

use crate::{
    Token,
    flow::{Core, Flow},
};

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
