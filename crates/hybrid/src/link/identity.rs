//! A P-256 private key from a 32-byte seed, as BoringSSL derives it. Nothing on the wire depends on
//! it: a phone keeps only its seed, and others can take an identity over.

use towline_crypto::{CryptoProvider, EcdhKey, Error, Secret};
use zeroize::Zeroizing;

/// The group order of P-256, as four 64-bit words, least significant first.
const ORDER: [u64; 4] =
    [0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000];

/// The private key that BoringSSL-based phones make of a seed. Nothing on the wire depends on it.
///
/// # Errors
/// What the provider reports.
pub fn key_from_seed(
    provider: &CryptoProvider,
    seed: &Secret<32>,
) -> Result<Box<dyn EcdhKey>, Error> {
    provider.ecdh.load(&scalar_from_seed(provider, seed)?)
}

/// 48 bytes derived from the seed, as a big-endian integer modulo the group order.
fn scalar_from_seed(provider: &CryptoProvider, seed: &Secret<32>) -> Result<Secret<32>, Error> {
    let wide = Secret::<48>::try_init(|out| {
        provider.hkdf.derive(&[], seed.expose(), b"derive EC key P-256", out)
    })?;
    let mut rest = Zeroizing::new([0; 4]);
    for byte in wide.expose() {
        for bit in (0..8).rev() {
            *rest = shift_in(&rest, u64::from(byte >> bit & 1));
        }
    }
    Secret::try_init(|out: &mut [u8; 32]| {
        for (to, word) in out.rchunks_exact_mut(8).zip(*rest) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        Ok(())
    })
}

/// `(2 * value + bit) mod order`, for a value below the order, in constant time.
fn shift_in(value: &[u64; 4], bit: u64) -> [u64; 4] {
    let mut doubled = [0; 4];
    let mut carry = bit;
    for (to, from) in doubled.iter_mut().zip(value) {
        *to = from << 1 | carry;
        carry = from >> 63;
    }
    let mut reduced = [0; 4];
    let mut borrow = 0_u64;
    for ((to, from), order) in reduced.iter_mut().zip(&doubled).zip(&ORDER) {
        let (difference, first) = from.overflowing_sub(*order);
        let (difference, second) = difference.overflowing_sub(borrow);
        *to = difference;
        borrow = u64::from(first) | u64::from(second);
    }
    // The doubled value is at least the order when its top bit was carried out, or when nothing was
    // borrowed.
    let keep = (borrow & !carry & 1).wrapping_neg();
    let mut result = [0; 4];
    for ((to, doubled), reduced) in result.iter_mut().zip(&doubled).zip(&reduced) {
        *to = doubled & keep | reduced & !keep;
    }
    result
}
