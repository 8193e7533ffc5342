//! Built-in user verification (CTAP 2.3 §6.5.3.1, performBuiltInUv): attempts, the retry counter, the lock.

use std::time::Instant;

use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    Change, Event, Purpose,
    flow::{Core, Flow, await_work},
    person::{self, Refusal, Verified},
    store::Record,
};

/// The retry counter, uvRetries.
///
/// What is stored is never more than what is left, and less while an attempt is under way: a power cut can't win an
/// attempt back. In the ordinary case, every attempt a success, it stays as it is and nothing is written.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// How many attempts are left; `None` until the store was asked.
    left: Option<u8>,
    stored: u8,
    locked_until: Option<Instant>,
}

/// Why verification did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UvError {
    /// Nobody answered in time.
    TimedOut,
    /// The person declined, or failed in all attempts of this request.
    Failed,
    /// No attempts are left.
    Blocked,
    /// The counter can't be kept, so nobody can be verified.
    Broken(Status),
}

impl UvError {
    /// The status in makeCredential and getAssertion, where there is no PIN to fall back on (§6.1.2 step 11, §6.2.2
    /// step 6).
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::TimedOut => Status::UserActionTimeout,
            Self::Failed => Status::OperationDenied,
            Self::Blocked => Status::PinBlocked,
            Self::Broken(status) => status,
        }
    }
}

type Then = Box<dyn FnOnce(&mut Core, Result<Verified, UvError>) -> Flow + Send>;

/// performBuiltInUv with internal retries: asks until the person is verified, the attempts are used up, or it is locked.
pub(crate) fn perform(
    core: &mut Core,
    purpose: Purpose,
    then: impl FnOnce(&mut Core, Result<Verified, UvError>) -> Flow + Send + 'static,
) -> Flow {
    let then: Then = Box::new(then);
    let Some(verification) = core.config.usable_verification() else {
        return then(core, Err(UvError::Failed));
    };
    let (attempts, max) = (verification.attempts, verification.max_retries);
    if core.retries.left.is_some() {
        return unlock_and_attempt(core, purpose, attempts, then);
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
            lock(core);
        }
        unlock_and_attempt(core, purpose, attempts, then)
    })
}

fn unlock_and_attempt(core: &mut Core, purpose: Purpose, attempts: u8, then: Then) -> Flow {
    if core.retries.left == Some(0) {
        if !core.reached(core.retries.locked_until) {
            return then(core, Err(UvError::Blocked));
        }
        let max = core.config.usable_verification().map(|verification| verification.max_retries);
        core.retries.left = max;
        core.retries.locked_until = None;
    }
    attempt(core, purpose, attempts, false, then)
}

/// One attempt. The stored counter goes down before it, the one in memory only if it fails.
fn attempt(
    core: &mut Core,
    purpose: Purpose,
    attempts: u8,
    failed_before: bool,
    then: Then,
) -> Flow {
    let left = core.retries.left.unwrap_or_default();
    store_at_most(core, left.saturating_sub(1), move |core, stored| {
        if let Err(status) = stored {
            return then(core, Err(UvError::Broken(status)));
        }
        let shown = attempts.min(left);
        person::ask_verification(purpose.clone(), shown, failed_before, move |core, answer| {
            match answer {
                Ok(verified) => {
                    core.retries.left = core.config.usable_verification().map(|uv| uv.max_retries);
                    settle(core, Ok(verified), then)
                }
                Err(Refusal::Denied) => settle(core, Err(UvError::Failed), then),
                Err(Refusal::TimedOut) => settle(core, Err(UvError::TimedOut), then),
                Err(Refusal::NotVerified) => failed(core, purpose, attempts, then),
            }
        })
    })
}

fn failed(core: &mut Core, purpose: Purpose, attempts: u8, then: Then) -> Flow {
    let left = core.retries.left.unwrap_or_default().saturating_sub(1);
    core.retries.left = Some(left);
    if left == 0 {
        lock(core);
        return then(core, Err(UvError::Blocked));
    }
    match attempts.saturating_sub(1) {
        0 => then(core, Err(UvError::Failed)),
        attempts => attempt(core, purpose, attempts, true, then),
    }
}

fn lock(core: &mut Core) {
    let wait = core.config.usable_verification().and_then(|verification| verification.lock_wait);
    core.retries.locked_until = wait.and_then(|wait| core.after(wait));
    core.events.push(Event::VerificationLocked { wait });
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

/// After an attempt that did not fail: what is stored may go up again to one less than what is left, so that the next
/// attempt need not write. Should this not work, then what is stored is too low, which is safe.
fn settle(core: &mut Core, result: Result<Verified, UvError>, then: Then) -> Flow {
    let rest = core.retries.left.unwrap_or_default().saturating_sub(1);
    if core.retries.stored >= rest {
        return then(core, result);
    }
    store(core, rest, move |core, _| then(core, result))
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
    let work = core.store.commit(vec![change]);
    await_work(core, work, move |core, result| {
        if result.is_ok() {
            core.retries.stored = value;
        }
        then(core, result.map_err(|error| error.status()))
    })
}
