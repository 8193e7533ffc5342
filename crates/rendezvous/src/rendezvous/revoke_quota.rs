//! How many contacts may be revoked, and by whom.
//!
//! A revocation is remembered for 400 days, in a memory of a million for which all nodes and all
//! networks share. Whoever makes up contacts and revokes them would push out what others revoked,
//! and their computers would be told 404 instead of 410.

use std::time::{Duration, Instant};

use super::find_quota::Networks;
use crate::source::{Source, Width};

/// Revocations of one source at once, and after how long there is one more: five an hour.
const SOURCE: (u32, Duration) = (16, Duration::from_secs(12 * 60));

/// Those of the /48 (IPv4: the /24) around it: twenty an hour. In 400 days that is a fifth of the
/// memory at each node.
const REGION: (u32, Duration) = (64, Duration::from_secs(3 * 60));

/// What each network has revoked lately.
#[derive(Default)]
pub(super) struct Revocations {
    sources: Networks,
    regions: Networks,
}

impl Revocations {
    /// Takes one from what this source may.
    pub(super) fn may_revoke(&mut self, source: Source, now: Instant) -> bool {
        let (narrow, wide) = (source.network(Width::Source), source.network(Width::Region));
        if !self.sources.take(narrow, SOURCE, now) {
            return false;
        }
        let may = self.regions.take(wide, REGION, now);
        if !may {
            self.sources.give_back(narrow, SOURCE);
        }
        may
    }

    /// One of this source was not kept.
    pub(super) fn give_back(&mut self, source: Source) {
        self.sources.give_back(source.network(Width::Source), SOURCE);
        self.regions.give_back(source.network(Width::Region), REGION);
    }
}
