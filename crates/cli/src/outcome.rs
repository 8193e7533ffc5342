//! How a ceremony can end: one table of each way, at each moment, on each side, with the sentence
//! for the person there. It tells what happened to them, and what to do next.

mod error;
mod phone;
mod relying_party;
#[cfg(test)]
mod tests;

use towline_ctap::Status;

pub(crate) use self::phone::{Facts, at_the_phone};
use crate::exit::{Exit, Failure};

/// How far the two had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Moment {
    /// Nothing has been sent. The phone asks whether to connect, the computer shows its code, or
    /// rings.
    #[default]
    Beginning,
    /// The connection to the relay is being made.
    Connecting,
    /// The phone is on the air. The computer has heard it, and the two prove who they are.
    Advertising,
    /// The two are connected, and nothing was asked for.
    Connected,
    /// The phone has a request, and its person has not answered yet. The computer waits.
    Asking,
    /// The person has answered, and the computer does not know it. Of the phone only.
    Working,
    /// The computer was answered.
    Answered,
}

/// What ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// What was asked for was done.
    Done,
    /// Everything was answered, and nothing was to be done with a passkey.
    Nothing,
    /// The person did not want to connect.
    Declined,
    /// The person did not want what was asked for.
    Refused,
    /// There is a passkey for the account already.
    AlreadyRegistered,
    /// There is none for the site.
    NoPasskey,
    /// The site wants what the authenticator can't do.
    Lacks(Status),
    /// There is no room for one more passkey.
    Full,
    /// The screen lock was not opened.
    WrongLock,
    /// The screen lock takes no further attempts.
    LockBlocked,
    /// The authenticator could not do it, for a reason of its own.
    Failed(Status),
    /// Nobody answered a question in time.
    NobodyAnswered,
    /// The other side ended it in order.
    CalledOff,
    /// The connection broke, or was closed without a word.
    Gone,
    /// Nobody was near in time; the sentence of the side that waited.
    NobodyNear(String),
    /// Something else took too long, and what.
    TooSlow(String),
    /// The relay has seen the code before.
    CodeUsed,
    /// The relay has no room.
    RelayFull,
    /// The relay can't be reached, or is none, and why.
    NoRelay(String),
    /// This machine lacks something, Bluetooth most of all.
    Machine(Failure),
    /// The phone that was rung does not know the computer.
    LinkForgotten,
    /// The two have no way to each other, and why.
    NoCommonWay(String),
    /// The code is none.
    NotACode(String),
    /// The other side broke the protocol, and how.
    Misbehaved(String),
    /// What the site asked for, or sent, can't be used, and why.
    Site(String),
    /// Ctrl-C was pressed here.
    Interrupted,
    /// SIGTERM came to this process.
    Terminated,
    /// The person went over to another code.
    Replaced,
    /// The person said so with a word.
    Quit,
    /// A fault on this side.
    Internal(String),
}

impl End {
    /// What a response of the authenticator means.
    pub(crate) const fn of_status(status: Status) -> Self {
        match status {
            Status::Ok => Self::Done,
            Status::CredentialExcluded => Self::AlreadyRegistered,
            Status::NoCredentials => Self::NoPasskey,
            Status::OperationDenied => Self::Refused,
            Status::UserActionTimeout | Status::ActionTimeout => Self::NobodyAnswered,
            Status::KeepaliveCancel => Self::CalledOff,
            Status::UvInvalid => Self::WrongLock,
            // A phone has no PIN of its own: this is what the standard has for its screen lock.
            Status::UvBlocked | Status::PinBlocked => Self::LockBlocked,
            Status::KeyStoreFull | Status::LargeBlobStorageFull => Self::Full,
            Status::UnsupportedAlgorithm
            | Status::UnsupportedOption
            | Status::UnsupportedExtension
            | Status::InvalidOption
            | Status::InvalidCommand
            | Status::InvalidSubcommand
            | Status::PinNotSet
            | Status::PuatRequired
            | Status::LimitExceeded
            | Status::RequestTooLarge => Self::Lacks(status),
            status => Self::Failed(status),
        }
    }
}

