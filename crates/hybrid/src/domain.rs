//! Tunnel domains: sixteen bits that name the host of a tunnel service (CTAP 2.3, hybrid
//! transports).

use towline_crypto::CryptoProvider;

/// The encoded domain does not stand for any host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tunnel domain {0} is not assigned")]
pub struct Unassigned(
    /// The number that was given.
    pub u16,
);

/// A tunnel service's domain by its encoded number. A value of this type always stands for a host.
///
/// Numbers below 256 are assigned to companies; the others are derived by a hash, so that anybody
/// can run a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelDomain(u16);

/// The hosts of the assigned numbers, from 0.
const ASSIGNED: [&str; 2] = ["cable.ua5v.com", "cable.auth.com"];
/// The first number whose host is derived.
const FIRST_DERIVED: u16 = 256;
const TOP_LEVEL: [&str; 4] = [".com", ".org", ".net", ".info"];
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl TunnelDomain {
    /// Google's service, `cable.ua5v.com`.
    pub const GOOGLE: Self = Self(0);
    /// Apple's service, `cable.auth.com`.
    pub const APPLE: Self = Self(1);
    /// How many assigned domains this library knows; key 2 of the QR code.
    pub const ASSIGNED_COUNT: u64 = 2;

    /// The domain with this number.
    ///
    /// # Errors
    /// [`Unassigned`] for 2 to 255.
    pub fn new(encoded: u16) -> Result<Self, Unassigned> {
        if encoded >= FIRST_DERIVED || ASSIGNED.get(usize::from(encoded)).is_some() {
            Ok(Self(encoded))
        } else {
            Err(Unassigned(encoded))
        }
    }

    /// The number that QR codes and adverts carry.
    #[must_use]
    pub const fn encoded(self) -> u16 {
        self.0
    }

    /// Whether it is derived by the hash, so that every reader knows it.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        self.0 >= FIRST_DERIVED
    }

    /// The host name, such as `cable.ua5v.com`.
    #[must_use]
    pub fn host(self, provider: &CryptoProvider) -> String {
        match ASSIGNED.get(usize::from(self.0)) {
            Some(host) => (*host).into(),
            None => self.derived_host(provider),
        }
    }

    fn derived_host(self, provider: &CryptoProvider) -> String {
        let encoded = self.0.to_le_bytes();
        let hash =
            provider.sha256.hash(&[b"caBLEv2 tunnel server domain".as_slice(), &encoded, &[0]]);
        let mut bits = u64::from_le_bytes(*hash.first_chunk().unwrap_or(&[0; 8]));
        let top_level = pick(&TOP_LEVEL, bits & 3).copied().unwrap_or_default();
        let mut host = String::from("cable.");
        bits >>= 2;
        while bits != 0 {
            host.push(pick(ALPHABET, bits & 31).copied().map_or('a', char::from));
            bits >>= 5;
        }
        host.push_str(top_level);
        host
    }
}

fn pick<T>(choices: &[T], index: u64) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| choices.get(index))
}
