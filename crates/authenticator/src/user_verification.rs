//! Built-in user verification (CTAP 2.3 §6.5.3.1, performBuiltInUv): attempts, the retry counter,
//! the lock.

use std::time::Duration;

use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    Change, Event, Purpose,
    durable::Retries,
    flow::{Core, Flow, await_work, await_write},
    person::{self, Refusal, proof::Verified},
    store::Record,
};

/// Why verification did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UvError {
    /// Nobody answered in time.
    TimedOut,
    /// The person declined.
    Declined,
    /// The person failed in all attempts of this request.
    Failed,
    /// No attempts are left.
    Blocked,
    /// The counter can't be kept, so nobody can be verified.
    Broken(Status),
}

impl UvError {
    /// The status in makeCredential and getAssertion: where a PIN is set, the client is to ask for
    /// that instead (§6.1.2 step 11, §6.2.2 step 6).
    pub(crate) fn status(self, core: &Core) -> Status {
        match self {
            Self::TimedOut => Status::UserActionTimeout,
            Self::Declined | Self::Failed | Self::Blocked
                if core.is_pin_set() && core.pin_permits() =>
            {
                Status::PuatRequired
            }
            Self::Declined | Self::Failed => Status::OperationDenied,
            Self::Blocked => Status::PinBlocked,
            Self::Broken(status) => status,
        }
    }
}

/// A verification under way.
struct Performing<T, F> {
    /// What goes on when it has ended.
    ceremony: T,
    /// What each of the questions says that it is for.
    purpose: fn(&T) -> Purpose,
    /// How many attempts the ceremony still has.
    attempts: u8,
    then: F,
}

/// performBuiltInUv with internal retries: asks until the person is verified, the attempts are used
/// up, or it is locked.
pub(crate) fn perform<T: Send + 'static>(
    core: &mut Core,
    ceremony: T,
    purpose: fn(&T) -> Purpose,
    then: impl FnOnce(&mut Core, T, Result<Verified, UvError>) -> Flow + Send + 'static,
) -> Flow {
    let attempts = core.config.built_in().map_or(1, |verification| verification.attempts);
    Performing { ceremony, purpose, attempts, then }.begin(core)
}

/// performBuiltInUv for a token: with internal retries, unless the platform is to retry itself
/// (§6.5.5.7.3).
pub(crate) fn perform_for_token<T: Send + 'static>(
    core: &mut Core,
    ceremony: T,
    purpose: fn(&T) -> Purpose,
    then: impl FnOnce(&mut Core, T, Result<Verified, UvError>) -> Flow + Send + 'static,
) -> Flow {
    let attempts = core.config.built_in().map_or(1, |verification| {
        let platform_retries = verification.platform_attempts.is_some_and(|attempts| attempts > 1);
        if platform_retries { 1 } else { verification.attempts }
    });
    Performing { ceremony, purpose, attempts, then }.begin(core)
}

/// Whether the person could be verified now; nobody is asked.
pub(crate) fn when_open(
    core: &mut Core,
    then: impl FnOnce(&mut Core, Result<(), UvError>) -> Flow + Send + 'static,
) -> Flow {
    if core.usable_verification().is_none() {
        return then(core, Err(UvError::Failed));
    }
    load(core, move |core, loaded| {
        let open = loaded.and_then(|()| {
            unlock(core);
            // Whoever has used up the PIN is not let in by another way (§6.5.3.1).
            if core.is_pin_set() && core.state.pin_retries == 0 {
                return Err(UvError::Blocked);
            }
            if core.retries.left == Some(0) {
                // The person learns each time how long it still lasts.
                let until = core.retries.locked_until;
                let wait = core.now.until(until);
                core.events.push(Event::VerificationLocked { wait });
                return Err(UvError::Blocked);
            }
            Ok(())
        });
        then(core, open)
    })
}

/// How many attempts are left, for the client to know.
pub(crate) fn retries_left(
    core: &mut Core,
    then: impl FnOnce(&mut Core, Result<u8, UvError>) -> Flow + Send + 'static,
) -> Flow {
    load(core, |core, loaded| {
        if loaded.is_ok() {
            unlock(core);
        }
        let barred = core.is_pin_set() && core.state.pin_retries == 0;
        let left = core.retries.left.filter(|_| !barred).unwrap_or_default();
        then(core, loaded.map(|()| left))
    })
}

/// The PIN was right: all attempts are there again.
pub(crate) fn restore(
    core: &mut Core,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    let Some(max) = core.config.built_in().map(|uv| uv.max_retries) else {
        return then(core);
    };
    load(core, move |core, loaded| {
        if loaded.is_err() {
            return then(core);
        }
        core.retries.left = Some(max);
        core.retries.locked_until = None;
        let rest = max.saturating_sub(1);
        if core.retries.stored >= rest {
            return then(core);
        }
        // Should this not work, then what is stored is too low, which is safe.
        store(core, rest, |core, _| then(core))
    })
}

