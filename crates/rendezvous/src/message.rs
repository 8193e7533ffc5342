//! What a phone that listens and its tunnel service say to each other. It is private to towline:
//! the standard leaves this leg to the vendor (CTAP 2.3, hybrid transports).
//! `docs/relay-protocol.md` describes it.

use std::fmt;

use towline_cbor::{CTAP_DEPTH, Key, Writer};

use crate::ids::{RoutingId, TunnelId};

/// The longest message from a phone, in bytes.
pub const MAX_FROM_PHONE: usize = 64;
/// The longest message from a service, in bytes.
pub const MAX_FROM_SERVICE: usize = 1024;

/// Names one ring on one server of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(pub u64);

/// From the service to the phone.
#[derive(Clone, PartialEq, Eq)]
pub enum FromService {
    /// It is still there: the answer to [`FromPhone::Alive`].
    Alive,
    /// A computer rings.
    Ring {
        /// The ring's name, for the answer.
        ring: RingId,
        /// Which server the computer waits at.
        routing_id: RoutingId,
        /// In which tunnel it waits there.
        tunnel_id: TunnelId,
        /// The computer's client payload, as its encoding: nobody
        /// has checked it.
        payload: Vec<u8>,
    },
    /// The computer of this ring went away.
    Over(RingId),
    /// The contact id is revoked, now or since before the phone came.
    Revoked,
    /// Another connection listens under the same contact id. This one is closed.
    Replaced,
}

/// What the computer says of itself is not shown.
impl fmt::Debug for FromService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alive => f.write_str("Alive"),
            Self::Ring { ring, payload, .. } => {
                write!(f, "Ring({ring:?}, {} bytes)", payload.len())
            }
            Self::Over(ring) => write!(f, "Over({ring:?})"),
            Self::Revoked => f.write_str("Revoked"),
            Self::Replaced => f.write_str("Replaced"),
        }
    }
}

/// From the phone to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromPhone {
    /// It is still there.
    Alive,
    /// It knows the computer, and is on its way.
    Accept(RingId),
    /// It does not come.
    Refuse(RingId, Reason),
    /// Nobody shall reach it under this contact id any more.
    Revoke,
}

/// Why a phone does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It can't now.
    Busy,
    /// It does not know this computer (any more): the computer shall delete its link.
    Unknown,
}

const ALIVE: u64 = 0;
const RING: u64 = 1;
const OVER: u64 = 2;
const SERVICE_REVOKED: u64 = 3;
const REPLACED: u64 = 4;

const ACCEPT: u64 = 1;
const REFUSE: u64 = 2;
const REVOKE: u64 = 3;

const BUSY: u64 = 0;
const UNKNOWN: u64 = 1;

impl FromService {
    /// The map in canonical CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(96);
        writer.map(|map| match self {
            Self::Alive => map.entry(0, |w| w.uint(ALIVE)),
            Self::Ring { ring, routing_id, tunnel_id, payload } => {
                map.entry(0, |w| w.uint(RING));
                map.entry(1, |w| w.uint(ring.0));
                map.entry(2, |w| w.bytes(routing_id.as_bytes()));
                map.entry(3, |w| w.bytes(tunnel_id.as_bytes()));
                map.entry(4, |w| w.bytes(payload));
            }
            Self::Over(ring) => {
                map.entry(0, |w| w.uint(OVER));
                map.entry(1, |w| w.uint(ring.0));
            }
            Self::Revoked => map.entry(0, |w| w.uint(SERVICE_REVOKED)),
            Self::Replaced => map.entry(0, |w| w.uint(REPLACED)),
        });
        writer.into_vec()
    }

    /// Reads the map. Unknown keys are ignored; `None` for what is not understood.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut kind, mut ring) = (None, None);
        let (mut routing_id, mut tunnel_id, mut payload) = (None, None, None);
        let fits = bytes.len() <= MAX_FROM_SERVICE;
        let bytes = fits.then_some(bytes)?;
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0) => kind = Some(value.uint()?),
                    Key::Int(1) => ring = Some(RingId(value.uint()?)),
                    Key::Int(2) => routing_id = Some(RoutingId::new(*value.byte_array()?)),
                    Key::Int(3) => tunnel_id = Some(TunnelId::new(*value.byte_array()?)),
                    Key::Int(4) => payload = Some(value.bytes()?.to_vec()),
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .ok()?;
        Some(match kind? {
            ALIVE => Self::Alive,
            RING => Self::Ring {
                ring: ring?,
                routing_id: routing_id?,
                tunnel_id: tunnel_id?,
                payload: payload?,
            },
            OVER => Self::Over(ring?),
            SERVICE_REVOKED => Self::Revoked,
            REPLACED => Self::Replaced,
            _ => return None,
        })
    }
}

