//! ES256 and ES384: ECDSA with DER signatures and AWS-LC's own random nonces.

use std::sync::OnceLock;

use aws_lc_rs::{
    digest::{self, Context, SHA256, SHA384},
    encoding::{AsBigEndian, EcPrivateKeyBin},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
        ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        EcdsaVerificationAlgorithm, KeyPair, ParsedPublicKey,
    },
};
use towline_crypto::{Error, Random, Secret, SignatureAlgorithm, SigningKey};
use zeroize::Zeroizing;

use crate::{allocated, curve};

pub(crate) static ES256: Ecdsa<32> = Ecdsa {
    cose_algorithm: -7,
    order: &curve::P256_ORDER,
    point: 65,
    compressed_point: 33,
    digest: &SHA256,
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256_SHA256_ASN1,
};

pub(crate) static ES384: Ecdsa<48> = Ecdsa {
    cose_algorithm: -35,
    order: &curve::P384_ORDER,
    point: 97,
    compressed_point: 49,
    digest: &SHA384,
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &ECDSA_P384_SHA384_ASN1,
};

/// ECDSA on a curve whose scalars have `N` bytes.
pub(crate) struct Ecdsa<const N: usize> {
    cose_algorithm: i64,
    order: &'static [u8; N],
    /// The length of an uncompressed point.
    point: usize,
    compressed_point: usize,
    digest: &'static digest::Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
}

impl<const N: usize> Ecdsa<N> {
    fn key(&self, scalar: Secret<N>, pair: OnceLock<EcdsaKeyPair>) -> Box<dyn SigningKey> {
        let (digest, signing) = (self.digest, self.signing);
        Box::new(Key { digest, signing, scalar, pair })
    }

    /// A key from AWS-LC's own generator: it multiplies the base point once, while a scalar that it
    /// is given it multiplies twice, the second time to check the first.
    fn generate_by_aws_lc(&self) -> Result<Box<dyn SigningKey>, Error> {
        let pair = EcdsaKeyPair::generate(self.signing).map_err(|_| Error::Random)?;
        let scalar: EcPrivateKeyBin<'_> =
            pair.private_key().as_be_bytes().map_err(|_| Error::KeyUnavailable)?;
        Ok(self.key(Secret::from_slice(scalar.as_ref())?, pair.into()))
    }
}

impl<const N: usize> SignatureAlgorithm for Ecdsa<N> {
    fn cose_algorithm(&self) -> i64 {
        self.cose_algorithm
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        if random.is_system() {
            return self.generate_by_aws_lc();
        }
        curve::draw(random, self.order).map(|scalar| self.key(scalar, OnceLock::new()))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        curve::load(private, self.order).map(|scalar| self.key(scalar, OnceLock::new()))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // The other forms that AWS-LC reads (hybrid points, whole structures) have no place here.
        let expected = match public_key.first() {
            Some(0x04) => self.point,
            Some(0x02 | 0x03) => self.compressed_point,
            _ => return Err(Error::InvalidPublicKey),
        };
        if public_key.len() != expected {
            return Err(Error::InvalidPublicKey);
        }
        ParsedPublicKey::new(self.verification, public_key)
            .map_err(|_| Error::InvalidPublicKey)?
            .verify_sig(message, signature)
            .map_err(|_| Error::Authentication)
    }
}

/// A scalar, and AWS-LC's form of it, which is made when it is first used.
struct Key<const N: usize> {
    digest: &'static digest::Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    scalar: Secret<N>,
    pair: OnceLock<EcdsaKeyPair>,
}

impl<const N: usize> Key<N> {
    fn pair(&self) -> &EcdsaKeyPair {
        self.pair.get_or_init(|| {
            // The scalar has been checked, and every scalar has a point.
            let encoded = curve::ec_private_key(self.scalar.expose());
            allocated(EcdsaKeyPair::from_private_key_der(self.signing, &encoded))
        })
    }
}

impl<const N: usize> SigningKey for Key<N> {
    fn public_key(&self) -> &[u8] {
        self.pair().public_key().as_ref()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let mut hash = Context::new(self.digest);
        parts.iter().for_each(|part| hash.update(part));
        let signature = self.pair().sign_digest(&hash.finish()).map_err(|_| Error::Random)?;
        Ok(signature.as_ref().to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.scalar.expose().to_vec()))
    }
}
