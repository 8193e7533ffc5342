//! What all ceremonies of one client share: cryptography, public suffixes, limits of time.

use std::{sync::Arc, time::Duration};

use towline_crypto::CryptoProvider;

use crate::{CompiledPublicSuffixes, PublicSuffixes};

/// How long a ceremony may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Where the site asks for less.
    pub min: Duration,
    /// Where the site asks for more.
    pub max: Duration,
    /// Where the site does not say.
    pub default: Duration,
}

impl Default for Timeouts {
    /// 5 to 10 minutes, and 5 by default: what WebAuthn L3 §15.1 recommends, because people need
    /// time.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n.saturating_mul(60));
        Self { min: minutes(5), max: minutes(10), default: minutes(5) }
    }
}

impl Timeouts {
    pub(crate) fn pick(&self, asked_for: Option<Duration>) -> Duration {
        asked_for.unwrap_or(self.default).min(self.max).max(self.min)
    }
}

/// A WebAuthn client. It holds no state of a ceremony; cloning is cheap.
#[derive(Clone)]
pub struct Client {
    pub(crate) provider: CryptoProvider,
    pub(crate) suffixes: Arc<dyn PublicSuffixes>,
    pub(crate) timeouts: Timeouts,
    pub(crate) conditional_create: bool,
    pub(crate) only_discoverable: bool,
}

impl Client {
    /// A client with the compiled-in public suffix list and the recommended limits of time.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        Self {
            provider,
            suffixes: Arc::new(CompiledPublicSuffixes),
            timeouts: Timeouts::default(),
            conditional_create: false,
            only_discoverable: false,
        }
    }

    /// The same with another list of public suffixes.
    #[must_use]
    pub fn with_public_suffixes(self, suffixes: impl PublicSuffixes + 'static) -> Self {
        Self { suffixes: Arc::new(suffixes), ..self }
    }

    /// The same with other limits of time.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The same, which knows that the person has just signed in by other means: then a site may
    /// have a passkey made without asking once more (`mediation: "conditional"` at a creation,
    /// WebAuthn L3 §5.1.3). Otherwise it is refused.
    #[must_use]
    pub fn with_conditional_create(self, allowed: bool) -> Self {
        Self { conditional_create: allowed, ..self }
    }

    /// The same, which makes nothing but discoverable passkeys where the authenticator has any, as
    /// the passkey providers of platforms do, even if a site discourages that (`residentKey`).
    #[must_use]
    pub fn with_only_discoverable(self, only: bool) -> Self {
        Self { only_discoverable: only, ..self }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
