//! What a phone and its bell tell each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use towline_crypto::{CryptoProvider, Error};
use towline_hybrid::link::ContactKey;

/// How many keys of links that could not be kept are remembered.
const MOST_UNKEPT: usize = 8;

/// Whether a phone can serve a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupancy {
    /// It serves nobody.
    Free,
    /// It has answered, and is about to be free, most likely.
    Answered,
    /// It serves somebody.
    Busy,
}

/// Between one phone and its bell.
pub(crate) struct Line {
    occupancy: watch::Sender<Occupancy>,
    /// Says that other links are kept.
    links: watch::Sender<()>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// What the next computer that is linked will ring by. The bell listens by it before anybody
    /// knows it, so that the computer can ring as soon as it is linked.
    next: Option<ContactKey>,
    /// What computers were given whose links could not be kept.
    unkept: Vec<ContactKey>,
}

impl Line {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            occupancy: watch::Sender::new(Occupancy::Free),
            links: watch::Sender::new(()),
            keys: Mutex::default(),
        })
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn occupancy(&self) -> watch::Receiver<Occupancy> {
        self.occupancy.subscribe()
    }

    pub(super) fn links_changed(&self) -> watch::Receiver<()> {
        self.links.subscribe()
    }

    /// What the next computer that is linked will ring by.
    pub(crate) fn next_key(&self, provider: &CryptoProvider) -> Result<ContactKey, Error> {
        let mut keys = self.keys();
        if let Some(key) = &keys.next {
            return Ok(key.clone());
        }
        let key = ContactKey::generate(provider)?;
        Ok(keys.next.insert(key).clone())
    }

    /// A computer has this key now, and its link was kept, or could not be.
    pub(crate) fn given_away(&self, key: &ContactKey, kept: bool) {
        let mut keys = self.keys();
        keys.next.take_if(|next| next == key);
        if !kept {
            let surplus = keys.unkept.len().saturating_add(1).saturating_sub(MOST_UNKEPT);
            keys.unkept.drain(..surplus);
            keys.unkept.push(key.clone());
        }
        drop(keys);
        self.links.send_replace(());
    }

    pub(super) fn unkept(&self) -> Vec<ContactKey> {
        self.keys().unkept.clone()
    }

    pub(super) fn given_up(&self, key: &ContactKey) {
        self.keys().unkept.retain(|known| known != key);
    }

    /// The phone serves somebody until this is dropped.
    pub(crate) fn serve(self: &Arc<Self>) -> Serving {
        self.occupancy.send_replace(Occupancy::Busy);
        Serving(Arc::clone(self))
    }
}

/// A phone that serves somebody.
pub(crate) struct Serving(Arc<Line>);

impl Serving {
    /// It was asked for something.
    pub(crate) fn asked(&self) {
        self.0.occupancy.send_replace(Occupancy::Busy);
    }

    /// It has answered.
    pub(crate) fn answered(&self) {
        self.0.occupancy.send_replace(Occupancy::Answered);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.occupancy.send_replace(Occupancy::Free);
    }
}
