//! The person in front of an authenticator.

use std::future::Future;

use towline_authenticator::{Answer, Event, Question};

use crate::{Ask, PhoneAsk};

/// Whoever an authenticator asks, and the phone around it: a dialog, a terminal, a script.
///
/// A question is a value: [`Ask::answer`] completes it, now or later, on whatever thread. Two
/// helpers are for those who don't want to keep it: [`Ask::answer_with`] for asynchronous code,
/// [`Ask::answer_on_thread`] for a dialog that blocks.
pub trait Person: Send {
    /// A question: confirm, unlock, choose an account. Take it somewhere where it can be answered;
    /// this method is not the place to wait.
    ///
    /// Several may be open at a time: a touch for U2F is asked for beside requests. Whoever has one
    /// dialog only keeps the others until it is free.
    fn ask(&mut self, ask: Ask);

    /// A question of a phone's own, which the authenticator knows nothing about: connect to this
    /// computer? A no, by default.
    fn phone_asks(&mut self, ask: PhoneAsk) {
        ask.deny();
    }

    /// Something happened that the person should see: a passkey was made, used, refused. Nothing,
    /// by default.
    fn notice(&mut self, event: &Event) {
        let _ = event;
    }

    /// A client wants to know which device this is: make yourself noticed. Nothing, by default.
    fn wink(&mut self) {}
}

/// A person can be an object.
const _: Option<&dyn Person> = None;

impl<P: Person + ?Sized> Person for Box<P> {
    fn ask(&mut self, ask: Ask) {
        (**self).ask(ask);
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        (**self).phone_asks(ask);
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

/// Agrees to everything at once; that the person is verified is simulated. For tests and demos:
/// with this person, whoever can send a request gets what it asks for. [`crate::Simulated`] is one
/// who can be told to do otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreeable;

impl Person for Agreeable {
    fn ask(&mut self, ask: Ask) {
        let agreement = ask.question().simulated_agreement();
        ask.answer(agreement);
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        ask.approve();
    }
}

/// A person who is an asynchronous function of the authenticator's question. It is dropped when the
/// question is withdrawn.
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
    fn ask(&mut self, ask: Ask) {
        ask.answer_with(&mut self.0);
    }
}
