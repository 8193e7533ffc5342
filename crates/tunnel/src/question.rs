//! What the rendezvous wants to know of contact ids, and is told when it is known.

use std::time::Instant;

use towline_rendezvous::{ContactState, RecallToken, Rendezvous, RevokeToken};

use crate::metrics::Counters;

/// A question that may be answered later.
pub(crate) trait Question<T>: Send + 'static {
    /// Operators see what came of it.
    fn count(&self, answer: &T, counters: &Counters);

    /// The rendezvous goes on with it.
    fn answer(self, answer: T, rendezvous: &mut Rendezvous);
}

impl Question<Option<ContactState>> for RecallToken {
    fn count(&self, answer: &Option<ContactState>, counters: &Counters) {
        if answer.is_none() {
            counters.not_recalled.add(1);
        }
    }

    fn answer(self, answer: Option<ContactState>, rendezvous: &mut Rendezvous) {
        rendezvous.handle_recalled(self, answer, Instant::now());
    }
}

impl Question<bool> for RevokeToken {
    fn count(&self, kept: &bool, counters: &Counters) {
        if *kept { &counters.kept } else { &counters.not_kept }.add(1);
    }

    fn answer(self, answer: bool, rendezvous: &mut Rendezvous) {
        rendezvous.handle_revoked(self, answer, Instant::now());
    }
}
