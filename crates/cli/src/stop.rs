//! The wish to stop: Ctrl-C, or the signal that service managers send.

use crate::{
    exit::{Exit, Failure},
    outcome::End,
};

/// Resolves at the first Ctrl-C or SIGTERM. Dropping and making it anew may miss one: keep it for
/// the whole command.
pub(crate) struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// Whether the last wish was a service manager's.
    terminated: bool,
}

impl Stop {
    pub(crate) fn new() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let failed = |error| {
                Failure::environment("signals", format!("Ctrl-C can't be listened for: {error}"))
            };
            Ok(Self {
                terminate: signal(SignalKind::terminate()).map_err(failed)?,
                interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
                terminated: false,
            })
        }
        #[cfg(not(unix))]
        Ok(Self { terminated: false })
    }

    /// Waits until somebody wants it to stop. Cancel-safe.
    pub(crate) async fn wished(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => self.terminated = true,
            _ = self.interrupt.recv() => self.terminated = false,
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// How a person, or a service manager, said so last.
    pub(crate) const fn why(&self) -> End {
        if self.terminated { End::Terminated } else { End::Interrupted }
    }

    /// The same, for a computer that had not finished.
    pub(crate) fn failure(&self) -> Failure {
        let message = if self.terminated { "ended by SIGTERM" } else { "cancelled with Ctrl-C" };
        Failure::new(Exit::Interrupted, "interrupted", message)
    }
}
