//! A scripted person by the clock of the wall.

use std::fmt;

use tokio::time::sleep;
use towline::{Ask, Person, PhoneAsk, PhoneQuestion, authenticator::Event};
use towline_virtual::{Clock, ScriptedPerson};

use super::BrokenPhone;
use crate::spoiled::Knob;

/// The person who holds a fake phone: a [`ScriptedPerson`] who takes their time by tokio's clock,
/// and with some [`BrokenPhone`]s does not do what they are told.
pub struct Holder {
    pub(super) person: ScriptedPerson,
    pub(super) clock: Clock,
    pub(super) broken: Knob<BrokenPhone>,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Holder").field(&self.person).finish()
    }
}

impl Holder {
    /// Gives the answers that wait when their time has come.
    fn wait(&self) {
        if self.person.poll_timeout().is_none() {
            return;
        }
        let (person, clock) = (self.person.clone(), self.clock.clone());
        tokio::spawn(async move {
            while let Some(due) = person.poll_timeout() {
                sleep(due.saturating_duration_since(clock.now())).await;
                clock.advance_to(due);
                person.handle_timeout();
            }
        });
    }
}

impl Person for Holder {
    fn ask(&mut self, ask: Ask) {
        self.person.ask(ask);
        self.wait();
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        match (self.broken.get(), ask.question()) {
            (Some(BrokenPhone::LinkLate(_)), PhoneQuestion::Connect(visitor))
                if visitor.may_remember =>
            {
                ask.answer(towline::PhoneAnswer::ApproveAndAskLater);
            }
            (Some(BrokenPhone::LinkLate(so_much)), PhoneQuestion::Remember) => {
                tokio::spawn(async move {
                    sleep(so_much).await;
                    ask.approve();
                });
            }
            _ => {
                self.person.phone_asks(ask);
                self.wait();
            }
        }
    }

    fn notice(&mut self, event: &Event) {
        self.person.notice(event);
    }
}
