//! What `Debug` shows of a channel's two ends: packets and messages name people and carry secrets,
//! so that it is their lengths alone.

use core::fmt;

use super::{HidDeviceOutput, HostOutput};

impl fmt::Debug for HidDeviceOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { to, .. } => write!(f, "Send({to:?}, ..)"),
            Self::Cbor { channel, request } => {
                write!(f, "Cbor({channel:?}, {} bytes)", request.len())
            }
            Self::Msg { channel, request } => {
                write!(f, "Msg({channel:?}, {} bytes)", request.len())
            }
            Self::Cancel { channel } => write!(f, "Cancel({channel:?})"),
            Self::Wink { channel } => write!(f, "Wink({channel:?})"),
        }
    }
}

impl fmt::Debug for HostOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(_) => f.write_str("Send(..)"),
            Self::Opened(response) => write!(f, "Opened({response:?})"),
            Self::Message { command, message } => {
                write!(f, "Message({command:?}, {} bytes)", message.len())
            }
            Self::Keepalive(status) => write!(f, "Keepalive({status:?})"),
            Self::Failed(failure) => write!(f, "Failed({failure:?})"),
        }
    }
}
