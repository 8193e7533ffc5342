//! The hybrid clock: an order of changes that those who made them agree with, however wrong their
//! clocks are.

use std::fmt;

/// A device of a circle: 16 bytes that follow from its keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 16]);

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

/// When a change was made, in the order that all devices agree on. It is greater than that of every
/// change that its maker knew of. No two devices give out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Milliseconds of Unix time, or more where a clock was behind.
    pub time: u64,
    /// Who made the change: decides where the times are the same.
    pub device: DeviceId,
}

/// The year 2200, in milliseconds of Unix time. Nobody's clock is right that is beyond it.
const LATEST: u64 = 7_258_118_400_000;

/// A stamp of a time that no clock can have: what it stands on is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromTheFuture;

impl fmt::Display for FromTheFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change was made after the year 2200, by its own word")
    }
}

impl std::error::Error for FromTheFuture {}

/// Gives out stamps for the changes of one device. What it has come to is kept with the device's
/// state: it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HybridClock {
    device: DeviceId,
    greatest: u64,
}

impl HybridClock {
    /// A clock that goes on after the greatest time that this device has given out or seen; 0 for a
    /// new device.
    #[must_use]
    pub const fn new(device: DeviceId, greatest: u64) -> Self {
        Self { device, greatest }
    }

    /// What it has come to, to be kept.
    #[must_use]
    pub const fn greatest(&self) -> u64 {
        self.greatest
    }

    /// The stamp of a change that is made now, by the wall clock in milliseconds of Unix time. A
    /// wall clock that is beyond the year 2200 is not believed.
    pub fn stamp(&mut self, wall_clock: u64) -> Stamp {
        let wall_clock = if wall_clock > LATEST { 0 } else { wall_clock };
        self.greatest = wall_clock.max(self.greatest.saturating_add(1));
        Stamp { time: self.greatest, device: self.device }
    }

    /// Learns of a stamp of another device: what is made from now on comes after it.
    ///
    /// # Errors
    /// [`FromTheFuture`]; the clock is as it was.
    pub fn see(&mut self, stamp: Stamp) -> Result<(), FromTheFuture> {
        if stamp.time > LATEST {
            return Err(FromTheFuture);
        }
        self.greatest = self.greatest.max(stamp.time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 24 * 3600 * 1000;
    const NOW: u64 = 1_790_000_000_000;

    fn clock(device: u8) -> HybridClock {
        HybridClock::new(DeviceId([device; 16]), 0)
    }

    #[test]
    fn what_was_known_comes_before_though_clocks_are_years_wrong() {
        for (first, second) in [(NOW + 9 * YEAR, NOW), (NOW, NOW - 9 * YEAR), (NOW, NOW)] {
            let (mut ahead, mut behind) = (clock(2), clock(1));
            let written = ahead.stamp(first);
            behind.see(written).unwrap();
            assert!(behind.stamp(second) > written);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let mut clock = clock(1);
        let before = clock.stamp(NOW);
        assert!(clock.stamp(NOW - YEAR) > before);
        assert_eq!(HybridClock::new(DeviceId([1; 16]), clock.greatest()), clock);
    }

    #[test]
    fn nobody_is_dragged_beyond_the_year_2200() {
        let mut honest = clock(1);
        let forged = Stamp { time: LATEST + 1, device: DeviceId([2; 16]) };
        assert_eq!(honest.see(forged), Err(FromTheFuture));
        assert_eq!(honest.stamp(NOW).time, NOW);
        // Its own clock is no better then.
        assert!(honest.stamp(u64::MAX).time <= NOW + 1);
    }
}
