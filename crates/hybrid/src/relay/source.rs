//! Where requests come from.

use std::net::IpAddr;

/// Where a request came from, for the limit per source: an IPv4 address, or the /64 network of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Self(IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()))
            }
            v4 => Self(v4),
        }
    }
}
