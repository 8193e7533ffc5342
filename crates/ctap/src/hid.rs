//! CTAPHID: how CTAP messages travel in 64-byte reports, over USB or what stands in for it (CTAP
//! 2.3 §11.2). Without I/O, both sides: [`HidDevice`] and [`Host`] are machines over the same
//! [`Packet`]s.
//!
//! ```
//! use std::time::Instant;
//! use towline_ctap::hid::{HidDeviceConfig, HidDeviceOutput, HidDevice, Host, HostOutput};
//!
//! let now = Instant::now();
//! let (mut host, mut device) = (Host::new(), HidDevice::new(HidDeviceConfig::default()));
//!
//! // Reports go to and fro until nobody has one more.
//! let mut pump = |host: &mut Host| {
//!     let mut answer = None;
//!     loop {
//!         match host.poll_output() {
//!             Some(HostOutput::Send(report)) => device.handle_packet(&report, now),
//!             Some(HostOutput::Message { message, .. }) => answer = Some(message.to_vec()),
//!             Some(_) => {}
//!             None => match device.poll_output() {
//!                 Some(HidDeviceOutput::Send { report, .. }) => host.handle_packet(&report, now),
//!                 // A real one asks an authenticator, which takes its time.
//!                 Some(HidDeviceOutput::Cbor { channel, .. }) => {
//!                     device.handle_response(channel, &[0x00], now);
//!                 }
//!                 Some(_) => {}
//!                 None => return answer,
//!             },
//!         }
//!     }
//! };
//!
//! host.open([7; 8], now);
//! pump(&mut host);
//! host.send_cbor(&[0x0b], now)?; // authenticatorSelection
//! assert_eq!(pump(&mut host), Some(vec![0x00]));
//! # Ok::<(), towline_ctap::hid::SendError>(())
//! ```

mod assembly;
mod channels;
mod device;
mod device_config;
mod host;
mod packet;
mod shown;

pub use device::{HidDevice, HidDeviceOutput, To};
pub use device_config::HidDeviceConfig;
pub use host::{Host, HostFailure, HostOutput, SendError};
pub use packet::{Packet, Payload};

use core::fmt;

/// The size of a report, in bytes.
pub const REPORT_SIZE: usize = 64;

/// How many bytes a message has at most: 57 in the first packet, 59 in each of 128 more.
pub const MAX_MESSAGE: usize = 7609;

/// One report: what a USB interrupt transfer carries, without a report number.
pub type Report = [u8; REPORT_SIZE];

/// A logical channel (CTAP 2.3 §11.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HidChannel(pub u32);

impl HidChannel {
    /// The channel on which a host asks for one of its own.
    pub const BROADCAST: Self = Self(u32::MAX);
    /// The channel 0, which nobody may use.
    pub const RESERVED: Self = Self(0);
}

impl fmt::Display for HidChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What an initialization packet asks for or answers (CTAP 2.3 §11.2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HidCommand {
    /// 0x01: sends back what it carries.
    Ping,
    /// 0x03: a CTAP1/U2F message.
    Msg,
    /// 0x04: keeps other channels out for a while.
    Lock,
    /// 0x06: a new channel, or a fresh start on the own one.
    Init,
    /// 0x08: shows which device it is.
    Wink,
    /// 0x10: a CTAP2 message.
    Cbor,
    /// 0x11: ends the CTAP2 request under way.
    Cancel,
    /// 0x3B: the request is still under way.
    Keepalive,
    /// 0x3F: an error.
    Error,
    /// Any other, without the top bit: 0x40 to 0x7F are the vendor's.
    Other(u8),
}

impl HidCommand {
    /// The command of a byte; its top bit does not count.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Self {
        match byte & 0x7f {
            0x01 => Self::Ping,
            0x03 => Self::Msg,
            0x04 => Self::Lock,
            0x06 => Self::Init,
            0x08 => Self::Wink,
            0x10 => Self::Cbor,
            0x11 => Self::Cancel,
            0x3b => Self::Keepalive,
            0x3f => Self::Error,
            other => Self::Other(other),
        }
    }

    /// The number, without the top bit that marks it on the wire.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Ping => 0x01,
            Self::Msg => 0x03,
            Self::Lock => 0x04,
            Self::Init => 0x06,
            Self::Wink => 0x08,
            Self::Cbor => 0x10,
            Self::Cancel => 0x11,
            Self::Keepalive => 0x3b,
            Self::Error => 0x3f,
            Self::Other(other) => other & 0x7f,
        }
    }
}

