//! What should be in the store and is not listed.

use super::{Circle, Moment, SyncNotice, reading::Reading};
use crate::{DeviceId, StoreName, sealed::Part};

impl Circle {
    /// R13: this device's own head, and each segment of it.
    pub(super) fn miss_own(&mut self, reading: &Reading, now: Moment) {
        let Some(own) = &self.own else { return };
        let head = StoreName::Head(self.device(), own.seen.number, own.seen.hash);
        if self.is_in_outbox(own.seen.hash) {
            return;
        }
        let (device, number) = (self.device(), own.seen.number);
        let is_there = |part: &Part| {
            let name = StoreName::Segment(device, part.hash);
            reading.names.contains(&name) || self.is_in_outbox(part.hash)
        };
        if reading.names.contains(&head) && own.segments.iter().all(is_there) {
            self.missing_since.retain(|(missing, _), _| *missing != device);
            return;
        }
        self.needs_snapshot = true;
        self.miss(SyncNotice::WentBack { device, number }, (device, number), now);
    }

    /// R13: the newest head of each other member that was merged here, or that another names.
    pub(super) fn miss_others(&mut self, reading: &Reading, now: Moment) {
        let mut others = self.roster.members().clone();
        others.remove(&self.device());
        for device in others {
            let seen = self.seen.get(&device).map(|seen| seen.number);
            let expected = seen.max(self.named.get(&device).map(|named| named.number));
            let listed = reading.newest(device);
            let Some(number) = expected.filter(|_| listed < expected) else {
                self.missing_since.retain(|(missing, _), _| *missing != device);
                continue;
            };
            if self.answered.insert(device, number) != Some(number) {
                self.needs_snapshot = true;
                self.changed = true;
            }
            let notice = if listed < seen {
                SyncNotice::WentBack { device, number: seen.unwrap_or(number) }
            } else {
                SyncNotice::Withheld { device, number }
            };
            self.miss(notice, (device, number), now);
        }
    }

    /// Tells of what is missing once it has been for long enough.
    fn miss(&mut self, notice: SyncNotice, what: (DeviceId, u64), now: Moment) {
        let since = *self.missing_since.entry(what).or_insert(now.instant);
        if now.instant.saturating_duration_since(since) >= self.config.patience {
            self.tell(notice);
        }
    }
}
