//! What comes out of the machine.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use towline_ctap::{Rp, RpId, User, hid::KeepaliveStatus};

use crate::{Fingerprint, Job, Question};

/// Who sent a request: one channel of a transport. The embedder chooses the numbers; over CTAPHID
/// it is the channel id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChannelId(pub u64);

/// Names one question or one job, once in the life of the process: no authenticator takes the
/// answer to another one's question, nor another one's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// One that there has not been before.
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the embedder has to do.
#[non_exhaustive]
pub enum Output {
    /// Ask the person, then call
    /// [`Authenticator::handle_answer`](crate::Authenticator::handle_answer) with the token.
    Ask {
        /// Comes back with the answer.
        token: Token,
        /// The question, which prints as a sentence.
        question: Question,
    },
    /// Take the question away: an answer is no longer of use.
    Withdraw {
        /// The token of the question.
        token: Token,
    },
    /// Run the job where blocking is allowed, then call
    /// [`Authenticator::handle_work`](crate::Authenticator::handle_work) with the token, also when
    /// the request has been answered meanwhile.
    Work {
        /// Comes back with the result.
        token: Token,
        /// The blocking part. It runs once, on any thread.
        job: Job,
    },
    /// What a request waits for from now on. A transport with keepalives sends them, as often as it
    /// has to; the others have no use for this.
    Status {
        /// The channel of the request.
        channel: ChannelId,
        /// What the authenticator is waiting for.
        status: KeepaliveStatus,
    },
    /// The response to a request: exactly one for each.
    Response {
        /// The channel of the request.
        channel: ChannelId,
        /// The status byte, then for some commands one CBOR map.
        bytes: Vec<u8>,
    },
    /// Something to tell the person or the log.
    Event(Event),
}

/// Of a response only the length: it names accounts and carries secrets, such as what `prf` gives.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { token, question } => write!(f, "Ask({token:?}, {question:?})"),
            Self::Withdraw { token } => write!(f, "Withdraw({token:?})"),
            Self::Work { token, .. } => write!(f, "Work({token:?})"),
            Self::Status { channel, status } => write!(f, "Status({channel:?}, {status:?})"),
            Self::Response { channel, bytes } => {
                write!(f, "Response({channel:?}, {} bytes)", bytes.len())
            }
            Self::Event(event) => write!(f, "Event({event:?})"),
        }
    }
}

/// What happened, for the person or the log.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A passkey was made.
    Created {
        /// The relying party that it is for.
        rp: Rp,
        /// The account that it signs in to.
        user: User,
        /// Whether it took the place of an earlier one for the same account.
        replaced: bool,
    },
    /// A passkey was refused because there is one already, of this account or another, beside which
    /// the site wants none.
    AlreadyRegistered {
        /// The relying party that asked for another one.
        rp: Rp,
        /// The account of the one that there is; not known of one that is not stored.
        user: Option<User>,
    },
    /// A passkey was used.
    Used {
        /// The relying party that was signed in to.
        rp_id: RpId,
        /// The account, where it is known: not of a credential that is not stored.
        user: Option<User>,
    },
    /// There were too many failed verifications: once when that happens, and once for each request
    /// that is refused for it. Clients learn of it by the status that is also for PINs,
    /// CTAP2_ERR_PIN_BLOCKED; nothing has to be reset where it says how long to wait.
    VerificationLocked {
        /// How long until the next try; `None`: until something else unlocks it.
        wait: Option<Duration>,
    },
    /// A PIN was set, or changed.
    PinChanged,
    /// There were too many wrong PINs.
    PinBlocked {
        /// Whether the authenticator only has to be plugged in again; otherwise nothing but a reset
        /// helps.
        until_power_up: bool,
    },
    /// A passkey was deleted by somebody who may manage them.
    Removed {
        /// For whom it was.
        rp_id: RpId,
        /// The account that it signed in to.
        user: User,
    },
    /// A passkey was given other names.
    Renamed {
        /// The relying party that it is for.
        rp_id: RpId,
        /// The account, as it is called now.
        user: User,
    },
    /// A fingerprint was enrolled and stored.
    FingerprintEnrolled(Fingerprint),
    /// A fingerprint was deleted: a sensor that keeps its template can forget it. After
    /// [`Event::Reset`] that is so for all.
    FingerprintRemoved(Fingerprint),
    /// Everything was deleted.
    Reset,
}
