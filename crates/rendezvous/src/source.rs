//! Where requests come from, and how many places each network has.

use core::net::IpAddr;
use std::collections::HashMap;
use std::fmt;

use towline_crypto::CryptoProvider;

/// The mark of an IPv4 address: as an IPv6 network it would be in `0:1::/32`, which nobody has.
const IPV4: u64 = 1 << 32;

/// Where a request came from: an IPv4 address, or the /64 network of an IPv6 address.
///
/// The wider networks around it count too, since one subscriber is given a whole /56 or /48 of
/// IPv6, and neighbouring IPv4 addresses are cheap: see [`Shares`] and [`Crowd`](crate::Crowd).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u64);

/// Without the address: what is printed ends in logs.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(..)")
    }
}

impl Source {
    /// The source that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IPV4 | u64::from(address.to_bits())),
            // The upper half of 128 bits always fits.
            IpAddr::V6(address) => Self(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }

    /// A stand-in for it that tells no address: sources of one network have stand-ins of one
    /// network, and one source always the same. Who can try all addresses finds it out.
    #[must_use]
    pub fn veiled(self, provider: &CryptoProvider) -> Self {
        let hash = |label: &[u8], number: u64| -> u64 {
            let hash = provider.sha256.hash(&[label, &number.to_be_bytes()]);
            hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
        };
        let region = hash(b"towline bus region 1", self.network(Width::Region).first);
        let inside = hash(b"towline bus source 1", self.0);
        // An IPv6 network of those that nobody is given, fd00::/8.
        Self(0xfd << 56 | (region & 0x00ff_ffff_ffff_0000) | (inside & 0xffff))
    }

    pub(super) const fn number(self) -> u64 {
        self.0
    }

    pub(super) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// The network of this width around it.
    pub(super) const fn network(self, width: Width) -> Network {
        let inside = match (width, self.0 >> 32 == 1) {
            (Width::Source, _) | (Width::Site, true) => 0,
            (Width::Site, false) | (Width::Region, true) => 0xff,
            (Width::Region, false) => 0xffff,
        };
        Network { first: self.0 & !inside, last: self.0 | inside }
    }
}

/// How wide a network is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// A /64 of IPv6, an IPv4 address.
    Source,
    /// A /56 of IPv6, an IPv4 address.
    Site,
    /// A /48 of IPv6, a /24 of IPv4.
    Region,
}

impl Width {
    const ALL: [Self; 3] = [Self::Source, Self::Site, Self::Region];

    /// How many times as much as one source it may have.
    const fn sources(self) -> usize {
        match self {
            Self::Source => 1,
            Self::Site => 2,
            Self::Region => 4,
        }
    }
}

/// All sources from the first to the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Network {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(..)")
    }
}

/// How many places each network has. One source may have so many, the /56 around it twice and the
/// /48 (IPv4: the /24) four times as many.
#[derive(Debug, Default)]
pub struct Shares(HashMap<Network, usize>);

impl Shares {
    /// Shares of which no network has any yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this source may have one more, where one source may have `most`. The place of
    /// `instead_of` is given up for it.
    #[must_use]
    pub fn allow(&self, source: Source, most: usize, instead_of: Option<Source>) -> bool {
        Width::ALL.into_iter().all(|width| {
            let network = source.network(width);
            let held = self.0.get(&network).copied().unwrap_or_default();
            let given_up = instead_of.is_some_and(|other| other.network(width) == network);
            held.saturating_sub(usize::from(given_up)) < most.saturating_mul(width.sources())
        })
    }

    /// The source has one more.
    pub fn add(&mut self, source: Source) {
        for network in networks(source) {
            let held = self.0.entry(network).or_default();
            *held = held.saturating_add(1);
        }
    }

    /// The source has one less.
    pub fn remove(&mut self, source: Source) {
        for network in networks(source) {
            if let Some(held) = self.0.get_mut(&network) {
                *held = held.saturating_sub(1);
                if *held == 0 {
                    self.0.remove(&network);
                }
            }
        }
    }
}

/// The networks around a source, each once.
fn networks(source: Source) -> impl Iterator<Item = Network> {
    let [narrow, site, region] = Width::ALL.map(|width| source.network(width));
    [Some(narrow), (site != narrow).then_some(site), Some(region)].into_iter().flatten()
}
