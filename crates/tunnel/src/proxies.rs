//! Proxies in front of a relay that say where a connection really came from.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use towline_rendezvous::ProxyHeader;

/// An address, or a network of them: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    prefix: u32,
}

/// The text is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address or a network looks like 10.0.0.7, 10.0.0.0/8 or fd00::/8")]
pub struct NotASubnet;

impl Subnet {
    /// Whether this address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let head = |bits: u128, length: u32| {
            bits.checked_shr(length.saturating_sub(self.prefix)).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                head(own.to_bits().into(), 32) == head(other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                head(own.to_bits(), 128) == head(other.to_bits(), 128)
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = NotASubnet;

    fn from_str(text: &str) -> Result<Self, NotASubnet> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotASubnet)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NotASubnet)?,
            None => longest,
        };
        if prefix > longest { Err(NotASubnet) } else { Ok(Self { address, prefix }) }
    }
}

/// Whether one of these networks holds the address.
pub(crate) fn among(networks: &[Subnet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Reads what a proxy says of a connection before anything else, and not a byte more: where it came
/// from, or nothing if it is the proxy's own.
pub(crate) async fn announced(stream: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let mut received = Vec::new();
    loop {
        match ProxyHeader::read(&received) {
            Ok(ProxyHeader::Missing(missing)) => {
                let mut more = (&mut *stream).take(u64::try_from(missing).unwrap_or(0));
                if more.read_buf(&mut received).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(ProxyHeader::Whole { source }) => return Ok(source),
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The address that the nearest trusted proxy saw, out of every value of `X-Forwarded-For`: the
/// last one that is not itself a trusted proxy. What stands before it was written by somebody who
/// is not trusted.
pub(crate) fn forwarded(values: &[&str], trusted: &[Subnet]) -> Option<IpAddr> {
    let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
    for hop in hops {
        let hop = address(hop.trim())?;
        if !among(trusted, hop) {
            return Some(hop);
        }
    }
    None
}

/// An address as proxies write it: some add a port, some put IPv6 into brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.7", "10.0.0.7", "10.0.0.6"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.0/25", "::ffff:192.0.2.127", "192.0.2.128"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00::/8", "fd12::9", "fe00::"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("::1", "::1", "::2"),
        ] {
            let network = subnet(network);
            assert!(network.contains(inside.parse().unwrap()), "{network:?}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?}");
        }
        for odd in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8"] {
            assert_eq!(odd.parse::<Subnet>(), Err(NotASubnet), "{odd}");
        }
    }

    #[test]
    fn only_what_a_trusted_proxy_saw_counts() {
        let trusted = [subnet("10.0.0.0/8"), subnet("fd00::/8")];
        for (values, found) in [
            (vec!["192.0.2.1"], Some("192.0.2.1")),
            (vec!["192.0.2.1, 10.0.0.9"], Some("192.0.2.1")),
            (vec!["192.0.2.1", "10.0.0.9 , fd00::1"], Some("192.0.2.1")),
            // Whoever writes a header of their own gets no other source by it.
            (vec!["198.51.100.7, 192.0.2.1"], Some("192.0.2.1")),
            (vec!["198.51.100.7", "192.0.2.1"], Some("192.0.2.1")),
            (vec!["x, 192.0.2.1"], Some("192.0.2.1")),
            (vec!["192.0.2.1:5060"], Some("192.0.2.1")),
            (vec!["[2001:db8::1]:5060, [fd00::1]"], Some("2001:db8::1")),
            (vec![], None),
            (vec!["10.0.0.9"], None),
            (vec!["192.0.2.1, unknown"], None),
            (vec!["192.0.2.1,"], None),
        ] {
            let found = found.map(|text| text.parse().unwrap());
            assert_eq!(forwarded(&values, &trusted), found, "{values:?}");
        }
    }
}
