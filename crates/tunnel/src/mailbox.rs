//! The way to the task of a connection that waits: its partner, what it is to send, and the end.
//!
//! A channel of the usual kind has room for dozens of events from the start, which a million phones
//! that wait would pay for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use towline_rendezvous::Ending;

use crate::shared::LegGuard;
use crate::socket::Socket;

/// Messages that wait for a phone that listens. One that does not take them loses the next ones,
/// and the computers that ring get no answer.
const MESSAGES: usize = 32;

/// What the task of a connection that waits is told.
pub(crate) enum Event {
    /// The other end is here.
    Partner(Partner),
    /// Something for a phone that listens.
    Send(Vec<u8>),
    /// It is over.
    Close(Ending),
}

/// The other end, and its place.
pub(crate) struct Partner {
    pub(crate) socket: Box<Socket>,
    pub(crate) guard: LegGuard,
}

/// A place beside a connection that waits. Whoever waits is told if nobody takes it.
pub(crate) struct Invitation(Option<Mailbox>);

impl Invitation {
    pub(crate) const fn to(mailbox: Mailbox) -> Self {
        Self(Some(mailbox))
    }

    /// The other end is here. It comes back if nobody waits any more.
    pub(crate) fn accept(mut self, partner: Partner) -> Result<(), Partner> {
        match self.0.take() {
            Some(mailbox) => mailbox.introduce(partner),
            None => Err(partner),
        }
    }
}

impl Drop for Invitation {
    fn drop(&mut self) {
        if let Some(mailbox) = &self.0 {
            mailbox.close(Ending::PeerVanished);
        }
    }
}

/// Where a task can be told.
#[derive(Clone)]
pub(crate) struct Mailbox(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    partner: Option<Partner>,
    messages: VecDeque<Vec<u8>>,
    ending: Option<Ending>,
    waker: Option<Waker>,
    /// Nobody looks any more.
    left: bool,
}

impl Mailbox {
    /// An empty one, and its only reader.
    pub(crate) fn new() -> (Self, Events) {
        let inside = Arc::default();
        (Self(Arc::clone(&inside)), Events(inside))
    }

    fn introduce(&self, partner: Partner) -> Result<(), Partner> {
        let mut inside = lock(&self.0);
        if inside.left {
            return Err(partner);
        }
        inside.partner = Some(partner);
        wake(inside);
        Ok(())
    }

    /// Something for a phone that listens, unless too much waits for it already.
    pub(crate) fn send(&self, message: Vec<u8>) {
        let mut inside = lock(&self.0);
        if inside.messages.len() < MESSAGES && !inside.left {
            inside.messages.push_back(message);
            wake(inside);
        }
    }

    /// It is over. The first reason stays.
    pub(crate) fn close(&self, ending: Ending) {
        let mut inside = lock(&self.0);
        inside.ending.get_or_insert(ending);
        wake(inside);
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    // Whole between calls.
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(mut inside: MutexGuard<'_, Inside>) {
    let waker = inside.waker.take();
    drop(inside);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// What a task is told, in order, but the end last.
pub(crate) struct Events(Arc<Mutex<Inside>>);

impl Events {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut inside = lock(&self.0);
        if let Some(partner) = inside.partner.take() {
            return Poll::Ready(Event::Partner(partner));
        }
        if let Some(message) = inside.messages.pop_front() {
            return Poll::Ready(Event::Send(message));
        }
        if let Some(ending) = inside.ending {
            return Poll::Ready(Event::Close(ending));
        }
        if !inside.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inside.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(crate) async fn next(&mut self) -> Event {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut inside = lock(&self.0);
        inside.left = true;
        // A partner that came too late goes now, outside the lock: its place is given back under
        // another one.
        let late = inside.partner.take();
        drop(inside);
        drop(late);
    }
}
