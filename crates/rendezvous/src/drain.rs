//! How a service leaves, and how far it is.

use std::time::Duration;

/// How a service that was told to stop leaves. Whoever comes finds another node meanwhile, and
/// whoever is there keeps what was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// For how long all goes on, 5 seconds: front ends see meanwhile that this node wants nobody
    /// new.
    pub notice: Duration,
    /// Over how long phones that listen are sent away after that, one by one, 10 seconds: all of
    /// them at once would be a flood for the other nodes.
    pub spread: Duration,
    /// How long who waits or rings may stay after that, 150 seconds. A code on a screen is good
    /// for as long.
    pub waiting: Duration,
    /// How long tunnels may go on once nobody waits any more, 10 seconds.
    pub grace: Duration,
}

impl Drain {
    /// Nobody but tunnels stays, and they for so long.
    #[must_use]
    pub const fn at_once(grace: Duration) -> Self {
        let none = Duration::ZERO;
        Self { notice: none, spread: none, waiting: none, grace }
    }

    /// The shorter of both times, for each stage.
    pub(crate) fn at_most(self, other: Self) -> Self {
        Self {
            notice: self.notice.min(other.notice),
            spread: self.spread.min(other.spread),
            waiting: self.waiting.min(other.waiting),
            grace: self.grace.min(other.grace),
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            notice: Duration::from_secs(5),
            spread: Duration::from_secs(10),
            waiting: Duration::from_secs(150),
            grace: Duration::from_secs(10),
        }
    }
}

/// How far a service is on its way out. Later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainStage {
    /// It was not told to stop.
    Serving,
    /// All goes on; front ends and other nodes are told.
    Notice,
    /// Phones that listen are sent away. Computers join phones that wait, and phones come to
    /// computers that rang; everything else is refused.
    Leaving,
    /// Nobody waits any more, so that no connection is worth taking. Tunnels go on.
    Tunnels,
    /// All have had their time.
    Over,
}
