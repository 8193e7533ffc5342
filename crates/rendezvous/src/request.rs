//! Reading requests to a tunnel service: method, path, subprotocol, origin.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::ids::{self, ContactId, RoutingId, TunnelId};
use crate::tunnel::{LISTEN_PATH, SUBPROTOCOL};
use crate::{ContactKey, Refusal};

/// The longest contact id that is read, in base64url characters: [`ContactId::MAX_LENGTH`] bytes.
const MAX_CONTACT: usize = ContactId::MAX_LENGTH.div_ceil(3) * 4;

/// The longest client payload that is read, in bytes. It has 33.
const MAX_PAYLOAD: usize = 256;

/// Which origins a service serves. Peers of the protocol send none, or the service's own; what
/// sends another is the page of a site, whose visitors would otherwise lend it their addresses.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginPolicy {
    /// Every origin is served.
    Any,
    /// No pages: requests without an origin, origins with the scheme `wss` or `ws`, which no page
    /// has, and the service's own host under any scheme, which some libraries send. Beside them
    /// these, such as `https://example.com`, compared without regard to ASCII case.
    NoPages {
        /// Pages that are served nevertheless.
        but: Vec<String>,
    },
    /// These alone, such as `wss://cable.example.com`, compared without regard to ASCII case;
    /// nobody without one.
    OneOf(Vec<String>),
}

impl Default for OriginPolicy {
    fn default() -> Self {
        Self::NoPages { but: Vec::new() }
    }
}

impl OriginPolicy {
    fn allows(&self, origins: &[&str], host: &str) -> bool {
        let listed = |list: &[String], origin: &str| {
            list.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
        };
        match (self, origins) {
            (Self::Any, _) => true,
            (Self::NoPages { but }, origins) => {
                origins.iter().all(|origin| is_peer(origin, host) || listed(but, origin))
            }
            (Self::OneOf(allowed), [origin]) => listed(allowed, origin),
            (Self::OneOf(_), _) => false,
        }
    }
}

/// Whether a peer of the protocol may send this origin to this host.
fn is_peer(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        // `null` is a page that hides where it comes from.
        return origin.is_empty();
    };
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let own = || name_of(authority).eq_ignore_ascii_case(name_of(host)) && !host.is_empty();
    is("wss") || is("ws") || (is("https") || is("http")) && own()
}

/// A host without its port. Browsers and libraries leave away the one that a scheme has anyway.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => authority,
    }
}

/// The parts of an HTTP request that matter, as a server received them.
#[derive(Debug, Clone, Default)]
pub struct RequestHead<'a> {
    /// The method, which has to be GET.
    pub method: &'a str,
    /// The request target: path and query.
    pub target: &'a str,
    /// Every value of `Host`. There has to be exactly one (RFC 9112 §3.2).
    pub hosts: Vec<&'a str>,
    /// Every value of `Sec-WebSocket-Protocol`.
    pub subprotocols: Vec<&'a str>,
    /// Every value of `Origin`.
    pub origins: Vec<&'a str>,
    /// Every value of [`CLIENT_PAYLOAD_HEADER`](crate::tunnel::CLIENT_PAYLOAD_HEADER).
    pub client_payloads: Vec<&'a str>,
    /// Every value of [`SIGNAL_CONNECTION_HEADER`](crate::tunnel::SIGNAL_CONNECTION_HEADER).
    pub signals: Vec<&'a str>,
    /// Every value of [`CONTACT_KEY_HEADER`](crate::tunnel::CONTACT_KEY_HEADER).
    pub contact_keys: Vec<&'a str>,
    /// Every value of [`SEQUENCE_HEADER`](crate::tunnel::SEQUENCE_HEADER).
    pub sequences: Vec<&'a str>,
    /// What the service demands of the origin.
    pub origin_policy: Option<&'a OriginPolicy>,
}

/// A well-formed request.
#[derive(Clone, PartialEq, Eq)]
pub enum TunnelRequest {
    /// A phone opens a tunnel.
    New {
        /// The id of the tunnel to open.
        tunnel: TunnelId,
    },
    /// A computer joins a phone that waits.
    Connect {
        /// What the service gave to the phone.
        routing: RoutingId,
        /// The id of the tunnel to join.
        tunnel: TunnelId,
    },
    /// A computer rings a linked phone.
    Contact {
        /// By which the phone is reached.
        contact: ContactId,
        /// What it says to the phone. The service does not look into it.
        payload: Vec<u8>,
        /// Whether it wants a signal when the phone comes.
        signal: bool,
    },
    /// A phone listens for computers that ring.
    Listen {
        /// What gives the right to it.
        key: ContactKey,
        /// The number of the connection, 0 if the phone gave none.
        sequence: u64,
    },
}

