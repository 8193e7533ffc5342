//! The place of an admitted connection.

use std::sync::Arc;

use towline_rendezvous::Leg;

/// Who takes places back.
pub(crate) trait Places: Send + Sync {
    /// This connection is over.
    fn give_back(&self, leg: Leg);
}

/// The place that an admitted connection occupies; dropping it gives the place back.
pub(crate) struct LegGuard {
    places: Arc<dyn Places>,
    pub(crate) leg: Leg,
}

impl LegGuard {
    pub(crate) fn new(places: Arc<dyn Places>, leg: Leg) -> Self {
        Self { places, leg }
    }
}

impl Drop for LegGuard {
    fn drop(&mut self) {
        self.places.give_back(self.leg);
    }
}