/// Goes on when the counter is in memory.
fn load(
    core: &mut Core,
    then: impl FnOnce(&mut Core, Result<(), UvError>) -> Flow + Send + 'static,
) -> Flow {
    let max = core.config.built_in().map(|uv| uv.max_retries).unwrap_or_default();
    if core.retries.left.is_some() {
        return then(core, Ok(()));
    }
    let work = core.store.record(Record::UvRetries);
    await_work(core, work, move |core, stored| {
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return then(core, Err(UvError::Broken(error.status()))),
        };
        let left = match stored.as_deref().map(Vec::as_slice) {
            None => max,
            Some([left]) => (*left).min(max),
            // A record that can't be read counts as used up: the safe side.
            Some(_) => 0,
        };
        core.retries = Retries { left: Some(left), stored: left, locked_until: None };
        if left == 0 {
            begin_wait(core);
        }
        then(core, Ok(()))
    })
}

/// The lock opens when its time is over.
fn unlock(core: &mut Core) {
    if core.retries.left == Some(0) && core.now.reached(core.retries.locked_until) {
        let max = core.config.built_in().map(|verification| verification.max_retries);
        core.retries.left = max;
        core.retries.locked_until = None;
    }
}

impl<T, F> Performing<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Core, T, Result<Verified, UvError>) -> Flow + Send + 'static,
{
    fn begin(self, core: &mut Core) -> Flow {
        when_open(core, move |core, open| match open {
            Ok(()) => self.attempt(core, false),
            Err(error) => self.end(core, Err(error)),
        })
    }

    /// One attempt. The stored counter goes down before it, the one in memory only if it fails.
    fn attempt(self, core: &mut Core, failed_before: bool) -> Flow {
        let left = core.retries.left.unwrap_or_default();
        store_at_most(core, left.saturating_sub(1), move |core, stored| {
            if let Err(status) = stored {
                return self.end(core, Err(UvError::Broken(status)));
            }
            let shown = self.attempts.min(left);
            let purpose = (self.purpose)(&self.ceremony);
            person::ask_verification(
                purpose,
                shown,
                failed_before,
                move |core, answer| match answer {
                    Ok(verified) => {
                        core.retries.left = core.config.built_in().map(|uv| uv.max_retries);
                        self.settle(core, Ok(verified))
                    }
                    Err(Refusal::Denied) => self.settle(core, Err(UvError::Declined)),
                    Err(Refusal::TimedOut) => self.settle(core, Err(UvError::TimedOut)),
                    Err(Refusal::NotVerified) => self.failed(core),
                },
            )
        })
    }

    fn failed(mut self, core: &mut Core) -> Flow {
        let left = core.retries.left.unwrap_or_default().saturating_sub(1);
        core.retries.left = Some(left);
        if left == 0 {
            lock(core);
            return self.end(core, Err(UvError::Blocked));
        }
        self.attempts = self.attempts.saturating_sub(1);
        match self.attempts {
            0 => self.end(core, Err(UvError::Failed)),
            _ => self.attempt(core, true),
        }
    }

    /// After an attempt that did not fail: what is stored may go up again to one less than what is
    /// left, so that the next attempt need not write. Should this not work, then what is stored is
    /// too low, which is safe.
    fn settle(self, core: &mut Core, result: Result<Verified, UvError>) -> Flow {
        let rest = core.retries.left.unwrap_or_default().saturating_sub(1);
        if core.retries.stored >= rest {
            return self.end(core, result);
        }
        store(core, rest, move |core, _| self.end(core, result))
    }

    fn end(self, core: &mut Core, result: Result<Verified, UvError>) -> Flow {
        (self.then)(core, self.ceremony, result)
    }
}

fn lock(core: &mut Core) {
    let wait = begin_wait(core);
    core.events.push(Event::VerificationLocked { wait });
}

/// How long the lock lasts from now on.
fn begin_wait(core: &mut Core) -> Option<Duration> {
    let wait = core.config.built_in().and_then(|verification| verification.lock_wait);
    core.retries.locked_until = wait.and_then(|wait| core.now.after(wait));
    wait
}

/// Before an attempt: makes sure that no more than `most` is stored.
fn store_at_most(
    core: &mut Core,
    most: u8,
    then: impl FnOnce(&mut Core, Result<(), Status>) -> Flow + Send + 'static,
) -> Flow {
    if core.retries.stored <= most {
        return then(core, Ok(()));
    }
    store(core, most, then)
}

fn store(
    core: &mut Core,
    value: u8,
    then: impl FnOnce(&mut Core, Result<(), Status>) -> Flow + Send + 'static,
) -> Flow {
    let change =
        Change::Record { record: Record::UvRetries, value: Some(Zeroizing::new(vec![value])) };
    // Until the result is known, the worse of the two is taken for stored.
    core.retries.stored = core.retries.stored.max(value);
    let write = core.store.commit(vec![change]);
    await_write(core, write, move |core, result| {
        if result.is_ok() {
            core.retries.stored = value;
        }
        then(core, result.map_err(|error| error.status()))
    })
}
