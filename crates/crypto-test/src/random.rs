//! Sources of randomness for tests: repeatable, failing, scripted. None of them is fit for use.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use towline_crypto::{Error, Random, Sha256, rustcrypto};

/// The same bytes on every run with the same seed: SHA-256 over the seed and a counter.
///
/// Each call starts a new block, so that the bytes a call gets depend only on how many blocks came
/// before it.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    counter: AtomicU64,
}

impl SeededRandom {
    /// A source that starts from the seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let sha256: &dyn Sha256 = rustcrypto::provider().sha256;
        for chunk in buffer.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, Ordering::Relaxed);
            let block = sha256.hash(&[&self.seed.to_le_bytes(), &counter.to_le_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

/// Never gives anything but [`Error::Random`], after spoiling the buffer.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailingRandom;

impl Random for FailingRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(0xdb);
        Err(Error::Random)
    }
}

/// Gives the listed answers one after the other, then [`Error::Random`].
///
/// An answer must be as long as the buffer that asks for it.
#[derive(Debug, Default)]
pub struct ScriptedRandom(Mutex<VecDeque<Vec<u8>>>);

impl ScriptedRandom {
    /// A source with these answers.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Mutex::new(answers.into_iter().collect()))
    }

    /// How many answers are left.
    ///
    /// # Panics
    /// When another thread panicked while it held the list.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Random for ScriptedRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let answer = self.0.lock().unwrap().pop_front().ok_or(Error::Random)?;
        if answer.len() != buffer.len() {
            return Err(Error::Random);
        }
        buffer.copy_from_slice(&answer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let draw = |seed| {
            let random: &dyn Random = &SeededRandom::new(seed);
            (random.bytes::<7>().unwrap(), random.bytes::<40>().unwrap())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1).1, draw(2).1);
    }

    #[test]
    fn seeded_bytes_do_not_repeat_within_a_run() {
        let random: &dyn Random = &SeededRandom::new(7);
        assert_ne!(random.bytes::<32>().unwrap(), random.bytes::<32>().unwrap());
    }

    #[test]
    fn a_script_ends_in_an_error_and_refuses_other_lengths() {
        let script = ScriptedRandom::new([vec![1, 2], vec![3]]);
        let random: &dyn Random = &script;
        assert_eq!(random.bytes::<2>(), Ok([1, 2]));
        assert_eq!(random.bytes::<2>(), Err(Error::Random));
        assert_eq!(random.bytes::<1>(), Err(Error::Random));
        assert_eq!(script.left(), 0);
    }
}
