//! How often the other nodes may be asked for a phone, and by whom.
//!
//! A find costs each node some ten microseconds, and rings nobody yet: how often a phone is told is
//! its holder's own business. So this quota only keeps one network from taking the bus from others,
//! and has room for a carrier's address with a hundred thousand people behind it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::ring_quota::Allowance;
use crate::source::{Network, Source, Width};

/// Finds of one source at once, and after how long there is one more: five each second.
const SOURCE: (u32, Duration) = (20, Duration::from_millis(200));

/// Finds of the /48 (IPv4: the /24) around it: twenty each second, a hundredth of all.
const REGION: (u32, Duration) = (80, Duration::from_millis(50));

/// Finds of all: 2 000 each second.
const ALL: (u32, Duration) = (2000, Duration::from_micros(500));

/// Networks of one width that are known; of more the oldest is forgotten.
const NETWORKS: usize = 4096;

/// What each network has asked for lately.
#[derive(Default)]
pub(super) struct Finds {
    all: Option<Allowance>,
    sources: Networks,
    regions: Networks,
}

impl Finds {
    /// Takes one find from what this source may.
    pub(super) fn may_find(&mut self, source: Source, now: Instant) -> bool {
        let all = self.all.get_or_insert_with(|| Allowance::new(ALL.0, now));
        self.sources.take(source.network(Width::Source), SOURCE, now)
            && self.regions.take(source.network(Width::Region), REGION, now)
            && all.take(ALL.0, ALL.1, now)
    }
}

/// Networks of one width, and what each has left.
#[derive(Default)]
pub(super) struct Networks {
    each: HashMap<Network, Allowance>,
    in_order: VecDeque<Network>,
}

impl Networks {
    /// Takes one from what this network may: so many at once, and one more after each pause.
    pub(super) fn take(
        &mut self,
        network: Network,
        (most, pause): (u32, Duration),
        now: Instant,
    ) -> bool {
        if !self.each.contains_key(&network) {
            while self.in_order.len() >= NETWORKS {
                let Some(oldest) = self.in_order.pop_front() else { break };
                self.each.remove(&oldest);
            }
            self.in_order.push_back(network);
        }
        self.each.entry(network).or_insert_with(|| Allowance::new(most, now)).take(most, pause, now)
    }

    /// What was taken came to nothing.
    pub(super) fn give_back(&mut self, network: Network, (most, _): (u32, Duration)) {
        if let Some(allowance) = self.each.get_mut(&network) {
            allowance.give_back(most);
        }
    }
}
