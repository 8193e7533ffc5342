//! Ed25519 (RFC 8032).
//!
//! Signatures are checked without the cofactor, as §5.1.7 allows; public keys of small order are not refused.

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
        if public_key.len() != 32 {
            return Err(Error::InvalidPublicKey);
        }
        ParsedPublicKey::new(&ED25519, public_key)
            .map_err(|_| Error::InvalidPublicKey)?
            .verify_sig(message, signature)
            .map_err(|_| Error::Authentication)
    }
}

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
