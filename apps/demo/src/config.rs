//! How the demonstration starts, and what can keep it from that.

use std::net::{Ipv4Addr, SocketAddr};

use towline::tunnel::RelayError;
use towline_rp::RpError;
use towline_virtual::BuildError;
use towline_virtual_server::ServiceError;

/// How a demonstration listens and looks.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoConfig {
    /// Where its page listens. Loopback only; port 0 picks a free one. Default: `127.0.0.1:0`.
    pub addr: SocketAddr,
    /// How fast messages move on the page: 2 is twice as fast, 0 shows them at once. It changes
    /// nothing about the messages themselves. Default: 1.
    pub speed: f32,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), speed: 1.0 }
    }
}

/// Why there is no demonstration.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The address is not loopback.
    #[error("{0} is not a loopback address; the demo listens on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    /// The address can't be listened at.
    #[error("can't listen on {addr}: {reason}; choose another port, or 0 for a free one")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The site did not start.
    #[error(transparent)]
    Site(#[from] RpError),
    /// There is no place on loopback for the relay.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A device can't be put together.
    #[error(transparent)]
    Device(#[from] BuildError),
    /// The stores of phone B and its tablet can't be made.
    #[error("phone B and its tablet can't share their passkeys: {0}")]
    Synced(String),
    /// The system has no random numbers for the page's address.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The accounts of the demonstration can't be made at the site.
    #[error("the accounts of the demo can't be made at the site: {0}")]
    Accounts(String),
}
