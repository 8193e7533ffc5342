//! Requests and responses of CTAP2 as the log has them: bytes, decoded when somebody reads them.

mod decoded;
mod names;

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A request of CTAP2, or the response to one. In JSON it is decoded member by member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The command byte of the request.
    command: u8,
    /// Whether these bytes are a response, which begins with its status.
    is_response: bool,
    bytes: Arc<[u8]>,
}

impl Exchange {
    /// A request: a command byte, then its parameters.
    #[must_use]
    pub fn request(bytes: &[u8]) -> Self {
        let command = bytes.first().copied().unwrap_or_default();
        Self { command, is_response: false, bytes: bytes.into() }
    }

    /// The response to a request: a status byte, then what it gives.
    #[must_use]
    pub fn response(request: &[u8], bytes: &[u8]) -> Self {
        let command = request.first().copied().unwrap_or_default();
        Self { command, is_response: true, bytes: bytes.into() }
    }

    /// The bytes as they went: a command or a status, then CBOR.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The command byte of the request.
    #[must_use]
    pub const fn command(&self) -> u8 {
        self.command
    }

    /// Whether it is a response.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.is_response
    }
}

impl Serialize for Exchange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.decoded().serialize(serializer)
    }
}
