//! ES256: ECDSA on P-256 with SHA-256, and DER signatures.

use std::sync::OnceLock;

use graviola::{
    hashing::Sha256,
    signing::ecdsa::{P256, SigningKey as Signer, VerifyingKey},
};
use towline_crypto::{Error, Random, SignatureAlgorithm, SigningKey, rustcrypto};
use zeroize::Zeroizing;

use crate::scalar;

pub(crate) const COSE: i64 = -7;

/// The longest DER form of a signature.
const LONGEST: usize = 72;

pub(crate) struct Es256;

/// A key with this public half, which is not compared.
pub(crate) fn pair(private: &[u8], public: [u8; 65]) -> Result<Box<dyn SigningKey>, Error> {
    let signer = Signer { private_key: scalar::load(private)? };
    Ok(Box::new(Key { signer, public: public.into() }))
}

fn key(private_key: graviola::key_agreement::p256::StaticPrivateKey) -> Box<dyn SigningKey> {
    Box::new(Key { signer: Signer { private_key }, public: OnceLock::new() })
}

impl SignatureAlgorithm for Es256 {
    fn cose_algorithm(&self) -> i64 {
        COSE
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        scalar::draw(random).map(key)
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        scalar::load(private).map(key)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // graviola takes uncompressed points only.
        if public_key.first() != Some(&0x04) {
            let portable = rustcrypto::provider().signature(COSE).ok_or(Error::Unsupported)?;
            return portable.verify(public_key, message, signature);
        }
        VerifyingKey::<P256>::from_x962_uncompressed(public_key)
            .map_err(|_| Error::InvalidPublicKey)?
            .verify_asn1::<Sha256>(&[message], signature)
            .map_err(|_| Error::Authentication)
    }
}

/// A scalar, and its public half where that is known or was asked for.
struct Key {
    signer: Signer<P256>,
    public: OnceLock<[u8; 65]>,
}

impl SigningKey for Key {
    fn public_key(&self) -> &[u8] {
        self.public.get_or_init(|| self.signer.private_key.public_key_uncompressed())
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let mut signature = [0; LONGEST];
        // It fails where the operating system has no randomness, and never for want of room.
        let signature =
            self.signer.sign_asn1::<Sha256>(parts, &mut signature).map_err(|_| Error::Random)?;
        Ok(signature.to_vec())
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(scalar::bytes(&self.signer.private_key).expose().to_vec()))
    }
}
