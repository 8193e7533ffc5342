//! The errors of WebDriver, each with its HTTP status (WebDriver §6.6).

use std::fmt;

use serde_json::{Value, json};

use crate::ServiceError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $status:literal)+) => {
        /// The errors that are used here (WebDriver §6.6).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// The `error` of a response.
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The HTTP status of a response.
            pub(super) const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }
        }
    };
}

codes! {
    InvalidArgument "invalid argument" 400
    InvalidSessionId "invalid session id" 404
    SessionNotCreated "session not created" 500
    UnknownCommand "unknown command" 404
    UnknownError "unknown error" 500
    UnknownMethod "unknown method" 405
    UnsupportedOperation "unsupported operation" 500
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) code: ErrorCode,
    /// A sentence for whoever sent it, which names the member and says what would be right.
    pub(super) message: String,
}

impl Error {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The error of almost everything (WebAuthn L3 §11).
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// The body of the response, but for `{"value": ..}` around it.
    pub(super) fn to_json(&self) -> Value {
        let Self { code, message } = self;
        json!({ "error": code.as_str(), "message": message, "stacktrace": "" })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        let code = match &error {
            ServiceError::Unsupported(_) => ErrorCode::UnsupportedOperation,
            ServiceError::UnknownSession(_) => ErrorCode::InvalidSessionId,
            ServiceError::Full { what: "sessions", .. } => ErrorCode::SessionNotCreated,
            ServiceError::Randomness => ErrorCode::UnknownError,
            _ => ErrorCode::InvalidArgument,
        };
        let message = match &error {
            ServiceError::UnknownSession(id) => {
                format!("there is no session `{id}`; New Session makes one")
            }
            other => other.to_string(),
        };
        Self::new(code, message)
    }
}
