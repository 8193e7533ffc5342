//! ECDH on P-256.

use std::sync::OnceLock;

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::{AsBigEndian, AsDer, EcPrivateKeyBin},
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey},
};
use towline_crypto::{EcdhKey, Error, P256PublicKey, Random, Secret};

use crate::{allocated, curve};

pub(crate) struct Ecdh;

impl towline_crypto::Ecdh for Ecdh {
    fn generate(&self, random: &dyn Random) -> Result<Box<dyn EcdhKey>, Error> {
        if random.is_system() {
            // One multiplication of the base point, while a scalar that AWS-LC is given takes two.
            let private = PrivateKey::generate(&ECDH_P256).map_err(|_| Error::Random)?;
            return Ok(Box::new(Key::Made(pair(private))));
        }
        Ok(Box::new(Key::given(curve::draw(random, &curve::P256_ORDER)?)))
    }

    fn load(&self, scalar: &Secret<32>) -> Result<Box<dyn EcdhKey>, Error> {
        Ok(Box::new(Key::given(curve::load(scalar.expose(), &curve::P256_ORDER)?)))
    }

    fn public_key(&self, sec1: &[u8]) -> Result<P256PublicKey, Error> {
        // The other forms that AWS-LC reads (hybrid points, whole structures) have no place here.
        if !matches!((sec1.len(), sec1.first()), (65, Some(0x04)) | (33, Some(0x02 | 0x03))) {
            return Err(Error::InvalidPublicKey);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, sec1)
            .map_err(|_| Error::InvalidPublicKey)?;
        if let Ok(checked) = sec1.try_into() {
            return Ok(P256PublicKey::assume_checked(checked));
        }
        // A SubjectPublicKeyInfo ends with the uncompressed point, whichever form it was read from.
        let info = parsed.as_der().map_err(|_| Error::InvalidPublicKey)?;
        uncompressed(info.as_ref().last_chunk()).ok_or(Error::InvalidPublicKey)
    }
}

fn uncompressed(bytes: Option<&[u8; 65]>) -> Option<P256PublicKey> {
    bytes.filter(|bytes| bytes.first() == Some(&0x04)).map(|b| P256PublicKey::assume_checked(*b))
}

/// A private key and its public half.
type Pair = (PrivateKey, P256PublicKey);

fn pair(private: PrivateKey) -> Pair {
    let point = allocated(private.compute_public_key());
    let public = uncompressed(point.as_ref().first_chunk());
    (private, allocated(public.ok_or(Error::InvalidPrivateKey)))
}

enum Key {
    /// Made by AWS-LC, which has its scalar.
    Made(Pair),
    /// A scalar, and AWS-LC's form of it, which is made when it is first used.
    Given { scalar: Secret<32>, pair: OnceLock<Pair> },
}

impl Key {
    fn given(scalar: Secret<32>) -> Self {
        Self::Given { scalar, pair: OnceLock::new() }
    }

    fn pair(&self) -> &Pair {
        match self {
            Self::Made(pair) => pair,
            Self::Given { scalar, pair: made } => made.get_or_init(|| {
                // The scalar has been checked, and every scalar has a point.
                let encoded = curve::ec_private_key(scalar.expose());
                pair(allocated(PrivateKey::from_private_key_der(&ECDH_P256, &encoded)))
            }),
        }
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
        match self {
            Self::Made((private, _)) => {
                let scalar: EcPrivateKeyBin<'_> =
                    private.as_be_bytes().map_err(|_| Error::KeyUnavailable)?;
                Secret::from_slice(scalar.as_ref())
            }
            Self::Given { scalar, .. } => Ok(scalar.clone()),
        }
    }
}
