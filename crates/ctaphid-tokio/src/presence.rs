//! Who answers the authenticator's questions: a person, or nobody in particular.

use std::{future::Future, time::Instant};

use towline_authenticator::{Answer, Event, Question};

use crate::control::Touch;

/// Whoever the authenticator asks: a dialog, a terminal, a script.
///
/// The future of a question is dropped when the question is withdrawn (cancelled, timed out): take it off the screen then.
/// Questions print as sentences ([`std::fmt::Display`]).
pub trait Person: Send {
    /// Confirm, unlock, choose an account.
    fn answer(&mut self, question: &Question) -> impl Future<Output = Answer> + Send;

    /// Something happened that the person should see: a passkey was made, used, refused. Nothing, by default.
    fn notice(&mut self, event: &Event) {
        let _ = event;
    }

    /// A client wants to know which device this is: make yourself noticed. Nothing, by default.
    fn wink(&mut self) {}
}

/// Where user presence comes from.
#[derive(Debug)]
pub enum Presence<P> {
    /// Somebody is asked. Control reports and power cycles are not understood.
    Ask(P),
    /// Presence, and verification if there is any, is simulated: given at once, unless a control report says otherwise.
    /// Whoever can reach the door gets what it asks for. The person is only told what happens.
    Simulated(P),
}

/// Nobody is there: for [`Presence::Simulated`] when nobody has to know what happens. Asked, nobody says no.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Person for Nobody {
    async fn answer(&mut self, _question: &Question) -> Answer {
        Answer::Deny
    }
}

/// What simulated presence says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    No,
}

/// Simulated presence: when the open question is answered.
#[derive(Debug, Default)]
pub(crate) struct Simulation {
    touch: Touch,
    /// When the open question was asked.
    asked: Option<Instant>,
}

impl Simulation {
    /// From now on it is so, for the open question too.
    pub(crate) const fn set(&mut self, touch: Touch) {
        self.touch = touch;
    }

    pub(crate) const fn ask(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    pub(crate) const fn withdraw(&mut self) {
        self.asked = None;
    }

    /// When the open question is answered, if ever.
    pub(crate) fn due(&self) -> Option<Instant> {
        let asked = self.asked?;
        match self.touch {
            Touch::Auto | Touch::Once | Touch::Refuse => Some(asked),
            Touch::Ignore => None,
            Touch::Delay(delay) => asked.checked_add(delay),
        }
    }

    /// What is said to the open question, if it is answered now; it is not open any more then.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Said> {
        self.due().filter(|due| *due <= now)?;
        self.asked = None;
        match self.touch {
            Touch::Refuse => return Some(Said::No),
            Touch::Once => self.touch = Touch::Ignore,
            Touch::Auto | Touch::Ignore | Touch::Delay(_) => {}
        }
        Some(Said::Yes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn touch_comes_at_once_after_a_while_once_or_never() {
        let start = Instant::now();
        let later = start + Duration::from_millis(100);
        let mut simulation = Simulation::default();
        assert_eq!(simulation.take(start), None, "nothing is asked");
        simulation.ask(start);
        assert_eq!(simulation.take(start), Some(Said::Yes));
        assert_eq!(simulation.take(start), None);

        simulation.set(Touch::Ignore);
        simulation.ask(start);
        assert_eq!((simulation.due(), simulation.take(later)), (None, None));
        simulation.set(Touch::Delay(Duration::from_millis(100)));
        assert_eq!(simulation.due(), Some(later), "counted from the question");
        assert_eq!(simulation.take(start), None);
        assert_eq!(simulation.take(later), Some(Said::Yes));

        simulation.set(Touch::Once);
        simulation.ask(start);
        assert_eq!(simulation.take(start), Some(Said::Yes));
        simulation.ask(later);
        assert_eq!(simulation.take(later), None, "later ones by nobody");

        simulation.set(Touch::Refuse);
        assert_eq!(simulation.take(start), None, "not before it was asked");
        assert_eq!(simulation.take(later), Some(Said::No));
        assert_eq!(simulation.take(later), None);
    }

    #[test]
    fn a_question_that_is_withdrawn_does_not_use_the_touch_up() {
        let now = Instant::now();
        let mut simulation = Simulation::default();
        simulation.set(Touch::Once);
        simulation.ask(now);
        simulation.withdraw();
        assert_eq!(simulation.take(now), None);
        simulation.ask(now);
        assert_eq!(simulation.take(now), Some(Said::Yes));
    }
}
