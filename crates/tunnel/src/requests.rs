//! Connections that have not made their request yet: how many there may be, and which one goes when
//! there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use towline_rendezvous::{Crowd, Precedence, Shares, Source};

/// A request has at least this time, however many others there are: a TLS handshake and its request
/// take a part of it, and one that is cut short was for nothing.
const HEAD_START: Duration = Duration::from_secs(1);

/// A network with fewer than one of so many of all places does not have many.
const MANY: usize = 64;

/// All connections that have not made their request yet.
pub(crate) struct Requests {
    most: usize,
    per_source: usize,
    state: Mutex<State>,
    /// A place was given back.
    freed: Notify,
}

#[derive(Default)]
struct State {
    shares: Shares,
    crowd: Crowd,
    next: u64,
    ways: HashMap<u64, Way>,
}

struct Way {
    since: Instant,
    cut: oneshot::Sender<()>,
    source: Source,
}

/// There is no place.
enum Full {
    /// Until then, or until one is given back.
    Until(Instant),
    /// Until one is given back.
    Waiting,
    /// For this source.
    Never,
}

impl Requests {
    pub(crate) fn new(most: usize, per_source: usize) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            per_source: per_source.max(1),
            state: Mutex::default(),
            freed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole between calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().crowd.len()
    }

    /// A place for a connection, after a second at most where others have more; nothing if its
    /// source has as many as it may. A trusted proxy has any number: it sends whole requests of
    /// many sources.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        source: Source,
        by_proxy: bool,
    ) -> Option<RequestPlace> {
        loop {
            let freed = self.freed.notified();
            match self.try_enter(source, by_proxy, Instant::now()) {
                Ok(place) => return Some(place),
                Err(Full::Never) => return None,
                Err(Full::Waiting) => freed.await,
                Err(Full::Until(then)) => {
                    let _early = tokio::time::timeout_at(then, freed).await;
                }
            }
        }
    }

    fn try_enter(
        self: &Arc<Self>,
        source: Source,
        by_proxy: bool,
        now: Instant,
    ) -> Result<RequestPlace, Full> {
        let mut state = self.lock();
        if !by_proxy && !state.shares.allow(source, self.per_source, None) {
            return Err(Full::Never);
        }
        if state.crowd.len() >= self.most {
            match state.make_way(source, now) {
                // One among many that come through the same proxy.
                Err(Full::Never) if by_proxy => return Err(Full::Waiting),
                made => made?,
            }
        }
        let (number, (cut, is_cut)) = (state.next, oneshot::channel());
        state.next = number.wrapping_add(1);
        state.shares.add(source);
        state.crowd.add(source, number);
        state.ways.insert(number, Way { since: now, cut, source });
        drop(state);
        let requests = self.clone();
        Ok(RequestPlace { requests, number, source, by_proxy, cut: Some(is_cut) })
    }
}

impl State {
    /// Ends the oldest request of the network that has most of them, if it has far more than the
    /// newcomer's.
    fn make_way(&mut self, newcomer: Source, now: Instant) -> Result<(), Full> {
        let many = self.crowd.len() / MANY;
        let oldest = match self.crowd.make_way(newcomer, Precedence::Oldest) {
            Some(oldest) if self.crowd.most_held() > many => oldest,
            // Of those who have many the next one is not waited for: it would hold up everybody
            // behind it.
            _ if self.crowd.held_around(newcomer) > many && !self.crowd.is_one_network() => {
                return Err(Full::Never);
            }
            // Nobody has many, as when all phones come back at once: they come one after the other.
            _ => return Err(Full::Waiting),
        };
        let since = self.ways.get(&oldest).map_or(now, |way| way.since);
        let then = since.checked_add(HEAD_START).unwrap_or(now);
        if then > now {
            return Err(Full::Until(then));
        }
        if let Some(way) = self.leave(oldest) {
            let _gone = way.cut.send(());
        }
        Ok(())
    }

    fn leave(&mut self, number: u64) -> Option<Way> {
        let way = self.ways.remove(&number)?;
        self.shares.remove(way.source);
        self.crowd.remove(way.source, number);
        Some(way)
    }
}

/// The place of a connection until its request is admitted or answered; dropping it gives the place
/// back.
pub(crate) struct RequestPlace {
    requests: Arc<Requests>,
    number: u64,
    /// Where the connection came from.
    pub(crate) source: Source,
    /// Whether that is a proxy which says where the request came from.
    pub(crate) by_proxy: bool,
    cut: Option<oneshot::Receiver<()>>,
}

impl RequestPlace {
    /// Tells when somebody else needs the place. Never, once it is given back.
    pub(crate) fn cut(&mut self) -> impl Future<Output = ()> + use<> {
        let cut = self.cut.take();
        async {
            let given_back = match cut {
                Some(cut) => cut.await.is_err(),
                None => true,
            };
            if given_back {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        self.requests.lock().leave(self.number);
        self.requests.freed.notify_one();
    }
}
