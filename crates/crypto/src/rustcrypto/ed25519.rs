//! Ed25519 (RFC 8032; COSE -8), deterministic by definition.

use alloc::{boxed::Box, vec::Vec};

use ed25519_dalek::{Signature, VerifyingKey, ed25519::signature::MultipartSigner};
use zeroize::Zeroizing;

use crate::{Error, Random, SignatureAlgorithm, SigningKey};

pub(super) struct Ed25519;

impl SignatureAlgorithm for Ed25519 {
    fn cose_algorithm(&self) -> i64 {
        -8
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(Box::new(Key::new(random.secret()?.expose())))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        let seed = private.try_into().map_err(|_| Error::InvalidPrivateKey)?;
        Ok(Box::new(Key::new(seed)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let public_key: &[u8; 32] = public_key.try_into().map_err(|_| Error::InvalidPublicKey)?;
        let public_key =
            VerifyingKey::from_bytes(public_key).map_err(|_| Error::InvalidPublicKey)?;
        let signature = Signature::from_slice(signature).map_err(|_| Error::Authentication)?;
        // Strict: no points of small order, for which one signature would be good for many
        // messages.
        public_key.verify_strict(message, &signature).map_err(|_| Error::Authentication)
    }
}

/// The seed and the public half. Both are needed to sign, so loading a key computes the latter at
/// once.
struct Key(ed25519_dalek::SigningKey);

impl Key {
    fn new(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        let public: &VerifyingKey = self.0.as_ref();
        public.as_bytes()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let signature: Signature =
            self.0.try_multipart_sign(parts).map_err(|_| Error::KeyUnavailable)?;
        Ok(signature.to_bytes().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.0.as_bytes().to_vec()))
    }
}
