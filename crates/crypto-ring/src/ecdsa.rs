//! ECDSA by ring: ES256 and ES384.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
        ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        EcdsaVerificationAlgorithm, UnparsedPublicKey,
    },
};
use towline_crypto::{Error, Random, SignatureAlgorithm, SigningKey, rustcrypto};
use zeroize::Zeroizing;

pub(crate) static ES256: Ecdsa = Ecdsa {
    cose_algorithm: -7,
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256_SHA256_ASN1,
};

pub(crate) static ES384: Ecdsa = Ecdsa {
    cose_algorithm: -35,
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &ECDSA_P384_SHA384_ASN1,
};

pub(crate) struct Ecdsa {
    cose_algorithm: i64,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
}

impl Ecdsa {
    /// The same algorithm in the portable provider, for what ring does not offer.
    fn portable(&self) -> Result<&'static dyn SignatureAlgorithm, Error> {
        rustcrypto::provider().signature(self.cose_algorithm).ok_or(Error::Unsupported)
    }

    fn key(&self, portable: Box<dyn SigningKey>, prepare: bool) -> Box<dyn SigningKey> {
        Box::new(Key {
            algorithm: self.signing,
            portable,
            pair: OnceLock::new(),
            prepare: AtomicBool::new(prepare),
        })
    }
}

impl SignatureAlgorithm for Ecdsa {
    fn cose_algorithm(&self) -> i64 {
        self.cose_algorithm
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        // ring makes keys from its own randomness only.
        Ok(self.key(self.portable()?.generate(random)?, true))
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        Ok(self.key(self.portable()?.load(private)?, false))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // ring takes uncompressed points only.
        if public_key.first() != Some(&0x04) {
            return self.portable()?.verify(public_key, message, signature);
        }
        let fast = UnparsedPublicKey::new(self.verification, public_key).verify(message, signature);
        match fast {
            Ok(()) => Ok(()),
            // ring does not say why it refuses; the portable provider does. Neither overrules the other's refusal.
            Err(_) => {
                self.portable()?.verify(public_key, message, signature)?;
                Err(Error::Authentication)
            }
        }
    }
}

/// A key of the portable provider, and ring's form of it once that pays.
///
/// ring takes a private key together with its public half only, and multiplies the base point once to compare them. A
/// key that is loaded to sign once is done sooner by the portable provider, which needs no public half to sign.
struct Key {
    algorithm: &'static EcdsaSigningAlgorithm,
    portable: Box<dyn SigningKey>,
    pair: OnceLock<EcdsaKeyPair>,
    /// Whether the next signature is worth preparing the pair for: the public half is known, or this is not the first.
    prepare: AtomicBool,
}

impl Key {
    fn pair(&self) -> Result<&EcdsaKeyPair, Error> {
        if let Some(pair) = self.pair.get() {
            return Ok(pair);
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            self.algorithm,
            &self.portable.private_bytes()?,
            self.portable.public_key(),
            &SystemRandom::new(),
        )
        .map_err(|_| Error::KeyUnavailable)?;
        Ok(self.pair.get_or_init(|| pair))
    }
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.prepare.store(true, Ordering::Relaxed);
        self.portable.public_key()
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        if !self.prepare.swap(true, Ordering::Relaxed) {
            return self.portable.sign(parts);
        }
        let signature = self.pair()?.sign(&SystemRandom::new(), &parts.concat());
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::Random)
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.portable.private_bytes()
    }
}
