//! A store that is waited for no longer than so, whatever it is asked.

use std::time::{Duration, Instant};

use towline_sync::{CircleStore, StoreName};

use crate::exit::Failure;

/// Begins no request once its time is over. One that has begun goes on: how long, its own patience
/// says.
pub(super) struct InTime<S> {
    store: S,
    until: Instant,
}

impl<S: CircleStore<Error = Failure>> InTime<S> {
    pub(super) fn new(store: S, time: Duration) -> Self {
        let now = Instant::now();
        Self { store, until: now.checked_add(time).unwrap_or(now) }
    }

    fn store(&self) -> Result<&S, Failure> {
        if Instant::now() < self.until {
            return Ok(&self.store);
        }
        let message =
            "the store takes too long while the other device waits: what is new goes there later";
        Err(Failure::environment("not_reached", message))
    }
}

impl<S: CircleStore<Error = Failure>> CircleStore for InTime<S> {
    type Error = Failure;

    fn list(&self) -> Result<Vec<String>, Failure> {
        self.store()?.list()
    }

    fn get(&self, name: StoreName) -> Result<Option<Vec<u8>>, Failure> {
        self.store()?.get(name)
    }

    fn put(&self, name: StoreName, bytes: &[u8]) -> Result<(), Failure> {
        self.store()?.put(name, bytes)
    }

    fn delete(&self, name: StoreName) -> Result<(), Failure> {
        self.store()?.delete(name)
    }

    fn never_takes(&self, error: &Failure) -> bool {
        self.store.never_takes(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, thread::sleep};

    use towline_sync::ObjectHash;

    use super::*;

    /// Answers each request, and takes its time.
    #[derive(Default)]
    struct Slow(Cell<u32>);

    impl Slow {
        fn answer<T: Default>(&self) -> Result<T, Failure> {
            self.0.update(|so_far| so_far.saturating_add(1));
            sleep(Duration::from_millis(60));
            Ok(T::default())
        }
    }

    impl CircleStore for Slow {
        type Error = Failure;

        fn list(&self) -> Result<Vec<String>, Failure> {
            self.answer()
        }

        fn get(&self, _: StoreName) -> Result<Option<Vec<u8>>, Failure> {
            self.answer()
        }

        fn put(&self, _: StoreName, _: &[u8]) -> Result<(), Failure> {
            self.answer()
        }

        fn delete(&self, _: StoreName) -> Result<(), Failure> {
            self.answer()
        }
    }

    #[test]
    fn a_store_that_answers_each_request_late_is_asked_no_more() {
        let name = StoreName::Membership(ObjectHash([1; 16]));
        let store = InTime::new(Slow::default(), Duration::from_millis(100));
        let mut asked = 0;
        let late = loop {
            match store.put(name, b"bytes") {
                Ok(()) => asked += 1,
                Err(late) => break late,
            }
        };
        assert!(asked <= 2, "{asked}");
        assert!(late.message.contains("goes there later"), "{late:?}");
        for failed in [
            store.list().err(),
            store.get(name).err(),
            store.put(name, b"").err(),
            store.delete(name).err(),
        ] {
            assert_eq!(failed.as_ref(), Some(&late));
        }
        assert_eq!(store.store.0.get(), asked, "nothing is begun any more");
    }
}
