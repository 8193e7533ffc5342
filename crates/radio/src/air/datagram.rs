//! Reading and writing the datagrams that [`UdpHub`](super::UdpHub) documents.

use crate::{MAX_SERVICE_DATA, Sighting};

const MAGIC: [u8; 4] = *b"TAIR";
const VERSION: u8 = 1;

/// The largest datagram: header and advert body.
pub(super) const MAX_DATAGRAM: usize = 16 + MAX_SERVICE_DATA;

const JOIN: u8 = 1;
const LEAVE: u8 = 2;
const WELCOME: u8 = 3;
const ADVERT: u8 = 4;

/// One message between a simulated radio and the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datagram {
    /// A listener is (still) there.
    Join,
    /// A listener stopped.
    Leave,
    /// The hub is there and knows the listener.
    Welcome,
    /// One advert, sent once.
    Advert { address: [u8; 6], rssi: i8, uuid16: u16, service_data: Vec<u8> },
}

impl Datagram {
    /// The bytes of the message, or nothing if the service data is too long to be sent.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(MAX_DATAGRAM);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        match self {
            Self::Join => bytes.push(JOIN),
            Self::Leave => bytes.push(LEAVE),
            Self::Welcome => bytes.push(WELCOME),
            Self::Advert { address, rssi, uuid16, service_data } => {
                bytes.push(ADVERT);
                bytes.extend_from_slice(address);
                bytes.extend_from_slice(&rssi.to_be_bytes());
                bytes.extend_from_slice(&uuid16.to_be_bytes());
                bytes.push(u8::try_from(service_data.len()).ok()?);
                bytes.extend_from_slice(service_data);
            }
        }
        Some(bytes)
    }

    /// Reads a message; anything that is not exactly one is nothing.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<6>()?;
        let [m0, m1, m2, m3, version, kind] = *header;
        if [m0, m1, m2, m3] != MAGIC || version != VERSION {
            return None;
        }
        match (kind, body) {
            (JOIN, []) => Some(Self::Join),
            (LEAVE, []) => Some(Self::Leave),
            (WELCOME, []) => Some(Self::Welcome),
            (ADVERT, body) => {
                let (address, rest) = body.split_first_chunk::<6>()?;
                let (rssi, rest) = rest.split_first_chunk::<1>()?;
                let (uuid16, rest) = rest.split_first_chunk::<2>()?;
                let (length, service_data) = rest.split_first()?;
                if service_data.len() != usize::from(*length) {
                    return None;
                }
                Some(Self::Advert {
                    address: *address,
                    rssi: i8::from_be_bytes(*rssi),
                    uuid16: u16::from_be_bytes(*uuid16),
                    service_data: service_data.to_vec(),
                })
            }
            _ => None,
        }
    }

    /// The sighting that an advert is to a listener.
    pub(super) fn into_sighting(self) -> Option<Sighting> {
        match self {
            Self::Advert { address, rssi, uuid16, service_data } => Some(Sighting {
                service_uuid16: uuid16,
                service_data,
                rssi: Some(rssi.into()),
                address: Some(address),
            }),
            Self::Join | Self::Leave | Self::Welcome => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advert(length: usize) -> Datagram {
        let service_data = vec![7; length];
        Datagram::Advert { address: [1, 2, 3, 4, 5, 6], rssi: -60, uuid16: 0xfff9, service_data }
    }

    #[test]
    fn an_advert_has_the_documented_bytes() {
        let bytes = advert(2).encode().unwrap();
        assert_eq!(bytes, b"TAIR\x01\x04\x01\x02\x03\x04\x05\x06\xc4\xff\xf9\x02\x07\x07");
    }

    #[test]
    fn every_message_reads_back() {
        for message in
            [Datagram::Join, Datagram::Leave, Datagram::Welcome, advert(0), advert(20), advert(255)]
        {
            assert_eq!(Datagram::decode(&message.encode().unwrap()), Some(message));
        }
    }

    #[test]
    fn service_data_beyond_255_bytes_cannot_be_sent() {
        assert_eq!(advert(256).encode(), None);
    }

    #[test]
    fn cut_or_extended_messages_are_nothing() {
        for message in [Datagram::Join, Datagram::Leave, Datagram::Welcome, advert(20)] {
            let mut bytes = message.encode().unwrap();
            for length in 0..bytes.len() {
                assert_eq!(Datagram::decode(&bytes[..length]), None);
            }
            bytes.push(0);
            assert_eq!(Datagram::decode(&bytes), None);
        }
    }

    #[test]
    fn another_magic_version_or_kind_is_nothing() {
        let good = advert(20).encode().unwrap();
        for index in 0..6 {
            let mut bytes = good.clone();
            bytes[index] ^= 0x40;
            assert_eq!(Datagram::decode(&bytes), None);
        }
    }
}
