//! Simulated presence: what is asked is answered without anybody being there. For tests, demos and
//! tools.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use towline_authenticator::Event;

use crate::{
    Ask, Person, PhoneAsk,
    clock::{at, now},
};

/// How a question is answered where presence is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touch {
    /// Yes, at once.
    #[default]
    Auto,
    /// No, at once.
    Deny,
    /// Not at all: nobody is there, and time runs out.
    Ignore,
    /// Yes, at once, to the next question, or to the oldest that is open; others are ignored.
    Once,
    /// Yes, so long after the question.
    Delay(Duration),
}

/// A person who is not there: questions are answered by a rule that can be changed at any time
/// ([`Self::presence`]).
///
/// Whoever can send a request gets what it asks for, verification included. `watcher` is told what
/// happens, and asked nothing.
#[derive(Debug)]
pub struct Simulated<W> {
    watcher: W,
    presence: Presence,
}

/// The rule by which a [`Simulated`] person answers. A clone is the same rule.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    touch: Touch,
    /// The questions that are not answered yet, and when each was asked.
    open: Vec<(Open, Instant)>,
}

#[derive(Debug)]
enum Open {
    Authenticator(Ask),
    Phone(PhoneAsk),
}

impl<W: Person> Simulated<W> {
    /// A person who agrees to everything at once, until told otherwise.
    #[must_use]
    pub fn new(watcher: W) -> Self {
        Self { watcher, presence: Presence::default() }
    }

    /// The rule, to be changed.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence.clone()
    }
}

impl<W: Person> Person for Simulated<W> {
    fn ask(&mut self, ask: Ask) {
        self.presence.open(Open::Authenticator(ask));
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        self.presence.open(Open::Phone(ask));
    }

    fn notice(&mut self, event: &Event) {
        self.watcher.notice(event);
    }

    fn wink(&mut self) {
        self.watcher.wink();
    }
}

impl Presence {
    /// From now on it is so, for the questions that are open, too.
    pub fn set(&self, touch: Touch) {
        self.state().touch = touch;
        self.settle();
    }

    fn open(&self, open: Open) {
        self.state().open.push((open, now()));
        self.settle();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the open questions whose time has come, and sees to it that the others will be.
    fn settle(&self) {
        let mut state = self.state();
        for (open, asked) in std::mem::take(&mut state.open) {
            if open.is_withdrawn() {
                continue;
            }
            match state.touch {
                Touch::Auto => open.agree(),
                Touch::Deny => open.deny(),
                Touch::Once => {
                    state.touch = Touch::Ignore;
                    open.agree();
                }
                Touch::Delay(delay) => match asked.checked_add(delay) {
                    Some(due) if due <= now() => open.agree(),
                    due => {
                        state.open.push((open, asked));
                        self.settle_at(due);
                    }
                },
                Touch::Ignore => state.open.push((open, asked)),
            }
        }
    }

    fn settle_at(&self, due: Option<Instant>) {
        let presence = self.clone();
        tokio::spawn(async move {
            at(due).await;
            presence.settle();
        });
    }
}

impl Open {
    fn is_withdrawn(&self) -> bool {
        match self {
            Self::Authenticator(ask) => ask.is_withdrawn(),
            Self::Phone(ask) => ask.is_withdrawn(),
        }
    }

    fn agree(self) {
        match self {
            Self::Authenticator(ask) => {
                let agreement = ask.question().simulated_agreement();
                ask.answer(agreement);
            }
            Self::Phone(ask) => ask.approve(),
        }
    }

    fn deny(self) {
        match self {
            Self::Authenticator(ask) => ask.deny(),
            Self::Phone(ask) => ask.deny(),
        }
    }
}
