//! Who may ring a phone how often, and what a phone may send.

use std::time::{Duration, Instant};

use crate::Limits;
use crate::source::{Network, Source, Width};

/// Networks of which a phone's book is kept; the one that has rung least recently is forgotten
/// first.
const NETWORKS: usize = 16;

/// Sources that a phone has accepted a ring of; the one that it has not accepted for the longest
/// time is forgotten first.
const KNOWN: usize = 4;

/// Rings of one such source for which it does not pay though the phone is busy, and after how long
/// there is one more.
const BUSY: (u32, Duration) = (32, Duration::from_secs(1));

/// So many at once, and one more after each pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    pub(super) const fn new(most: u32, now: Instant) -> Self {
        Self { left: most, counted: now }
    }

    fn refill(&mut self, most: u32, pause: Duration, now: Instant) {
        let passed = now.saturating_duration_since(self.counted).as_nanos();
        let more = passed.checked_div(pause.as_nanos()).unwrap_or(u128::MAX);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(more).min(most);
        let counted = pause.checked_mul(more).and_then(|time| self.counted.checked_add(time));
        self.counted = counted.map_or(now, |counted| counted.min(now));
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, most: u32, pause: Duration, now: Instant) -> bool {
        self.refill(most, pause, now);
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn give_back(&mut self, most: u32) {
        self.left = self.left.saturating_add(1).min(most);
    }
}

/// What the service knows of those who ring one phone. A contact id is no secret to computers that
/// were forgotten, so that strangers may ring; what they may is taken from them, not from the
/// phone, and not from where the phone accepted a ring.
#[derive(Debug, Default)]
pub(super) struct Callers {
    all: Option<Allowance>,
    networks: Vec<(Network, Allowance)>,
    known: Vec<Known>,
}

/// A source that the phone has accepted a ring of.
#[derive(Debug)]
struct Known {
    source: Source,
    rings: Allowance,
    busy: Allowance,
}

impl Callers {
    /// Whether the phone has accepted a ring of this source.
    pub(super) fn knows(&self, source: Source) -> bool {
        self.known.iter().any(|known| known.source == source)
    }

    /// Takes one ring from what this source may.
    pub(super) fn may_ring(&mut self, source: Source, limits: &Limits, now: Instant) -> bool {
        let (most, pause) = (limits.ring_burst, limits.ring_pause);
        let (share, longer) = ((most >> 1).max(1), pause.saturating_mul(2));
        if let Some(known) = self.known.iter_mut().find(|known| known.source == source) {
            return known.rings.take(most, longer, now);
        }
        let network = source.network(Width::Region);
        let known = self.networks.iter().position(|(known, _)| *known == network);
        let mut own = match known {
            Some(at) => self.networks.remove(at).1,
            None => Allowance::new(share, now),
        };
        let all = self.all.get_or_insert_with(|| Allowance::new(most, now));
        let may = own.take(share, longer, now) && {
            let may = all.take(most, pause, now);
            if !may {
                own.give_back(share);
            }
            may
        };
        if self.networks.len() >= NETWORKS {
            self.networks.remove(0);
        }
        self.networks.push((network, own));
        may
    }

    /// The phone said that it comes: this ring cost nothing, and rings from there come through from
    /// now on.
    pub(super) fn accepted(&mut self, source: Source, limits: &Limits, now: Instant) {
        let most = limits.ring_burst;
        let known = match self.known.iter().position(|known| known.source == source) {
            Some(at) => {
                let mut known = self.known.remove(at);
                known.rings.give_back(most);
                known
            }
            None => {
                let network = source.network(Width::Region);
                for (known, allowance) in &mut self.networks {
                    if *known == network {
                        allowance.give_back((most >> 1).max(1));
                    }
                }
                if let Some(all) = &mut self.all {
                    all.give_back(most);
                }
                let (rings, busy) = (Allowance::new(most, now), Allowance::new(BUSY.0, now));
                Known { source, rings, busy }
            }
        };
        if self.known.len() >= KNOWN {
            self.known.remove(0);
        }
        self.known.push(known);
    }

    /// The phone is busy. That is not the fault of a source that it knows, within reason.
    pub(super) fn busy(&mut self, source: Source, limits: &Limits, now: Instant) {
        if let Some(known) = self.known.iter_mut().find(|known| known.source == source)
            && known.busy.take(BUSY.0, BUSY.1, now)
        {
            known.rings.give_back(limits.ring_burst);
        }
    }
}
