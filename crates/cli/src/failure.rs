//! Which exit code and name each error of the libraries has.

use towline::{ComputerError, client, hybrid, transport};
use towline_ctap::Status;
use towline_rp::{ClientError, ErrorCode};

use crate::{
    air::radio_failure,
    exit::{Exit, Failure},
    links::links_failure,
};

impl From<hybrid::Error> for Failure {
    fn from(error: hybrid::Error) -> Self {
        use hybrid::Error;
        let (exit, reason) = match &error {
            Error::Qr(_) => (Exit::Usage, "not_a_code"),
            Error::UnknownTunnelDomain
            | Error::NoCommonChannel
            | Error::NoCtap
            | Error::NoDigitalCredentials => (Exit::Failed, "no_common_way"),
            Error::Tunnel(_) => (Exit::Environment, "relay"),
            Error::TimedOut { .. } => (Exit::TimedOut, "timed_out"),
            Error::Misbehaved { .. } => (Exit::Failed, "misbehaved"),
            Error::Closed { .. } => (Exit::Failed, "closed"),
            Error::Cancelled => (Exit::Refused, "cancelled"),
            Error::Declined => (Exit::Refused, "declined"),
            _ => (Exit::Failed, "failed"),
        };
        Self::new(exit, reason, error.to_string())
    }
}

impl From<transport::Error> for Failure {
    fn from(error: transport::Error) -> Self {
        match error {
            transport::Error::Hybrid(error) => error.into(),
            transport::Error::Radio(error) => radio_failure(&error),
            transport::Error::Links(error) => links_failure(&error),
            transport::Error::Listen(error) => Self::environment("listen", error.to_string()),
            error => Self::new(Exit::Failed, "closed", error.to_string()),
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        use client::Error;
        let (exit, reason) = match &error {
            Error::AlreadyRegistered => (Exit::Failed, "already_registered"),
            Error::NoCredentials => (Exit::Failed, "no_credentials"),
            Error::Refused(Status::OperationDenied) => (Exit::Refused, "refused"),
            Error::Refused(Status::KeepaliveCancel) | Error::Cancelled => {
                (Exit::Refused, "cancelled")
            }
            Error::Refused(Status::UserActionTimeout | Status::ActionTimeout)
            | Error::TimedOut(_) => (Exit::TimedOut, "timed_out"),
            Error::Refused(_) => (Exit::Failed, "refused_by_authenticator"),
            Error::Misbehaved(_) => (Exit::Failed, "misbehaved"),
            Error::Channel(_) => (Exit::Failed, "closed"),
            _ => (Exit::Failed, "relying_party"),
        };
        Self::new(exit, reason, error.to_string())
    }
}

impl From<ComputerError> for Failure {
    fn from(error: ComputerError) -> Self {
        match error {
            ComputerError::Client(error) => error.into(),
            ComputerError::Transport(error) => error.into(),
            error => Self::new(Exit::Failed, "failed", error.to_string()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, reason) = match &error {
            ClientError::Url(_) => (Exit::Usage, "relying_party_url"),
            ClientError::Unreachable { .. } => (Exit::Environment, "relying_party_unreachable"),
            ClientError::Refused(refusal) if refusal.code == ErrorCode::BadName => {
                (Exit::Usage, "bad_name")
            }
            _ => (Exit::Failed, "relying_party"),
        };
        Self::new(exit, reason, error.to_string().trim_end_matches('.'))
    }
}
