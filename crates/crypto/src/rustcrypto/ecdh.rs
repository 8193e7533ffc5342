//! ECDH on P-256.

use alloc::boxed::Box;

use super::curve::{self, KeyPair};
use crate::{EcdhKey, Error, P256PublicKey, Random, Secret};

pub(super) struct Ecdh;

impl crate::Ecdh for Ecdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key(KeyPair::generate(random)?)))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key(KeyPair::load(scalar.expose())?)))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        curve::decode(sec1).map(|key| curve::encode(&key))
    }
}

struct Key(KeyPair);

impl EcdhKey for Key {
    fn public_key(&self) -> &P256PublicKey {
        self.0.public()
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        // Reading the point checks it once more; next to the multiplication that costs nothing.
        let peer = curve::decode(peer.as_bytes())?;
        let shared = p256::ecdh::diffie_hellman(self.0.scalar(), peer.as_affine());
        Ok(Secret::new((*shared.raw_secret_bytes()).into()))
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        Ok(self.0.to_secret())
    }
}
