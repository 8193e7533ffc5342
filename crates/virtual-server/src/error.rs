//! Why the service did not do what it was asked.

use std::fmt;

use towline_client::Error as CeremonyError;

/// Why the service did not do what it was asked. `Display` is a sentence for whoever asked, which
/// says what to do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// A member of what was sent can't be used.
    #[error("{0}")]
    Member(BadMember),
    /// A member asks for something that no authenticator here has.
    #[error("{0}")]
    Unsupported(BadMember),
    /// There is no session of this name, or no longer.
    #[error(
        "there is no session `{0}`; POST to /v1/sessions makes one, and `default` is always there"
    )]
    UnknownSession(String),
    /// There is no authenticator of this name in the session.
    #[error(
        "there is no authenticator `{0}` in this session; a GET of its authenticators lists them"
    )]
    UnknownAuthenticator(String),
    /// There is no passkey of this id in the authenticator.
    #[error(
        "there is no credential `{0}` in this authenticator; a GET of its credentials lists them"
    )]
    UnknownCredential(String),
    /// There is no ceremony of this name: it was never begun, or its result was collected.
    #[error("there is no ceremony `{0}` in this session; its result can be collected once")]
    UnknownCeremony(String),
    /// There is no phone of this name in the session.
    #[error("there is no phone `{0}` in this session; a GET of its phones lists them")]
    UnknownPhone(String),
    /// There is no screen of this name in the session: it was never there, or was closed.
    #[error("there is no screen `{0}` in this session; a GET of its screens lists them")]
    UnknownScreen(String),
    /// It does something else now: a phone is connected to a computer, or an authenticator carries
    /// out another request.
    #[error("the {0} is busy; wait until it is done, or end that")]
    Busy(
        /// What is busy: `phone`.
        &'static str,
    ),
    /// There is no port for a relay on this machine, so that phones and computers can't meet.
    #[error("phones and computers have no relay to meet at: {0}")]
    NoRelay(String),
    /// There is as much of something as there may be.
    #[error("there are {most} {what} already, and no more are allowed; remove some")]
    Full {
        /// What there is enough of: `sessions`.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// The ceremony could not begin, or ended without a result.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The system has no random numbers.
    #[error("the operating system gave no random numbers; try again")]
    Randomness,
}

/// A member that can't be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMember {
    /// Where it stands: `options.transport`, `faults[2]`; empty for the whole.
    pub member: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl BadMember {
    /// This member can't be used, for this reason.
    pub fn new(member: impl Into<String>, message: impl Into<String>) -> Self {
        Self { member: member.into(), message: message.into() }
    }
}

impl fmt::Display for BadMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member.as_str() {
            "" => f.write_str(&self.message),
            member => write!(f, "{member}: {}", self.message),
        }
    }
}

impl From<BadMember> for ServiceError {
    fn from(bad: BadMember) -> Self {
        Self::Member(bad)
    }
}