/// What the payload of an ERROR packet says (CTAP 2.3 §11.2.9.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HidError {
    /// 0x01
    #[error("the device does not know the command")]
    InvalidCommand,
    /// 0x02
    #[error("a parameter of the command is not valid")]
    InvalidParameter,
    /// 0x03
    #[error("the length of the message is not allowed")]
    InvalidLength,
    /// 0x04
    #[error("the packets of the message came out of order")]
    InvalidSequence,
    /// 0x05
    #[error("the rest of the message did not come in time")]
    MessageTimeout,
    /// 0x06
    #[error("the device is busy with another request; try again in a moment")]
    ChannelBusy,
    /// 0x0A
    #[error("the command needs a lock")]
    LockRequired,
    /// 0x0B
    #[error("the device does not know the channel; connect again")]
    InvalidChannel,
    /// 0x7F
    #[error("the device failed for a reason that it does not name")]
    Other,
    /// A code that the standard does not have.
    #[error("the device failed with the unknown code 0x{0:02x}")]
    Unknown(u8),
}

impl HidError {
    /// The error of a code.
    #[must_use]
    pub const fn from_u8(code: u8) -> Self {
        match code {
            0x01 => Self::InvalidCommand,
            0x02 => Self::InvalidParameter,
            0x03 => Self::InvalidLength,
            0x04 => Self::InvalidSequence,
            0x05 => Self::MessageTimeout,
            0x06 => Self::ChannelBusy,
            0x0a => Self::LockRequired,
            0x0b => Self::InvalidChannel,
            0x7f => Self::Other,
            code => Self::Unknown(code),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::InvalidCommand => 0x01,
            Self::InvalidParameter => 0x02,
            Self::InvalidLength => 0x03,
            Self::InvalidSequence => 0x04,
            Self::MessageTimeout => 0x05,
            Self::ChannelBusy => 0x06,
            Self::LockRequired => 0x0a,
            Self::InvalidChannel => 0x0b,
            Self::Other => 0x7f,
            Self::Unknown(code) => code,
        }
    }
}

/// Why an answer takes its time (CTAP 2.3 §11.2.9.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeepaliveStatus {
    /// 1: the authenticator is working.
    Processing,
    /// 2: the authenticator waits for the person.
    UpNeeded,
    /// A status that the standard does not have.
    Unknown(u8),
}

impl KeepaliveStatus {
    /// The status of a byte.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            1 => Self::Processing,
            2 => Self::UpNeeded,
            other => Self::Unknown(other),
        }
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Processing => 1,
            Self::UpNeeded => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// What a device can do; the last byte of its answer to INIT (CTAP 2.3 §11.2.9.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(pub u8);

impl Capabilities {
    /// It can be asked to show which one it is.
    pub const WINK: Self = Self(0x01);
    /// It speaks CTAP2.
    pub const CBOR: Self = Self(0x04);
    /// It does *not* speak CTAP1/U2F.
    pub const NMSG: Self = Self(0x08);

    /// Whether all of `capabilities` are among these.
    #[must_use]
    pub const fn contains(self, capabilities: Self) -> bool {
        self.0 & capabilities.0 == capabilities.0
    }

    /// These and `capabilities`.
    #[must_use]
    pub const fn with(self, capabilities: Self) -> Self {
        Self(self.0 | capabilities.0)
    }
}

/// What a device answers to INIT (CTAP 2.3 §11.2.9.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitResponse {
    /// The host's nonce, sent back.
    pub nonce: [u8; 8],
    /// The channel for the host.
    pub channel: HidChannel,
    /// The version of CTAPHID: 2.
    pub protocol: u8,
    /// The device's own version: major, minor, build.
    pub version: [u8; 3],
    /// What the device can do.
    pub capabilities: Capabilities,
}

impl InitResponse {
    /// How many bytes it has.
    pub const LENGTH: usize = 17;

    /// The payload of the answer to CTAPHID_INIT.
    #[must_use]
    pub const fn encode(&self) -> [u8; Self::LENGTH] {
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.nonce;
        let [c0, c1, c2, c3] = self.channel.0.to_be_bytes();
        let [major, minor, build] = self.version;
        [
            n0,
            n1,
            n2,
            n3,
            n4,
            n5,
            n6,
            n7,
            c0,
            c1,
            c2,
            c3,
            self.protocol,
            major,
            minor,
            build,
            self.capabilities.0,
        ]
    }

    /// Reads the bytes; those after the 17 that are known are ignored, as the standard asks. `None`
    /// if there are fewer.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (nonce, rest) = bytes.split_first_chunk::<8>()?;
        let (channel, rest) = rest.split_first_chunk::<4>()?;
        let &[protocol, major, minor, build, capabilities] = rest.first_chunk::<5>()?;
        Some(Self {
            nonce: *nonce,
            channel: HidChannel(u32::from_be_bytes(*channel)),
            protocol,
            version: [major, minor, build],
            capabilities: Capabilities(capabilities),
        })
    }
}