/// What the computer says. Nothing for what is no failure.
pub(crate) fn at_the_computer(moment: Moment, end: &End) -> Option<Failure> {
    use Exit::{Environment, Failed, Interrupted, Refused, TimedOut, Usage};
    let (exit, reason, message) = match end {
        End::Done | End::Nothing => return None,
        End::Declined => {
            (Refused, "declined", "the phone's person declined to connect; start again".into())
        }
        End::Refused => (
            Refused,
            "refused",
            "it was declined on the phone, and nothing was done; start again if that was not meant".into(),
        ),
        End::AlreadyRegistered => (
            Failed,
            "already_registered",
            "this authenticator already holds a passkey for the account; sign in with it, or use another".into(),
        ),
        End::NoPasskey => (
            Failed,
            "no_credentials",
            "this authenticator holds no passkey for the site; use another, or register it first".into(),
        ),
        End::Lacks(status) => (
            Failed,
            "refused_by_authenticator",
            with_advice(*status, "use another authenticator"),
        ),
        End::Full => (
            Failed,
            "refused_by_authenticator",
            "the authenticator has no room left; remove a passkey there, or use another".into(),
        ),
        End::WrongLock => (
            Failed,
            "refused_by_authenticator",
            "the screen lock was not opened on the phone, and nothing was done; start again".into(),
        ),
        End::LockBlocked => (
            Failed,
            "refused_by_authenticator",
            "the screen lock takes no attempts for now, after too many wrong ones; look at the phone, and start again \
             when it takes them"
                .into(),
        ),
        End::Failed(status) => (
            Failed,
            "refused_by_authenticator",
            with_advice(*status, "start again, or use another authenticator"),
        ),
        End::NobodyAnswered => (
            TimedOut,
            "timed_out",
            "nobody answered on the phone in time, and nothing was done; start again and look at the phone".into(),
        ),
        End::CalledOff => {
            (Refused, "cancelled", "the operation was cancelled; start again if that was not meant".into())
        }
        End::Gone => (Failed, "closed", gone_for_the_computer(moment).into()),
        End::NobodyNear(message) | End::TooSlow(message) => {
            (TimedOut, "timed_out", message.clone())
        }
        // Both at the phone's connection as well: the computer only meets what the phone has
        // opened.
        End::CodeUsed => (
            Environment,
            "relay",
            "the relay has given this code's place away; start again with a new code".into(),
        ),
        End::RelayFull => {
            (Environment, "relay", "the relay has no room now; try again in a minute".into())
        }
        End::NoRelay(why) => (Environment, "relay", why.clone()),
        End::Machine(failure) => return Some(failure.clone()),
        End::LinkForgotten => (
            Failed,
            "failed",
            "this phone does not know this computer any more; scan a code with it instead".into(),
        ),
        End::NoCommonWay(why) => (Failed, "no_common_way", why.clone()),
        End::NotACode(why) => (Usage, "not_a_code", why.clone()),
        End::Misbehaved(why) => (Failed, "misbehaved", why.clone()),
        End::Site(why) => (Failed, "relying_party", why.clone()),
        End::Interrupted | End::Replaced | End::Quit => {
            (Interrupted, "interrupted", "cancelled with Ctrl-C".into())
        }
        End::Terminated => (Interrupted, "interrupted", "ended by SIGTERM".into()),
        End::Internal(why) => (Failed, "failed", why.clone()),
    };
    Some(Failure::new(exit, reason, message))
}

/// The computer can't know what became of a request that the phone has.
const fn gone_for_the_computer(moment: Moment) -> &'static str {
    match moment {
        Moment::Asking | Moment::Working => {
            "the connection ended before the request was answered, so that it is not known here whether it was carried \
             out: the phone says so; try again"
        }
        Moment::Beginning | Moment::Connecting | Moment::Advertising => {
            "the connection ended before the phone was there, and nothing was done; start again with a new code"
        }
        Moment::Connected | Moment::Answered => {
            "the connection to the phone ended too early; start again with a new code"
        }
    }
}

/// The sentence of a status, to go on behind, and what helps, if it does not say so itself.
fn with_advice(status: Status, advice: &str) -> String {
    let text = status.to_string();
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    // "The PIN is wrong" goes on with a small letter, "PIN" would not.
    let text: String =
        chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect());
    if text.contains(';') { text } else { format!("{text}; {advice}") }
}
