//! What is on the screen of a fake computer.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use towline::{ComputerError, ComputerStep, Screen, client::BoxFuture};

use super::BrokenComputer;
use crate::{
    place::provider,
    spoiled::{Knob, lock},
};

/// A ceremony on a fake computer, and its screen. Dropping it ends the ceremony at once.
pub struct Showing {
    codes: mpsc::UnboundedReceiver<String>,
    said: Arc<Mutex<Vec<String>>>,
    cancel: Arc<Notify>,
    task: JoinHandle<Result<String, ComputerError>>,
}

impl Showing {
    pub(super) fn spawn<F>(
        broken: Knob<BrokenComputer>,
        ceremony: impl FnOnce(Display) -> F,
    ) -> Self
    where
        F: Future<Output = Result<String, ComputerError>> + Send + 'static,
    {
        let (to_show, codes) = mpsc::unbounded_channel();
        let (said, cancel) = <(Arc<Mutex<Vec<String>>>, Arc<Notify>)>::default();
        let display =
            Display { codes: to_show, said: said.clone(), cancel: cancel.clone(), broken };
        Self { codes, said, cancel, task: tokio::spawn(ceremony(display)) }
    }

    /// Waits for the next code, and gives its text; none where the ceremony ends without one, as
    /// with a phone that was rung.
    pub async fn code(&mut self) -> Option<String> {
        self.codes.recv().await
    }

    /// What the person has read so far, in sentences.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        lock(&self.said).clone()
    }

    /// The person presses "cancel".
    pub fn cancel(&self) {
        self.cancel.notify_one();
    }

    /// Waits until the ceremony is over, and gives the response for the site.
    ///
    /// # Errors
    /// [`ComputerError`], which prints as a sentence for the person.
    ///
    /// # Panics
    /// With the ceremony, should that panic.
    pub async fn response(mut self) -> Result<String, ComputerError> {
        match (&mut self.task).await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody else holds the task.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Showing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Showing").field("said", &self.said()).finish_non_exhaustive()
    }
}

/// The screen itself.
pub(super) struct Display {
    codes: mpsc::UnboundedSender<String>,
    said: Arc<Mutex<Vec<String>>>,
    cancel: Arc<Notify>,
    broken: Knob<BrokenComputer>,
}

impl Screen for Display {
    fn show(&self, step: ComputerStep<'_>) {
        lock(&self.said).push(step.to_string());
        if let ComputerStep::ShowCode(code) = step {
            let shown = match self.broken.get() {
                Some(broken) => broken.code(code, &provider()),
                None => code.to_owned(),
            };
            let _nobody_looks = self.codes.send(shown);
        }
    }

    fn choose_phone<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(std::future::ready(names.len().checked_sub(1)))
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.cancel.notified())
    }
}
