//! How to reach a tunnel service: paths, headers and the WebSocket subprotocol (CTAP 2.3, hybrid
//! transports, and the services' own conventions for the phone's side).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::ids::{ContactId, NotHex, RoutingId, TunnelId};

/// The WebSocket subprotocol; a service that does not select it is not one.
pub const SUBPROTOCOL: &str = "fido.cable";
/// Response header to the phone's `/cable/new` with the routing id in hexadecimal.
pub const ROUTING_ID_HEADER: &str = "X-caBLE-Routing-ID";
/// Request header of `/cable/contact` with what the computer says to the phone,
/// in hexadecimal.
pub const CLIENT_PAYLOAD_HEADER: &str = "X-caBLE-Client-Payload";
/// Request and response header that asks for, and promises, a signal when the phone connects.
pub const SIGNAL_CONNECTION_HEADER: &str = "X-caBLE-Signal-Connection";
/// Where a phone listens for computers that ring. Private to towline's phones and relays, see
/// [`message`](crate::message).
pub const LISTEN_PATH: &str = "/towline/v1/listen";
/// Request header of [`LISTEN_PATH`] with the [`ContactKey`](crate::ContactKey) in hexadecimal. A
/// secret: it is not part of the path, which servers like to log.
pub const CONTACT_KEY_HEADER: &str = "X-Towline-Contact-Key";

/// Request header of [`LISTEN_PATH`] with the number of the connection, in decimal: each of a phone
/// has a larger one than those before, so that the nodes of a service know which one is the newest.
/// Its clock in milliseconds will do, and one more than the last where that is larger.
pub const SEQUENCE_HEADER: &str = "X-Towline-Sequence";

/// The longest message that goes through a tunnel, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

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
