//! Who answers the authenticator's questions: a person, or nobody in particular.

use std::future::Future;

use towline_authenticator::{Answer, Event, Question};

/// Whoever the authenticator asks: a dialog, a terminal, a script.
///
/// The future of a question is dropped when the question is withdrawn (cancelled, timed out): take
/// it off the screen then. Questions print as sentences ([`std::fmt::Display`]).
pub trait Person: Send {
    /// Confirm, unlock, choose an account.
    fn answer(&mut self, question: &Question) -> impl Future<Output = Answer> + Send;

    /// Something happened that the person should see: a passkey was made, used, refused. Nothing,
    /// by default.
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
    /// Presence, and verification if there is any, is simulated: given at once, unless a control
    /// report says otherwise. Whoever can reach the door gets what it asks for. The person is only
    /// told what happens.
    Simulated(P),
}

/// Nobody is there: for [`Presence::Simulated`] when nobody has to know what happens. Asked, nobody
/// says no.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Person for Nobody {
    async fn answer(&mut self, _question: &Question) -> Answer {
        Answer::Deny
    }
}
