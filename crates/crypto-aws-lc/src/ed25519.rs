//! Ed25519 (RFC 8032).
//!
//! Signatures are checked without the cofactor, as §5.1.7 allows. AWS-LC takes points of small
//! order, for which one signature is good for many messages, or for all; they are refused here, as
//! the portable provider refuses them.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use towline_crypto::{Error, Random, Secret, SignatureAlgorithm, SigningKey};
use zeroize::Zeroizing;

pub(crate) struct Ed25519;

impl SignatureAlgorithm for Ed25519 {
    fn cose_algorithm(&self) -> i64 {
        -8
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Key::new(random.secret()?)?))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let seed = Secret::from_slice(private).map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(Key::new(seed)?))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // AWS-LC would read a SubjectPublicKeyInfo too.
        if public_key.len() != 32 || has_small_order(public_key) {
            return Err(Error::InvalidPublicKey);
        }
        if signature.first_chunk::<32>().is_none_or(|point| has_small_order(point)) {
            return Err(Error::Authentication);
        }
        ParsedPublicKey::new(&ED25519, public_key)
            .map_err(|_| Error::InvalidPublicKey)?
            .verify_sig(message, signature)
            .map_err(|_| Error::Authentication)
    }
}

/// Whether these 32 bytes are one of the eight points whose order divides eight, in any encoding:
/// y, little-endian, with the sign of x in the highest bit.
fn has_small_order(point: &[u8]) -> bool {
    let Some((last, rest)) = point.split_last() else { return false };
    let (top, middle) = (last & 0x7f, rest.get(1..).unwrap_or_default());
    let first = rest.first().copied();
    // 0 and 1, or -1, 0 and 1 once more as p - 1, p and p + 1.
    let short = top == 0 && middle.iter().all(|byte| *byte == 0) && matches!(first, Some(0 | 1));
    let long = top == 0x7f
        && middle.iter().all(|byte| *byte == 0xff)
        && matches!(first, Some(0xec..=0xee));
    let of_order_8 = |(known, known_last): &([u8; 31], u8)| rest == known && top == *known_last;
    short || long || ORDER_8.iter().any(of_order_8)
}

/// The y coordinates of the four points of order 8, without the last byte, and that.
const ORDER_8: [([u8; 31], u8); 2] = [
    (
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc,
        ],
        0x05,
    ),
    (
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03,
        ],
        0x7a,
    ),
];

struct Key {
    seed: Secret<32>,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(seed: Secret<32>) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Self { seed, pair })
    }
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let signature = self.pair.try_sign(&parts.concat()).map_err(|_| Error::KeyUnavailable)?;
        Ok(signature.as_ref().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.seed.expose().to_vec()))
    }
}
