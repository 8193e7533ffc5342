//! Where a door can be opened: `udp:ADDR`, `tcp:ADDR`, `unix:PATH`.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

/// A place to listen at. Addresses are on loopback: there is no way to write others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Why there is no such endpoint.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not `udp:`, `tcp:` or `unix:`.
    #[error(
        "{0:?} is no endpoint: write udp:127.0.0.1:8111, tcp:127.0.0.1:35962 or unix:/path/to/socket"
    )]
    Scheme(String),
    /// Not an address and a port.
    #[error("{0:?} is no address with a port: write 127.0.0.1:8111 or [::1]:8111")]
    Address(String),
    /// An address that others can reach.
    #[error("{0} can be reached from elsewhere: use a loopback address, 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// No path at all.
    #[error("a Unix socket needs a path: write unix:/path/to/socket")]
    NoPath,
    /// This platform has no Unix sockets.
    #[error("there are no Unix sockets on this platform: use tcp: or udp:")]
    NoUnixSockets,
}

impl Endpoint {
    /// UDP, one datagram for each report. Port 0 lets the system choose.
    ///
    /// # Errors
    /// [`EndpointError::NotLoopback`].
    pub fn udp(address: SocketAddr) -> Result<Self, EndpointError> {
        loopback(address).map(|address| Self(Kind::Udp(address)))
    }

    /// TCP, each report after its length. Port 0 lets the system choose.
    ///
    /// # Errors
    /// [`EndpointError::NotLoopback`].
    pub fn tcp(address: SocketAddr) -> Result<Self, EndpointError> {
        loopback(address).map(|address| Self(Kind::Tcp(address)))
    }

    /// A Unix socket that only its owner can use.
    ///
    /// # Errors
    /// [`EndpointError::NoPath`] or [`EndpointError::NoUnixSockets`].
    pub fn unix(path: impl Into<PathBuf>) -> Result<Self, EndpointError> {
        let path = path.into();
        match path.as_os_str().is_empty() {
            _ if !cfg!(unix) => Err(EndpointError::NoUnixSockets),
            true => Err(EndpointError::NoPath),
            false => Ok(Self(Kind::Unix(path))),
        }
    }

    /// The address, unless it is a Unix socket.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        match self.0 {
            Kind::Udp(address) | Kind::Tcp(address) => Some(address),
            Kind::Unix(_) => None,
        }
    }
}

fn loopback(address: SocketAddr) -> Result<SocketAddr, EndpointError> {
    if address.ip().is_loopback() { Ok(address) } else { Err(EndpointError::NotLoopback(address)) }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let address =
            |text: &str| text.parse().map_err(|_| EndpointError::Address(text.to_owned()));
        match text.split_once(':') {
            Some(("udp", rest)) => Self::udp(address(rest)?),
            Some(("tcp", rest)) => Self::tcp(address(rest)?),
            Some(("unix", path)) => Self::unix(path),
            _ => Err(EndpointError::Scheme(text.to_owned())),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Udp(address) => write!(f, "udp:{address}"),
            Kind::Tcp(address) => write!(f, "tcp:{address}"),
            Kind::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_survive_being_written_and_read() {
        for text in ["udp:127.0.0.1:8111", "tcp:[::1]:35962", "unix:/run/user/1000/key.sock"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn addresses_that_others_can_reach_are_refused() {
        for text in ["udp:0.0.0.0:8111", "tcp:192.168.1.2:1", "udp:[::]:8111", "tcp:8.8.8.8:53"] {
            assert!(
                matches!(text.parse::<Endpoint>(), Err(EndpointError::NotLoopback(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_advice() {
        for text in ["", "8111", "127.0.0.1:8111", "http:127.0.0.1:80", "UDP:127.0.0.1:1"] {
            let refusal = text.parse::<Endpoint>().unwrap_err();
            assert!(matches!(refusal, EndpointError::Scheme(_)), "{text}");
            assert!(refusal.to_string().contains("write udp:"));
        }
        for text in ["udp:", "udp:8111", "tcp:localhost:1", "tcp:127.0.0.1", "udp:127.0.0.1:99999"]
        {
            assert!(matches!(text.parse::<Endpoint>(), Err(EndpointError::Address(_))), "{text}");
        }
        assert!("unix:".parse::<Endpoint>().is_err());
    }
}
