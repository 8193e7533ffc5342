//! Why a request to a tunnel service is refused, and what the peer is told.

/// Why a request is refused. What the peer gets is the status code alone, except with 400: then it
/// gets the sentence as well, since somebody has a program or a proxy to mend.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The identifiers in the path are malformed, or the request is no WebSocket upgrade.
    #[error("malformed request")]
    Malformed,
    /// The subprotocol `fido.cable` was not offered.
    #[error("the WebSocket subprotocol fido.cable was not offered")]
    NoSubprotocol,
    /// Another version of the WebSocket protocol than 13.
    #[error("this service speaks version 13 of the WebSocket protocol only")]
    Version,
    /// The service does not serve this origin.
    #[error("origin not allowed")]
    Origin,
    /// No such path, nobody waiting under these ids, or nobody listening under the contact id.
    #[error("nobody is there")]
    NotFound,
    /// Not a GET request.
    #[error("method not allowed")]
    Method,
    /// The tunnel id is in use, or used up.
    #[error("tunnel id in use")]
    InUse,
    /// The contact was revoked, or its phone does not know the computer that rings.
    #[error("contact revoked")]
    Gone,
    /// This source holds as many connections as it may, or the phone is rung by as many computers
    /// as it may be.
    #[error("too many at once")]
    TooMany,
    /// The service is full or about to stop.
    #[error("service full or stopping")]
    Unavailable,
}

impl Refusal {
    /// The HTTP status code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::NoSubprotocol | Self::Version => 400,
            Self::Origin => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::InUse => 409,
            Self::Gone => 410,
            Self::TooMany => 429,
            Self::Unavailable => 503,
        }
    }
}
