//! What a device is like, for its machine.

use core::time::Duration;

use super::{Capabilities, HidChannel};

/// What a device says of itself and how patient it is.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HidDeviceConfig {
    /// The device's version: major, minor, build.
    pub version: [u8; 3],
    /// What it can do. WINK and MSG are refused where this says that there are none.
    pub capabilities: Capabilities,
    /// How long the next packet of a message may take.
    pub message_timeout: Duration,
    /// After how long without one a keepalive is sent. The standard wants one every 100 ms; the
    /// default is a little less, as timers are late.
    pub keepalive_interval: Duration,
    /// The channel that is allocated first; the others follow.
    pub first_channel: HidChannel,
    /// The channel that is allocated last. After that there are no more until a power cycle.
    pub last_channel: HidChannel,
    /// A channel that is never allocated, besides those of the standard.
    pub never: Option<HidChannel>,
}

impl Default for HidDeviceConfig {
    /// CTAP2 only, with WINK; 500 ms for the next packet of a message; keepalives every 90 ms.
    fn default() -> Self {
        Self {
            version: [0; 3],
            capabilities: Capabilities::CBOR.with(Capabilities::WINK).with(Capabilities::NMSG),
            message_timeout: Duration::from_millis(500),
            keepalive_interval: Duration::from_millis(90),
            first_channel: HidChannel(1),
            last_channel: HidChannel(u32::MAX - 1),
            never: None,
        }
    }
}
