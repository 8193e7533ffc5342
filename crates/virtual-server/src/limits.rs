//! How much of everything there may be, so that no client of the service can exhaust it.

/// The limits of a service. The defaults leave room for a thousand sessions side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// Sessions at once, the default session included.
    pub sessions: usize,
    /// Authenticators in one session.
    pub authenticators: usize,
    /// Passkeys in one authenticator.
    pub credentials: usize,
    /// Ceremonies of one session that have begun and were not collected.
    pub ceremonies: usize,
    /// Sites of one session that have published related origins.
    pub related_origins: usize,
    /// Phones in one session.
    pub phones: usize,
    /// Screens of one session that are not over.
    pub screens: usize,
    /// The length of the options of a ceremony, in bytes.
    pub options_length: usize,
    /// The length of a name (of an account, of an authenticator), in bytes.
    pub name_length: usize,
    /// The length of a person's script, in bytes.
    pub script_length: usize,
    /// Faults of one authenticator at a time.
    pub faults: usize,
    /// Entries of the log that each session keeps.
    pub log: usize,
    /// Notices that wait for one subscriber before the oldest is lost.
    pub queue: usize,
    /// Subscribers of one session.
    pub subscribers: usize,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            sessions: 2048,
            authenticators: 32,
            credentials: 1000,
            ceremonies: 64,
            related_origins: 64,
            phones: 8,
            screens: 8,
            options_length: 256 << 10,
            name_length: 256,
            script_length: 16 << 10,
            faults: 64,
            log: 256,
            queue: 1024,
            subscribers: 32,
        }
    }
}
