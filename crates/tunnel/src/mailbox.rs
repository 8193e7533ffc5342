//! The way to the task of a connection: its partner, what it is to send, its answer, and the end.
//!
//! A channel of the usual kind has room for dozens of events from the start, which a million phones
//! that wait would pay for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use towline_rendezvous::{Ending, Refusal};

use crate::guard::LegGuard;
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

/// Where a task can be told.
#[derive(Clone)]
pub(crate) struct Mailbox(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    partner: Option<Partner>,
    messages: VecDeque<Vec<u8>>,
    answer: Option<Result<(), Refusal>>,
    ending: Option<Ending>,
    waker: Option<Waker>,
    /// Nobody looks any more.
    left: bool,
}

impl Mailbox {
    /// An empty one, and its only reader.
    pub(crate) fn new() -> (Self, Events) {
        let inside = Arc::default();
        (Self(Arc::clone(&inside)), Events(Some(inside)))
    }

    /// The other end is here. It comes back if nobody looks any more.
    pub(crate) fn introduce(&self, partner: Partner) -> Result<(), Partner> {
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

    /// Whether the phone comes, for a computer that rings.
    pub(crate) fn answer(&self, answer: Result<(), Refusal>) {
        let mut inside = lock(&self.0);
        inside.answer.get_or_insert(answer);
        wake(inside);
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

/// What a task is told, in order, but the end last. Whoever joins another connection is told
/// nothing, since the other's task takes it over.
pub(crate) struct Events(Option<Arc<Mutex<Inside>>>);

impl Events {
    /// Nothing is ever told.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.poll(cx, |inside| {
            let partner = inside.partner.take().map(Event::Partner);
            partner
                .or_else(|| inside.messages.pop_front().map(Event::Send))
                .or_else(|| inside.ending.map(Event::Close))
        })
    }

    pub(crate) async fn next(&mut self) -> Event {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether the phone comes, for a computer that rings. Nobody says it once all is over.
    pub(crate) async fn answer(&mut self) -> Result<(), Refusal> {
        std::future::poll_fn(|cx| {
            self.poll(cx, |inside| {
                inside.answer.or_else(|| inside.ending.map(|_| Err(Refusal::Unavailable)))
            })
        })
        .await
    }

    /// Why it is over, if it is.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.0.as_ref().and_then(|inside| lock(inside).ending)
    }

    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        look: impl FnOnce(&mut Inside) -> Option<T>,
    ) -> Poll<T> {
        let Some(inside) = &self.0 else { return Poll::Pending };
        let mut inside = lock(inside);
        if let Some(found) = look(&mut inside) {
            return Poll::Ready(found);
        }
        if !inside.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inside.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let Some(inside) = &self.0 else { return };
        let mut inside = lock(inside);
        inside.left = true;
        // A partner that came too late goes now, outside the lock: its place is given back under
        // another one.
        let late = inside.partner.take();
        drop(inside);
        drop(late);
    }
}
