//! The header by which a proxy that passes bytes through says where a connection came from: PROXY
//! protocol, version 2, binary
//! (<https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt>, section 2.2).
//!
//! It stands before everything else on the connection, TLS included. Whoever may say it is the
//! operator's decision, and not made here.

use core::{fmt, net::IpAddr};

/// The longest header that is read, in bytes: what fits into one segment on every path.
pub const MAX_PROXY_HEADER: usize = 536;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Up to and with the length of what follows, in bytes.
const FIXED: usize = 16;

/// Version 2, and what it is about: the proxy's own business, or somebody else's connection.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

/// How two ends are named.
const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// How far a header has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// So many bytes are missing at least. What comes after the header is not ours to read.
    Missing(usize),
    /// Nothing is missing, and what follows is the connection's own.
    Whole {
        /// Where the connection came from; nothing if it is the proxy's own, such as a health
        /// check, or if the proxy does not know.
        source: Option<IpAddr>,
    },
}

/// Without the address.
impl fmt::Debug for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => write!(f, "Missing({missing})"),
            Self::Whole { source } => write!(f, "Whole(by itself: {})", source.is_none()),
        }
    }
}

/// What stands at the beginning of a connection is no header, or not one of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no header of the PROXY protocol, version 2")]
pub struct BadProxyHeader;

impl ProxyHeader {
    /// Reads a header, as far as it has come. `received` is everything from the beginning of the
    /// connection on, and no more than was [`Missing`](Self::Missing).
    ///
    /// # Errors
    /// [`BadProxyHeader`], as soon as it can't become one: another signature or version, an
    /// unknown command, addresses of another family than TCP's, one longer than
    /// [`MAX_PROXY_HEADER`], or additions that are cut off.
    pub fn read(received: &[u8]) -> Result<Self, BadProxyHeader> {
        let begun = received.len().min(SIGNATURE.len());
        if received.get(..begun) != SIGNATURE.get(..begun) {
            return Err(BadProxyHeader);
        }
        let Some((head, rest)) = received.split_first_chunk::<FIXED>() else {
            return Ok(Self::Missing(FIXED.saturating_sub(received.len())));
        };
        let [.., command, family, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let known = matches!(command, LOCAL | PROXY);
        if !known || length > MAX_PROXY_HEADER.saturating_sub(FIXED) || rest.len() > length {
            return Err(BadProxyHeader);
        }
        if rest.len() < length {
            return Ok(Self::Missing(length.saturating_sub(rest.len())));
        }
        let source = match (command, family) {
            (LOCAL, _) | (PROXY, UNSPECIFIED) => None,
            (PROXY, TCP4) => Some(ends::<4>(rest)?.into()),
            (PROXY, TCP6) => Some(ends::<16>(rest)?.into()),
            _ => return Err(BadProxyHeader),
        };
        Ok(Self::Whole { source })
    }
}

/// The source of two ends of this size, each with a port, and of additions that are whole.
fn ends<const SIZE: usize>(bytes: &[u8]) -> Result<[u8; SIZE], BadProxyHeader> {
    let (source, rest) = bytes.split_first_chunk::<SIZE>().ok_or(BadProxyHeader)?;
    let (_destination, rest) = rest.split_first_chunk::<SIZE>().ok_or(BadProxyHeader)?;
    let (_ports, mut additions) = rest.split_first_chunk::<4>().ok_or(BadProxyHeader)?;
    while let [_kind, high, low, rest @ ..] = additions {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        additions = rest.get(length..).ok_or(BadProxyHeader)?;
    }
    if additions.is_empty() { Ok(*source) } else { Err(BadProxyHeader) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    fn of(address: &str) -> Result<ProxyHeader, BadProxyHeader> {
        Ok(ProxyHeader::Whole { source: Some(address.parse().unwrap()) })
    }

    const NOBODY: Result<ProxyHeader, BadProxyHeader> = Ok(ProxyHeader::Whole { source: None });
    const IPV4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];

    fn ipv6() -> Vec<u8> {
        let (source, own) = ("2001:db8::7".parse::<core::net::Ipv6Addr>().unwrap(), [0; 16]);
        [&source.octets()[..], &own, &[0, 1, 0, 2]].concat()
    }

    #[test]
    fn the_source_of_a_connection_is_read() {
        assert_eq!(ProxyHeader::read(&header(PROXY, TCP4, &IPV4)), of("192.0.2.7"));
        assert_eq!(ProxyHeader::read(&header(PROXY, TCP6, &ipv6())), of("2001:db8::7"));
        // With additions, such as the name that a client asked for.
        let additions = [&IPV4[..], &[2, 0, 3], b"abc", &[4, 0, 0]].concat();
        assert_eq!(ProxyHeader::read(&header(PROXY, TCP4, &additions)), of("192.0.2.7"));
    }

    #[test]
    fn a_proxy_may_speak_for_itself_or_not_know() {
        assert_eq!(ProxyHeader::read(&header(LOCAL, UNSPECIFIED, &[])), NOBODY);
        assert_eq!(ProxyHeader::read(&header(LOCAL, TCP4, &IPV4)), NOBODY);
        assert_eq!(ProxyHeader::read(&header(PROXY, UNSPECIFIED, &[7; 30])), NOBODY);
    }

    #[test]
    fn what_is_missing_is_told_and_nothing_beyond_is_read() {
        let whole = header(PROXY, TCP4, &IPV4);
        for cut in 0..whole.len() {
            let missing = if cut < FIXED { FIXED - cut } else { whole.len() - cut };
            assert_eq!(ProxyHeader::read(&whole[..cut]), Ok(ProxyHeader::Missing(missing)));
        }
        assert_eq!(ProxyHeader::read(&[&whole[..], &[0x16]].concat()), Err(BadProxyHeader));
    }

    #[test]
    fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
        let text = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
        let unix = [0; 216];
        let long = [&IPV4[..], &[4, 2, 0], &[0; 512]].concat();
        let cut_off = [&IPV4[..], &[4, 0, 9, 1]].concat();
        for odd in [
            text.to_vec(),
            b"G".to_vec(),
            header(0x11, TCP4, &IPV4),
            header(0x22, TCP4, &IPV4),
            header(PROXY, 0x12, &IPV4),
            header(PROXY, 0x31, &unix),
            header(PROXY, TCP4, &IPV4[..11]),
            header(PROXY, TCP6, &IPV4),
            header(PROXY, TCP4, &long),
            header(PROXY, TCP4, &cut_off),
            header(PROXY, TCP4, &[&IPV4[..], &[4]].concat()),
        ] {
            assert_eq!(ProxyHeader::read(&odd), Err(BadProxyHeader), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_and_any_cut_says_the_same(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            family in prop_oneof![Just(TCP4), Just(TCP6), any::<u8>()],
        ) {
            let _ = ProxyHeader::read(&bytes);
            let whole = header(PROXY, family, &bytes);
            let mut received = Vec::new();
            let read = loop {
                match ProxyHeader::read(&received) {
                    Ok(ProxyHeader::Missing(missing)) => {
                        let from = received.len();
                        received.extend_from_slice(&whole[from..from + missing]);
                    }
                    other => break other,
                }
            };
            prop_assert_eq!(read, ProxyHeader::read(&whole));
        }
    }
}
