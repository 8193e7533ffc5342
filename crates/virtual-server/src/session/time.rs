//! The clock of a session.

use std::time::{Duration, Instant};

use super::{Session, State};
use crate::ServiceError;

/// How far a clock may be moved at once: ten years.
const FURTHEST: Duration = Duration::from_secs(315_360_000);

impl Session {
    /// Moves the clock by as much as has passed for the service, unless it is held.
    pub(super) fn tick(&self, state: &mut State) {
        let now = (self.0.world.watch)();
        let passed = now.saturating_duration_since(state.last);
        state.last = now;
        if !state.held {
            state.clock.advance(passed);
        }
    }

    /// From now on the clock stands still (`true`), or goes on with that of the service.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where it has ended.
    pub fn hold_clock(&self, held: bool) -> Result<(), ServiceError> {
        self.with(|state, _| {
            state.held = held;
            Ok(())
        })?;
        // Deadlines are elsewhere now.
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Lets so much time pass at once, up to ten years; gives what has passed since the session
    /// began.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for more than that, [`ServiceError::UnknownSession`] where it has
    /// ended.
    pub fn advance_clock(&self, by: Duration) -> Result<Duration, ServiceError> {
        if by > FURTHEST {
            let message = "the clock moves ten years at a time at most";
            return Err(crate::BadMember::new("advance", message).into());
        }
        let elapsed = self.with(|state, _| {
            state.clock.advance(by);
            Ok(state.clock.elapsed())
        })?;
        self.0.changed.notify_waiters();
        Ok(elapsed)
    }

    /// How much time has passed since the session began, and whether the clock is held.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where it has ended.
    pub fn clock(&self) -> Result<(Duration, bool), ServiceError> {
        self.with(|state, _| Ok((state.clock.elapsed(), state.held)))
    }
}

impl State {
    /// How long until this time of the session's clock; `None` while it stands still.
    pub(super) fn until(&self, due: Instant) -> Option<Duration> {
        (!self.held).then(|| due.saturating_duration_since(self.clock.now()))
    }
}