impl FromPhone {
    /// The map in canonical CBOR.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(16);
        writer.map(|map| match self {
            Self::Alive => map.entry(0, |w| w.uint(ALIVE)),
            Self::Accept(ring) => {
                map.entry(0, |w| w.uint(ACCEPT));
                map.entry(1, |w| w.uint(ring.0));
            }
            Self::Refuse(ring, reason) => {
                map.entry(0, |w| w.uint(REFUSE));
                map.entry(1, |w| w.uint(ring.0));
                map.entry(2, |w| {
                    w.uint(match reason {
                        Reason::Busy => BUSY,
                        Reason::Unknown => UNKNOWN,
                    });
                });
            }
            Self::Revoke => map.entry(0, |w| w.uint(REVOKE)),
        });
        writer.into_vec()
    }

    /// Reads the map. Unknown keys are ignored; `None` for what is not understood.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut kind, mut ring, mut reason) = (None, None, None);
        let fits = bytes.len() <= MAX_FROM_PHONE;
        let bytes = fits.then_some(bytes)?;
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(0) => kind = Some(value.uint()?),
                    Key::Int(1) => ring = Some(RingId(value.uint()?)),
                    Key::Int(2) => reason = Some(value.uint()?),
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .ok()?;
        Some(match kind? {
            ALIVE => Self::Alive,
            ACCEPT => Self::Accept(ring?),
            REFUSE => {
                let reason = match reason? {
                    BUSY => Reason::Busy,
                    UNKNOWN => Reason::Unknown,
                    _ => return None,
                };
                Self::Refuse(ring?, reason)
            }
            REVOKE => Self::Revoke,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let ring = RingId(u64::MAX);
        for message in [
            FromService::Alive,
            FromService::Over(ring),
            FromService::Revoked,
            FromService::Replaced,
            FromService::Ring {
                ring,
                routing_id: RoutingId::new([1; 3]),
                tunnel_id: TunnelId::new([2; 16]),
                payload: vec![3; 256],
            },
        ] {
            assert_eq!(FromService::decode(&message.encode()), Some(message));
        }
        for message in [
            FromPhone::Alive,
            FromPhone::Accept(ring),
            FromPhone::Refuse(ring, Reason::Busy),
            FromPhone::Refuse(ring, Reason::Unknown),
            FromPhone::Revoke,
        ] {
            let bytes = message.encode();
            assert!(bytes.len() <= MAX_FROM_PHONE);
            assert_eq!(FromPhone::decode(&bytes), Some(message));
        }
    }

    #[test]
    fn what_is_incomplete_unknown_or_too_long_is_not_understood() {
        for bytes in [&[][..], &[0xa0], &[0xa1, 0, 9], &[0xa1, 0, 1], &[0xa1, 0, 2], &[0x80]] {
            assert_eq!(FromPhone::decode(bytes), None, "{bytes:?}");
            assert_eq!(FromService::decode(bytes), None, "{bytes:?}");
        }
        // A refusal for an unknown reason, and messages with something behind them.
        assert_eq!(FromPhone::decode(&[0xa3, 0, 2, 1, 1, 2, 2]), None);
        assert_eq!(FromPhone::decode(&[0xa1, 0, 0, 0]), None);
        let long = FromService::Ring {
            ring: RingId(1),
            routing_id: RoutingId::new([1; 3]),
            tunnel_id: TunnelId::new([2; 16]),
            payload: vec![0; MAX_FROM_SERVICE],
        };
        assert_eq!(FromService::decode(&long.encode()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = FromService::decode(&bytes);
            let _ = FromPhone::decode(&bytes);
        }
    }
}
