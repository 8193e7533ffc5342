//! What a bell has to tell, while nobody asks: how it is, and one ring.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use towline_hybrid::{RingToken, link::Ring};
use towline_hybrid_tokio::TransportError;

use super::BellEvent;

/// For how long the computer of a ring that was accepted waits, by the service's limits.
const RING_TIME: Duration = Duration::from_secs(90);

/// Names a ring: by which place it came, and its token there.
pub(super) type RingName = (u64, RingToken);

#[derive(Default)]
struct Content {
    /// Listening or lost, the last of them.
    state: Option<BellEvent>,
    given_up: usize,
    ring: Option<(RingName, Instant, Ring)>,
    end: Option<TransportError>,
}

#[derive(Clone, Default)]
pub(super) struct Outbox(Arc<(Mutex<Content>, Notify)>);

impl Outbox {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        let changed = change(&mut self.content());
        self.0.1.notify_one();
        changed
    }

    pub(super) fn state(&self, event: BellEvent) {
        self.change(|content| content.state = Some(event));
    }

    pub(super) fn given_up(&self, computers: usize) {
        self.change(|content| content.given_up = content.given_up.saturating_add(computers));
    }

    pub(super) fn end(&self, error: TransportError) {
        self.change(|content| content.end.get_or_insert(error).clone());
    }

    /// Whether a ring waits for the program, and its computer for the phone.
    pub(super) fn has_ring(&self) -> bool {
        self.content().ring.as_ref().is_some_and(|(_, since, _)| since.elapsed() < RING_TIME)
    }

    pub(super) fn ring(&self, name: RingName, ring: Ring) {
        self.change(|content| content.ring = Some((name, Instant::now(), ring)));
    }

    /// The computer of this ring went away.
    pub(super) fn over(&self, name: RingName) {
        self.content().ring.take_if(|(waiting, ..)| *waiting == name);
    }

    /// The next event, waited for if there is none. Cancel-safe.
    pub(super) async fn next(&self) -> Result<BellEvent, TransportError> {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.0.1.notified().await;
        }
    }

    fn take(&self) -> Option<Result<BellEvent, TransportError>> {
        let mut content = self.content();
        if let Some(state) = content.state.take() {
            return Some(Ok(state));
        }
        if let given_up @ 1.. = std::mem::take(&mut content.given_up) {
            return Some(Ok(BellEvent::GivenUp { computers: given_up }));
        }
        if let Some((_, since, ring)) = content.ring.take()
            && since.elapsed() < RING_TIME
        {
            return Some(Ok(BellEvent::Rung(ring)));
        }
        content.end.clone().map(Err)
    }
}
