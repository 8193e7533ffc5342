//! Why a transaction ended: who misbehaved, at which step, and what a person can do about it.

use std::{fmt, time::Duration};

use crate::{frame, machine::RadioFailure, message, noise, qr, tunnel::ConnectFailure};

/// Who takes part besides the person.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The computer, which shows the code.
    Computer,
    /// The phone, which scans it.
    Phone,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Computer => "computer",
            Self::Phone => "phone",
        })
    }
}

/// How far a transaction had come.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The phone asks its person whether to connect.
    Consent,
    /// The connection to the tunnel service.
    Tunnel,
    /// The computer listens for the phone's advert.
    Advert,
    /// The computer rings a linked phone, and listens for its advert.
    Ring,
    /// The phone advertises and waits for the computer's handshake message.
    Message1,
    /// The computer waits for the phone's handshake message.
    Message2,
    /// The computer waits for the phone's first message.
    PostHandshake,
    /// The connection is up, and no request is under way.
    Request,
    /// The computer waits for the response to its request.
    Response,
    /// The phone has a request, and its person, or the authenticator, has not answered it.
    Answer,
    /// The computer said that it is done.
    Shutdown,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consent => "question on the phone",
            Self::Tunnel => "connection to the tunnel service",
            Self::Advert => "search by Bluetooth",
            Self::Ring => "answer to the ring",
            Self::Message1 => "first handshake message",
            Self::Message2 => "second handshake message",
            Self::PostHandshake => "first message after the handshake",
            Self::Request => "request",
            Self::Response => "response",
            Self::Answer => "answer to the request",
            Self::Shutdown => "end of the connection",
        })
    }
}

/// What was wrong with what a peer sent.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// The handshake failed.
    #[error("{0}")]
    Handshake(noise::Error),
    /// A frame was refused.
    #[error("{0}")]
    Frame(#[from] frame::Error),
    /// A message was refused.
    #[error("{0}")]
    Message(#[from] message::Error),
    /// A well-formed message that nobody asked for, or at the wrong time.
    #[error("a message came that nobody asked for")]
    Unsolicited,
    /// A text message, which the protocol does not have.
    #[error("a text message came")]
    Text,
    /// A kind of message that this side does not serve.
    #[error("a message came of a kind that is not supported here")]
    Unsupported,
}

/// A call that does not fit: a mistake of the calling program, about which a person can do nothing.
/// Nothing changes because of it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// There is no connection, or no request to answer.
    #[error("this is not possible now")]
    NotNow,
    /// A request is under way already.
    #[error("another request is still being answered")]
    Busy,
    /// The message is longer than [`MAX_MESSAGE`](crate::MAX_MESSAGE) with its type byte.
    #[error("the message is too long to be sent")]
    TooLong,
    /// The answer's token does not belong to an open question.
    #[error("there is no such question, or it was withdrawn")]
    UnknownToken,
    /// The question is open, but the answer is one to another kind of question.
    #[error("this does not answer the question")]
    WrongAnswer,
}

