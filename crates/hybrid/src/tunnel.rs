//! How to reach a tunnel service: paths, headers and the WebSocket subprotocol (CTAP 2.3, hybrid
//! transports, and the services' own conventions for the phone's side).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::ids::{ContactId, NotHex, RoutingId, TunnelId};

/// The WebSocket subprotocol; a service that does not select it is not one.
pub const SUBPROTOCOL: &str = "fido.cable";
/// Response header to the phone's `/cable/new` with the routing id in hexadecimal.
pub const ROUTING_ID_HEADER: &str = "X-caBLE-Routing-ID";
/// Request header of `/cable/contact` with the [`crate::link::ClientPayload`] in hexadecimal.
pub const CLIENT_PAYLOAD_HEADER: &str = "X-caBLE-Client-Payload";
/// Request and response header that asks for, and promises, a signal when the phone connects.
pub const SIGNAL_CONNECTION_HEADER: &str = "X-caBLE-Signal-Connection";
/// Where a phone listens for computers that ring. Private to towline's phones and relays, see
/// [`listener`](crate::listener).
pub const LISTEN_PATH: &str = "/towline/v1/listen";
/// Request header of [`LISTEN_PATH`] with the [`crate::link::ContactKey`] in hexadecimal. A secret:
/// it is not part of the path, which servers like to log.
pub const CONTACT_KEY_HEADER: &str = "X-Towline-Contact-Key";

/// Where the phone opens the tunnel of a QR transaction.
#[must_use]
pub fn new_path(tunnel: &TunnelId) -> String {
    format!("/cable/new/{tunnel}")
}

/// Where the computer meets the phone: upper-case hexadecimal, which is all that some services
/// take.
#[must_use]
pub fn connect_path(routing: &RoutingId, tunnel: &TunnelId) -> String {
    format!("/cable/connect/{routing}/{tunnel}")
}

/// Where the computer rings a linked phone.
#[must_use]
pub fn contact_path(contact: &ContactId) -> String {
    format!("/cable/contact/{}", URL_SAFE_NO_PAD.encode(contact.as_bytes()))
}

/// The routing id from all values of the [`ROUTING_ID_HEADER`] of one response.
///
/// # Errors
/// [`NotHex`] unless there is exactly one value and it is three bytes in hexadecimal.
pub fn read_routing_id<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<RoutingId, NotHex> {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => RoutingId::from_hex(value),
        _ => Err(NotHex),
    }
}

/// Why there is no connection to the tunnel service, as the driver saw it.
///
/// A driver that fills in text keeps URLs out of it: they name the tunnel.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The service answered with this HTTP status instead of 101.
    #[error("the tunnel service answered {0}")]
    Status(u16),
    /// The service redirected, and redirects are not allowed or there were too many.
    #[error("the tunnel service redirected elsewhere")]
    Redirected,
    /// The answer was not a WebSocket upgrade, or did not select the subprotocol `fido.cable`.
    #[error("the other end is not a tunnel service")]
    NotATunnelService,
    /// The phone's answer had no routing id, or several, or a malformed one.
    #[error("the tunnel service sent no usable routing id")]
    RoutingId,
    /// This host name has no address.
    #[error("the name of the tunnel service, {0}, could not be found")]
    Name(String),
    /// The network refused, or the connection broke while it was made. Says which address it was,
    /// where there is one.
    #[error("the tunnel service could not be reached ({0})")]
    Network(String),
    /// The service's certificate or the TLS handshake was refused.
    #[error("the tunnel service could not prove its identity ({0})")]
    Tls(String),
    /// No answer came in the time that the driver allows.
    #[error("the tunnel service did not answer in time")]
    TimedOut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_routing_id_of_three_bytes_is_accepted() {
        assert_eq!(read_routing_id(["00ab4C"]), Ok(RoutingId::new([0, 0xab, 0x4c])));
        for values in [&[][..], &["00AB4C", "00AB4C"], &["00AB"], &["00AB4C00"], &["zzzzzz"]] {
            assert_eq!(read_routing_id(values.iter().copied()), Err(NotHex), "{values:?}");
        }
    }
}
