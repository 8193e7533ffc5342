//! How an authenticator works: whom it answers without a question, when it can be reset, and its
//! limits in size and time.

use std::time::Duration;

use towline_ctap::Transport;

use super::error::{ConfigError, distinct, needs, out_of_range};

/// Where the person is asked although the standard wants no question.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresencePolicy {
    /// Waits for a touch before it says that there is no credential, so that nobody can find out
    /// unnoticed. With a display, and over a transport that is not among `silent_transports`, that
    /// is so anyhow.
    pub confirm_no_credentials: bool,
    /// The transports over which a request is answered without a question where the standard wants
    /// none: a silent look-up (`up: false`) above all, which tells whether a credential is here.
    /// They are for a client on the same machine, or at the end of a cable. Over every other one
    /// `up: false` counts as true, and nothing changes without the person or a PIN/UV token.
    /// [`Transport::Hybrid`] can't be among them. A request of which the transport is not known
    /// ([`Authenticator::handle_request`](crate::Authenticator::handle_request)) is taken for one
    /// over any of `identity.transports`.
    pub silent_transports: Vec<Transport>,
}

/// When a client may delete everything.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetPolicy {
    /// The time at which it is possible.
    pub when: ResetTime,
    /// The transports over which a reset is possible (`transportsForReset`), which
    /// [`Authenticator::handle_request_over`](crate::Authenticator::handle_request_over) tells.
    /// `None`: over all.
    pub transports: Option<Vec<Transport>>,
    /// enableLongTouchForReset of authenticatorConfig: whether a platform may turn on that a reset
    /// needs a touch of 5 s or more, which the embedder has to be able to tell from a short one.
    pub long_touch_configurable: bool,
}

/// At which time a client may delete everything.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResetTime {
    /// At any time, after the person's confirmation.
    Always,
    /// For so long after [`Authenticator::handle_power_up`](crate::Authenticator::handle_power_up),
    /// after the person's confirmation. The standard says 10 s.
    AfterPowerUp(Duration),
    /// Clients can't reset it: authenticatorReset is refused.
    Never,
}

/// How much a message holds.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLimits {
    /// The longest request, in bytes: at least 1024. Clients take it for the longest response, too.
    pub max_msg_size: usize,
    /// How many credentials a list in a request may have: at least 1.
    pub max_credential_count_in_list: usize,
}

/// How long things may take.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// How long each question stays open.
    pub user_action_timeout: Duration,
    /// How long a job may take before its request fails. A save that comes through after that still
    /// counts.
    pub work_timeout: Duration,
    /// How long the next assertion can be had: 30 s at most.
    pub next_assertion_timeout: Duration,
}

impl PresencePolicy {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        distinct("presence.silent_transports", &self.silent_transports)?;
        if self.silent_transports.contains(&Transport::Hybrid) {
            return Err(ConfigError::SilentHybrid);
        }
        Ok(())
    }
}

impl ResetPolicy {
    pub(super) fn validate(&self, reachable: &[Transport]) -> Result<(), ConfigError> {
        let Some(transports) = &self.transports else { return Ok(()) };
        distinct("reset.transports", transports)?;
        let there = transports.iter().all(|it| reachable.contains(it));
        needs("reset.transports", true, "the same entries in `identity.transports`", there)?;
        let resets = self.when != ResetTime::Never;
        needs("reset.transports", true, "a reset that is possible", resets)
    }
}

impl MessageLimits {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.max_msg_size < towline_ctap::DEFAULT_MAX_MSG_SIZE {
            return Err(out_of_range("limits.max_msg_size", "at least 1024"));
        }
        if self.max_credential_count_in_list == 0 {
            return Err(out_of_range("limits.max_credential_count_in_list", "at least 1"));
        }
        Ok(())
    }
}

impl Timing {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.user_action_timeout.is_zero() {
            return Err(out_of_range("timing.user_action_timeout", "more than 0"));
        }
        if self.work_timeout.is_zero() {
            return Err(out_of_range("timing.work_timeout", "more than 0"));
        }
        if self.next_assertion_timeout > Duration::from_secs(30) {
            return Err(out_of_range("timing.next_assertion_timeout", "at most 30 s"));
        }
        Ok(())
    }
}
