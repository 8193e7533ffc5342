//! Simulated presence: what is asked is answered without anybody being there. For tests, demos and
//! tools.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use towline_authenticator::Event;

use crate::{
    Ask, Person,
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
    /// Yes, at once, to the next question; later ones are ignored.
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
    /// The question that is not answered yet, and when it was asked.
    open: Option<(Ask, Instant)>,
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
        self.presence.state().open = Some((ask, now()));
        self.presence.settle();
    }

    fn notice(&mut self, event: &Event) {
        self.watcher.notice(event);
    }

    fn wink(&mut self) {
        self.watcher.wink();
    }
}

impl Presence {
    /// From now on it is so, for the open question too.
    pub fn set(&self, touch: Touch) {
        self.state().touch = touch;
        self.settle();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the open question if its time has come, or sees to it that it will be.
    fn settle(&self) {
        let mut state = self.state();
        let Some((ask, asked)) = state.open.take_if(|(ask, _)| !ask.is_withdrawn()) else {
            state.open = None;
            return;
        };
        match state.touch {
            Touch::Auto => agree(ask),
            Touch::Deny => ask.deny(),
            Touch::Once => {
                state.touch = Touch::Ignore;
                agree(ask);
            }
            Touch::Delay(delay) => match asked.checked_add(delay) {
                Some(due) if due <= now() => agree(ask),
                due => {
                    state.open = Some((ask, asked));
                    self.settle_at(due);
                }
            },
            Touch::Ignore => state.open = Some((ask, asked)),
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

fn agree(ask: Ask) {
    let agreement = ask.question().simulated_agreement();
    ask.answer(agreement);
}
