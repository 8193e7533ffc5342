//! ECDH on P-256.

use std::sync::OnceLock;

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey},
};
use towline_crypto::{EcdhKey, Error, P256PublicKey, Random, Secret};

use crate::{allocated, curve};

pub(crate) struct Ecdh;

impl towline_crypto::Ecdh for Ecdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key::new(curve::draw(random, &curve::P256_ORDER)?)))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key::new(curve::load(scalar.expose(), &curve::P256_ORDER)?)))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        // The other forms that AWS-LC reads (hybrid points, whole structures) have no place here.
        if !matches!((sec1.len(), sec1.first()), (65, Some(0x04)) | (33, Some(0x02 | 0x03))) {
            return Err(Error::InvalidPublicKey);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, sec1)
            .map_err(|_| Error::InvalidPublicKey)?;
        // A SubjectPublicKeyInfo ends with the uncompressed point, whichever form it was read from.
        let info = parsed.as_der().map_err(|_| Error::InvalidPublicKey)?;
        uncompressed(info.as_ref().last_chunk()).ok_or(Error::InvalidPublicKey)
    }
}

fn uncompressed(bytes: Option<&[u8; 65]>) -> Option<P256PublicKey> {
    bytes.filter(|bytes| bytes.first() == Some(&0x04)).map(|b| P256PublicKey::assume_checked(*b))
}

/// A scalar, and AWS-LC's form of it, which is made when it is first used.
struct Key {
    scalar: Secret<32>,
    pair: OnceLock<(PrivateKey, P256PublicKey)>,
}

impl Key {
    fn new(scalar: Secret<32>) -> Self {
        Self { scalar, pair: OnceLock::new() }
    }

    fn pair(&self) -> &(PrivateKey, P256PublicKey) {
        self.pair.get_or_init(|| {
            // The scalar has been checked, and every scalar has a point.
            let encoded = curve::ec_private_key(self.scalar.expose());
            let private = allocated(PrivateKey::from_private_key_der(&ECDH_P256, &encoded));
            let point = allocated(private.compute_public_key());
            let public = uncompressed(point.as_ref().first_chunk());
            (private, allocated(public.ok_or(Error::InvalidPrivateKey)))
        })
    }
}

impl EcdhKey for Key {
    fn public_key(&self) -> &P256PublicKey {
        &self.pair().1
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<Secret<32>, Error> {
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_bytes());
        agree(&self.pair().0, peer, Error::InvalidPublicKey, Secret::from_slice)
    }

    fn scalar(&self) -> Result<Secret<32>, Error> {
        Ok(self.scalar.clone())
    }
}