/// Why a transaction failed. Prints as a sentence that tells a person what to do; only
/// [`Misuse`](Self::Misuse) is for the developer of the calling program.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The scanned text is not a usable code.
    #[error("this is not a usable passkey QR code: {0}; scan the code that the computer shows now")]
    Qr(#[from] qr::QrError),
    /// The code came as a link, and links are not allowed.
    #[error(
        "this code was opened as a link, which any web page can do; scan the code on the computer's screen with the \
         camera instead"
    )]
    LinkNotAllowed,
    /// The computer is too old to know the tunnel domain that this phone uses.
    #[error(
        "the computer does not know this phone's tunnel service; update the computer's software"
    )]
    UnknownTunnelDomain,
    /// The computer offers none of the data channels that this phone has.
    #[error("the computer offers no way to connect that this phone supports")]
    NoCommonChannel,
    /// The tunnel service could not be reached, or refused.
    #[error("{}", unreachable(.0))]
    Tunnel(#[from] ConnectFailure),
    /// The radio does not work.
    #[error("{0}")]
    Radio(#[from] RadioFailure),
    /// Nothing came in time.
    #[error("{}", timed_out(*step, *after))]
    TimedOut {
        /// What was waited for.
        step: Step,
        /// The limit that ran out.
        after: Duration,
    },
    /// A peer broke the protocol.
    #[error("the {by} sent something invalid as the {step}: {fault}; start again with a new code")]
    Misbehaved {
        /// Whose message it should have been.
        by: Party,
        /// The message that was expected.
        step: Step,
        /// What was wrong with it.
        fault: PeerFault,
    },
    /// The connection ended too early. What became of a request that was under way is known at the
    /// phone only: at [`Step::Answer`] nothing of it has left the phone, at [`Step::Response`] the
    /// computer can't tell.
    #[error("{}", closed(*step))]
    Closed {
        /// What was going on.
        step: Step,
    },
    /// The person cancelled on this side.
    #[error("it was cancelled")]
    Cancelled,
    /// The person declined to connect.
    #[error("the connection to this computer was declined")]
    Declined,
    /// The cryptography failed on this side.
    #[error("an internal cryptographic operation failed: {0}")]
    Crypto(#[from] towline_crypto::Error),
    /// The phone that was rung does not know this computer any more.
    #[error("this phone does not know this computer any more; scan a code with it instead")]
    LinkGone,
    /// Only passkeys can be asked for without a code.
    #[error("a phone can be asked for this only by a code; show one")]
    NotForLinks,
    /// The phone takes no CTAP requests, only digital credentials.
    #[error("the phone offers no passkeys over this connection; choose another phone")]
    NoCtap,
    /// The phone takes no digital credential requests.
    #[error("the phone offers no digital credentials over this connection; choose another phone")]
    NoDigitalCredentials,
    /// The code is for signing in, and this device wants to share its passkeys.
    #[error(
        "this code is for signing in, not for joining; have the other device show a code for that: `towline sync join` \
         on a new device, `towline sync invite` on one that has your passkeys"
    )]
    NotForCircles,
    /// The code is that of a device that shares its passkeys, and this is a phone for passkeys.
    #[error(
        "this code is for joining your devices, not for signing in; scan it with `towline sync join` on a new device, \
         or `towline sync invite` on one that has your passkeys"
    )]
    OnlyForCircles,
    /// What scanned the code is a phone that signs in.
    #[error(
        "that is a phone for passkeys, not for joining; scan the code with `towline sync join` or `towline sync invite` \
         on the other device"
    )]
    NoCircle,
    /// The calling program made a mistake.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

fn unreachable(failure: &ConnectFailure) -> String {
    match failure {
        // A tunnel is made once for each code.
        ConnectFailure::Status(409) => {
            "this code was used already, or is too old; have the computer show a new one".into()
        }
        ConnectFailure::Status(429 | 503) => {
            "the tunnel service has no room now; try again in a minute".into()
        }
        ConnectFailure::BadRequest(_) => format!(
            "no connection: {failure}; update this program, and see whether a proxy changes what it \
             sends"
        ),
        failure => format!("no connection: {failure}; check the network and try again"),
    }
}

fn timed_out(step: Step, after: Duration) -> String {
    let after = match after.as_secs() {
        0 => format!("{} ms", after.as_millis()),
        seconds => format!("{seconds} s"),
    };
    match step {
        Step::Advert => format!(
            "no phone nearby answered within {after}; scan the code and check that Bluetooth is on at both ends"
        ),
        Step::Ring => format!(
            "the phone did not answer within {after}; check that it is on and near and that Bluetooth is on at both \
             ends, or scan a code with it"
        ),
        Step::Message1 => format!(
            "no computer nearby answered within {after}; check that Bluetooth is on at both ends"
        ),
        Step::Consent => {
            format!("nobody answered the question on the phone within {after}; scan the code again")
        }
        Step::Answer => format!(
            "nobody answered the request of the computer within {after}, so that it knows of nothing; start again there"
        ),
        _ => format!("there was no {step} within {after}; try again"),
    }
}

fn closed(step: Step) -> String {
    match step {
        Step::Response => {
            "the connection ended before the request was answered, so that it is not known whether it was carried out; \
             try again"
                .into()
        }
        Step::Answer => {
            "the connection ended before the request was answered, so that the computer knows of nothing; start again there"
                .into()
        }
        _ => format!("the connection ended too early, at the {step}; try again"),
    }
}
