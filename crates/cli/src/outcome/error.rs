//! Which row of the table an error of the libraries is.

use towline::{
    ComputerError, client,
    hybrid::{self, Step, tunnel::ConnectFailure},
    transport,
};

use super::{End, Moment, at_the_computer};
use crate::{air::radio_failure, exit::Failure, links::links_failure};

/// What the tunnel service says of a tunnel that there has been: the code was used.
const CONFLICT: u16 = 409;
/// What it says of more than it has room for.
const FULL: [u16; 2] = [429, 503];

impl From<Step> for Moment {
    fn from(step: Step) -> Self {
        match step {
            Step::Consent | Step::Advert | Step::Ring => Self::Beginning,
            Step::Tunnel => Self::Connecting,
            Step::Message1 | Step::Message2 => Self::Advertising,
            Step::Response | Step::Answer => Self::Asking,
            Step::Shutdown => Self::Answered,
            // Whatever later versions add comes on a connection.
            _ => Self::Connected,
        }
    }
}

/// How far a transaction had come, where its error says so.
const fn step(error: &hybrid::Error) -> Option<Step> {
    use hybrid::Error;
    match error {
        Error::TimedOut { step, .. } | Error::Closed { step } | Error::Misbehaved { step, .. } => {
            Some(*step)
        }
        Error::Declined => Some(Step::Consent),
        Error::Tunnel(_) => Some(Step::Tunnel),
        _ => None,
    }
}

impl From<&hybrid::Error> for End {
    fn from(error: &hybrid::Error) -> Self {
        use hybrid::Error;
        let text = error.to_string();
        match error {
            Error::Qr(_) | Error::LinkNotAllowed => Self::NotACode(text),
            Error::UnknownTunnelDomain
            | Error::NoCommonChannel
            | Error::NoCtap
            | Error::NoDigitalCredentials => Self::NoCommonWay(text),
            Error::Tunnel(ConnectFailure::Status(CONFLICT)) => Self::CodeUsed,
            Error::Tunnel(ConnectFailure::Status(status)) if FULL.contains(status) => {
                Self::RelayFull
            }
            Error::Tunnel(_) => Self::NoRelay(text),
            Error::TimedOut { step, .. } => match step {
                Step::Consent | Step::Answer => Self::NobodyAnswered,
                Step::Advert | Step::Ring | Step::Message1 => Self::NobodyNear(text),
                _ => Self::TooSlow(text.trim_end_matches("; try again").to_owned()),
            },
            Error::Misbehaved { .. } => Self::Misbehaved(text),
            Error::Closed { .. } => Self::Gone,
            Error::Cancelled => Self::CalledOff,
            Error::Declined => Self::Declined,
            Error::LinkGone => Self::LinkForgotten,
            _ => Self::Internal(text),
        }
    }
}

impl From<&transport::TransportError> for End {
    fn from(error: &transport::TransportError) -> Self {
        match error {
            transport::TransportError::Hybrid(error) => error.into(),
            transport::TransportError::Radio(error) => Self::Machine(radio_failure(error)),
            transport::TransportError::Links(error) => Self::Machine(links_failure(error)),
            transport::TransportError::Listen(error) => {
                Self::Machine(Failure::environment("listen", error.to_string()))
            }
            transport::TransportError::Over => Self::Gone,
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<&client::Error> for End {
    fn from(error: &client::Error) -> Self {
        use client::Error;
        match error {
            Error::AlreadyRegistered => Self::AlreadyRegistered,
            Error::NoCredentials => Self::NoPasskey,
            Error::Refused(status) => Self::of_status(*status),
            Error::Cancelled | Error::Aborted => Self::CalledOff,
            Error::Cryptography => Self::Internal(error.to_string()),
            Error::TimedOut(_) => Self::TooSlow(error.to_string()),
            Error::Misbehaved(_) => Self::Misbehaved(error.to_string()),
            Error::Channel(_) => Self::Gone,
            _ => Self::Site(error.to_string()),
        }
    }
}

/// What a computer says that had come so far.
fn computer(moment: Moment, end: &End) -> Failure {
    // An error that stands for no failure is a fault of ours.
    at_the_computer(moment, end)
        .unwrap_or_else(|| Failure::new(crate::exit::Exit::Failed, "failed", "it failed"))
}

impl From<hybrid::Error> for Failure {
    fn from(error: hybrid::Error) -> Self {
        let moment = step(&error).map_or_else(Moment::default, Moment::from);
        computer(moment, &End::from(&error))
    }
}

impl From<transport::TransportError> for Failure {
    fn from(error: transport::TransportError) -> Self {
        match error {
            transport::TransportError::Hybrid(error) => error.into(),
            error => computer(Moment::default(), &End::from(&error)),
        }
    }
}

impl From<ComputerError> for Failure {
    fn from(error: ComputerError) -> Self {
        match error {
            ComputerError::Client(error) => computer(Moment::Answered, &End::from(&error)),
            ComputerError::Transport(error) => error.into(),
            error => computer(Moment::default(), &End::Internal(error.to_string())),
        }
    }
}
