//! How often the other nodes may be asked for a phone, and by whom.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::ring_quota::Allowance;
use crate::source::{Network, Source, Width};

/// Finds of one network at once, and after how long there is one more.
const EACH: (u32, Duration) = (10, Duration::from_secs(1));

/// Finds of all: 2 000 each second.
const ALL: (u32, Duration) = (2000, Duration::from_micros(500));

/// Networks that are known; of more the oldest is forgotten.
const NETWORKS: usize = 4096;

/// What each network has asked for lately.
#[derive(Default)]
pub(super) struct Finds {
    all: Option<Allowance>,
    each: HashMap<Network, Allowance>,
    in_order: VecDeque<Network>,
}

impl Finds {
    /// Takes one find from what this source may.
    pub(super) fn may_find(&mut self, source: Source, now: Instant) -> bool {
        let network = source.network(Width::Region);
        if !self.each.contains_key(&network) {
            while self.in_order.len() >= NETWORKS {
                let Some(oldest) = self.in_order.pop_front() else { break };
                self.each.remove(&oldest);
            }
            self.in_order.push_back(network);
        }
        let each = self.each.entry(network).or_insert_with(|| Allowance::new(EACH.0, now));
        let all = self.all.get_or_insert_with(|| Allowance::new(ALL.0, now));
        each.take(EACH.0, EACH.1, now) && all.take(ALL.0, ALL.1, now)
    }
}
