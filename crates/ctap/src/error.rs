//! What can be wrong with a message, and the status that an authenticator answers.

use crate::Status;

/// A value that an identifier can't have.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// There are no bytes; one is the least.
    #[error("an identifier must not be empty")]
    Empty,
    /// More bytes than the standard allows.
    #[error("an identifier of {length} bytes is too long: at most {max} are allowed")]
    TooLong {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        max: usize,
    },
}

/// What is wrong with a structure inside a message.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not canonical CBOR, or of another type than the standard says.
    #[error("{0}")]
    Cbor(#[from] towline_cbor::Error),
    /// A required member is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The length of a member is not allowed.
    #[error("{0} has a length that is not allowed")]
    Length(&'static str),
    /// The value of a member is not allowed.
    #[error("{0} has a value that is not allowed")]
    Value(&'static str),
    /// A structure whose standard calls everything that is wrong with it invalid CBOR.
    #[error("{0} is not formed as its standard says")]
    Form(&'static str),
}

impl Malformed {
    /// The status for a request that carries this.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Cbor(error) if error.is_type_mismatch() => Status::CborUnexpectedType,
            Self::Cbor(_) | Self::Form(_) => Status::InvalidCbor,
            Self::Missing(_) => Status::CborUnexpectedType,
            Self::Length(_) => Status::InvalidLength,
            Self::Value(_) => Status::InvalidParameter,
        }
    }
}

/// Why a request was refused before anything was done about it (CTAP 2.3 §8).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not even a command byte.
    #[error("the request is empty")]
    Empty,
    /// A command byte that is not known here, or not yet.
    #[error("the command 0x{0:02x} is not known")]
    UnknownCommand(u8),
    /// More bytes than the authenticator accepts.
    #[error("the request has {length} bytes, more than the {max} that are accepted")]
    TooLarge {
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        max: usize,
    },
    /// Bytes after a command that takes no parameters.
    #[error("the command 0x{0:02x} takes no parameters, but some follow it")]
    UnexpectedParameters(u8),
    /// A required parameter of the command is not there.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
    /// A subcommand that is not known here.
    #[error("the subcommand 0x{0:02x} is not known")]
    UnknownSubcommand(u64),
    /// A subcommand that never goes without proof of a PIN/UV token, and came without.
    #[error("the subcommand needs proof of a PIN/UV token, but there is none")]
    PinUvAuthRequired,
    /// Parameters that exclude, or need, one another.
    #[error("the parameters do not fit together: {0}")]
    Combination(&'static str),
    /// The parameters, or something inside one, are not as they must be.
    #[error("the parameters are not valid: {0}")]
    Malformed(#[from] Malformed),
}

impl DecodeError {
    /// The status byte to answer.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Empty | Self::UnknownCommand(_) => Status::InvalidCommand,
            Self::TooLarge { .. } => Status::RequestTooLarge,
            Self::UnexpectedParameters(_) => Status::InvalidLength,
            Self::MissingParameter(_) => Status::MissingParameter,
            Self::UnknownSubcommand(_) => Status::InvalidSubcommand,
            Self::PinUvAuthRequired => Status::PuatRequired,
            Self::Combination(_) => Status::InvalidParameter,
            Self::Malformed(malformed) => malformed.status(),
        }
    }
}

impl From<towline_cbor::Error> for DecodeError {
    fn from(error: towline_cbor::Error) -> Self {
        Self::Malformed(Malformed::Cbor(error))
    }
}

/// Why a response holds no result.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not even a status byte.
    #[error("the authenticator sent an empty response")]
    Empty,
    /// The authenticator refused or failed.
    #[error("{0}")]
    Status(Status),
    /// The authenticator says that it succeeded, but what it sent breaks the standard.
    #[error("the authenticator sent an invalid response: {0}")]
    Malformed(#[from] Malformed),
}

impl From<towline_cbor::Error> for ResponseError {
    fn from(error: towline_cbor::Error) -> Self {
        Self::Malformed(Malformed::Cbor(error))
    }
}
