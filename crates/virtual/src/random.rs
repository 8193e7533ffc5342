//! Randomness that comes out the same every time.

use std::sync::atomic::{AtomicU64, Ordering};

use towline_crypto::{Error, Random};

/// The step of the Weyl sequence under SplitMix64 (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes that follow from a seed: SplitMix64, which costs next to nothing. Anybody can predict
/// them, so they are for tests alone.
#[derive(Debug)]
pub(crate) struct Seeded(AtomicU64);

impl Seeded {
    /// Seeds that lie side by side give streams that have nothing in common.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(mix(seed.wrapping_add(STEP))))
    }

    fn next(&self) -> u64 {
        mix(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }
}

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
        Ok(())
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_and_its_neighbour_others() {
        let draw = |seed| {
            let random: &dyn Random = &Seeded::new(seed);
            (random.bytes::<7>().unwrap(), random.bytes::<40>().unwrap())
        };
        assert_eq!(draw(0), draw(0));
        assert_ne!(draw(0).1, draw(1).1);
        assert_ne!(draw(0).1, [0; 40]);
    }
}
