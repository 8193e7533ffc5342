//! Reading requests to a tunnel service: method, path, subprotocol, origin.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::ids::{ContactId, RoutingId, TunnelId};
use crate::tunnel::SUBPROTOCOL;

/// The longest contact id that is read, in base64url characters.
const MAX_CONTACT: usize = 1024;

/// Why a request is refused. What the peer gets is the status code alone.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The identifiers in the path are malformed, or the request is no WebSocket upgrade.
    #[error("malformed request")]
    Malformed,
    /// The subprotocol `fido.cable` was not offered.
    #[error("subprotocol fido.cable not offered")]
    NoSubprotocol,
    /// The service does not serve this origin.
    #[error("origin not allowed")]
    Origin,
    /// No such path, nobody waiting under these ids, or an unknown contact.
    #[error("nobody is there")]
    NotFound,
    /// Not a GET request.
    #[error("method not allowed")]
    Method,
    /// The tunnel id is in use, or used up.
    #[error("tunnel id in use")]
    InUse,
    /// The contact was revoked.
    #[error("contact revoked")]
    Gone,
    /// This source holds as many connections as it may.
    #[error("too many connections from one source")]
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
            Self::Malformed | Self::NoSubprotocol => 400,
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

/// Which origins a service serves.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OriginPolicy {
    /// All, and requests without one: clients differ in what they send.
    #[default]
    Any,
    /// These, such as `wss://cable.example.com`, compared without regard to ASCII case.
    OneOf(Vec<String>),
}

impl OriginPolicy {
    fn allows(&self, origins: &[&str]) -> bool {
        match (self, origins) {
            (Self::Any, _) => true,
            (Self::OneOf(allowed), [origin]) => {
                allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            }
            (Self::OneOf(_), _) => false,
        }
    }
}

/// The parts of an HTTP request that matter, as a server received them.
#[derive(Debug, Clone, Default)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a str,
    /// The request target: path and query.
    pub target: &'a str,
    /// Every value of `Sec-WebSocket-Protocol`.
    pub subprotocols: Vec<&'a str>,
    /// Every value of `Origin`.
    pub origins: Vec<&'a str>,
    /// What the service demands of the origin.
    pub origin_policy: Option<&'a OriginPolicy>,
}

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A phone opens a tunnel.
    New {
        /// Its name.
        tunnel: TunnelId,
    },
    /// A computer joins a phone that waits.
    Connect {
        /// What the service gave to the phone.
        routing: RoutingId,
        /// The tunnel's name.
        tunnel: TunnelId,
    },
    /// A computer rings a linked phone.
    Contact {
        /// By which the phone is reached.
        contact: ContactId,
    },
}

impl RequestHead<'_> {
    /// Reads the request. Hexadecimal digits may be of either case; nothing else is lenient.
    ///
    /// # Errors
    /// The status to answer with.
    pub fn read(&self) -> Result<Request, Refusal> {
        if self.method != "GET" {
            return Err(Refusal::Method);
        }
        let request = read_target(self.target)?;
        let offered = self.subprotocols.iter().flat_map(|value| value.split(','));
        if !offered.map(str::trim).any(|name| name == SUBPROTOCOL) {
            return Err(Refusal::NoSubprotocol);
        }
        if !self.origin_policy.is_none_or(|policy| policy.allows(&self.origins)) {
            return Err(Refusal::Origin);
        }
        Ok(request)
    }
}

fn read_target(target: &str) -> Result<Request, Refusal> {
    let mut parts = target.strip_prefix("/cable/").ok_or(Refusal::NotFound)?.split('/');
    let request = match parts.next() {
        Some("new") => Request::New { tunnel: tunnel_id(parts.next())? },
        Some("connect") => {
            let routing = parts.next().ok_or(Refusal::Malformed)?;
            let routing = RoutingId::from_hex(routing).map_err(|_| Refusal::Malformed)?;
            Request::Connect { routing, tunnel: tunnel_id(parts.next())? }
        }
        Some("contact") => Request::Contact { contact: contact_id(parts.next())? },
        _ => return Err(Refusal::NotFound),
    };
    if parts.next().is_some() { Err(Refusal::Malformed) } else { Ok(request) }
}

fn tunnel_id(text: Option<&str>) -> Result<TunnelId, Refusal> {
    TunnelId::from_hex(text.ok_or(Refusal::Malformed)?).map_err(|_| Refusal::Malformed)
}

fn contact_id(text: Option<&str>) -> Result<ContactId, Refusal> {
    let text =
        text.filter(|text| (1..=MAX_CONTACT).contains(&text.len())).ok_or(Refusal::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map(ContactId::new).map_err(|_| Refusal::Malformed)
}
