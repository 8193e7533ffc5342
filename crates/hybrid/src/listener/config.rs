//! How a phone listens: its pauses, its patience, and how many rings may wait.

use std::time::Duration;

use crate::{domain::TunnelDomain, link::ContactKey};

/// How a phone listens. Start from [`ListenerConfig::new`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// The tunnel service.
    pub domain: TunnelDomain,
    /// What gives the right to be reached under the phone's contact id.
    pub key: ContactKey,
    /// How long the connection may take, 20 seconds.
    pub connect_timeout: Duration,
    /// How often the service is asked whether it is still there, 60 seconds. It gives up a phone
    /// that says nothing for three times as long.
    pub alive_interval: Duration,
    /// How long it may take to say so, 20 seconds.
    pub alive_timeout: Duration,
    /// The pause before a lost connection is made anew, 1 second. It doubles with each failure, and
    /// some of it is random, so that not all phones come back at once.
    pub first_pause: Duration,
    /// The longest such pause, 1 minute.
    pub longest_pause: Duration,
    /// A connection that held for this long, 5 seconds, was a good one, as was one on which a
    /// computer rang: the pause after it is the first one again. Who ends connections, a network or
    /// a stranger, must not keep the phone off.
    pub good_after: Duration,
    /// How many rings may wait for an answer of the embedding program, 4.
    pub rings: usize,
}

impl ListenerConfig {
    /// The defaults that each member names.
    #[must_use]
    pub const fn new(domain: TunnelDomain, key: ContactKey) -> Self {
        Self {
            domain,
            key,
            connect_timeout: Duration::from_secs(20),
            alive_interval: Duration::from_secs(60),
            alive_timeout: Duration::from_secs(20),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            good_after: Duration::from_secs(5),
            rings: 4,
        }
    }
}
