//! ES256: ECDSA on P-256 with SHA-256 (COSE -7), with RFC 6979 nonces and DER signatures.

use alloc::{boxed::Box, vec::Vec};

use ecdsa::hazmat::{sign_prehashed_rfc6979, verify_prehashed};
use p256::{NistP256, ProjectivePoint, ecdsa::Signature};
use zeroize::Zeroizing;

use super::{
    curve::{self, KeyPair},
    hash::hash_parts,
};
use crate::{Error, Random, SignatureAlgorithm, SigningKey};

pub(super) struct Es256;

impl SignatureAlgorithm for Es256 {
    fn cose_algorithm(&self) -> i64 {
        -7
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Key(KeyPair::generate(random)?)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let scalar = private.try_into().map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(Key(KeyPair::load(scalar)?)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let point = ProjectivePoint::from(*curve::decode(public_key)?.as_affine());
        let signature = Signature::from_der(signature).map_err(|_| Error::Authentication)?;
        verify_prehashed(&point, &hash_parts(&[message]), &signature)
            .map_err(|_| Error::Authentication)
    }
}

struct Key(KeyPair);

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.0.public().as_bytes()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let hash = hash_parts(parts);
        let (signature, _) =
            sign_prehashed_rfc6979::<NistP256, sha2::Sha256>(self.0.scalar(), &hash, &[]);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.0.to_secret().expose().to_vec()))
    }
}
