//! Who is at a relying site: on the way to the provider, or signed in.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use openidconnect::{Nonce, PkceCodeVerifier};

use crate::{pending::Pending, site::lock};

/// How long somebody may take at the provider.
const AWAY: Duration = Duration::from_secs(20 * 60);

/// How long somebody stays signed in.
const STAY: Duration = Duration::from_secs(60 * 60);

/// How many there may be; one more displaces the oldest.
const MOST: usize = 1_000;

/// Somebody who was sent to the provider.
pub(super) struct Away {
    pub(super) verifier: PkceCodeVerifier,
    pub(super) nonce: Nonce,
    /// When, in seconds of Unix time.
    pub(super) since: i64,
}

/// What the provider said of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    /// When they showed who they are, in seconds of Unix time.
    pub(crate) verified: Option<u64>,
    /// By what (RFC 8176).
    pub(crate) methods: Vec<String>,
}

/// Both, by names that only the person's browser has.
pub(super) struct Visitors {
    away: Mutex<Pending<Away>>,
    here: Mutex<Pending<Visitor>>,
}

impl Visitors {
    pub(super) fn new() -> Self {
        Self {
            away: Mutex::new(Pending::new(AWAY, MOST)),
            here: Mutex::new(Pending::new(STAY, MOST)),
        }
    }

    pub(super) fn leaves(&self, state: String, away: Away) {
        lock(&self.away).insert(state, away, Instant::now());
    }

    /// Whoever left with a state; once.
    pub(super) fn returns(&self, state: &str) -> Option<Away> {
        lock(&self.away).take(state, Instant::now())
    }

    pub(super) fn enters(&self, token: String, visitor: Visitor) {
        lock(&self.here).insert(token, visitor, Instant::now());
    }

    pub(super) fn find(&self, token: &str) -> Option<Visitor> {
        lock(&self.here).get_mut(token, Instant::now()).cloned()
    }

    pub(super) fn goes(&self, token: &str) {
        lock(&self.here).take(token, Instant::now());
    }
}
