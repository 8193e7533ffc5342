//! What a phone that listens tells its program, and asks it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    ids::{RoutingId, TunnelId},
    link::ClientPayload,
    tunnel::ConnectFailure,
};

/// Names one ring to the embedding program, once in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingToken(u64);

impl RingToken {
    /// One that there has not been before.
    pub(super) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the phone's program says to a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The computer is known: it is told that the phone comes.
    Come,
    /// The phone can't come now; the computer may ring again.
    Busy,
    /// The computer is not known (any more): it is told to delete its link.
    Unknown,
}

/// Why a phone does not listen any more.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens with the same key: another process, or a copy of this phone.
    #[error("this phone is already waiting for computers in another place; stop that one first")]
    Replaced,
    /// The service does not take the contact id any more.
    #[error(
        "this phone's place at its tunnel service was given up; link it with its computers again"
    )]
    Revoked,
}

/// What the program of a phone that listens is told and asked.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum ListenerEvent {
    /// Computers can ring now.
    Listening,
    /// Computers can't ring until the connection is made anew, which is tried after a pause.
    Lost {
        /// Why, where the connection was refused.
        failure: Option<ConnectFailure>,
        /// How long the pause is.
        pause: Duration,
    },
    /// A computer rings. Look up its link, and answer with
    /// [`handle_decision`](super::Listener::handle_decision) and the same token; if it is known, go
    /// on with [`PhoneIdentity::ring`](crate::link::PhoneIdentity::ring). At most
    /// [`ListenerConfig::rings`](super::ListenerConfig::rings) wait.
    Rung {
        /// Comes back with the decision.
        token: RingToken,
        /// What the computer said.
        payload: ClientPayload,
        /// Which server it waits at.
        routing_id: RoutingId,
        /// In which tunnel it waits there.
        tunnel_id: TunnelId,
    },
    /// The ring is moot: its computer went away, before it was answered or after, or nobody can
    /// tell.
    Over {
        /// The token of the ring.
        token: RingToken,
    },
    /// It is over, everything is released, and nothing follows. Good where it was wanted.
    Finished(Result<(), ListenError>),
}

/// Who rings does not belong into a log.
impl fmt::Debug for ListenerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening => f.write_str("Listening"),
            Self::Lost { failure, pause } => write!(f, "Lost({failure:?}, {pause:?})"),
            Self::Rung { token, .. } => write!(f, "Rung({token:?})"),
            Self::Over { token } => write!(f, "Over({token:?})"),
            Self::Finished(result) => write!(f, "Finished({result:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rings_of_a_process_have_one_token() {
        let tokens: std::collections::BTreeSet<_> = (0..100).map(|_| RingToken::unique()).collect();
        assert_eq!(tokens.len(), 100);
    }
}
