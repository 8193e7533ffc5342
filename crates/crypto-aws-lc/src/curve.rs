//! What ECDH and ECDSA share: private scalars, how they are drawn, checked and encoded for AWS-LC.

use towline_crypto::{Error, Random, Secret};
use zeroize::Zeroizing;

/// The order of P-256's base point, big-endian (SEC 2 §2.4.2).
pub(crate) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of P-384's base point, big-endian (SEC 2 §2.5.1).
pub(crate) const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// A uniformly random scalar from 1 to below the order.
pub(crate) fn draw<const N: usize>(
    random: &dyn Random,
    order: &[u8; N],
) -> Result<Secret<N>, Error> {
    // One candidate in 2^32 is refused on P-256, one in 2^192 on P-384. A source that gives
    // unusable ones again and again is broken.
    const ATTEMPTS: usize = 16;
    for _ in 0..ATTEMPTS {
        let candidate = random.secret::<N>()?;
        if is_scalar(candidate.expose(), order) {
            return Ok(candidate);
        }
    }
    Err(Error::Random)
}

/// The scalar with these big-endian bytes; [`Error::InvalidPrivateKey`] unless it is in 1..order.
pub(crate) fn load<const N: usize>(scalar: &[u8], order: &[u8; N]) -> Result<Secret<N>, Error> {
    let scalar = Secret::<N>::from_slice(scalar).map_err(|_| Error::InvalidPrivateKey)?;
    if is_scalar(scalar.expose(), order) { Ok(scalar) } else { Err(Error::InvalidPrivateKey) }
}

/// Whether the number is in 1..order, in time that does not depend on it.
fn is_scalar<const N: usize>(number: &[u8; N], order: &[u8; N]) -> bool {
    // Long subtraction from the last byte on: it borrows in the end exactly if the number is the
    // smaller one.
    let mut borrow = false;
    let mut bits = 0;
    for (digit, subtrahend) in number.iter().zip(order).rev() {
        let (difference, first) = digit.overflowing_sub(*subtrahend);
        let (_, second) = difference.overflowing_sub(u8::from(borrow));
        borrow = first | second;
        bits |= digit;
    }
    borrow & (bits != 0)
}

/// `ECPrivateKey` with nothing but the scalar (RFC 5915 §3), the form from which AWS-LC makes a key
/// soonest.
pub(crate) fn ec_private_key(scalar: &[u8]) -> Zeroizing<Vec<u8>> {
    // Scalars of the curves in use have 32 or 48 bytes, so each length is one byte.
    let length = u8::try_from(scalar.len()).unwrap_or_default();
    let head = [0x30, length.saturating_add(5), 0x02, 0x01, 0x01, 0x04, length];
    Zeroizing::new([&head, scalar].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_those_from_one_to_below_the_order() {
        let mut below = P256_ORDER;
        below[31] -= 1;
        let mut one = [0; 32];
        one[31] = 1;
        let mut high = [0; 32];
        high[0] = 0x80;
        for scalar in [one, below, high, [1; 32]] {
            assert!(is_scalar(&scalar, &P256_ORDER));
        }
        let mut above = P256_ORDER;
        above[31] += 1;
        let mut far_above = P256_ORDER;
        far_above[7] = 1;
        for number in [[0; 32], P256_ORDER, above, far_above, [0xff; 32]] {
            assert!(!is_scalar(&number, &P256_ORDER));
        }
    }
}
