//! What a relying party is told before it starts, and what can go wrong then.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
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
    pub limits: RpLimits,
    /// Where user handles get their randomness. Default: the operating system's, by the portable
    /// provider.
    pub provider: CryptoProvider,
    /// The file that everything is kept in. Default (`None`): in memory, gone at the end.
    pub data: Option<PathBuf>,
    /// Whether programs may add, rename and remove keys of any account without signing in, through
    /// the JSON of [`RpClient`](crate::RpClient). Default (`None`): yes, unless there is
    /// [`data`](Self::data).
    pub programs: Option<bool>,
    /// Where two sites listen that sign in through this one, by OpenID Connect: a library, which
    /// trusts that somebody is signed in, and a records office, which wants a fresh proof. Loopback
    /// only. Default (`None`): there are none.
    pub sites: Option<[SocketAddr; 2]>,
    /// Whether the verifier judges attestation by roots, so that pages say who vouches for a
    /// device, or that nobody looked. Default: no.
    pub judges_attestation: bool,
    /// What time it is. Default: the system's.
    pub clock: WallClock,
    /// A page that may show the sites in its frames. Default (`None`): nobody may.
    pub showcase: Option<Showcase>,
}

/// A page on this machine that shows the sites in frames of its own, for demonstrations. It may do
/// to them whatever it likes: its script is the first on each of their pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Showcase {
    /// The page's origin, such as `http://localhost:8080`: the only one that may frame the sites.
    pub origin: String,
    /// The address of the script, at that origin. It may connect there.
    pub script: String,
}

/// Tells the time of day, for what is dated and for how long somebody stays signed in.
#[derive(Clone)]
pub struct WallClock(pub Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    /// Seconds of Unix time.
    pub(crate) fn unix(&self) -> i64 {
        let since = (self.0)().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self(Arc::new(SystemTime::now))
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

impl Default for RpConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            rp_id: "localhost".into(),
            rp_name: "towline demo".into(),
            origin: None,
            challenge_lifetime: Duration::from_secs(300),
            limits: RpLimits::default(),
            provider: towline_crypto::rustcrypto::provider(),
            data: None,
            programs: None,
            sites: None,
            judges_attestation: false,
            clock: WallClock::default(),
            showcase: None,
        }
    }
}

/// Bounds of what a relying party keeps and reads from a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpLimits {
    /// Accounts; one more is refused. Default: 20,000.
    pub accounts: usize,
    /// Keys of one account; one more is refused. Default: 64.
    pub keys_per_account: usize,
    /// Challenges waiting for an answer; one more displaces the oldest. Default: 4,096.
    pub challenges: usize,
    /// Entries of the log of sign-ins; one more displaces the oldest. Default: 20,000.
    pub sign_ins: usize,
    /// Bytes of a request body. Default: 65,536.
    pub body: usize,
    /// Connections served at once; more wait. Default: 64.
    pub connections: usize,
    /// Time for a request to arrive whole. Default: 10 s.
    pub request_time: Duration,
}

impl Default for RpLimits {
    fn default() -> Self {
        Self {
            accounts: 20_000,
            keys_per_account: 64,
            challenges: 4_096,
            sign_ins: 20_000,
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
    /// The file of the data can't be used.
    #[error("{} can't be used for the site's data: {reason}; name another file, or none", file.display())]
    Data {
        /// The file that was named.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The verifier refused the configuration.
    #[error("the verifier can't be set up: {0}")]
    Verifier(#[from] VerifyError),
}
