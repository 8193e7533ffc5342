//! ES384: ECDSA on P-384 with SHA-384 (COSE -35), with RFC 6979 nonces and DER signatures.

use alloc::{boxed::Box, vec::Vec};

use ecdsa::hazmat::{sign_prehashed_rfc6979, verify_prehashed};
use once_cell::race::OnceBox;
use p384::{
    NistP384, NonZeroScalar, ProjectivePoint, PublicKey,
    ecdsa::Signature,
    elliptic_curve::{ff::PrimeField, sec1::ToSec1Point},
};
use sha2::{Digest, Sha384};
use zeroize::Zeroizing;

use super::curve;
use crate::{Error, Random, SignatureAlgorithm, SigningKey};

pub(super) struct Es384;

impl SignatureAlgorithm for Es384 {
    fn cose_algorithm(&self) -> i64 {
        -35
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(curve::draw(random, Key::load)?))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let scalar = private.try_into().map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(Key::load(scalar)?))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let point = ProjectivePoint::from(*decode(public_key)?.as_affine());
        let signature = Signature::from_der(signature).map_err(|_| Error::Authentication)?;
        verify_prehashed(&point, &hash_parts(&[message]), &signature)
            .map_err(|_| Error::Authentication)
    }
}

/// A private scalar and its public half, which is computed when it is first asked for.
struct Key {
    scalar: Zeroizing<NonZeroScalar>,
    public: OnceBox<[u8; 97]>,
}

impl Key {
    /// The key with this big-endian scalar; [`Error::InvalidPrivateKey`] unless it is in 1..order.
    fn load(scalar: &[u8; 48]) -> Result<Self, Error> {
        let scalar = NonZeroScalar::from_repr((*scalar).into())
            .into_option()
            .ok_or(Error::InvalidPrivateKey)?;
        Ok(Self { scalar: Zeroizing::new(scalar), public: OnceBox::new() })
    }
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.public.get_or_init(|| {
            let mut bytes = [0; 97];
            let point = PublicKey::from_secret_scalar(&self.scalar).to_sec1_point(false);
            // An uncompressed point always has 97 bytes.
            bytes.iter_mut().zip(point.as_bytes()).for_each(|(to, from)| *to = *from);
            Box::new(bytes)
        })
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let hash = hash_parts(parts);
        let (signature, _) = sign_prehashed_rfc6979::<NistP384, Sha384>(&self.scalar, &hash, &[]);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(Zeroizing::new(self.scalar.to_repr()).to_vec()))
    }
}

/// A point of the curve, other than infinity, in uncompressed or compressed form (SEC 1 §2.3.4).
fn decode(sec1: &[u8]) -> Result<PublicKey, Error> {
    match (sec1.len(), sec1.first()) {
        (97, Some(0x04)) | (49, Some(0x02 | 0x03)) => {
            PublicKey::from_sec1_bytes(sec1).map_err(|_| Error::InvalidPublicKey)
        }
        _ => Err(Error::InvalidPublicKey),
    }
}

fn hash_parts(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
