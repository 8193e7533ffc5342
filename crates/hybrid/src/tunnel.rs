//! How to reach a tunnel service, and why there is no connection to it.

pub use towline_rendezvous::tunnel::{
    CLIENT_PAYLOAD_HEADER, CONTACT_KEY_HEADER, LISTEN_PATH, ROUTING_ID_HEADER,
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