/// What a ringing computer says to the phone is not shown.
impl fmt::Debug for TunnelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { tunnel } => write!(f, "New({tunnel:?})"),
            Self::Connect { routing, tunnel } => write!(f, "Connect({routing:?}, {tunnel:?})"),
            Self::Contact { contact, payload, signal } => {
                write!(f, "Contact({contact:?}, {} bytes, {signal})", payload.len())
            }
            Self::Listen { key, sequence } => write!(f, "Listen({key:?}, {sequence})"),
        }
    }
}

impl RequestHead<'_> {
    /// Reads the request. Hexadecimal digits may be of either case; nothing else is lenient.
    ///
    /// # Errors
    /// The status to answer with.
    pub fn read(&self) -> Result<TunnelRequest, Refusal> {
        let [host] = self.hosts.as_slice() else { return Err(Refusal::Malformed) };
        if self.method != "GET" {
            return Err(Refusal::Method);
        }
        let request = self.read_target()?;
        let offered = self.subprotocols.iter().flat_map(|value| value.split(','));
        if !offered.map(str::trim).any(|name| name == SUBPROTOCOL) {
            return Err(Refusal::NoSubprotocol);
        }
        if !self.origin_policy.is_none_or(|policy| policy.allows(&self.origins, host)) {
            return Err(Refusal::Origin);
        }
        Ok(request)
    }
}

impl RequestHead<'_> {
    fn read_target(&self) -> Result<TunnelRequest, Refusal> {
        if self.target == LISTEN_PATH {
            let [key] = self.contact_keys.as_slice() else { return Err(Refusal::Malformed) };
            let key = ContactKey::from_header(key).map_err(|_| Refusal::Malformed)?;
            let sequence = match self.sequences.as_slice() {
                [] => 0,
                [number] => decimal(number).ok_or(Refusal::Malformed)?,
                _ => return Err(Refusal::Malformed),
            };
            return Ok(TunnelRequest::Listen { key, sequence });
        }
        let mut parts = self.target.strip_prefix("/cable/").ok_or(Refusal::NotFound)?.split('/');
        let request = match parts.next() {
            Some("new") => TunnelRequest::New { tunnel: tunnel_id(parts.next())? },
            Some("connect") => {
                let routing = parts.next().ok_or(Refusal::Malformed)?;
                let routing = RoutingId::from_hex(routing).map_err(|_| Refusal::Malformed)?;
                TunnelRequest::Connect { routing, tunnel: tunnel_id(parts.next())? }
            }
            Some("contact") => TunnelRequest::Contact {
                contact: contact_id(parts.next())?,
                payload: self.payload()?,
                signal: !self.signals.is_empty(),
            },
            _ => return Err(Refusal::NotFound),
        };
        if parts.next().is_some() { Err(Refusal::Malformed) } else { Ok(request) }
    }

    fn payload(&self) -> Result<Vec<u8>, Refusal> {
        let [text] = self.client_payloads.as_slice() else { return Err(Refusal::Malformed) };
        let length = text.len().div_ceil(2);
        if !(1..=MAX_PAYLOAD).contains(&length) {
            return Err(Refusal::Malformed);
        }
        let mut payload = vec![0; length];
        ids::read_hex(text, &mut payload).map_err(|_| Refusal::Malformed)?;
        Ok(payload)
    }
}

/// Digits alone: no sign, no space.
fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn tunnel_id(text: Option<&str>) -> Result<TunnelId, Refusal> {
    TunnelId::from_hex(text.ok_or(Refusal::Malformed)?).map_err(|_| Refusal::Malformed)
}

fn contact_id(text: Option<&str>) -> Result<ContactId, Refusal> {
    let text =
        text.filter(|text| (1..=MAX_CONTACT).contains(&text.len())).ok_or(Refusal::Malformed)?;
    let contact = URL_SAFE_NO_PAD.decode(text).map(ContactId::new);
    contact.ok().filter(ContactId::is_usable).ok_or(Refusal::Malformed)
}
