//! Which channels a device has given out (CTAP 2.3 §11.2.3): one after the other, so that there is
//! nothing to remember but where it stands.

use core::ops::RangeInclusive;

use super::HidChannel;

#[derive(Debug)]
pub(super) struct Channels {
    /// What may be given out.
    range: RangeInclusive<u32>,
    /// What may not be given out though it is in the range.
    never: Option<HidChannel>,
    /// Those from `first` on, up to `next` (not included), are given out; `None`: up to the end of
    /// the range.
    first: u32,
    next: Option<u32>,
}

impl Channels {
    pub(super) const fn new(
        first: HidChannel,
        last: HidChannel,
        never: Option<HidChannel>,
    ) -> Self {
        Self { range: first.0..=last.0, never, first: first.0, next: Some(first.0) }
    }

    /// A channel that nobody has, if there is one left.
    pub(super) fn allocate(&mut self) -> Option<HidChannel> {
        loop {
            let candidate = self.next?;
            self.next = candidate.checked_add(1).filter(|next| self.range.contains(next));
            if self.range.contains(&candidate) && self.is_usable(HidChannel(candidate)) {
                return Some(HidChannel(candidate));
            }
        }
    }

    pub(super) fn is_allocated(&self, channel: HidChannel) -> bool {
        self.range.contains(&channel.0)
            && self.first <= channel.0
            && self.next.is_none_or(|next| channel.0 < next)
            && self.is_usable(channel)
    }

    /// Takes all channels back. They are not given out again as long as there are others, so that
    /// nobody gets what is still sent to somebody else.
    pub(super) fn reset(&mut self) {
        self.first = self.next.unwrap_or(*self.range.start());
        self.next = Some(self.first);
    }

    fn is_usable(&self, channel: HidChannel) -> bool {
        ![Some(HidChannel::RESERVED), Some(HidChannel::BROADCAST), self.never]
            .contains(&Some(channel))
    }
}
