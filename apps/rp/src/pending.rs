//! Challenges that wait for an answer: good once, for a time, and bounded in number.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

pub(crate) struct Pending<T> {
    waiting: VecDeque<Waiting<T>>,
    lifetime: Duration,
    limit: usize,
}

struct Waiting<T> {
    ceremony: String,
    since: Instant,
    value: T,
}

impl<T> Pending<T> {
    pub(crate) fn new(lifetime: Duration, limit: usize) -> Self {
        Self { waiting: VecDeque::new(), lifetime, limit: limit.max(1) }
    }

    pub(crate) fn insert(&mut self, ceremony: String, value: T, now: Instant) {
        self.drop_expired(now);
        while self.waiting.len() >= self.limit {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { ceremony, since: now, value });
    }

    /// Takes a ceremony out, so that a second answer to it finds nothing.
    pub(crate) fn take(&mut self, ceremony: &str, now: Instant) -> Option<T> {
        self.drop_expired(now);
        let position = self.waiting.iter().position(|w| w.ceremony == ceremony)?;
        self.waiting.remove(position).map(|w| w.value)
    }

    /// Looks at what waits, and leaves it waiting.
    pub(crate) fn get_mut(&mut self, ceremony: &str, now: Instant) -> Option<&mut T> {
        self.drop_expired(now);
        self.waiting.iter_mut().find(|w| w.ceremony == ceremony).map(|w| &mut w.value)
    }

    fn drop_expired(&mut self, now: Instant) {
        let lifetime = self.lifetime;
        // Oldest first, all with the same lifetime.
        while self
            .waiting
            .front()
            .is_some_and(|w| now.saturating_duration_since(w.since) >= lifetime)
        {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(limit: usize) -> (Pending<u8>, Instant) {
        (Pending::new(Duration::from_secs(60), limit), Instant::now())
    }

    #[test]
    fn a_challenge_is_good_once() {
        let (mut pending, now) = pending(4);
        pending.insert("a".into(), 1, now);
        assert_eq!(pending.take("a", now), Some(1));
        assert_eq!(pending.take("a", now), None);
    }

    #[test]
    fn a_challenge_expires() {
        let (mut pending, now) = pending(4);
        pending.insert("a".into(), 1, now);
        pending.insert("b".into(), 2, now + Duration::from_secs(1));
        assert_eq!(pending.take("a", now + Duration::from_secs(60)), None);
        assert_eq!(pending.take("b", now + Duration::from_secs(60)), Some(2));
    }

    #[test]
    fn one_too_many_displaces_the_oldest() {
        let (mut pending, now) = pending(2);
        for (name, value) in [("a", 1), ("b", 2), ("c", 3)] {
            pending.insert(name.into(), value, now);
        }
        assert_eq!(pending.take("a", now), None);
        assert_eq!(pending.take("b", now), Some(2));
        assert_eq!(pending.take("c", now), Some(3));
    }
}
