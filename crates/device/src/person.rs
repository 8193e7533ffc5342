//! The person in front of an authenticator.

use std::future::Future;

use towline_authenticator::{Answer, Event, Question};

use crate::Ask;

/// Whoever an authenticator asks: a dialog, a terminal, a script.
pub trait Person: Send {
    /// A question: confirm, unlock, choose an account. Take it somewhere where it can be answered;
    /// this method is not the place to wait.
    fn ask(&mut self, ask: Ask);

    /// Something happened that the person should see: a passkey was made, used, refused. Nothing,
    /// by default.
    fn notice(&mut self, event: &Event) {
        let _ = event;
    }

    /// A client wants to know which device this is: make yourself noticed. Nothing, by default.
    fn wink(&mut self) {}
}

impl<P: Person + ?Sized> Person for Box<P> {
    fn ask(&mut self, ask: Ask) {
        (**self).ask(ask);
    }

    fn notice(&mut self, event: &Event) {
        (**self).notice(event);
    }

    fn wink(&mut self) {
        (**self).wink();
    }
}

/// Nobody is there. Whatever is asked is refused at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Person for Nobody {
    fn ask(&mut self, ask: Ask) {
        ask.deny();
    }
}

/// A person who is an asynchronous function of the question. It runs as a task of its own, and is
/// dropped when the question is withdrawn.
pub fn person_fn<F, A>(answer: F) -> impl Person
where
    F: FnMut(Question) -> A + Send,
    A: Future<Output = Answer> + Send + 'static,
{
    PersonFn(answer)
}

struct PersonFn<F>(F);

impl<F, A> Person for PersonFn<F>
where
    F: FnMut(Question) -> A + Send,
    A: Future<Output = Answer> + Send + 'static,
{
    fn ask(&mut self, mut ask: Ask) {
        let answer = (self.0)(ask.question().clone());
        tokio::spawn(async move {
            tokio::select! {
                answer = answer => ask.answer(answer),
                () = ask.withdrawn() => {}
            }
        });
    }
}
