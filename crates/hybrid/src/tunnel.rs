//! How to reach a tunnel service, and why there is no connection to it.

pub use towline_rendezvous::tunnel::{
    CLIENT_PAYLOAD_HEADER, CONTACT_KEY_HEADER, LISTEN_PATH, ROUTING_ID_HEADER, SEQUENCE_HEADER,
    SIGNAL_CONNECTION_HEADER, SUBPROTOCOL, connect_path, contact_path, new_path, read_routing_id,
};

/// Why there is no connection to the tunnel service, as the driver saw it.
///
/// A driver that fills in text keeps URLs out of it: they name the tunnel.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The service answered with this HTTP status instead of 101.
    #[error("the tunnel service answered {0}")]
    Status(u16),
    /// The service did not accept the request as it was made (status 400), and said what was wrong
    /// in these words of its own.
    #[error("the tunnel service did not accept the request and says: {0}")]
    BadRequest(String),
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

/// The longest sentence of a service that is shown, in bytes.
const MAX_SENTENCE: usize = 200;

impl ConnectFailure {
    /// What a status other than 101 means, and the beginning of the body that came with it.
    ///
    /// A person is shown what a service says only where that helps to mend something, and only if
    /// it is one short line of plain ASCII: nobody vouches for it.
    #[must_use]
    pub fn answered(status: u16, body: &[u8]) -> Self {
        let sentence = body.trim_ascii();
        let plain = sentence.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic());
        if status == 400 && plain && (1..=MAX_SENTENCE).contains(&sentence.len()) {
            return Self::BadRequest(sentence.iter().copied().map(char::from).collect());
        }
        Self::Status(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_says_is_shown_if_it_is_one_plain_line_about_the_request() {
        let said = ConnectFailure::answered(400, b"not offered\n");
        assert_eq!(said, ConnectFailure::BadRequest("not offered".to_owned()));
        let long = [b'a'; MAX_SENTENCE + 1];
        for body in [&b""[..], b" \n", b"two\nlines", b"\x1b[2Jgone", "señor".as_bytes(), &long] {
            assert_eq!(
                ConnectFailure::answered(400, body),
                ConnectFailure::Status(400),
                "{body:?}"
            );
        }
        assert_eq!(ConnectFailure::answered(404, b"not found"), ConnectFailure::Status(404));
    }
}
