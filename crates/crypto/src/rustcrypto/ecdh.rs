//! ECDH on P-256. Keys are made, loaded and read by `p256`; shared points are computed by the
//! release before, whose field multiplication takes half the time. (The newer one makes keys in
//! half the older one's time, from a table that is no help here.)

use alloc::boxed::Box;

use p256_older::{NonZeroScalar, PublicKey, ecdh::diffie_hellman};
use zeroize::Zeroizing;

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
        let peer =
            PublicKey::from_sec1_bytes(peer.as_bytes()).map_err(|_| Error::InvalidPublicKey)?;
        let scalar = NonZeroScalar::from_repr((*self.0.to_secret().expose()).into());
        let scalar = Option::<NonZeroScalar>::from(scalar).map(Zeroizing::new);
        let scalar = scalar.ok_or(Error::InvalidPrivateKey)?;
        let shared = diffie_hellman(&*scalar, peer.as_affine());
        Ok(Secret::new((*shared.raw_secret_bytes()).into()))
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        Ok(self.0.to_secret())
    }
}
