//! A connection on which something goes wrong, once and at a chosen message.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use towline::{
    radio::BoxFuture,
    transport::{DataChannel, Incoming},
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The connection closes, in good order.
    Close,
    /// The last bit of a message that is sent is another.
    Alter,
    /// A message is sent twice.
    Repeat,
    /// Nothing is sent any more.
    Swallow,
}

/// Where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At the message that this side sends with this number, from 1. A connection closes after it.
    Sent(usize),
    /// When so many messages have come: at the next that is sent. A connection closes at once, and
    /// the last message that came is lost.
    Received(usize),
    /// As soon as the advert was broadcast.
    OnAir,
}

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoil(pub(crate) Deed, pub(crate) Moment);

/// The connection closes before anything is sent.
const AT_ONCE: Spoil = Spoil(Deed::Close, Moment::Received(0));

/// What a test may change while it is in use; nothing, at first.
pub(crate) struct Knob<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Knob<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Knob<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Copy> Knob<T> {
    pub(crate) fn get(&self) -> Option<T> {
        *lock(&self.0)
    }

    pub(crate) fn set(&self, value: Option<T>) {
        *lock(&self.0) = value;
    }
}

/// What is kept is whole between statements, also after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection to a tunnel service with one fault in it.
pub(crate) struct Spoiled {
    inner: Way,
    spoil: Spoil,
    on_air: Option<watch::Receiver<()>>,
    sent: usize,
    received: usize,
    done: bool,
}

enum Way {
    Open(Box<dyn DataChannel>),
    Closing(BoxFuture<'static, ()>),
    Closed,
}

impl Spoiled {
    /// On this channel; `on_air` changes when the advert is broadcast, which only phones do.
    pub(crate) fn new(
        inner: Box<dyn DataChannel>,
        spoil: Spoil,
        on_air: Option<watch::Receiver<()>>,
    ) -> Self {
        Self { inner: Way::Open(inner), spoil, on_air, sent: 0, received: 0, done: false }
    }

    fn hang_up(&mut self) {
        if let Way::Open(inner) = mem::replace(&mut self.inner, Way::Closed) {
            self.inner = Way::Closing(inner.close());
        }
    }
}

impl DataChannel for Spoiled {
    fn send(&mut self, mut message: Vec<u8>) {
        let Way::Open(inner) = &mut self.inner else { return };
        if self.spoil == AT_ONCE {
            return;
        }
        self.sent = self.sent.saturating_add(1);
        let Spoil(deed, moment) = self.spoil;
        let hit = match moment {
            Moment::Sent(number) => self.sent == number,
            Moment::Received(number) => self.received >= number && deed != Deed::Close,
            Moment::OnAir => false,
        };
        let first = hit && !self.done;
        self.done |= hit;
        match deed {
            Deed::Swallow if self.done => return,
            Deed::Repeat if first => inner.send(message.clone()),
            Deed::Alter if first => {
                if let Some(last) = message.last_mut() {
                    *last ^= 1;
                }
            }
            _ => {}
        }
        inner.send(message);
        if deed == Deed::Close && first {
            self.hang_up();
        }
    }

    fn next(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async move {
            if self.spoil.1 == Moment::OnAir && !self.done {
                if let Some(on_air) = &mut self.on_air {
                    // A radio that is gone broadcasts no more.
                    let _gone = on_air.changed().await;
                }
                self.done = true;
                self.hang_up();
            } else if self.spoil == AT_ONCE {
                self.hang_up();
            }
            if let Way::Open(inner) = &mut self.inner {
                let incoming = inner.next().await;
                if matches!(incoming, Incoming::Frame(_)) {
                    self.received = self.received.saturating_add(1);
                }
                let last = Moment::Received(self.received);
                if self.spoil != Spoil(Deed::Close, last) {
                    return incoming;
                }
                self.hang_up();
            }
            if let Way::Closing(closing) = &mut self.inner {
                closing.await;
                self.inner = Way::Closed;
            }
            Incoming::Closed
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        match self.inner {
            Way::Open(inner) => inner.close(),
            Way::Closing(closing) => closing,
            Way::Closed => Box::pin(std::future::ready(())),
        }
    }
}
