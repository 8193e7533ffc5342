//! RS256: RSASSA-PKCS1-v1_5 with SHA-256 and keys of 2048 bits (COSE -257); it verifies with up to
//! 8192.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize, PublicKey},
    signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};
use towline_crypto::{Error, Random, SignatureAlgorithm, SigningKey};
use zeroize::Zeroizing;

/// `RSAPublicKey` with a modulus of 2048 bits and the exponent 3.
const SHORTEST_PUBLIC_KEY: usize = 268;

pub(crate) struct Rs256;

impl SignatureAlgorithm for Rs256 {
    fn cose_algorithm(&self) -> i64 {
        -257
    }

    fn generate(&self, _: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Random)?;
        Ok(Box::new(Key(pair)))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let key = Key(KeyPair::from_pkcs8(private).map_err(|_| Error::InvalidPrivateKey)?);
        // AWS-LC reads sloppier encodings, and bytes behind the key.
        if *key.private_bytes()? == *private {
            Ok(Box::new(key))
        } else {
            Err(Error::InvalidPrivateKey)
        }
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // AWS-LC reads a SubjectPublicKeyInfo and sloppier encodings too; it has parsed and written
        // this one.
        let canonical = PublicKey::from_der(public_key).map_err(|_| Error::InvalidPublicKey)?;
        if canonical.as_ref() != public_key || public_key.len() < SHORTEST_PUBLIC_KEY {
            return Err(Error::InvalidPublicKey);
        }
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .map_err(|_| Error::InvalidPublicKey)?
            .verify_sig(message, signature)
            .map_err(|_| Error::Authentication)
    }
}

struct Key(KeyPair);

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &parts.concat(), &mut signature)
            .map_err(|_| Error::KeyUnavailable)?;
        Ok(signature)
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let encoded: Pkcs8V1Der<'_> = self.0.as_der().map_err(|_| Error::KeyUnavailable)?;
        Ok(Zeroizing::new(encoded.as_ref().to_vec()))
    }
}
