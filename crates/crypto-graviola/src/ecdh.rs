//! ECDH on P-256.

use std::sync::OnceLock;

use graviola::key_agreement::p256::{PublicKey, StaticPrivateKey};
use towline_crypto::{EcdhKey, Error, P256PublicKey, Random, Secret, rustcrypto};

use crate::scalar;

pub(crate) struct Ecdh;

impl towline_crypto::Ecdh for Ecdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        scalar::draw(random).map(key)
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        scalar::load(scalar.expose()).map(key)
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        let Ok(uncompressed) = <[u8; 65]>::try_from(sec1) else {
            return rustcrypto::provider().ecdh.public_key(sec1);
        };
        PublicKey::from_x962_uncompressed(&uncompressed).map_err(|_| Error::InvalidPublicKey)?;
        Ok(P256PublicKey::assume_checked(uncompressed))
    }
}

fn key(scalar: StaticPrivateKey) -> Box<dyn EcdhKey> {
    Box::new(Key { scalar, public: OnceLock::new() })
}

/// A scalar, and its public half once it was asked for.
struct Key {
    scalar: StaticPrivateKey,
    public: OnceLock<P256PublicKey>,
}

impl EcdhKey for Key {
    fn public_key(&self) -> &P256PublicKey {
        let compute = || P256PublicKey::assume_checked(self.scalar.public_key_uncompressed());
        self.public.get_or_init(compute)
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        let agreed = PublicKey::from_x962_uncompressed(peer.as_bytes())
            .and_then(|peer| self.scalar.diffie_hellman(&peer))
            .map_err(|_| Error::InvalidPublicKey)?;
        Secret::from_slice(&agreed.0)
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        Ok(scalar::bytes(&self.scalar))
    }
}
