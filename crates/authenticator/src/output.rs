//! What comes out of the machine.

use std::fmt;

use towline_ctap::hid::KeepaliveStatus;

use crate::{ChannelId, Event, Job, Question, Token};

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
