//! Work that may take its time: stores and keys that answer at once, or later.

use std::fmt;

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
