//! What a relying party is told before it starts, and what can go wrong then.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use towline_crypto::CryptoProvider;
use towline_webauthn_rp::VerifyError;

/// How a relying party listens and who it is.
#[derive(Debug, Clone)]
pub struct RpConfig {
    /// Where to listen. Loopback only; port 0 picks a free one. Default: `127.0.0.1:0`.
    pub addr: SocketAddr,
    /// The RP ID that credentials are scoped to. Default: `localhost`.
    pub rp_id: String,
    /// What a person is shown as the site's name. Default: `towline demo`.
    pub rp_name: String,
    /// The origin that client data must name. Default (`None`): `http://localhost:PORT`, with the
    /// port listened on.
    pub origin: Option<String>,
    /// How long a challenge may be answered. Default: 5 minutes.
    pub challenge_lifetime: Duration,
    /// Bounds of what is kept and read.
    pub limits: Limits,
    /// Where user handles get their randomness. Default: the operating system's, by the portable
    /// provider.
    pub provider: CryptoProvider,
}

impl Default for RpConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            rp_id: "localhost".into(),
            rp_name: "towline demo".into(),
            origin: None,
            challenge_lifetime: Duration::from_secs(300),
            limits: Limits::default(),
            provider: towline_crypto::rustcrypto::provider(),
        }
    }
}

/// Bounds of what a relying party keeps in memory and reads from a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Accounts; one more is refused. Default: 256.
    pub accounts: usize,
    /// Keys of one account; one more is refused. Default: 32.
    pub keys_per_account: usize,
    /// Challenges waiting for an answer; one more displaces the oldest. Default: 256.
    pub challenges: usize,
    /// Entries of the log of sign-ins; one more displaces the oldest. Default: 256.
    pub sign_ins: usize,
    /// Bytes of a request body. Default: 65,536.
    pub body: usize,
    /// Connections served at once; more wait. Default: 64.
    pub connections: usize,
    /// Time for a request to arrive whole. Default: 10 s.
    pub request_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts: 256,
            keys_per_account: 32,
            challenges: 256,
            sign_ins: 256,
            body: 65_536,
            connections: 64,
            request_time: Duration::from_secs(10),
        }
    }
}

/// Why a relying party could not start.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpError {
    /// The address is not loopback.
    #[error(
        "{0} is not a loopback address; the demo relying party listens on 127.0.0.1 or [::1] only"
    )]
    NotLoopback(SocketAddr),
    /// The address can't be listened at.
    #[error("can't listen on {addr}: {reason}; choose another port, or 0 for a free one")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The verifier refused the configuration.
    #[error("the verifier can't be set up: {0}")]
    Verifier(#[from] VerifyError),
}
