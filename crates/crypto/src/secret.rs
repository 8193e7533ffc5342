//! Secrets that are wiped, redacted and compared in constant time; and the public key of P-256.

use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;

/// `N` secret bytes: wiped on drop, printed as a length only, compared in constant time.
///
/// Protocol crates wrap this in a type of their own for each meaning (a QR secret, a PSK, an EID
/// key), so that one can't be passed for another.
#[derive(Clone)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes the bytes over. The caller's copy, if any, is the caller's to wipe.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Lets `fill` write the bytes in place, so that no copy is left behind.
    ///
    /// # Errors
    /// Whatever `fill` returns.
    pub fn try_init<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self::new([0; N]);
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Copies a slice of exactly `N` bytes; [`Error::Length`] otherwise.
    ///
    /// # Errors
    /// [`Error::Length`] when the slice is not `N` bytes long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        Self::try_init(|secret| {
            if bytes.len() != N {
                return Err(Error::Length);
            }
            secret.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({N} bytes)")
    }
}

impl<const N: usize> Zeroize for Secret<N> {
    fn zeroize(&mut self) {
        // As a slice: an array is wiped byte by byte, which takes many times longer.
        self.0.as_mut_slice().zeroize();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

/// Compares in time that depends on the lengths only; unequal lengths are unequal.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // subtle compares, and keeps the compiler from knowing what came of it, which costs a call for
    // each: so it is given words, and bytes where there is no whole word.
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut same = 1;
    for (a, b) in a.iter().zip(b) {
        same &= u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b)).unwrap_u8();
    }
    let ((a, a_rest), (b, b_rest)) = (a_rest.as_chunks(), b_rest.as_chunks());
    for (a, b) in a.iter().zip(b) {
        same &= u32::from_ne_bytes(*a).ct_eq(&u32::from_ne_bytes(*b)).unwrap_u8();
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        same &= a.ct_eq(b).unwrap_u8();
    }
    Choice::from(same).into()
}

/// A P-256 public key, uncompressed: `04 || x || y`, 65 bytes (SEC 1 §2.3.3).
///
/// A value of this type has been checked to be a point of the curve: only [`crate::Ecdh`] and
/// [`crate::SignatureAlgorithm`] implementations, which check, may call
/// [`P256PublicKey::assume_checked`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct P256PublicKey([u8; 65]);

impl P256PublicKey {
    /// Wraps bytes that the calling provider has just checked, or computed.
    #[must_use]
    pub const fn assume_checked(bytes: [u8; 65]) -> Self {
        Self(bytes)
    }

    /// `04 || x || y`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// The big-endian x coordinate, 32 bytes.
    #[must_use]
    pub fn x(&self) -> &[u8; 32] {
        let (_, x, _) = self.split();
        x
    }

    /// The big-endian y coordinate, 32 bytes.
    #[must_use]
    pub fn y(&self) -> &[u8; 32] {
        let (_, _, y) = self.split();
        y
    }

    /// The compressed form: `02` or `03`, then x; 33 bytes (SEC 1 §2.3.3).
    #[must_use]
    pub fn compressed(&self) -> [u8; 33] {
        let (_, x, y) = self.split();
        let [.., last] = y;
        let mut out = [0; 33];
        let (tag, rest) = out.split_at_mut(1);
        tag.copy_from_slice(&[0x02 | (last & 1)]);
        rest.copy_from_slice(x);
        out
    }

    fn split(&self) -> (&[u8; 1], &[u8; 32], &[u8; 32]) {
        // The lengths add up to 65, so none of the fallbacks is ever taken.
        const ZERO: &[u8; 32] = &[0; 32];
        let (tag, rest) = self.0.split_first_chunk::<1>().unwrap_or((&[0], &[]));
        let (x, rest) = rest.split_first_chunk::<32>().unwrap_or((ZERO, &[]));
        let y = rest.first_chunk::<32>().unwrap_or(ZERO);
        (tag, x, y)
    }
}

impl fmt::Debug for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256PublicKey(")?;
        for byte in self.compressed() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_anywhere_makes_a_difference() {
        for length in 0..40 {
            let bytes = alloc::vec![0x5a; length];
            assert!(constant_time_eq(&bytes, &bytes));
            for place in 0..length {
                for bit in 0..8 {
                    let mut other = bytes.clone();
                    other[place] ^= 1 << bit;
                    assert!(!constant_time_eq(&bytes, &other), "bit {bit} of {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn other_lengths_are_another_secret() {
        let bytes = [0; 33];
        for (a, b) in [(0, 1), (7, 8), (8, 16), (32, 33)] {
            assert!(!constant_time_eq(&bytes[..a], &bytes[..b]));
            assert!(!constant_time_eq(&bytes[..b], &bytes[..a]));
        }
    }
}
