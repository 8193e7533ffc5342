//! What can keep a radio from working, in sentences that tell a person what to do.

/// Why a radio cannot advertise or scan.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RadioError {
    /// The machine has no Bluetooth Low Energy adapter.
    #[error("this device has no Bluetooth adapter; plug one in or use another device")]
    NoAdapter,
    /// The machine's Bluetooth service does not answer (on Linux: `bluetoothd`).
    #[error(
        "the Bluetooth service is not running ({detail}); start it (on Linux: systemctl start bluetooth) and try again"
    )]
    NoService {
        /// What was noticed, for the log.
        detail: String,
    },
    /// There is no adapter of the name that was asked for.
    #[error("there is no Bluetooth adapter called {name}; this device has {known}")]
    UnknownAdapter {
        /// The name that was asked for.
        name: String,
        /// The names that there are, or "none".
        known: String,
    },
    /// The adapter is there but switched off.
    #[error("Bluetooth is off; switch it on and try again")]
    Off,
    /// The operating system does not let this program use Bluetooth.
    #[error("this program may not use Bluetooth; allow it in the system settings and try again")]
    NoPermission,
    /// The platform or adapter cannot broadcast service data (macOS and Windows never can).
    #[error(
        "this device cannot broadcast over Bluetooth as a phone does; use a phone or a Linux computer instead"
    )]
    CannotAdvertise,
    /// The adapter has no room for one more advert or scan.
    #[error("the Bluetooth adapter is busy; close other programs that use Bluetooth and try again")]
    Busy,
    /// The adapter, or the simulated medium, went away while it was in use.
    #[error(
        "the connection to the Bluetooth radio was lost ({detail}); check that it is still there and try again"
    )]
    Lost {
        /// What was noticed, for the log.
        detail: String,
    },
    /// The caller wants to broadcast more bytes than an advert can carry.
    #[error(
        "{length} bytes do not fit into a Bluetooth advert of at most 255; this is a fault of the program"
    )]
    TooLong {
        /// The length asked for, in bytes.
        length: usize,
    },
    /// A simulated radio may only use loopback addresses.
    #[error(
        "{address} is not a loopback address; the simulated radio only works within one machine, use 127.0.0.1"
    )]
    NotLoopback {
        /// The refused address.
        address: std::net::SocketAddr,
    },
    /// The address for the simulated medium is not to be had.
    #[error("the simulated radio cannot use {address} ({reason}); choose another port")]
    Unavailable {
        /// The address that was asked for.
        address: std::net::SocketAddr,
        /// The operating system's reason.
        reason: std::io::ErrorKind,
    },
    /// Nobody carries the simulated medium at this address.
    #[error("no simulated air answers at {address}; start it first or check the port")]
    NoHub {
        /// Where it was expected.
        address: std::net::SocketAddr,
    },
}

impl RadioError {
    pub(crate) fn lost(detail: impl ToString) -> Self {
        Self::Lost { detail: detail.to_string() }
    }
}
